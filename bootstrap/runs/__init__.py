"""Runs: what other processes need to know of a run directory: status, sessions, queue, upkeep."""
