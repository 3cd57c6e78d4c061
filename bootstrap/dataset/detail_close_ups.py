"""Close-ups of special details, cut out of seeds and of kept pictures: a fixed share of a training set.

Guides to character LoRAs give special details 5 % of a set. What is drawn on purpose so close shows too little of the
character to be judged, so close-ups are cut out of pictures that were judged whole. Knows no score.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bootstrap.backends.shapes import shape_of
from bootstrap.captions.several_tags import axis_in
from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.config import RunConfig
from bootstrap.pictures import open_picture, square
from bootstrap.records import Box, Frame, Phase, Seed, TrainItem
from bootstrap.seeds import SeedCaptioner
from bootstrap.seeds.cuts import FEW
from bootstrap.seeds.details import CLOSE, Detail, close_up, detail_box, details_in, pixels_of
from bootstrap.seeds.heads import outlined_head
from bootstrap.seeds.more_cuts import EYES
from bootstrap.store.files import make_folder, write_image

__all__ = ["DetailCloseUps", "close_up_path", "cut_out_of", "details_line", "details_wanted", "every_detail"]

BEHIND = ("back", "hips")
"""Places that are seen best from behind."""
IN_FRONT = ("face", "chest")
"""Places that are not seen where no eyes are: from behind."""
CUT_OUT = "-detail-"
ANY_SIDE = 1
"""Pixels a side of a picture of the run, at least: what is too small was refused when it came in."""
FROM_BEHIND = 100.0
"""Factor of the pixels of such a detail from behind."""


def details_wanted(config: RunConfig, pictures: int) -> int:
    """Close-ups of details in a set of so many pictures; none for a kind of subject that knows of no details."""
    return math.ceil(config.base.cuts.details * pictures) if config.subject.details else 0


def every_detail(wording: Wording) -> list[Detail]:
    """The details of a character and of its clothes, each tag once, those of the character first."""
    worn = [wording.outfit(name) for name in wording.character.wardrobe]
    found = [one for tags in (wording.identity, *worn) for one in details_in(tags, wording.subject.details)]
    return list({one.tag: one for one in found}.values())


def details_line(character: Character, config: RunConfig) -> str:
    """In words, what close-ups a set will have besides its pictures; "" where the base wants none."""
    wanted = details_wanted(config, config.loop.target)
    details = every_detail(Wording.of(character, config))
    if not wanted:
        return ""
    if not details:
        return "no special detail is named, or it is not known where it stands: no close-up is cut out of pictures"
    return f"{wanted} close-ups, cut out of pictures of the set: {', '.join(one.tag for one in details)}"


def close_up_path(run: Path, stored: str, word: str) -> Path:
    """Where the close-up of a detail lies that is cut out of a picture of the run."""
    return run / "train" / f"{Path(stored).stem}{CUT_OUT}{word}.png"


def cut_out_of(path: str) -> str:
    """The stem of the picture that a close-up was cut out of."""
    return Path(path).stem.rpartition(CUT_OUT)[0]


@dataclass(frozen=True)
class _Source:
    """A seed or a frame: its file within the run, the width of the square around it, and what it shows."""

    of: Seed | Frame
    path: str
    width: int
    framing: str
    view_family: str
    head: Box
    tags: Mapping[str, str]


class _Option(NamedTuple):
    """A detail in a picture: its window in the square around it, and what it is worth, in pixels."""

    source: _Source
    detail: Detail
    box: Box
    worth: float


@dataclass(frozen=True)
class DetailCloseUps:
    """Makes the close-ups of a run's training sets. ``side`` is that of training pictures in pixels."""

    run: Path
    config: RunConfig
    captioner: SeedCaptioner
    side: int

    def items(self, seeds: Sequence[Seed], frames: Sequence[Frame], phase: Phase) -> list[TrainItem]:
        """Close-ups for the share of a set of these pictures, the details in turn, one a picture.

        Each is cut out of the picture that has most pixels of it. Seeds without a known head have none.
        """
        items, wanted = [], details_wanted(self.config, len(seeds) + len(frames))
        if not wanted or not every_detail(self.captioner.wording):
            return []
        for one in self._chosen([*self._of_seeds(seeds), *self._of_frames(frames)], wanted):
            path, of = close_up_path(self.run, one.source.path, one.detail.word), one.source.of
            self._cut(one, path)
            number = [*seeds].index(of) if isinstance(of, Seed) else None
            items.append(TrainItem(str(path), self._caption(one, phase), "detail", seed=number))
        return items

    def _chosen(self, sources: Sequence[_Source], wanted: int) -> list[_Option]:
        """What is cut out of which picture: the detail with fewest close-ups so far comes next, one a picture."""
        options = [option for source in sources for option in self._options(source)]
        taken, found = Counter[str](), list[_Option]()
        while options and len(found) < wanted:
            fewest = min(taken[one.detail.tag] for one in options)
            best = max([one for one in options if taken[one.detail.tag] == fewest], key=lambda one: one.worth)
            taken[best.detail.tag] += 1
            found.append(best)
            options = [one for one in options if one.source is not best.source]
        return found

    def _options(self, source: _Source) -> Iterator[_Option]:
        """The details that are large enough in a picture; those that are seen best from behind are worth more there."""
        for detail in details_in(source.tags, self.config.subject.details):
            box = detail_box(detail, source.head, self.config.panel.composition)
            pixels = pixels_of(box, source.width, self.side) if box else 0.0
            turned = EYES in self.config.views.hidden(source.view_family, source.framing)
            if box and pixels and not (turned and detail.place in IN_FRONT):
                behind = detail.place in BEHIND and source.view_family == "behind"
                yield _Option(source, detail, box, pixels * (FROM_BEHIND if behind else 1))

    def _cut(self, one: _Option, path: Path) -> None:
        """Write a close-up, once. The outline of a head on a plain ground corrects where it stands."""
        if path.is_file():
            return
        image = open_picture(self.run / one.source.path, ANY_SIDE)[0].convert("RGB")
        whole, composition, box = square(image), self.config.panel.composition, one.box
        if isinstance(one.source.of, Frame):
            head = outlined_head(whole, composition.get(one.source.framing, {}))
            outlined = detail_box(one.detail, head, composition) if head else None
            if outlined and pixels_of(outlined, whole.width, self.side):
                box = outlined
        make_folder(path.parent)
        write_image(path, close_up(whole, box, self.side), {})

    def _of_seeds(self, seeds: Sequence[Seed]) -> Iterator[_Source]:
        wording, composition = self.captioner.wording, self.config.panel.composition
        for seed in seeds:
            head = seed.head or composition.get(seed.framing, {}).get("head")
            if head is None or not seed.head_known:
                continue
            hidden = wording.views.hidden(seed.view_family, seed.framing)
            tags = {axis: tag for axis, tag in wording.identity.items() if axis_in(axis) not in hidden}
            if seed.outfit in wording.character.wardrobe:
                tags = {**wording.outfit(seed.outfit), **tags}
            width = max(open_picture(self.run / seed.path, ANY_SIDE)[0].size)
            yield _Source(seed, seed.path, width, seed.framing, seed.view_family, head, tags)

    def _of_frames(self, frames: Sequence[Frame]) -> Iterator[_Source]:
        wording, composition = self.captioner.wording, self.config.panel.composition
        for frame in frames:
            shot = frame.job.shot
            head = composition.get(shot.framing, {}).get("head")
            if head is not None:
                tags = {**wording.shown(shot), **wording.traits(shot)}
                width = max(shape_of(self.config.base.sampling, frame.job))
                yield _Source(frame, frame.path, width, shot.framing, shot.view_family, head, tags)

    def _caption(self, one: _Option, phase: Phase) -> tuple[str, ...]:
        """View, place and style as the whole picture has them, the detail where the phase names it, and the focus."""
        wording, source = self.captioner.wording, one.source
        subject, enlarged = wording.subject, one.box[2] - one.box[0] < FEW * self.side / source.width
        focus = (CLOSE, one.detail.focus, *((wording.enlarged,) if enlarged and wording.enlarged else ()))
        kept = {"view", subject.background_axis, *subject.altered_hides, axis_in(one.detail.axis)}
        if isinstance(source.of, Frame):
            shot = source.of.job.shot
            unseen = _without(kept, (*wording.varying(shot), *wording.identity))
            return wording.caption(shot, phase, unseen, further=focus)
        shown = self.captioner.shown(source.of)
        said = {axis: tag for axis, tag in shown.items() if axis_in(axis) in kept}
        said |= {f"altered {number}": tag for number, tag in enumerate(focus, 1)}
        hidden = _without(kept, (axis_in(axis) for axis in wording.identity))
        return wording.seed_caption(phase, said, hidden)


def _without(kept: Collection[str], axes: Iterator[str] | Collection[str]) -> list[str]:
    """The axes that a close-up does not show."""
    return [axis for axis in axes if axis_in(axis) not in kept]
