"""How a picture is drawn, or a surface looks, without a model: statistics of its colours, edges and frequencies.

After Portilla and Simoncelli (2000): two textures look alike whose filters answer with the same statistics, whatever
stands where; Gatys et al. (2016) call the same statistics of a network's layers style. Here the filters are derivatives
at four scales and bands of the Fourier spectrum. Knows no subject. `scoring.identity` compares.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from scoring.features import Vectors
from scoring.identity import Crop, CropIdentity
from scoring.materials import Materials
from scoring.measurement import Picture
from scoring.settings import Role, ScorerSettings

__all__ = ["TextureEncoder", "TextureIdentity", "TextureSettings"]

SIDE = 128
"""Pixels of the square that is looked at: fine strokes of a picture of 1024 are gone, grain and hatching are not."""
SCALES = 4
STEPS = 12
"""Values that a statistic is told apart in."""
BLUR = 1.2
"""Deviation of a value over these steps: neighbours count as alike."""
RINGS, SECTORS = 6, 4
"""Bands of the spectrum: by wavelength, and by direction."""
WEIGHTS = np.array([[0.299, 0.587, 0.114], [-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]])
"""RGB to luma and two differences of colour (ITU-R BT.601)."""
Planes = NDArray[np.float64]
"""Shape (n, side, side)."""
Values = NDArray[np.float64]
"""A statistic of each picture, shape (n,)."""


class TextureEncoder:
    """Unit vectors of RGB images, shape (n, d): each statistic as a blurred mark on a scale of `STEPS` values.

    The product of two vectors is then the mean over statistics of how near their values are, 0..1.

    Args:
        side: pixels of the square that is looked at, a power of 2: fewer where a small part of a picture is meant.
    """

    def __init__(self, side: int = SIDE) -> None:
        self._side = side
        self.fingerprint = f"texture:1:{side}:{SCALES}:{STEPS}:{BLUR}"

    def embed(self, images: Sequence[Image.Image]) -> Vectors:
        """One row for each image; its size and aspect do not matter."""
        size = (self._side, self._side)
        pixels = [np.asarray(one.convert("RGB").resize(size, Image.Resampling.BOX), np.float32) for one in images]
        luma, *colors = (np.stack(pixels) / 255 @ WEIGHTS.T.astype(np.float32)).transpose(3, 0, 1, 2)
        found = [*_colors(luma, colors), *_edges(luma), *_bands(luma)]
        return _marked(np.stack(found, axis=1))


def _marked(values: NDArray[np.float64]) -> Vectors:
    """Statistics within 0..1, shape (n, statistics), as unit vectors."""
    places = np.arange(STEPS)
    marks = np.exp(-0.5 * ((places - values.clip(0, 1)[:, :, None] * (STEPS - 1)) / BLUR) ** 2)
    marks /= np.linalg.norm(marks, axis=2, keepdims=True)
    return np.asarray(marks.reshape(len(values), -1) / np.sqrt(values.shape[1]), np.float32)


def _colors(luma: Planes, colors: Sequence[Planes]) -> Iterator[Values]:
    """How bright and how colourful the pictures are, brought to about 0..1."""
    yield from np.quantile(luma, (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98), axis=(1, 2))
    for plane in colors:
        yield plane.mean(axis=(1, 2)) + 0.5
        yield from np.quantile(plane, (0.1, 0.9), axis=(1, 2)) + 0.5
    yield np.hypot(*colors).mean(axis=(1, 2)) * 2


def _edges(luma: Planes) -> Iterator[Values]:
    """At each scale how strong derivatives are in four directions, and how much of a picture is flat."""
    planes = luma
    for _ in range(SCALES):
        across, down = np.diff(planes, axis=2)[:, 1:, :], np.diff(planes, axis=1)[:, :, 1:]
        for response in (across, down, across + down, across - down):
            energy = (response**2).mean(axis=(1, 2))
            yield _level(energy)
            # 1 for grain, small for lines on flat ground
            yield np.abs(response).mean(axis=(1, 2)) / (np.sqrt(energy) + 1e-6)
        yield (np.hypot(across, down) < 1 / 64).mean(axis=(1, 2))
        half = planes.shape[1] // 2
        planes = planes.reshape(len(planes), half, 2, half, 2).mean(axis=(2, 4))


def _bands(luma: Planes) -> Iterator[Values]:
    """The power of the spectrum by wavelength and direction: periods of hatching, dots and weave."""
    side = luma.shape[1]
    window = np.hanning(side)
    plain = luma - luma.mean(axis=(1, 2), keepdims=True)
    power = np.abs(np.fft.rfft2(plain * window[:, None] * window)) ** 2 / side**2
    band, sizes = _band_of(side)
    for number in np.flatnonzero(sizes):
        yield _level(power.reshape(len(power), -1)[:, band == number].sum(axis=1) / sizes[number])


@cache
def _band_of(side: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The band of each frequency of a square, −1 for the lowest, where things stand; and how many each has."""
    rows, columns = np.meshgrid(np.fft.fftfreq(side), np.fft.rfftfreq(side), indexing="ij")
    octave = np.log2(np.maximum(np.hypot(rows, columns), 1e-6) * side)
    ring = np.clip(octave, 0, RINGS - 1e-6).astype(np.int64)
    sector = ((np.arctan2(rows, columns) % np.pi) / np.pi * SECTORS + 0.5).astype(np.int64) % SECTORS
    band = np.where(ring > 0, (ring - 1) * SECTORS + sector, -1).ravel()
    return band, np.bincount(band[band >= 0], minlength=(RINGS - 1) * SECTORS)


def _level(energy: Values) -> Values:
    """Mean squares on a logarithmic scale: 1 for the strongest contrast, 0 for a millionth of it."""
    return np.asarray(1 + np.log10(energy + 1e-6) / 6)


class TextureSettings(ScorerSettings):
    """Which crops are compared, and with which of the seeds."""

    kind: Literal["texture"] = "texture"
    role: Role = "identity"
    crops: tuple[Crop, ...] = Field(("whole",), min_length=1)
    """What is compared with the same of the seeds: the whole of a style, the body of what is worn."""
    seeds: Literal["best", "mean"] = "best"
    """Whether the most alike seed counts, or the mean over all: a style is what its pictures have in common."""


class TextureIdentity(CropIdentity):
    """How alike colours, lines and surface are to the seeds', 0..1; no model is needed."""

    Settings = TextureSettings
    _all = False

    @classmethod
    def make(cls, name: str, settings: TextureSettings, materials: Materials) -> TextureIdentity:
        """With statistics instead of a model."""
        m = materials
        made = cls(TextureEncoder(), m.references, m.crops, m.features, name, settings.crops, m.approved)
        made._all = settings.seeds == "mean"
        made.fingerprint += f":{settings.seeds}"
        return made

    def _best(self, pictures: Sequence[Picture], vectors: Vectors, crop: str) -> Vectors:
        """Similarity to the most alike reference, or the mean over them; −inf where none shows the crop."""
        if not self._all:
            return super()._best(pictures, vectors, crop)
        shown, rows = self.embeddings(self._references, crop)
        if not shown or not pictures:
            return np.full(len(pictures), -np.inf, np.float32)
        return np.asarray((vectors @ rows.T).mean(axis=1))
