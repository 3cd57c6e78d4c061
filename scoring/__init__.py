"""How good an image is; knows no run, no round, no disk layout; imports nothing of ours."""
