"""What a LoRA file is: kinds of weights, grammars of names, our own reader and writer, files of other trainers.

Knows no architecture, no dataset and no drawing: grammars are handed in.
"""

from __future__ import annotations

from bootstrap.lora.header import metadata_of
from bootstrap.lora.metadata import metadata_for
from bootstrap.lora.weights import Lora, kohya_names, load_kohya, save_diffusers, save_kohya

__all__ = ["Lora", "kohya_names", "load_kohya", "metadata_for", "metadata_of", "save_diffusers", "save_kohya"]
