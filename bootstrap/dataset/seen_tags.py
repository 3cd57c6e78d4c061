"""What the panel's reader of words saw on generated frames, as their captions take it.

Asked tags that a frame does not show are denied; what is seen and was not asked is added, cleaned as `bootstrap tags`
cleans a set, up to as many tags as a caption should have. Knows no pixel: what was seen is among the measurements.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from bootstrap.captions.conflicts import conflicts
from bootstrap.captions.several_tags import axis_in
from bootstrap.captions.wording import Wording
from bootstrap.config import RunConfig
from bootstrap.dataset.caption_tags import COUNTS, EVERYWHERE, FEWEST
from bootstrap.dataset.coverage import VIEWS
from bootstrap.dataset.retagging import Retagging
from bootstrap.panel.availability import known_characters
from bootstrap.panel.seats import SEEN
from bootstrap.pictures.caption_text import caption_parts, folded
from bootstrap.records import Frame, Phase
from scoring.measurement import Measurement
from scoring.sight import Sight, SightByTaggerSettings, SightSettings
from scoring.tags import CROWD

__all__ = ["SeenTags", "unseen_axes"]

GAZE = "looking at viewer"
"""A word that tells a front view in audits, and varies in every view."""


@dataclass(frozen=True)
class SeenTags:
    """The captions of ``frames``, together one set, by what ``measured`` says that each shows (frame id → scorers).

    ``read`` is what a model that reads pictures saw, by frame, where a run has one.
    """

    frames: Sequence[Frame]
    measured: Mapping[str, Mapping[str, Measurement]]
    config: RunConfig
    wording: Wording
    read: Mapping[str, Sight] = field(default_factory=dict)

    def caption(self, frame: Frame, phase: Phase) -> tuple[str, ...]:
        """The tags of one of the frames in a phase."""
        shot, unseen = frame.job.shot, unseen_axes(self.measured.get(frame.job.id, {}))
        denied = [tag for tag in self._sight(frame).unseen if tag not in self._disbelieved]
        caption = self.wording.caption(shot, phase, unseen, denied)
        said, further = list(map(folded, caption)), list[str]()
        for tag in self._further.get(frame.job.id, ()):
            if len(said) < self._most and not _named(tag, said) and not conflicts([*said, tag]):
                said.append(tag)
                further.append(tag)
        return self.wording.caption(shot, phase, unseen, denied, further)

    @cached_property
    def _reader(self) -> tuple[str, SightSettings | SightByTaggerSettings] | None:
        """The panel's scorer that says what is seen, and its settings."""
        for name, settings in self.config.panel.in_use.items():
            if isinstance(settings, SightSettings | SightByTaggerSettings):
                return name, settings
        return None

    @cached_property
    def _most(self) -> int:
        if self._reader:
            return self._reader[1].most
        return SightSettings().most if self.read else 0

    def _sight(self, frame: Frame) -> Sight:
        """What the panel and the reader see together, the reader's tags first."""
        values, read = self.measured.get(frame.job.id, {}), self.read.get(frame.job.id, Sight())
        if self._reader is None or self._reader[0] not in values:
            return read
        own = Sight.read(values[self._reader[0]].why)
        seen, unseen = dict.fromkeys((*read.seen, *own.seen)), dict.fromkeys((*own.unseen, *read.unseen))
        return Sight(tuple(seen), tuple(unseen))

    @cached_property
    def _disbelieved(self) -> frozenset[str]:
        """Asked tags that so many of the frames lack that the reader, rather, cannot see them."""
        asked, lacking = Counter[str](), Counter[str]()
        for frame in self.frames:
            for tags in self.wording.varying(frame.job.shot).values():
                asked.update(caption_parts(tags))
            lacking.update(self._sight(frame).unseen)
        most = self._reader[1].believed if self._reader else 1.0
        return frozenset(tag for tag, count in lacking.items() if count > most * asked[tag])

    @cached_property
    def _further(self) -> dict[str, list[str]]:
        """Frame id → what is seen and was not asked for; what nearly every frame shows is the trigger's."""
        found = {one.job.id: self._cleaned(one) for one in self.frames if self._reader or self.read}
        counts = Counter(tag for tags in found.values() for tag in tags)
        if len(found) < FEWEST:
            return found
        common = {tag for tag, count in counts.items() if count >= EVERYWHERE * len(found)}
        return {id: [tag for tag in tags if tag not in common] for id, tags in found.items()}

    def _cleaned(self, frame: Frame) -> list[str]:
        """What is seen of a frame, without words of the character, of its view, and of axes that were asked for."""
        sight, named = self._sight(frame), {"view", "framing", *map(axis_in, self.wording.identity)}
        unseen = unseen_axes(self.measured.get(frame.job.id, {}))
        for axis, tags in self.wording.shown(frame.job.shot).items():
            if axis not in unseen and not set(caption_parts(tags)) <= {*sight.unseen} - self._disbelieved:
                named.add(axis_in(axis))
        found = []
        for tag in self._retagging.cleaned(sight.seen):
            if self.wording.axis_of(tag, "") not in named:
                found.append(folded(tag))
        return found

    @cached_property
    def _retagging(self) -> Retagging:
        character, views = self.wording.character, self.wording.views
        words = {word for phrase in (*views.phrases, *views.framings) for word in phrase.split(", ")}
        gone = {*words, *VIEWS, *COUNTS, *CROWD, *character.core, *character.forbidden} - {GAZE}
        names = known_characters(self.config.panel)
        called = {tag: word for word, tag in self.config.panel.models.tagger.words.items()}
        return Retagging(replace=called, drop=frozenset(map(folded, gone)), identity=character.identity, names=names)


def unseen_axes(values: Mapping[str, Measurement]) -> tuple[str, ...]:
    """The axes whose asked word a picture does not show, of what the panel's readers ("seen <axis>") measured."""
    axes = []
    for name, measurement in values.items():
        if name.startswith(SEEN) and measurement.value is not None and measurement.value < 0:
            axes.append(name.removeprefix(SEEN))
    return tuple(axes)


def _named(tag: str, said: Sequence[str]) -> bool:
    """Whether a caption names the thing of a tag: "shirt" where it says "white shirt"."""
    return any(tag.split()[-1] in one.split() for one in said)
