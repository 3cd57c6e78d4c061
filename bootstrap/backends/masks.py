"""Where the subject of a training picture is: in its alpha, in a mask beside it, or in its box.

Knows no model and no loss.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from bootstrap.errors import BackendError
from bootstrap.records import TrainItem

__all__ = ["MASKS", "loss_mask", "mask_of", "subject_mask"]

MASKS = ("_mask.png", "-masklabel.png")
"""Ends of the name of a mask beside its picture: white is the subject, black the background. The second is
OneTrainer's."""


def subject_mask(opened: Image.Image, item: TrainItem) -> Image.Image | None:
    """The subject in white, mode L, at the picture's size; None where nothing shows it. Raises BackendError.

    A mask beside the picture is made by a person and comes first, then transparency, then the box.
    """
    if beside := mask_of(Path(item.path)):
        return _read(beside).resize(opened.size)
    if opened.has_transparency_data:
        alpha = opened.convert("RGBA").getchannel("A")
        if alpha.getextrema()[0] != 255:
            return alpha
    return _boxed(opened.size, item.subject) if item.subject else None


def mask_of(picture: Path) -> Path | None:
    """The mask that lies beside a picture; None where there is none."""
    for ending in MASKS:
        beside = picture.with_name(f"{picture.stem}{ending}")
        if beside.is_file():
            return beside
    return None


def _read(path: Path) -> Image.Image:
    try:
        with Image.open(path) as mask:
            return mask.convert("L")
    except OSError as error:
        raise BackendError(f'mask "{path}" cannot be read ({error})', "restore it, or remove it") from error


def loss_mask(mask: Image.Image | None, shape: tuple[int, int], background: float) -> torch.Tensor:
    """The weight of each place of the latents, (1, *shape): 1 at the subject, ``background`` around it.

    Shrunk by area, as sd-scripts does it (library/custom_train_functions.py, ``apply_masked_loss``).
    """
    if mask is None:
        return torch.ones((1, *shape))
    whole = torch.from_numpy(np.asarray(mask, np.float32) / 255)[None, None]
    small = torch.nn.functional.interpolate(whole, shape, mode="area")[0]
    return background + (1 - background) * small


def _boxed(size: tuple[int, int], box: tuple[float, float, float, float]) -> Image.Image:
    """A rectangle in fractions of the picture."""
    mask = Image.new("L", size, 0)
    (width, height), (left, top, right, bottom) = size, box
    mask.paste(255, (round(left * width), round(top * height), round(right * width), round(bottom * height)))
    return mask
