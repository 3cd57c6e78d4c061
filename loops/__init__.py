"""A run in the order of time: run, round, draw, choose, train, approval, stopping; no torch, no printing."""
