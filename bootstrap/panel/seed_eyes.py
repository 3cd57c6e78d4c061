"""What a panel's models see in pictures that a person gathered. Decides nothing; `bootstrap.seeds.sifting` does.

Likeness is that of CCIP, or of faces, the two that have published thresholds: with any other model strangers are not
told. Several characters are counted as the panel's own check counts them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bootstrap.config import PanelConfig
from bootstrap.panel.models import PanelModels
from bootstrap.panel.seats import materials_of
from bootstrap.pictures import square
from bootstrap.records import Box
from scoring import SCORERS
from scoring.face import BYSTANDER, FaceSettings
from scoring.measurement import Picture, Scorer, digest_of
from scoring.settings import ScorerSettings, in_use

__all__ = ["PanelEyes"]

SAME_DRAWN = 1 - 2 * 0.178
"""Cosine of two pictures of one drawn character: the published threshold of ccip-caformer-24-randaug-pruned, a
difference of 0.178 (its metrics.json). Puppets in all views agree: .98 of pairs of two characters are below it."""
SAME_FACE = 0.4
"""Cosine of two faces of one person, as InsightFace's own user interface has it."""
AT_ONCE = 64
"""Pictures that are compared at once: the squares around hundreds would take gigabytes."""
CROWD = "tag-subjects"
"""The kind of scorer that reads tags of several characters."""


class PanelEyes:
    """See `bootstrap.seeds.sifting.Eyes`."""

    def __init__(self, models: PanelModels, config: PanelConfig) -> None:
        """The models of a panel and its settings."""
        self._models, self._config = models, config
        self._names: dict[str, str] = {}
        self._settings: dict[str, ScorerSettings] = in_use(config.scorers, models.serve)
        for name, settings in self._settings.items():
            self._names.setdefault(settings.kind, name)

    @property
    def same(self) -> float:
        """Likeness from which two pictures show the same character."""
        return SAME_DRAWN if "ccip" in self._names else SAME_FACE

    def faces(self, image: Image.Image) -> list[Box]:
        """The sure faces that are at least half as large as the largest, which is the first, in fractions.

        A wide picture is looked at in squares: detectors take what stands side by side for one.
        """
        pack, found = self._models.faces, list[Box]()
        if pack is None:
            return []
        for window in _squares(image):
            left, top, right, bottom = window
            for face in pack.faces(_picture(image.crop(window))):
                if face.det_score >= pack.min_det_score:
                    x0, y0, x1, y1 = face.box
                    width, height = right - left, bottom - top
                    x0, y0, x1, y1 = left + x0 * width, top + y0 * height, left + x1 * width, top + y1 * height
                    found.append((x0 / image.width, y0 / image.height, x1 / image.width, y1 / image.height))
        found.sort(key=lambda box: (box[0] - box[2], box))
        kept: list[Box] = []
        for box in found:
            large = not kept or box[2] - box[0] >= BYSTANDER * (kept[0][2] - kept[0][0])
            if large and not any(_overlap(box, other) for other in kept):
                kept.append(box)
        return kept

    def crowd(self, image: Image.Image) -> str:
        """How many characters are seen, by their faces or by the panel's tagger, in words; "" for one."""
        if (count := len(self.faces(image))) > 1:
            return f"{count} faces"
        if self._crowd is None:
            return ""
        (answer,) = self._crowd.score([_picture(image)])
        return answer.why.removeprefix("shows ") if answer.value is not None and answer.value < 0 else ""

    def likeness(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """How alike each two are, shape (n, n); NaN where two cannot be compared."""
        if not images:
            return np.zeros((0, 0), np.float32)
        if "ccip" in self._names:
            encoder, rows = self._models.own[self._names["ccip"]], []
            for start in range(0, len(images), AT_ONCE):
                pictures = list(_squared(images[start : start + AT_ONCE]))
                rows.append(self._models.features.vectors(encoder, pictures))
            vectors = np.concatenate(rows)
        else:
            vectors = self._faces_of(images)
        return np.asarray(vectors @ vectors.T, np.float32)

    @cached_property
    def _crowd(self) -> Scorer | None:
        """The panel's reader of tags of several characters."""
        name = self._names.get(CROWD)
        if name is None:
            return None
        return SCORERS[CROWD].make(name, self._settings[name], materials_of(self._models, self._config))

    def _faces_of(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Unit vectors of the largest faces, shape (n, d); NaN where none may be compared."""
        faces, settings = self._models.faces, self._settings.get(self._names.get("face", ""))
        rows = [np.full(1, np.nan, np.float32) for _ in images]
        if faces is not None and isinstance(settings, FaceSettings):
            for place, picture in enumerate(_squared(images)):
                face = next(iter(faces.faces(picture)), None)
                if face is None or face.embedding is None or face.det_score < faces.min_det_score:
                    continue
                if face.short_side >= settings.min_size and abs(face.yaw) <= settings.max_yaw:
                    rows[place] = face.embedding
        longest = max(rows, key=len)
        return np.stack([row if len(row) == len(longest) else np.full_like(longest, np.nan) for row in rows])


def _picture(image: Image.Image) -> Picture:
    whole = image.convert("RGB")
    return Picture(whole, digest_of(whole), "", "")


def _squared(images: Sequence[Image.Image]) -> Iterator[Picture]:
    """Each image on a square ground."""
    for image in images:
        yield _picture(square(image))


def _squares(image: Image.Image) -> list[tuple[int, int, int, int]]:
    """The windows in which a picture is looked at, in pixels: squares side by side where it is wide, else the whole."""
    count = max(1, round(image.width / image.height))
    if count == 1:
        return [(0, 0, image.width, image.height)]
    lefts = [round(number * (image.width - image.height) / (count - 1)) for number in range(count)]
    return [(left, 0, left + image.height, image.height) for left in lefts]


def _overlap(one: Box, other: Box) -> bool:
    """Whether the middle of one box is in the other."""
    x, y = (one[0] + one[2]) / 2, (one[1] + one[3]) / 2
    return other[0] <= x <= other[2] and other[1] <= y <= other[3]
