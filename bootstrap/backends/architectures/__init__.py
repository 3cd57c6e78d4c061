"""The architectures that this engine draws and trains with: one file each, one table. Imports no model library."""

from __future__ import annotations

from bootstrap.backends.architectures.architecture import Architecture
from bootstrap.backends.architectures.klein import KLEIN
from bootstrap.backends.architectures.sd1 import SD1
from bootstrap.backends.architectures.sd2 import SD2_GRAMMAR
from bootstrap.backends.architectures.sdxl import SDXL
from bootstrap.backends.architectures.z_image import Z_IMAGE
from bootstrap.lora.grammar import Grammar

__all__ = ["ARCHITECTURES", "Architecture", "grammar_of_preset", "grammars"]

ARCHITECTURES: dict[str, Architecture] = {SD1.name: SD1, SDXL.name: SDXL, KLEIN.name: KLEIN, Z_IMAGE.name: Z_IMAGE}


def grammars() -> list[Grammar]:
    """How the LoRA files of every architecture are written, also of one that nothing is drawn with here."""
    return [*(architecture.grammar for architecture in ARCHITECTURES.values()), SD2_GRAMMAR]


def grammar_of_preset(name: str) -> Grammar:
    """How LoRA files for a preset of configs/base/ are written; as for SD 1 where no architecture has it."""
    for architecture in ARCHITECTURES.values():
        if name in architecture.presets.names:
            return architecture.grammar
    return SD1.grammar
