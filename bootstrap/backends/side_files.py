"""What lies beside a checkpoint and speaks of it: the .yaml of A1111, the .json files of model managers.

Reads text, executes nothing; a file that cannot be read says nothing. Imports no model library.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["SideFiles", "side_files"]

DESCRIBING = (".civitai.info", ".cm-info.json", ".metadata.json", ".json")
"""Endings of the files of Civitai Helper, Stability Matrix, LoRA Manager and A1111, in place of the checkpoint's."""
KIND = ("baseModel", "BaseModel", "base_model", "sd version")
"""Where they name the finetune or architecture that a checkpoint belongs to, in Civitai's words."""
TITLE = ("ModelName", "model_name", "name")
LONGEST = 1 << 20
PARAMETERIZATION = re.compile(r"""^\s*parameterization\s*:\s*["']?(\w+)""", re.MULTILINE)
ZERO_SNR = re.compile(r"^\s*(?:zero_terminal_snr|ztsnr|rescale_betas_zero_snr)\s*:\s*true\b", re.MULTILINE | re.I)
PREDICTIONS = {"v": "v_prediction", "eps": "epsilon"}


@dataclass(frozen=True, slots=True)
class SideFiles:
    """What they say; "" where they do not. ``prediction_type`` is "epsilon" or "v_prediction"."""

    kind: str = ""
    title: str = ""
    described_in: str = ""
    """Name of the file that says so."""
    prediction_type: str = ""
    zero_terminal_snr: bool = False
    yaml: str = ""
    """Name of the file that tells what it predicts."""


def side_files(checkpoint: Path) -> SideFiles:
    """What the files beside a single-file checkpoint say."""
    kind, title, described_in = _described(checkpoint)
    yaml = checkpoint.with_suffix(".yaml")
    text = _text(yaml)
    found = PARAMETERIZATION.search(text)
    prediction = PREDICTIONS.get(found[1].lower(), "") if found else ""
    return SideFiles(kind, title, described_in, prediction, bool(ZERO_SNR.search(text)), yaml.name)


def _described(checkpoint: Path) -> tuple[str, str, str]:
    """Kind, title, and the name of the first file that tells either."""
    for ending in DESCRIBING:
        path = checkpoint.with_suffix(ending)
        try:
            data = json.loads(_text(path) or "{}")
        except (ValueError, RecursionError):
            continue
        if not isinstance(data, dict):
            continue
        model = data.get("model")
        titles = [_first(model, TITLE) if isinstance(model, dict) else "", _first(data, TITLE)]
        kind, title = _first(data, KIND), " ".join(filter(None, titles))
        if kind or title:
            return kind, title, path.name
    return "", "", ""


def _first(data: Mapping[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        if isinstance(data.get(name), str) and data[name]:
            return str(data[name])
    return ""


def _text(path: Path) -> str:
    """A short text file; "" where there is none that can be read."""
    try:
        if not path.is_file() or path.stat().st_size > LONGEST:
            return ""
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError):
        return ""
