"""Machine: devices, memory, disk, clock and the local model cache. Knows no run."""
