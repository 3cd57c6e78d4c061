"""What leaves a run for other programs: LoRA files, the model card, the dataset with its provenance.

This door opens on the files alone; `bootstrap.export.release` and `bootstrap.export.collection` read a whole run.
"""

from __future__ import annotations

from bootstrap.export.metadata import metadata_for
from bootstrap.export.weights import Lora, kohya_names, load_kohya, metadata_of, save_diffusers, save_kohya

__all__ = ["Lora", "kohya_names", "load_kohya", "metadata_for", "metadata_of", "save_diffusers", "save_kohya"]
