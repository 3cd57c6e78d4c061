"""Machine: devices, memory, disk, speed, clock, limits of time and the local model cache. Knows no run."""
