"""Who turns up where: pictures of each member of several, by every member's seeds and by every member's words.

A picture is its own where it is more alike to its member than to any other; a trait is another's where the panel reads
the other's word on it. Pure but for the panel's readers: pictures and measurements come in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from bootstrap.captions.several_tags import axis_in
from bootstrap.captions.wording import Wording
from bootstrap.config import PanelConfig
from bootstrap.dataset.bleed_of_members import Likeness, Traits
from bootstrap.panel.axes import checked_axes, read_on_heads
from bootstrap.panel.judges import Judges
from bootstrap.panel.models import PanelModels
from scoring.axis import AxisCheck
from scoring.measurement import Measurement, Picture

__all__ = ["Cohort", "TraitReader", "likeness_of", "read_apart"]

Values = Mapping[str, Measurement]


def likeness_of(identity: Sequence[str], by_member: Mapping[str, Values]) -> dict[str, float]:
    """How alike one picture is to each member: the mean of the ``identity`` scorers that can tell it of all of them.

    ``by_member`` is trigger → the answers of the panel before that member's seeds. Empty where no scorer can tell.
    """
    telling = []
    for name in identity:
        answers = [values.get(name) for values in by_member.values()]
        if all(answer is not None and answer.value is not None for answer in answers):
            telling.append(name)
    if not telling:
        return {}
    found = {}
    for trigger, values in by_member.items():
        found[trigger] = fmean(values[name].value or 0.0 for name in telling)
    return found


class TraitReader:
    """Reads which of two words a picture shows, on each axis on which two members differ."""

    def __init__(self, models: PanelModels, panel: PanelConfig, wordings: Mapping[str, Wording]) -> None:
        self._wordings = wordings
        axes = checked_axes(panel, "clip")
        self._axes = [axis for axis in (tuple(panel.vocabulary) if axes is None else axes) if axis in panel.vocabulary]
        heads = models.crops(panel) if read_on_heads(panel, "clip") else None
        self._checks = {
            axis: AxisCheck(models.clip, models.features, axis, panel.vocabulary[axis], heads=heads, name=axis)
            for axis in self._axes
        }

    def traits(self, trigger: str, other: str, pictures: Sequence[Picture]) -> Traits:
        """The traits of ``other`` on pictures of ``trigger``, wherever the two have different words for an axis."""
        shown, read, words = 0, 0, dict[str, int]()
        for axis, (own, foreign) in self._differing(trigger, other).items():
            seen = [one for one in pictures if axis_in(axis) not in self._hidden(trigger, one)]
            for one, against in zip(self._read(axis, own, seen), self._read(axis, foreign, seen), strict=True):
                if one is None or against is None:
                    continue
                read += 1
                if against >= 0 and against > one:
                    shown += 1
                    words[foreign] = words.get(foreign, 0) + 1
        return Traits(other, shown, read, words)

    def _hidden(self, trigger: str, picture: Picture) -> Collection[str]:
        """The axes that a picture does not show, as far as its shot is known."""
        if not picture.view_family:
            return ()
        return self._wordings[trigger].views.hidden(picture.view_family, picture.framing)

    def _differing(self, trigger: str, other: str) -> dict[str, tuple[str, str]]:
        """Axis → the member's word and the other's, where both have one, and they are not the same."""
        own, foreign = self._words(trigger), self._words(other)
        return {axis: (own[axis], foreign[axis]) for axis in own if foreign.get(axis, own[axis]) != own[axis]}

    def _words(self, trigger: str) -> dict[str, str]:
        """Axis → the word of a member that the panel can read."""
        wording, found = self._wordings[trigger], {}
        for axis, tag in wording.identity.items():
            word = wording.vocabulary.meaning(tag)
            if word and axis in self._checks:
                found[axis] = word
        return found

    def _read(self, axis: str, word: str, pictures: Sequence[Picture]) -> list[float | None]:
        """The lead of a word among those of its axis, for each picture."""
        asked = [Picture(one.image, one.digest, one.view_family, one.framing, {axis: word}) for one in pictures]
        return [answer.value for answer in self._checks[axis].score(asked)] if asked else []


@dataclass(frozen=True)
class Cohort:
    """Every member's judges, and how alike the members' sets are on the whole to each: seeds of which everything is a
    little more like than of others would win where nothing is."""

    judges: Mapping[str, Judges]
    usual: Mapping[str, float]

    @classmethod
    def of(cls, judges: Mapping[str, Judges], sets: Mapping[str, Sequence[Picture]]) -> Cohort:
        """By pictures of every member's own set."""
        usual = dict.fromkeys(judges, 0.0)
        bare = cls(judges, usual)
        means = []
        for pictures in sets.values():
            told = [one for one in bare.likenesses(pictures) if one]
            if told:
                means.append({name: fmean(one[name] for one in told) for name in judges})
        return cls(judges, {name: fmean(one[name] for one in means) for name in judges} if means else usual)

    @property
    def identity(self) -> list[str]:
        """Names of the scorers that compare with seeds."""
        return next(iter(self.judges.values())).identity

    def likenesses(self, pictures: Sequence[Picture]) -> list[dict[str, float]]:
        """How alike each picture is to each member, over what is usual; empty where no scorer can tell."""
        if not pictures:
            return []
        rows = {trigger: one.panel.measure(pictures, only=self.identity) for trigger, one in self.judges.items()}
        found = []
        for number in range(len(pictures)):
            alike = likeness_of(self.identity, {trigger: rows[trigger][number] for trigger in self.judges})
            found.append({name: value - self.usual[name] for name, value in alike.items()})
        return found


def read_apart(
    cohort: Cohort, reader: TraitReader, trigger: str, pictures: Sequence[Picture], solo: Sequence[Picture] = ()
) -> Likeness:
    """What pictures of one member are like, by every member's judges; ``solo`` are those of its own LoRA."""
    told = [one for one in cohort.likenesses(pictures) if one]
    own = sum(max(one, key=lambda name: one[name]) == trigger for one in told)
    mean = {name: fmean(one[name] for one in told) for name in cohort.judges} if told else {}
    before = [one[trigger] for one in cohort.likenesses(solo) if one]
    traits = [reader.traits(trigger, other, pictures) for other in cohort.judges if other != trigger]
    return Likeness(trigger, mean, own, len(told), fmean(before) if before else None, traits)
