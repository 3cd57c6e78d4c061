"""What a LoRA file is: kinds of weights, grammars of names, our own reader and writer, files of other trainers.

Knows no run, no dataset and no drawing.
"""

from __future__ import annotations

from bootstrap.lora.metadata import metadata_for
from bootstrap.lora.weights import Lora, kohya_names, load_kohya, metadata_of, save_diffusers, save_kohya

__all__ = ["Lora", "kohya_names", "load_kohya", "metadata_for", "metadata_of", "save_diffusers", "save_kohya"]
