"""The story in time: round, gate, stopping, run; no torch, no printing."""
