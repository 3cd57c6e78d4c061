"""What a run is, and how it touches the world. Importing this package loads no torch."""

__version__ = "0.1.0"
