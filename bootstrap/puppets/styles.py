"""Drawing styles: each turns flat colours, shade and lines into a picture.

Does NOT know what was drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bootstrap.errors import UsageError
from bootstrap.puppets.geometry import Flags, Float32s
from bootstrap.puppets.palette import INK

_SHADE = np.array((0.76, 0.69, 0.80), np.float32)
_LUMA = np.array((0.299, 0.587, 0.114), np.float32)
_PAPER = np.array((0.98, 0.97, 0.94), np.float32)
_GRAPHITE = np.array((0.24, 0.24, 0.28), np.float32)
_LINE = np.array(INK, np.float32)
_MOONLIGHT = np.array((0.80, 0.82, 0.98), np.float32)


@dataclass(frozen=True)
class Layers:
    """A drawing before its style, all (h, w) or (h, w, 3), colours in [0, 1].

    `tone`: -1 in full shade, 0 lit, +1 gloss. `line`: where ink goes. `mask`: the figure. `night`: the figure stands in
    moonlight.
    """

    color: Float32s
    tone: Float32s
    line: Flags
    mask: Flags
    background: Float32s
    night: bool


def develop(layers: Layers, style: str) -> Float32s:
    """The picture (h, w, 3) in [0, 1] of the layers in a style.

    Raises:
        UsageError: no such style.
    """
    if style not in _STYLES:
        raise UsageError(f'style: "{style}" is unknown; use one of {", ".join(_STYLES)}')
    return _STYLES[style](layers)


def _compose(layers: Layers, shade: Float32s, ink: float) -> Float32s:
    """Figure over background: `shade` is the colour factor of the dark side, `ink` the strength of the lines."""
    figure = layers.color * (1 + np.minimum(layers.tone, 0)[..., None] * (1 - shade))
    figure += (layers.tone[..., None] > 0) * (1 - figure) * np.float32(0.32)
    if layers.night:
        figure *= _MOONLIGHT
    picture = np.where(layers.mask[..., None], figure, layers.background)
    drawn = picture[layers.line]
    picture[layers.line] = drawn + (_LINE + 0.16 * (drawn - 0.5) - drawn) * np.float32(ink)
    return np.asarray(np.clip(picture, 0, 1))


def _cel(layers: Layers) -> Float32s:
    return _compose(layers, _SHADE, 0.92)


def _flat(layers: Layers) -> Float32s:
    lit = Layers(layers.color, np.zeros_like(layers.tone), layers.line, layers.mask, layers.background, layers.night)
    return _compose(lit, _SHADE, 0.22)


def _sketch(layers: Layers) -> Float32s:
    side = layers.tone.shape[0]
    step = max(side // 64, 2)
    diagonal = np.add.outer(np.arange(side), np.arange(side)) // step % 2 == 0
    washed = _PAPER + 0.42 * (np.where(layers.mask[..., None], layers.color, layers.background * 0.6 + 0.4) - 1)
    hatched = layers.mask & (layers.tone < 0) & diagonal
    washed[hatched] *= np.float32(0.78)
    washed[layers.line] = _GRAPHITE
    return np.asarray(np.clip(washed, 0, 1), np.float32)


def _pastel(layers: Layers) -> Float32s:
    soft = _compose(layers, 0.5 + 0.5 * _SHADE, 0.42)
    return np.asarray(0.48 + 0.52 * soft, np.float32)


def _monochrome(layers: Layers) -> Float32s:
    grey = _cel(layers) @ _LUMA
    return np.asarray(np.repeat(grey[..., None], 3, axis=2))


def _pixel(layers: Layers) -> Float32s:
    """Blocks of four, six levels a channel; the middle of each block keeps the lines whole."""
    side = layers.tone.shape[0]
    small = _compose(layers, _SHADE, 0.8).reshape(side // 4, 4, side // 4, 4, 3)
    block = small.mean(axis=(1, 3))
    levels = np.round(block * 7) / 7
    return np.asarray(levels.repeat(4, axis=0).repeat(4, axis=1), np.float32)


_STYLES: dict[str, Callable[[Layers], Float32s]] = {
    "cel shading": _cel,
    "flat color": _flat,
    "sketch": _sketch,
    "pastel": _pastel,
    "monochrome": _monochrome,
    "pixel art": _pixel,
}
