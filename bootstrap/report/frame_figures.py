"""A run's pictures as figures of a page, with what was decided about them. Reads a store; knows no page around them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from PIL import Image

from bootstrap.errors import StoreError
from bootstrap.pictures import as_rgb, open_any
from bootstrap.pictures.sheets import thumbnail
from bootstrap.records import TAKEN, Frame, Verdict, VerdictKind
from bootstrap.runs.status import view_families
from bootstrap.store.replacing import is_whole
from bootstrap.store.store import PERSON, Store

__all__ = ["Figure", "FigureGroup", "FrameFigures"]

BLANK = Image.new("RGB", (8, 8), (128, 128, 128))
"""Stands in for a picture whose file is lost: a page with a hole is better than none."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A thumbnail (a data URI) that links to the whole picture; ``css`` is its class, ``title`` shows on hovering."""

    image: str
    link: str
    caption: str
    title: str
    css: str = ""


@dataclass(frozen=True, slots=True)
class FigureGroup:
    """The figures of a view family, or of anything else that has a name."""

    name: str
    figures: Sequence[Figure]


class FrameFigures:
    """Figures of a run's frames for one page; a thumbnail is made once."""

    def __init__(self, store: Store, folder: Path) -> None:
        """Figures for a page in ``folder``."""
        self._store = store
        self._folder = folder
        self._thumbnails: dict[str, str] = {}
        self.verdicts: Mapping[str, Verdict] = store.verdicts()
        self.view_families = view_families(store)

    def taken(self) -> list[Frame]:
        """Kept and provisional frames, in plan order."""
        return self._store.frames(ids=[id for id, verdict in self.verdicts.items() if verdict.kind in TAKEN])

    def is_taken(self, frame: Frame) -> bool:
        """Whether the frame is kept or provisional."""
        verdict = self.verdicts.get(frame.job.id)
        return verdict is not None and verdict.kind in TAKEN

    def figures(self, frames: Sequence[Frame]) -> list[Figure]:
        """The frames, captioned with what they show."""
        return [self._figure(frame, self._shown(frame)) for frame in frames]

    def with_reasons(self, frames: Sequence[Frame]) -> list[Figure]:
        """The frames, captioned with the reasons of their verdicts."""
        found = []
        for frame in frames:
            shot = frame.job.shot
            found.append(self._figure(frame, f"{shot.view_family}, {shot.framing}: {self._reasons(frame)}"))
        return found

    def by_view_family(self, frames: Sequence[Frame]) -> list[FigureGroup]:
        """A group for each view family that has frames."""
        groups = []
        for view_family in self.view_families:
            members = [frame for frame in frames if frame.job.shot.view_family == view_family]
            if members:
                groups.append(FigureGroup(view_family, self.figures(members)))
        return groups

    def of_picture(self, path: Path, caption: str, sha256: str = "") -> Figure:
        """A picture that is no frame of the run; see `picture`."""
        return Figure(thumbnail(self.picture(path, sha256)), self._link(path), caption, caption)

    def picture(self, path: Path, sha256: str = "") -> Image.Image:
        """A picture that is no frame of the run, RGB; a grey one where its file is lost, or has another ``sha256``."""
        try:
            if sha256 and not is_whole(path, sha256):
                return BLANK
            with open_any(path) as opened:
                return as_rgb(opened)
        except Exception:  # a decoder fed with a damaged file may raise anything
            return BLANK

    def image(self, frame: Frame) -> Image.Image:
        """The frame's picture, or a grey one when its file is lost."""
        try:
            return self._store.frame_image(frame)
        except StoreError:
            return BLANK

    def _figure(self, frame: Frame, caption: str) -> Figure:
        if frame.job.id not in self._thumbnails:
            self._thumbnails[frame.job.id] = thumbnail(self.image(frame))
        link = self._link(self._store.directory / frame.path)
        title = f"{frame.job.id}\n{frame.job.prompt}\n{self._reasons(frame)}"
        return Figure(self._thumbnails[frame.job.id], link, caption, title, self._class(frame))

    def _shown(self, frame: Frame) -> str:
        """Framing, expression, round and what is special about a frame's verdict."""
        shot = frame.job.shot
        parts = [shot.framing]
        expression = shot.axes.get("expression", "")
        if expression and expression in frame.job.prompt:  # nobody asks for it from behind
            parts.append(expression)
        parts.append(f"round {frame.job.round}")
        special = {"provisional": "provisional", "keep person": "approved"}.get(self._class(frame), "")
        if special:
            parts.append(special)
        return " · ".join(parts)

    def _class(self, frame: Frame) -> str:
        """The CSS class of a frame: its verdict, and whether a person kept it."""
        verdict = self.verdicts.get(frame.job.id)
        if verdict is None:
            return ""
        if verdict.by == PERSON and verdict.kind is VerdictKind.KEEP:
            return "keep person"
        return verdict.kind.value

    def _reasons(self, frame: Frame) -> str:
        verdict = self.verdicts.get(frame.job.id)
        return "; ".join(verdict.reasons) if verdict else ""

    def _link(self, path: Path) -> str:
        return quote(Path(os.path.relpath(path, self._folder)).as_posix())
