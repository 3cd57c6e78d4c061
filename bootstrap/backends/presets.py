"""Which preset of configs/base/ fits a base that is named by its file or folder. Imports no model library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bootstrap.backends.bases import check_base
from bootstrap.backends.single_file import read_checkpoint

__all__ = ["preset_for"]

FINETUNES = {"noob": "noobai", "illustrious": "illustrious", "ilxl": "illustrious", "wai": "illustrious",
             "pony": "pony", "animagine": "animagine"}  # fmt: skip
"""What is in the names of SDXL's finetunes → the preset that speaks their words."""
VELOCITY = "noobai-vpred"
PLAIN = {"sd1": "sd15", "sdxl": "sdxl"}


def preset_for(base: Path) -> tuple[str, dict[str, Any]]:
    """The name of the preset, and the settings that the base itself says otherwise. Raises BackendError.

    The architecture is read from the file; a finetune is known by its name; where that says nothing, the architecture's plain
    preset is taken.
    """
    architecture, name = check_base(base).name, base.name.lower()
    told = read_checkpoint(base) if base.is_file() else None
    sampling: dict[str, Any] = {}
    if told:
        sampling = {"prediction_type": told.prediction_type, "zero_terminal_snr": told.zero_terminal_snr}
    if architecture != "sdxl":
        return PLAIN[architecture], sampling
    if told and told.prediction_type == "v_prediction":
        return VELOCITY, sampling
    found = next((preset for part, preset in FINETUNES.items() if part in name), PLAIN[architecture])
    return found, sampling
