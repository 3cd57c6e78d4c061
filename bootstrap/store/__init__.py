"""Store: the memory of a run, one directory and one SQLite file."""
