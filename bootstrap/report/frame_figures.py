"""Frames as HTML figures, with what was decided about them. Reads pictures from a store; knows no page around them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from PIL import Image

from bootstrap.errors import StoreError
from bootstrap.pictures.sheets import thumbnail
from bootstrap.records import VIEW_FAMILIES, Frame, Verdict, VerdictKind
from bootstrap.store.store import PERSON, Store

__all__ = ["Gallery"]

BLANK = Image.new("RGB", (8, 8), (128, 128, 128))
MOST_REJECTS = 160
"""Rejected frames shown a round: a page must stay light enough to open."""


class Gallery:
    """Figures of a run's frames; each thumbnail is embedded, and links to the full picture beside the page."""

    def __init__(self, store: Store, folder: Path) -> None:
        """Figures for a page in ``folder``."""
        self._store, self._folder = store, folder
        self._thumbnails: dict[str, str] = {}
        self.verdicts: Mapping[str, Verdict] = store.verdicts()

    def sheet(self, frames: Sequence[Frame], reasons: bool = False) -> str:
        """A contact sheet; ``reasons`` captions each frame with why, instead of what it shows."""
        return f'<div class="sheet">{"".join(self._figure(frame, reasons) for frame in frames)}</div>' if frames else ""

    def by_family(self, frames: Sequence[Frame]) -> str:
        """A contact sheet beside its name for each view family that has frames."""
        return "".join(
            f'<div class="strip">{_heading(view_family, own)}{self.sheet(own)}</div>'
            for view_family, own in _families(frames)
        )

    def clusters(self, frames: Sequence[Frame]) -> str:
        """The same, close together: for few frames a view family."""
        blocks = "".join(
            f'<div class="cluster" style="--count:{len(own)}">{_heading(view_family, own)}{self.sheet(own)}</div>'
            for view_family, own in _families(frames)
        )
        return f'<div class="clusters">{blocks}</div>' if blocks else ""

    def rejected(self, frames: Sequence[Frame], why: str = "") -> str:
        """Frames that were not taken, collapsed: ``why`` in sum (HTML), then each with its reasons."""
        if not frames:
            return ""
        shown = frames[:MOST_REJECTS]
        more = f'<p class="soft">and {len(frames) - len(shown)} more</p>' if len(frames) > len(shown) else ""
        sheet = self.sheet(shown, reasons=True)
        return f"<details><summary>{len(frames)} not taken, with reasons</summary>{why}{sheet}{more}</details>"

    def picture(self, path: Path, caption: str) -> str:
        """A picture that is no frame (a seed)."""
        try:
            with Image.open(path) as image:
                inside = thumbnail(image)
        except OSError:
            inside = thumbnail(BLANK)
        return self._tag("", self._link(path), inside, caption, caption)

    def image(self, frame: Frame) -> Image.Image:
        """The frame's picture, or a grey one when its file is lost: a page with a hole is better than none."""
        try:
            return self._store.frame_image(frame)
        except StoreError:
            return BLANK

    def _figure(self, frame: Frame, reasons: bool) -> str:
        if frame.job.id not in self._thumbnails:
            self._thumbnails[frame.job.id] = thumbnail(self.image(frame))
        shot, verdict = frame.job.shot, self.verdicts.get(frame.job.id)
        kind = "" if verdict is None else verdict.kind.value
        if verdict and verdict.by == PERSON and verdict.kind is VerdictKind.KEEP:
            kind = "keep person"
        why = "; ".join(verdict.reasons) if verdict else ""
        special = {"provisional": "provisional", "keep person": "approved"}.get(kind, "")
        seen = shot["expression"] if shot["expression"] in frame.job.prompt else ""  # nobody asks for it from behind
        says = [shot.framing, seen, f"round {frame.job.round}", special]
        shown = f"{shot.view_family}, {shot.framing}: {why}" if reasons else " · ".join(filter(None, says))
        title = f"{frame.job.id}\n{frame.job.prompt}\n{why}"
        link = self._link(self._store.directory / frame.path)
        return self._tag(kind, link, self._thumbnails[frame.job.id], shown, title)

    def _link(self, path: Path) -> str:
        return quote(Path(os.path.relpath(path, self._folder)).as_posix())

    def _tag(self, kind: str, link: str, inside: str, caption: str, title: str) -> str:
        return (
            f'<figure class="{escape(kind)}"><a href="{link}"><img src="{inside}" alt="{escape(caption)}" '
            f'title="{escape(title)}"></a><figcaption>{escape(caption)}</figcaption></figure>'
        )


def _families(frames: Sequence[Frame]) -> list[tuple[str, list[Frame]]]:
    """The view families that have frames, each with its own."""
    groups = [
        (view_family, [frame for frame in frames if frame.job.shot.view_family == view_family])
        for view_family in VIEW_FAMILIES
    ]
    return [(view_family, own) for view_family, own in groups if own]


def _heading(view_family: str, frames: Sequence[Frame]) -> str:
    return f"<h3>{escape(view_family)} <small>{len(frames)}</small></h3>"
