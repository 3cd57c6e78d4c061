"""The story in time: run, round, draw, choose, train, approval, stopping; no torch, no printing."""
