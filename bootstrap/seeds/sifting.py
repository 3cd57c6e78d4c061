"""Many pictures of one character, as people gather them: which are taken, which are set aside, and why.

Set aside are blank, small, blurred and repeated ones, and those that show somebody else; where others stand beside the
character, the picture is cropped to it. Of few pictures only figures of a sheet that surely show somebody else are
set aside. Knows no file and no model: what models see is handed in as `Eyes`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bootstrap.records import Box
from bootstrap.seeds.blockiness import COMPRESSED, blockiness
from bootstrap.seeds.checks import MARKED, alike
from bootstrap.seeds.comic_panels import SLANTED, has_slanted_panels, unframed
from bootstrap.seeds.cuts import FEW
from bootstrap.seeds.emptiness import nothing_drawn
from bootstrap.seeds.figures import MARGIN, outline
from bootstrap.seeds.pictured_heads import standing_out
from bootstrap.seeds.quality import ARTIFACTS, SENTENCES
from bootstrap.seeds.sharpness import BLURRED, sharpness
from scoring.marks import edge_lettering

__all__ = [
    "LOOKED_AT", "Eyes", "Given", "Improved", "Sifted", "Sifter", "cut_off", "of_one_character", "of_others",
]  # fmt: skip

LOOKED_AT = 768
"""Longest side in pixels to which pictures are reduced before they are looked at: a hundred of them stay in memory."""
NEAREST = 2
"""Pictures of the character to which one must be alike, in the mean: a single other one may be alike by its setting."""
LEEWAY = 0.04
"""How much less alike than two pictures of the character may be the ones that join last. With CCIP's .643, over folders
of 4 to 24 puppet pictures in all views and styles: 0 to 7 % of the character's lost, 0 to 5 % of others' taken."""
CUT = 0.12
"""Share of a face's box outside of the picture from which it is cut off. Puppets: .03 where 15 % of the head are
missing, .17 and more where 30 % are."""
DOUBT = 0.2
"""How much less alike than two pictures of the character may be a figure of which it is not sure whom it shows. Of
76 figures in turnarounds of puppets none was set aside, with .15 one; of 45 strangers' 4 stayed, 2 of them named."""
ODD, ODDER = 0.1, 0.1
"""How much less alike to those nearest to it, than one picture in ten of the set is, somebody else is. Of 6 puppet sets
of 48 the oddest has .03 to .07 less; of other puppets' pictures .95 to .99 have more than .1 less."""
STRANGER = "is unlike the others, and shows somebody else, or somebody else too"
UNSURE = "may show somebody else, and the panel cannot tell: if so, crop it out"


class Eyes(Protocol):
    """What models see in pictures. Each answers with nothing where it cannot tell."""

    @property
    def same(self) -> float:
        """Likeness from which two pictures show the same character."""

    def faces(self, image: Image.Image) -> list[Box]:
        """Sure faces in fractions of the picture, the largest first; a box leaves it where the face is cut off."""

    def crowd(self, image: Image.Image) -> str:
        """How many characters are seen, in words; "" for one."""

    def likeness(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """How alike each two are, shape (n, n); NaN where two cannot be compared."""


@dataclass(frozen=True)
class Given:
    """A picture, or a figure of a sheet, to be looked at.

    ``image`` is reduced to `LOOKED_AT`, ``size`` are the pixels that it has in truth. ``described``: a person wrote
    that it shows the character, so that it is no stranger's. ``cut``: it was cut out of a picture, and is as narrow as
    what it shows.
    """

    name: str
    image: Image.Image
    size: tuple[int, int]
    described: bool = False
    cut: bool = False

    def cropped(self, box: Box) -> Given:
        """A part of it, in fractions."""
        edges = [round(edge * side) for edge, side in zip(box, self.image.size * 2, strict=True)]
        size = (round((box[2] - box[0]) * self.size[0]), round((box[3] - box[1]) * self.size[1]))
        return replace(self, image=self.image.crop((edges[0], edges[1], edges[2], edges[3])), size=size, cut=True)


@dataclass(frozen=True)
class Sifted:
    """What becomes of a picture: ``reason`` says why it is set aside, "" takes it, cropped to ``box`` if there is one.

    ``remark`` is what a person should know of one that is taken, ``likeness`` its mean likeness to those nearest to it;
    ``marked``: it shows lettering as watermarks have it.
    """

    reason: str = ""
    box: Box | None = None
    remark: str = ""
    likeness: float = 0.0
    marked: bool = False

    def remarked(self, text: str) -> Sifted:
        """The same with one more remark."""
        return replace(self, remark=f"{self.remark}; it {text}" if self.remark else text)


@dataclass(frozen=True)
class Improved:
    """What is done to pictures before training: small ones enlarged by ``factor``, blurred ones restored."""

    factor: float = 1.0
    restored: bool = False


@dataclass
class Sifter:
    """Sifts pictures for a base that draws ``side`` pixels; ``bits`` of 64 in which near-duplicates differ at most.

    What is too small or blurred is taken as far as it is ``improved`` later.
    ``anyone``: pictures may show anybody, one or several, so none is set aside as a stranger's.
    Without ``figures`` none is set aside for how it is cut or laid out.
    Of ``few`` pictures, only those that surely show somebody else are set aside; what else is wrong is remarked on.
    """

    eyes: Eyes
    side: int
    bits: int
    few: bool = False
    improved: Improved = Improved()
    anyone: bool = False
    figures: bool = True
    _found: dict[int, Sifted] = field(default_factory=dict, init=False)

    def sift(self, given: Sequence[Given]) -> list[Sifted]:
        """What becomes of each picture, in order.

        Where nothing else is left, pictures that are only small or blurred are taken all the same.
        """
        flaws = {place: self.flaw(one) for place, one in enumerate(given)}
        sound = [place for place, flaw in flaws.items() if self.few or not flaw]
        if not sound:
            sound = [place for place, one in enumerate(given) if not nothing_drawn(one.image)]
        self._found = {place: Sifted(flaw) for place, flaw in flaws.items()}
        self._found.update({place: Sifted(remark=flaws[place]) for place in sound})
        shown = {place: given[place] for place in sound}
        if not self.few:
            self._drop_duplicates(shown)
        if not self.anyone:
            self._drop_strangers(shown)
        for place, one in shown.items():
            found = self._found[place]
            if not (found.reason or one.described) and (edge := self._cut_off(one)):
                self._found[place] = found.remarked(edge) if self.few else replace(found, reason=edge)
            elif not found.reason:
                self._found[place] = self._remarked(found, one)
        return [self._found[place] for place in range(len(given))]

    def _remarked(self, found: Sifted, one: Given) -> Sifted:
        """The same with what a person should know of a picture that is taken: lettering, strong compression."""
        if row := edge_lettering(one.image):
            found = replace(found.remarked(MARKED.format(place=row.place)), marked=True)
        if blockiness(one.image) >= COMPRESSED:
            found = found.remarked(SENTENCES[ARTIFACTS])
        return found

    def flaw(self, one: Given) -> str:
        """What is wrong with a picture by its pixels alone; "" for nothing."""
        if empty := nothing_drawn(one.image):
            return empty
        least = round(FEW * self.side / self.improved.factor)
        if (max(one.size) if one.cut else min(one.size)) < least:
            return f"is too small: {one.size[0]}x{one.size[1]}, of the {least} pixels a side that the base needs"
        if sharpness(one.image, self.side) < BLURRED and not self.improved.restored:
            return "is blurred"
        return SLANTED if self.figures and has_slanted_panels(one.image) else ""

    def _drop_duplicates(self, shown: Mapping[int, Given]) -> None:
        """Of near-duplicates the one that a person described, or the largest, stays."""
        order = sorted(shown, key=lambda place: (not shown[place].described, -min(shown[place].size), place))
        names = {str(place): shown[place].image for place in order}
        for kept, dropped in alike(names, self.bits):
            if not self._found[int(kept)].reason and not self._found[int(dropped)].reason:
                reason = f'is a near-duplicate of "{shown[int(kept)].name}"'
                self._found[int(dropped)] = Sifted(reason)

    def _drop_strangers(self, shown: dict[int, Given]) -> None:
        """Set others aside, and crop pictures of several to the character; ``shown`` gets the crops."""
        left = {place: one for place, one in shown.items() if not self._found[place].reason}
        crowds = {place: self.eyes.crowd(one.image) for place, one in left.items()}
        single = [place for place in left if not crowds[place]]
        parts = []
        for place in left:
            if place not in single:
                parts += [(place, box) for box in _apart(left[place].image, self.eyes.faces(left[place].image))]
        images = [_unframed(left[place].image) if left[place].cut else left[place].image for place in single]
        images += [left[place].cropped(box).image for place, box in parts]
        matrix = self.eyes.likeness(images)
        described = [number for number, place in enumerate(single) if left[place].described]
        members = of_one_character(matrix[: len(single), : len(single)], self.eyes.same, described)
        likeness = _to_members(matrix, members)
        agreed = bool(described) or not np.isnan(likeness[sorted(members)]).all()
        for number, place in enumerate(single):
            mean = float(np.nan_to_num(likeness[number]))
            self._found[place] = replace(self._found[place], likeness=mean)
            if self.few and not left[place].described:
                self._found[place] = self._of_few(self._found[place], number in members, likeness[number], agreed)
            elif number not in members:
                self._found[place] = Sifted(STRANGER)
        for place in left:
            if place not in single:
                own = [(likeness[n], box) for n, (of, box) in enumerate(parts, len(single)) if of == place]
                self._found[place], shown[place] = self._out_of(left[place], crowds[place], own)

    def _of_few(self, found: Sifted, member: bool, likeness: float, agreed: bool) -> Sifted:
        """What becomes of one of few pictures; ``agreed``: it is known of some that they show the character."""
        if agreed and member and not np.isnan(likeness):
            return found
        return Sifted(STRANGER) if agreed and likeness < self.eyes.same - DOUBT else found.remarked(UNSURE)

    def _out_of(self, one: Given, several: str, parts: Sequence[tuple[float, Box]]) -> tuple[Sifted, Given]:
        """A picture of ``several``, cropped to the part that is most alike to the character, if it is enough so."""
        alike_parts = [(likeness, box) for likeness, box in parts if likeness >= self.eyes.same - LEEWAY]
        if not alike_parts:
            sentence = f"shows {several}, and cannot be cropped to the character"
            unlike = [likeness < self.eyes.same - DOUBT for likeness, _ in parts]
            kept = one.described or (self.few and not (unlike and all(unlike)))
            return (Sifted(remark=sentence) if kept else Sifted(sentence)), one
        likeness, box = max(alike_parts)
        cropped = one.cropped(box)
        if (flaw := self.flaw(cropped)) and not self.few:
            return Sifted(f"shows {several}, and {flaw} when it is cropped to the character"), one
        return Sifted("", box, f"shows {several}: it is cropped to the character", float(likeness)), cropped

    def _cut_off(self, one: Given) -> str:
        """Where the head of a picture is cut off by its edge, in words; "" where it is whole, or was not found."""
        edge = cut_off(self.eyes.faces(one.image)) if self.figures else ""
        return f"has its head cut off at the {edge}" if edge else ""


def cut_off(faces: Sequence[Box]) -> str:
    """The edge at which the first of some faces (boxes in fractions of the picture) is cut off; "" for none."""
    if not faces:
        return ""
    left, top, right, bottom = faces[0]
    width, height = right - left, bottom - top
    outside = {"top": -top / height, "left": -left / width, "right": (right - 1) / width}
    edge = max(outside, key=lambda name: outside[name])
    return edge if outside[edge] > CUT else ""


def of_others(likeness: NDArray[np.float32], same: float) -> list[int]:
    """The places of pictures unlike all others of a set of one character; ``likeness`` as in `of_one_character`.

    In a set that agrees well, one is unlike the others before it is as unlike as two characters are.
    """
    near = _to_members(likeness, set(range(len(likeness))))
    if np.isnan(near).all():
        return []
    least = max(same, float(np.nanquantile(near, ODD)) - ODDER)
    return np.flatnonzero(near < least).tolist()


def of_one_character(likeness: NDArray[np.float32], same: float, sure: Sequence[int] = ()) -> set[int]:
    """The places of the pictures that show one character, out of how alike each two are, shape (n, n), NaN unknown.

    Begins with the picture that most others are alike to, one of those that are ``sure`` if any is alike to one of
    them, and takes in whatever is alike to those taken. What can be compared with none of them is taken as well.
    """
    count = len(likeness)
    others = np.where(np.eye(count, dtype=bool), np.nan, likeness)
    if np.isnan(others).all():
        return set(range(count))
    near = np.where(np.isnan(others), -1.0, others)
    known = [place for place in sure if near[place].max() >= same]
    middle = max(known or range(count), key=lambda place: ((near[place] >= same).sum(), near[place].max(), -place))
    members = {middle, *sure, *np.flatnonzero(near[middle] >= same).tolist()}
    for least in (same, same - LEEWAY):
        while joined := _alike_to(others, members, least):
            members |= joined
    unknown = np.isnan(others[:, sorted(members)]).all(axis=1)
    return members | set(np.flatnonzero(unknown).tolist())


def _alike_to(likeness: NDArray[np.float32], members: set[int], least: float) -> set[int]:
    """The places of the other pictures that are at least so alike to the members."""
    values = _to_members(likeness, members)
    return {place for place in range(len(values)) if place not in members and values[place] >= least}


def _to_members(likeness: NDArray[np.float32], members: set[int]) -> NDArray[np.float32]:
    """How alike each picture is to the nearest members, itself left out: the mean over `NEAREST`; NaN unknown."""
    among = sorted(members)
    values = likeness[:, among].copy()
    for column, member in enumerate(among):
        values[member, column] = np.nan
    means = np.full(len(values), np.nan, np.float32)
    for place, row in enumerate(values):
        known = np.sort(row[~np.isnan(row)])[::-1][:NEAREST]
        if len(known):
            means[place] = known.mean()
    return means


def _unframed(image: Image.Image) -> Image.Image:
    """A picture without the lines of one colour at its edges: frames are alike, whoever stands in them."""
    box = unframed(np.asarray(image.convert("RGB"), np.int16), (0, 0, *image.size))
    return image if box[0] == box[2] else image.crop(box)


def _apart(image: Image.Image, faces: Sequence[Box]) -> list[Box]:
    """Parts of a picture, each with one of the faces: on plain ground the figures, else divided where least stands out.

    None where faces stand above one another.
    """
    across, drawn = sorted(faces), outline(image)
    weights = (standing_out(image) if drawn is None else drawn).mean(axis=0)
    edges = [0.0]
    for one, other in pairwise(across):
        if other[0] < one[2]:
            return []
        edges.append(_emptiest(weights, one[2], other[0]))
    strips = [(left, 0.0, right, 1.0) for left, right in pairwise([*edges, 1.0])]
    if drawn is None:
        return strips
    return [_figure_in(drawn, strip, face) for strip, face in zip(strips, across, strict=True)]


def _emptiest(weights: NDArray[np.float64], left: float, right: float) -> float:
    """The place between two others, in fractions, at which least is drawn; of several the one in the middle."""
    middle, count = (left + right) / 2, len(weights)
    places = np.arange(round(left * count), max(round(left * count) + 1, round(right * count)))
    places = places[places < count]
    return float(min(places.tolist(), key=lambda place: (weights[place], abs(place / count - middle)))) / count


def _figure_in(drawn: NDArray[np.bool_], strip: Box, face: Box) -> Box:
    """The box of what is drawn in an upright strip of a picture, its face included, with some ground around it."""
    height, width = drawn.shape
    first, last = round(strip[0] * width), round(strip[2] * width)
    rows, columns = np.flatnonzero(drawn[:, first:last].any(axis=1)), np.flatnonzero(drawn[:, first:last].any(axis=0))
    if not len(rows):
        return strip
    left, right = (first + columns[0]) / width - MARGIN, (first + columns[-1] + 1) / width + MARGIN
    top, bottom = rows[0] / height - MARGIN, (rows[-1] + 1) / height + MARGIN
    box = min(left, face[0]), min(top, face[1]), max(right, face[2]), max(bottom, face[3])
    return max(box[0], strip[0]), max(box[1], 0.0), min(box[2], strip[2]), min(box[3], 1.0)
