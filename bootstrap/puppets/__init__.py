"""Puppets: a small world of chibi characters that can be drawn from any side.

The package's offline default and its test bench: a character has traits a caption can name and traits none can.
This room knows anatomy, scenes, drawing and captions; it does NOT know models, training or runs.
"""

from __future__ import annotations
