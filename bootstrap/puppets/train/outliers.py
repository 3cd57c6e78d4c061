"""Pictures that are no drawings of puppets, made without any: what the domain probe learns to tell puppets from.

Noise with the spectrum of photographs, overlapping shapes, strokes, and drawings of puppets bent, stretched, cut up,
turned, magnified and painted over. No photograph and nobody's drawing is among them: those can measure the probe.

Sources: noise as 1/f, Field (1987); overlapping shapes as a model of photographs, Lee, Mumford and Huang (2001);
made-up outliers to train on, Hendrycks et al., "Deep Anomaly Detection with Outlier Exposure" (2019).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from bootstrap.puppets.anatomy import sample_puppet
from bootstrap.puppets.render import render
from bootstrap.puppets.scene import sample_shot

__all__ = ["KINDS", "outlier"]

SIDE = 128
FIRST_PUPPET, LAST_PUPPET = 20_000, 90_000
"""Numbers of the puppets that are spoilt; no other training and no measurement draws them."""


def outlier(number: int) -> Image.Image:
    """A picture of 128 pixels a side; every number is another one, and the kinds take turns."""
    kinds = list(KINDS)
    return KINDS[kinds[number % len(kinds)]](np.random.default_rng([number, 271]))


def noise(rng: np.random.Generator) -> Image.Image:
    """Noise whose power falls with frequency, as that of photographs does."""
    slope = rng.uniform(0.8, 2)
    across, down = np.meshgrid(np.fft.fftfreq(SIDE), np.fft.fftfreq(SIDE))
    frequency = np.hypot(across, down)
    frequency[0, 0] = 1
    layers = [_filtered(rng, frequency**-slope) for _ in range(4)]
    pixels = np.stack([layers[0] + 0.6 * layer for layer in layers[1:]], axis=2)
    pixels = (pixels - pixels.mean(axis=(0, 1))) / pixels.std(axis=(0, 1))
    return _image(rng.uniform(80, 170, 3) + pixels * rng.uniform(20, 60))


def shapes(rng: np.random.Generator) -> Image.Image:
    """Shapes of all sizes over one another, some with noise on them, some blurred."""
    image = Image.new("RGB", (SIDE, SIDE), _color(rng))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(15, 250)):
        radius = min(70.0, 3 / rng.uniform(0.03, 1) ** 1.2 * rng.uniform(0.5, 2))
        x, y = rng.uniform(0, SIDE, 2)
        points = [(x + radius * rng.normal(), y + radius * rng.normal()) for _ in range(rng.integers(3, 8))]
        flat = radius * rng.uniform(0.3, 1)
        match rng.integers(0, 4):
            case 0:
                draw.ellipse((x - radius, y - flat, x + radius, y + flat), fill=_color(rng))
            case 1:
                draw.polygon(points, fill=_color(rng))
            case 2:
                draw.line(points, fill=_color(rng), width=int(rng.integers(1, 5)))
            case _:
                draw.rectangle((x - radius, y - flat, x + radius, y + flat), fill=_color(rng))
    if rng.random() < 0.5:
        image = Image.blend(image, noise(rng), rng.uniform(0.1, 0.4))
    return image.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 2))) if rng.random() < 0.3 else image


def strokes(rng: np.random.Generator) -> Image.Image:
    """Curved dark strokes on a light ground."""
    image = Image.new("RGB", (SIDE, SIDE), tuple(rng.integers(150, 256, 3).tolist()))
    if rng.random() < 0.7:
        image = Image.new("RGB", (SIDE, SIDE), "white")
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(10, 60)):
        angles = rng.uniform(0, 2 * np.pi) + np.cumsum(0.5 * rng.normal(size=rng.integers(5, 30)))
        path = rng.uniform(0, SIDE, 2) + 3 * np.cumsum(np.stack([np.cos(angles), np.sin(angles)], axis=1), axis=0)
        shade = int(rng.integers(0, 120))
        draw.line([(float(x), float(y)) for x, y in path], fill=(shade,) * 3, width=int(rng.integers(1, 3)))
    return image


def bent(rng: np.random.Generator) -> Image.Image:
    """A puppet whose pixels are moved by a smooth random field."""
    pixels = np.asarray(_puppet(rng))
    field = []
    for _ in range(2):
        coarse = Image.fromarray(rng.normal(size=(5, 5)).astype(np.float32))
        field.append(np.asarray(coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC)) * rng.uniform(6, 18))
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    rows, columns = (y + field[0]).clip(0, SIDE - 1).astype(int), (x + field[1]).clip(0, SIDE - 1).astype(int)
    return Image.fromarray(pixels[rows, columns])


def stretched(rng: np.random.Generator) -> Image.Image:
    """A puppet with the proportions of people, whole or in part: half as tall again, or more."""
    height = int(SIDE * rng.uniform(1.5, 2.6))
    tall = _puppet(rng, framing="full body").resize((SIDE, height))
    if rng.random() < 0.6:
        top = int(rng.integers(0, height - SIDE + 1))
        return tall.crop((0, top, SIDE, top + SIDE))
    return ImageOps.pad(tall, (SIDE, SIDE), color="white")


def cut_up(rng: np.random.Generator) -> Image.Image:
    """The squares of a puppet in another order."""
    pixels, count = np.asarray(_puppet(rng)), int(rng.choice([2, 4, 8]))
    side = SIDE // count
    tiles = pixels.reshape(count, side, count, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)
    mixed = tiles[rng.permutation(len(tiles))].reshape(count, count, side, side, 3)
    return Image.fromarray(mixed.swapaxes(1, 2).reshape(SIDE, SIDE, 3))


def magnified(rng: np.random.Generator) -> Image.Image:
    """A small part of a puppet."""
    side = int(rng.integers(15, 43))
    left, top = (int(edge) for edge in rng.integers(0, SIDE - side, 2))
    return _puppet(rng).crop((left, top, left + side, top + side)).resize((SIDE, SIDE))


def turned(rng: np.random.Generator) -> Image.Image:
    """A puppet that lies on its side, or stands on its head."""
    return _puppet(rng).rotate(float(rng.choice([90, 180, 270]) + 15 * rng.normal()), fillcolor="white")


def outlined(rng: np.random.Generator) -> Image.Image:
    """The edges of a spoilt puppet as dark lines on white."""
    spoilt = (stretched, cut_up, bent)[rng.integers(0, 3)](rng)
    return ImageOps.invert(spoilt.convert("L").filter(ImageFilter.FIND_EDGES)).convert("RGB")


def blended(rng: np.random.Generator) -> Image.Image:
    """A bent puppet seen through something else."""
    other = (shapes, noise, cut_up)[rng.integers(0, 3)](rng)
    return Image.blend(bent(rng), other, rng.uniform(0.3, 0.6))


def repainted(rng: np.random.Generator) -> Image.Image:
    """A spoilt puppet in colours that are mixed anew."""
    pixels = np.asarray((stretched, bent)[rng.integers(0, 2)](rng), np.float32)
    mixing = rng.normal(size=(3, 3))
    return _image((pixels - 128) @ (1.5 * mixing / np.abs(mixing).sum(axis=0)) + rng.uniform(90, 170))


KINDS: dict[str, Callable[[np.random.Generator], Image.Image]] = {
    one.__name__: one
    for one in (noise, shapes, strokes, bent, stretched, cut_up, magnified, turned, outlined, blended, repainted)
}
"""Name → what draws such a picture."""


def _puppet(rng: np.random.Generator, **fixed: str) -> Image.Image:
    puppet = sample_puppet(int(rng.integers(FIRST_PUPPET, LAST_PUPPET)))
    return Image.fromarray(render(puppet, sample_shot(rng, **fixed), SIDE).image)


def _filtered(rng: np.random.Generator, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """White noise, each frequency weighted; standard deviation 1."""
    found = np.fft.ifft2(np.fft.fft2(rng.normal(size=weights.shape)) * weights).real
    return np.asarray(found / found.std())


def _color(rng: np.random.Generator) -> tuple[int, ...]:
    return tuple(rng.integers(0, 256, 3).tolist())


def _image(pixels: NDArray[np.floating]) -> Image.Image:
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
