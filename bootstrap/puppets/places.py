"""Places as individuals: one forest, one street, seen at other times, in other weather and from other sides.

Captions name the kind of place, in the words of the backgrounds; none names the arrangement, the exact hues and the
landmark. Places of a kind are twins. Does NOT know who stands there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from bootstrap.puppets.backgrounds import Sheet, cloud
from bootstrap.puppets.geometry import Float32s
from bootstrap.puppets.palette import Rgb, mix

ALL_PLACES = ("forest", "room", "beach", "city street", "snow")
ALL_TIMES = ("day", "afternoon", "night")
ALL_WEATHERS = ("clear sky", "rain", "fog")
ALL_ANGLES = ("straight", "left", "right", "above", "below")
ALL_DISTANCES = ("section", "scenery", "wide shot")
ALL_SECTIONS = (0.3, 0.5, 0.7)
"""Middles of sections, in fractions of the whole."""
ALL_LANDMARKS = ("tower", "arch", "statue", "flag", "sphere", "stairs")
"""Times, weathers, angles and distances are spelled as configs/subjects/background.yaml and configs/views/scenery.yaml
spell them."""

_SHIFTS: Mapping[str, float] = {"left": 0.16, "right": -0.16}
_RISES: Mapping[str, float] = {"above": -0.14, "below": 0.12}
"""How far an angle moves the horizon down, in fractions of the picture's side."""
_NEARER: Mapping[str, float] = {"wide shot": 1.0, "scenery": 1.25, "section": 1.8}
_LAMP: Rgb = (1.0, 0.90, 0.55)
_FOG: Rgb = (0.86, 0.87, 0.90)


@dataclass(frozen=True)
class PlaceView:
    """How a place is seen: words of the tables above; `middle` of a section, in fractions of the whole."""

    time: str = "day"
    weather: str = "clear sky"
    angle: str = "straight"
    distance: str = "wide shot"
    middle: float = 0.5


@dataclass(frozen=True)
class Thing:
    """A thing of a place: its middle `x` and `size` in fractions of the picture's side, `depth` 0 (far) to 1 (near)."""

    x: float
    depth: float
    size: float
    variant: int
    color: Rgb
    other: Rgb


@dataclass(frozen=True)
class Place:
    """One place. Its unnamed traits are drawn from `number`; colours are in [0, 1], `horizon` is a row, downwards."""

    number: int
    kind: str
    horizon: float
    sky: Rgb
    ground: Rgb
    stripe: Rgb
    things: tuple[Thing, ...]
    landmark: str
    mark: Thing


def sample_place(number: int) -> Place:
    """Place `number` (a non-negative integer): the same one every time."""
    rng = np.random.default_rng([number, 51])
    return place_of_kind(ALL_PLACES[int(rng.integers(len(ALL_PLACES)))], number)


def place_of_kind(kind: str, number: int) -> Place:
    """A place of this kind with the unnamed traits of place `number`: twins share the kind."""
    rng = np.random.default_rng([number, 52])
    look = _LOOKS[kind]
    hue = float(rng.uniform(-1, 1))
    slots = np.linspace(-0.05, 1.05, int(rng.integers(4, 7)))
    things = []
    for x in slots:
        things.append(_thing(rng, float(x + rng.uniform(-0.07, 0.07)), float(rng.uniform(0.25, 0.75)), look.colors))
    mark = _thing(rng, float(rng.choice((0.16, 0.30, 0.70, 0.84))), 0.8, _MARK_COLORS)
    return Place(
        number=number,
        kind=kind,
        horizon=look.horizon + float(rng.uniform(-0.07, 0.07)),
        sky=_moved(look.sky, hue, rng),
        ground=_moved(look.ground, -hue, rng),
        stripe=_moved(look.colors[int(rng.integers(len(look.colors)))], hue, rng),
        things=tuple(sorted(things, key=lambda thing: thing.depth)),
        landmark=ALL_LANDMARKS[int(rng.integers(len(ALL_LANDMARKS)))],
        mark=mark,
    )


def show(place: Place, view: PlaceView, side: int) -> Float32s:
    """The place without anyone in it, (side, side, 3) in [0, 1]."""
    pixels = _Painter(place, view, side).paint()
    rng = np.random.default_rng([place.number, 53])
    if view.time == "afternoon":
        glow = np.linspace(0.45, 0.15, side, dtype=np.float32)[:, None, None]
        pixels = pixels * np.array((1.0, 0.84, 0.70), np.float32)
        pixels = pixels + (np.array((1.0, 0.62, 0.30), np.float32) - pixels) * glow
    if view.weather == "fog":
        pixels = pixels + (np.asarray(_FOG, np.float32) * _light(view) - pixels) * np.float32(0.5)
    if view.weather == "rain":
        grey = pixels.mean(axis=2, keepdims=True)
        pixels = (pixels + (grey - pixels) * np.float32(0.55)) * np.float32(0.78)
        for x, y in rng.uniform(0, side, (46, 2)):
            for step in range(side // 16):
                row, column = int(y + step) % side, int(x - step / 3) % side
                pixels[row, column] = pixels[row, column] * 0.4 + 0.6 * np.asarray((0.82, 0.87, 0.95), np.float32)
    return np.asarray(np.clip(pixels, 0, 1), np.float32)


def _light(view: PlaceView) -> np.float32:
    return np.float32(0.45 if view.time == "night" else 1.0)


@dataclass(frozen=True)
class _Look:
    """What a kind of place looks like before its own traits."""

    horizon: float
    sky: Rgb
    ground: Rgb
    colors: tuple[Rgb, ...]


_LOOKS: Mapping[str, _Look] = {
    "forest": _Look(0.70, (0.70, 0.90, 0.70), (0.38, 0.62, 0.30), (
        (0.22, 0.50, 0.26), (0.42, 0.60, 0.20), (0.15, 0.42, 0.40), (0.72, 0.50, 0.18), (0.62, 0.26, 0.22))),
    "room": _Look(0.72, (0.93, 0.84, 0.72), (0.62, 0.43, 0.29), (
        (0.52, 0.34, 0.24), (0.36, 0.52, 0.66), (0.72, 0.36, 0.34), (0.40, 0.58, 0.42), (0.86, 0.72, 0.40))),
    "beach": _Look(0.56, (0.52, 0.82, 0.99), (0.97, 0.88, 0.64), (
        (0.30, 0.62, 0.34), (0.90, 0.40, 0.34), (0.30, 0.52, 0.86), (0.66, 0.56, 0.46), (0.96, 0.74, 0.30))),
    "city street": _Look(0.78, (0.74, 0.86, 0.94), (0.44, 0.44, 0.48), (
        (0.70, 0.52, 0.48), (0.50, 0.58, 0.74), (0.80, 0.70, 0.52), (0.46, 0.60, 0.54), (0.62, 0.44, 0.62))),
    "snow": _Look(0.68, (0.62, 0.70, 0.84), (0.97, 0.98, 1.0), (
        (0.34, 0.50, 0.52), (0.24, 0.38, 0.56), (0.48, 0.42, 0.40), (0.62, 0.72, 0.82), (0.56, 0.34, 0.36))),
}  # fmt: skip
_MARK_COLORS: tuple[Rgb, ...] = (
    (0.88, 0.22, 0.26), (0.96, 0.60, 0.16), (0.98, 0.88, 0.30), (0.20, 0.62, 0.44), (0.22, 0.44, 0.86),
    (0.60, 0.34, 0.78), (0.95, 0.55, 0.75), (0.30, 0.80, 0.84), (0.22, 0.20, 0.28), (0.96, 0.95, 0.92),
)  # fmt: skip


def _thing(rng: np.random.Generator, x: float, depth: float, colors: tuple[Rgb, ...]) -> Thing:
    first, second = rng.permutation(len(colors))[:2]
    size = float(rng.uniform(0.75, 1.35))
    return Thing(x, depth, size, int(rng.integers(3)), _moved(colors[first], 0, rng), _moved(colors[second], 0, rng))


def _moved(color: Rgb, warmth: float, rng: np.random.Generator) -> Rgb:
    """A colour near the given one, warmer (1) or colder (-1)."""
    r, g, b = (min(max(channel + float(rng.uniform(-0.08, 0.08)), 0), 1) for channel in color)
    return min(max(r + 0.08 * warmth, 0), 1), g, min(max(b - 0.08 * warmth, 0), 1)


class _Painter:
    """Paints one view of a place onto a sheet, far things first."""

    def __init__(self, place: Place, view: PlaceView, side: int) -> None:
        self.place, self.view = place, view
        self.zoom, self.middle = _NEARER[view.distance], 0.5
        if view.distance == "section":
            self.middle = view.middle
        self.night = view.time == "night"
        top = self.lit(place.sky)
        if self.night and place.kind != "room":
            top = (0.08, 0.09, 0.23)
        self.sheet = Sheet(side, top, mix(top, (1, 1, 1), 0.1 if self.night else 0.45))

    def paint(self) -> Float32s:
        place = self.place
        self._far()
        ground = self.y(place.horizon)
        self.sheet.box(0, ground, 1, 1, self.lit(place.ground))
        self.sheet.box(0, ground, 1, min(ground + 0.035 * self.zoom, 1), self.lit(place.stripe))
        for thing in place.things:
            _KINDS[place.kind](self, thing)
        _paint_landmark(self, place.landmark, place.mark)
        return np.asarray(self.sheet.image, np.float32) / np.float32(255)

    def lit(self, color: Rgb) -> Rgb:
        """The colour at this time."""
        return mix(color, (0.06, 0.07, 0.24), 0.62) if self.night else color

    def x(self, x: float, depth: float) -> float:
        """Column, moved by the angle the more the nearer it is."""
        seen = x + _SHIFTS.get(self.view.angle, 0.0) * (0.35 + 0.9 * depth)
        return (seen - self.middle) * self.zoom + 0.5

    def y(self, y: float) -> float:
        """Row, at most the lower edge."""
        return min((y - 0.62) * self.zoom + 0.62 + _RISES.get(self.view.angle, 0.0), 1.0)

    def box(self, thing: Thing, x0: float, y0: float, x1: float, y1: float, color: Rgb, *, glows: bool = False) -> None:
        """A rectangle: columns from the thing's middle and rows above its foot, in its own size."""
        left, foot = self.x(thing.x, thing.depth), self._foot(thing)
        k = thing.size * self.zoom
        self.sheet.box(left + x0 * k, foot - y1 * k, left + x1 * k, foot - y0 * k, color if glows else self.lit(color))

    def oval(self, thing: Thing, x: float, y: float, rx: float, ry: float, color: Rgb) -> None:
        """An ellipse in the same measures."""
        k = thing.size * self.zoom
        left, foot = self.x(thing.x, thing.depth), self._foot(thing)
        self.sheet.oval(left + x * k, foot - y * k, rx * k, ry * k, self.lit(color))

    def shape(self, thing: Thing, points: list[tuple[float, float]], color: Rgb) -> None:
        """A polygon in the same measures."""
        k = thing.size * self.zoom
        left, foot = self.x(thing.x, thing.depth), self._foot(thing)
        self.sheet.shape([(left + x * k, foot - y * k) for x, y in points], self.lit(color))

    def _foot(self, thing: Thing) -> float:
        """Row where a thing stands: the nearer, the lower."""
        return self.y(self.place.horizon + 0.02 + 0.16 * thing.depth)

    def _far(self) -> None:
        """What hangs in the sky."""
        rng = np.random.default_rng([self.place.number, 54])
        if self.place.kind == "room":
            return
        if self.night:
            for x, y in rng.uniform(0.02, 0.98, (22, 2)):
                self.sheet.oval(float(x), float(y) * 0.6, 0.008, 0.008, (0.95, 0.95, 0.80))
            self.sheet.oval(self.x(float(rng.uniform(0.1, 0.9)), 0), 0.14, 0.08, 0.08, (0.99, 0.95, 0.72))
            return
        for x in rng.uniform(0.05, 0.95, 2):
            cloud(self.sheet, self.x(float(x), 0), self.y(float(rng.uniform(0.06, 0.24))), 0.10, (1, 1, 1))


def _paint_tree(painter: _Painter, thing: Thing) -> None:
    painter.box(thing, -0.03, 0, 0.03, 0.34, (0.46, 0.32, 0.22))
    if thing.variant == 0:
        painter.oval(thing, 0, 0.42, 0.15, 0.17, thing.color)
    elif thing.variant == 1:
        for low in (0.16, 0.30, 0.44):
            painter.shape(thing, [(-0.16, low), (0.16, low), (0, low + 0.22)], thing.color)
    else:
        painter.oval(thing, -0.08, 0.36, 0.10, 0.10, thing.color)
        painter.oval(thing, 0.08, 0.36, 0.10, 0.10, thing.color)
        painter.oval(thing, 0, 0.48, 0.12, 0.12, thing.other)


def _paint_furniture(painter: _Painter, thing: Thing) -> None:
    if thing.variant == 0:  # a window
        painter.box(thing, -0.13, 0.26, 0.13, 0.60, thing.other)
        pane: Rgb = (0.66, 0.86, 0.98)
        for x in (-0.11, 0.01):
            painter.box(thing, x, 0.28, x + 0.10, 0.58, pane)
    elif thing.variant == 1:  # a shelf
        painter.box(thing, -0.12, 0, 0.12, 0.46, thing.color)
        for row in (0.06, 0.20, 0.34):
            painter.box(thing, -0.10, row, 0.10, row + 0.09, thing.other)
    else:  # a picture over a stool
        painter.box(thing, -0.09, 0.34, 0.09, 0.54, thing.color)
        painter.box(thing, -0.06, 0.37, 0.06, 0.51, thing.other)
        painter.box(thing, -0.08, 0, 0.08, 0.14, thing.other)


def _paint_seaside(painter: _Painter, thing: Thing) -> None:
    if thing.variant == 0:  # a palm
        painter.box(thing, -0.02, 0, 0.02, 0.42, (0.56, 0.42, 0.28))
        for x, y in ((-0.13, 0.44), (0.13, 0.44), (0, 0.50)):
            painter.oval(thing, x, y, 0.13, 0.05, thing.color)
    elif thing.variant == 1:  # a hut
        painter.box(thing, -0.12, 0, 0.12, 0.20, thing.color)
        painter.shape(thing, [(-0.17, 0.20), (0.17, 0.20), (0, 0.36)], thing.other)
    else:  # a parasol
        painter.box(thing, -0.012, 0, 0.012, 0.30, (0.9, 0.9, 0.86))
        painter.shape(thing, [(-0.17, 0.26), (0.17, 0.26), (0, 0.40)], thing.color)
        painter.shape(thing, [(-0.06, 0.26), (0.06, 0.26), (0, 0.40)], thing.other)


def _paint_house(painter: _Painter, thing: Thing) -> None:
    tall = (0.40, 0.52, 0.64)[thing.variant]
    painter.box(thing, -0.12, 0, 0.12, tall, thing.color)
    if thing.variant == 0:
        painter.shape(thing, [(-0.14, tall), (0.14, tall), (0, tall + 0.14)], thing.other)
    elif thing.variant == 1:
        painter.oval(thing, 0, tall, 0.12, 0.08, thing.other)
    glass: Rgb = (0.84, 0.92, 0.98)
    if painter.night:
        glass = _LAMP
    for row in range(3):
        for column in (-0.075, 0.025):
            low = tall - 0.12 - 0.13 * row
            painter.box(thing, column, low, column + 0.05, low + 0.07, glass, glows=painter.night)


def _paint_winter(painter: _Painter, thing: Thing) -> None:
    if thing.variant == 2:  # a hut
        painter.box(thing, -0.12, 0, 0.12, 0.20, thing.other)
        painter.shape(thing, [(-0.17, 0.20), (0.17, 0.20), (0, 0.38)], (0.95, 0.96, 1.0))
        return
    for step, half in ((0.04, 0.15), (0.18, 0.12), (0.32, 0.08)):
        painter.shape(thing, [(-half, step), (half, step), (0, step + 0.22)], thing.color)
        if thing.variant == 1:
            painter.shape(thing, [(-half / 2, step + 0.11), (half / 2, step + 0.11), (0, step + 0.22)], (1, 1, 1))


_KINDS: Mapping[str, Callable[[_Painter, Thing], None]] = {
    "forest": _paint_tree,
    "room": _paint_furniture,
    "beach": _paint_seaside,
    "city street": _paint_house,
    "snow": _paint_winter,
}


def _paint_landmark(painter: _Painter, kind: str, mark: Thing) -> None:
    match kind:
        case "tower":
            painter.box(mark, -0.055, 0, 0.055, 0.52, mark.color)
            painter.box(mark, -0.055, 0.18, 0.055, 0.28, mark.other)
            painter.shape(mark, [(-0.08, 0.52), (0.08, 0.52), (0, 0.68)], mark.other)
        case "arch":
            for x in (-0.15, 0.09):
                painter.box(mark, x, 0, x + 0.06, 0.40, mark.color)
            painter.box(mark, -0.19, 0.38, 0.19, 0.46, mark.other)
        case "statue":
            painter.box(mark, -0.10, 0, 0.10, 0.12, mark.other)
            painter.box(mark, -0.05, 0.12, 0.05, 0.32, mark.color)
            painter.oval(mark, 0, 0.38, 0.065, 0.065, mark.color)
        case "flag":
            painter.box(mark, -0.015, 0, 0.015, 0.60, (0.35, 0.33, 0.36))
            painter.box(mark, 0.015, 0.40, 0.23, 0.60, mark.color)
            painter.box(mark, 0.015, 0.47, 0.23, 0.53, mark.other)
        case "sphere":
            painter.box(mark, -0.03, 0, 0.03, 0.14, mark.other)
            painter.oval(mark, 0, 0.26, 0.14, 0.14, mark.color)
            painter.oval(mark, 0, 0.26, 0.14, 0.035, mark.other)
        case _:
            for step in range(4):
                color = mark.other if step % 2 else mark.color
                painter.box(mark, -0.16 + 0.045 * step, 0, 0.16, 0.10 * (step + 1), color)
