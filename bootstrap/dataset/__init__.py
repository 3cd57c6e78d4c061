"""Dataset: training sets, the finished dataset on disk, and audits of captioned folders."""
