"""Colours of a picture as sRGB, which is what every model was trained on and what pictures are compared in.

A picture with a profile of its own (Display P3 of tablets and phones, Adobe RGB of cameras, CMYK of printers) holds
other numbers for the same colours. Knows no file.
"""

from __future__ import annotations

import io
import itertools

import numpy as np
from PIL import Image, ImageCms

__all__ = ["in_srgb"]

SPACES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""Kinds of profiles, and the mode of the pictures that one is for."""
SAME = 2
"""Levels (0-255) by which a profile may change colours and still be sRGB: profiles of sRGB are rounded differently."""
STEPS = range(0, 256, 51)


def in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """A picture without transparency as RGB, its colours converted from ``profile``.

    A profile that is broken, or of another kind than the picture, says nothing, and sRGB changes nothing.
    """
    if not profile:
        return image.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = SPACES.get(source.profile.xcolor_space.strip())
        if mode is None or (image.mode == "CMYK") != (mode == "CMYK") or (mode == "L" and image.mode not in ("L", "1")):
            return image.convert("RGB")
        transform = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        if mode == "RGB" and _changes_nothing(transform):
            return image.convert("RGB")
        found = ImageCms.applyTransform(image.convert(mode), transform)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image.convert("RGB")
    assert found is not None
    return found


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether colours from all over the cube stay what they are."""
    cube = np.array([list(itertools.product(STEPS, repeat=3))], np.uint8)
    after = ImageCms.applyTransform(Image.fromarray(cube), transform)
    return bool(np.abs(np.asarray(after, np.int16) - cube).max() <= SAME)
