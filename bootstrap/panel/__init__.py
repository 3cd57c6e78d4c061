"""Panel: the scorers of a run, made from the configuration for its seeds."""
