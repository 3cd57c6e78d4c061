"""Which preset of configs/base/ fits a base that is named by its file or folder. Imports no model library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bootstrap.backends.bases import check_base
from bootstrap.backends.single_file import read_checkpoint

__all__ = ["preset_for"]


def preset_for(base: Path) -> tuple[str, dict[str, Any]]:
    """The name of the preset, and the sampling settings that the base itself states. Raises BackendError.

    The architecture is read from the file, a finetune is known by its name; for any other the architecture's plain
    preset is taken.
    """
    if not base.is_file():
        return check_base(base).presets.fitting(base.name, velocity=False), {}
    found = read_checkpoint(base)
    velocity = found.prediction_type == "v_prediction"
    sampling = {"prediction_type": found.prediction_type, "zero_terminal_snr": found.zero_terminal_snr}
    return found.architecture.presets.fitting(base.name, velocity=velocity), sampling
