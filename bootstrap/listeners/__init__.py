"""Listeners: terminal, log file and notifications; each is called with every event of a run."""
