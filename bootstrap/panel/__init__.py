"""Panel: the scorers of a run, built from the config and set against the seeds."""
