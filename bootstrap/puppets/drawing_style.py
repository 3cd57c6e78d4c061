"""Drawing styles as individuals: any puppet in any shot can be drawn in one that no word of a caption names.

A style has one trait that words describe, its *texture*, and others that none does: the width and colour of its
lines, the colour and the number of its shades, a small turn of every hue, a tint, contrast, and the period and angle of
the texture. Colours keep their names: red hair stays red.
Does NOT know what is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bootstrap.puppets.geometry import Float32s
from bootstrap.puppets.palette import Rgb
from bootstrap.puppets.styles import Layers
from bootstrap.puppets.surface import wider

ALL_TEXTURES = ("plain", "grain", "hatching", "dots", "canvas", "stripes")
_LIGHTNESS = np.array((0.299, 0.587, 0.114), np.float32)


@dataclass(frozen=True)
class DrawingStyle:
    """One style. Its unnamed traits are drawn from `number`.

    `line_width` in pixels of a picture of 96; `ink` and `shade` are colours in [0, 1], `shade` a factor; `levels` how
    many steps of shade; `hue` a turn in degrees; `saturation` and `contrast` are factors; `tint` lies over everything
    with the weight `tinted`; `period` of the texture in pixels of a picture of 96, `angle` in degrees, `strength` 0..1;
    `wash` how much of the background is `paper`.
    """

    number: int
    texture: str
    line_width: int
    ink: Rgb
    shade: Rgb
    levels: int
    hue: float
    saturation: float
    contrast: float
    tint: Rgb
    tinted: float
    period: float
    angle: float
    strength: float
    wash: float
    paper: Rgb

    def develop(self, layers: Layers) -> Float32s:
        """The picture (h, w, 3) in [0, 1] of a drawing's layers."""
        side = len(layers.tone)
        picture = np.where(layers.mask[..., None], self._figure(layers), self._background(layers))
        picture = self._textured(self._colored(picture), side, layers)
        inked = layers.line & (self.line_width > 0)
        for _ in range(max(round(self.line_width * side / 192 - 1), 0)):
            inked = wider(inked)
        picture[inked] = np.asarray(self.ink, np.float32)
        return np.asarray(np.clip(picture, 0, 1), np.float32)

    def _figure(self, layers: Layers) -> Float32s:
        """Colours with as many steps of shade as the style has."""
        dark = np.minimum(layers.tone, 0)[..., None] * (1 - np.asarray(self.shade, np.float32))
        if self.levels == 1:
            return layers.color
        figure = layers.color * (1 + dark)
        if self.levels > 2:  # the third is gloss
            figure = figure + (layers.tone[..., None] > 0) * (1 - figure) * np.float32(0.55)
        return np.asarray(figure, np.float32)

    def _background(self, layers: Layers) -> Float32s:
        paper = np.asarray(self.paper, np.float32)
        return np.asarray(layers.background + (paper - layers.background) * np.float32(self.wash), np.float32)

    def _colored(self, picture: Float32s) -> Float32s:
        """Hues turned about the grey axis, then saturation, contrast and tint."""
        grey = (picture @ _LIGHTNESS)[..., None]
        chroma = (picture - grey) @ _turn(self.hue).T * np.float32(self.saturation)
        colored = (grey - 0.5) * np.float32(self.contrast) + 0.5 + chroma
        return np.asarray(colored + (np.asarray(self.tint) - colored) * self.tinted, np.float32)

    def _textured(self, picture: Float32s, side: int, layers: Layers) -> Float32s:
        """Darker where the texture has its marks; hatching lies on shade alone."""
        marks = self._marks(side)
        if self.texture == "hatching":
            marks = marks * ((layers.tone < 0) | ~layers.mask)
        return np.asarray(picture * (1 - np.float32(self.strength) * marks[..., None]), np.float32)

    def _marks(self, side: int) -> Float32s:
        """The texture (side, side), 1 where it is darkest."""
        ys, xs = np.indices((side, side)).astype(np.float32) * np.float32(96 / side)
        turn = np.radians(self.angle)
        u, v = xs * np.cos(turn) + ys * np.sin(turn), ys * np.cos(turn) - xs * np.sin(turn)
        a, b = (np.cos(2 * np.pi * one / self.period) for one in (u, v))
        match self.texture:
            case "hatching" | "stripes":
                return np.asarray(a > 0, np.float32)
            case "dots":
                return np.asarray(a + b > 0.6, np.float32)
            case "canvas":
                return np.asarray(0.5 * (np.maximum(a, 0) + np.maximum(b, 0)), np.float32)
            case "grain":
                cells = max(round(96 / self.period * 2), 2)
                noise = np.random.default_rng([self.number, 9]).random((cells, cells)).astype(np.float32)
                place = np.arange(side) * cells // side
                return np.asarray(noise[np.ix_(place, place)], np.float32)
            case _:
                return np.zeros((side, side), np.float32)


def sample_style(number: int) -> DrawingStyle:
    """Style `number` (a non-negative integer): the same one every time."""
    rng = np.random.default_rng([number, 41])
    return style_with_texture(ALL_TEXTURES[int(rng.integers(len(ALL_TEXTURES)))], number)


def style_with_texture(texture: str, number: int) -> DrawingStyle:
    """A style of this texture and the unnamed traits of style `number`: twins share the texture."""
    rng = np.random.default_rng([number, 42])
    hue = float(rng.uniform(0, 1))
    return DrawingStyle(
        number=number,
        texture=texture,
        line_width=int(rng.integers(4)),
        ink=_tint(hue + 0.5, float(rng.uniform(0.2, 0.9)), float(rng.uniform(0.12, 0.62))),
        shade=_tint(float(rng.uniform(0, 1)), float(rng.uniform(0.1, 0.6)), float(rng.uniform(0.45, 0.9))),
        levels=int(rng.integers(1, 4)),
        hue=float(rng.uniform(-16, 16)),
        saturation=float(rng.choice((0.45, 0.75, 1.0, 1.35))),
        contrast=float(rng.choice((0.6, 0.85, 1.1))),
        tint=_tint(float(rng.uniform(0, 1)), float(rng.uniform(0.3, 0.9)), float(rng.uniform(0.4, 1.0))),
        tinted=float(rng.choice((0.0, 0.12, 0.25))),
        period=float(rng.uniform(5, 11)),
        angle=float(rng.choice((0, 30, 45, 90, 135))) + float(rng.uniform(-8, 8)),
        strength=float(rng.uniform(0.18, 0.4)),
        wash=float(rng.choice((0.0, 0.35, 0.75))),
        paper=_tint(hue, float(rng.uniform(0.02, 0.3)), float(rng.uniform(0.85, 1.0))),
    )


def _tint(hue: float, saturation: float, value: float) -> Rgb:
    """A colour by hue (1 is a whole turn), saturation and value."""
    low = value * (1 - saturation)
    r, g, b = (low + (value - low) * min(max(abs((hue * 6 - k) % 6 - 3) - 1, 0), 1) for k in (0, 2, 4))
    return r, g, b


def _turn(degrees: float) -> Float32s:
    """The rotation (3, 3) of colours about the grey axis."""
    a, third = np.radians(degrees), 1 / 3
    c, s = np.cos(a), np.sin(a) / np.sqrt(3)
    near, left, right = c + (1 - c) * third, (1 - c) * third - s, (1 - c) * third + s
    return np.array([[near, left, right], [right, near, left], [left, right, near]], np.float32)
