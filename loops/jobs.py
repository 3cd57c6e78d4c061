"""A shot into a job: its words, its random seed, and the id under which it is stored.

Pure: the same shot gives the same job. Knows no store and no picture.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from bootstrap.captions.instructions import Instructions
from bootstrap.captions.wording import Wording
from bootstrap.config import RunConfig
from bootstrap.records import OUTSIDE_KINDS, Job, JobKind, Reference, Shot, random_seed_of

__all__ = ["JobMaker", "Wave"]


@dataclass(frozen=True, slots=True)
class Wave:
    """A wave of a round, and what it is drawn with.

    ``named`` are the identity tags that prompts for the adapter name; ``adapter`` is False where the base draws alone;
    ``lora_start`` is the share of the steps after which the adapter joins it.
    """

    round: int
    number: int
    named: Collection[str] = frozenset()
    adapter: bool = True
    lora_start: float = 0.0


@dataclass(frozen=True)
class JobMaker:
    """Makes the jobs of a run; ``control`` finds the control picture of a shot, where there is one.

    ``drawer`` is the name of the drawer for which it makes them, where two share the work.
    """

    wording: Wording
    config: RunConfig
    control: Callable[[Shot], Reference | None] = lambda shot: None
    drawer: str = ""

    @cached_property
    def instructions(self) -> Instructions | None:
        """What puts shots into words for a drawer from outside; None where it is given the base's."""
        drawer = self.config.drawer
        if drawer is None or drawer.instructions is None:
            return None
        return Instructions(self.wording, drawer.instructions, drawer.camera)

    def instructed(self, shot: Shot) -> str:
        """A shot as a person, or a program that is shown the seed, is told to draw it; "" without instructions."""
        return self.instructions.prompt(shot, self.wording.traits(shot)) if self.instructions else ""

    def tagged(self, shot: Shot) -> str:
        """A shot as a prompt that names every trait, for who does not know the trigger."""
        return self.wording.prompt(shot, self.wording.traits(shot), trigger=False)

    def wave_job(
        self,
        kind: JobKind,
        wave: Wave,
        shot: Shot,
        references: tuple[Reference, ...] = (),
        start: Reference | None = None,
    ) -> Job:
        """A candidate or a decoy. A look-alike has every trait and no trigger; an exchanged decoy some other traits."""
        wording = self.wording
        exchanged = self.exchange(shot) if kind is JobKind.EXCHANGED else {}
        traits = wording.traits(shot, exchanged)
        negative = wording.negative(self.config.base.negative)
        if kind is JobKind.LOOKALIKE:
            prompt = wording.prompt(shot, traits, trigger=False)
        elif self.instructions is not None and kind in OUTSIDE_KINDS:
            prompt, negative = self.instructions.prompt(shot, traits), self.instructions.negative()
        else:
            prompt = wording.prompt(shot, self._understood(wave, shot, traits), trigger=wave.adapter)
        mark = hashlib.sha256(f"{shot.key}|{kind}{'|begun' if start else ''}".encode()).hexdigest()[:10]
        return Job(
            id=f"{kind.value}-r{wave.round:02d}w{wave.number}-{mark}",
            kind=kind,
            round=wave.round,
            wave=wave.number,
            shot=shot,
            prompt=prompt,
            negative=negative,
            random_seed=random_seed_of(self.config.random_seed, shot.key),
            traits=traits,
            references=references,
            control=self.control(shot),
            drawer=self.drawer if kind in OUTSIDE_KINDS else "",
            start=start,
            lora_start=wave.lora_start if wave.adapter and kind is not JobKind.LOOKALIKE else 0.0,
        )

    def trial_job(self, wave: Wave, shot: Shot, references: tuple[Reference, ...]) -> Job:
        """A candidate that is drawn only to choose how candidates are drawn."""
        job = self.wave_job(JobKind.CANDIDATE, wave, shot, references)
        mark = hashlib.sha256(f"{shot.key}|{references}{self.drawer}".encode()).hexdigest()[:10]
        return replace(job, id=f"trial-r{wave.round:02d}w{wave.number}-{mark}", kind=JobKind.TRIAL)

    def preview_job(self, wave: Wave, shot: Shot) -> Job:
        """A picture of the probe on which the final weights are compared: by the trigger, and the words they know."""
        wording = self.wording
        traits = {axis: tag for axis, tag in wording.traits(shot).items() if tag in wave.named}
        random_seed = random_seed_of(self.config.random_seed, "preview", shot.key)
        place = f"r{wave.round:02d}" if wave.number == 1 else f"r{wave.round:02d}w{wave.number}"
        return Job(
            id=f"preview-{place}-{random_seed:x}",
            kind=JobKind.PROBE,
            round=wave.round,
            wave=wave.number,
            shot=shot,
            prompt=wording.prompt(shot, traits),
            negative=wording.negative(self.config.base.negative),
            random_seed=random_seed,
            traits={},
        )

    def acceptance_job(self, wave: Wave, shot: Shot, mark: str, words: Sequence[str] = ()) -> Job:
        """A picture by which the finished LoRA is judged, as the probe asks for it, with the ``words`` of other LoRAs.

        Without an adapter in the wave every trait is asked for in words: the base's own picture. ``mark`` tells apart
        what is tried.
        """
        preview = self.preview_job(wave, shot)
        prompt = preview.prompt
        if not wave.adapter:
            prompt = self.wording.prompt(shot, self.wording.traits(shot), trigger=False)
        id = f"acceptance-r{wave.round:02d}-{mark}-{preview.random_seed:x}"
        return replace(preview, id=id, kind=JobKind.ACCEPTANCE, prompt=", ".join((prompt, *words)))

    def showcase_job(self, preview: Job, wave: int, *, trigger: bool) -> Job:
        """The same picture asked for in words, with every trait: of the base, or with the trigger of an adapter."""
        wording, shot = self.wording, preview.shot
        traits = wording.traits(shot)
        return replace(
            preview,
            id=f"showcase-r{preview.round:02d}w{wave}-{preview.random_seed:x}",
            kind=JobKind.SHOWCASE,
            wave=wave,
            prompt=wording.prompt(shot, traits, trigger=trigger),
            traits=traits,
        )

    def exchange(self, shot: Shot) -> dict[str, str]:
        """Other words for two or three identity traits that the shot can show, drawn from what the shot is.

        The first axis of the panel's list is always among them: a decoy must not be the character by accident.
        """
        panel, seen, seed = self.config.panel, self.wording.traits(shot), self.config.random_seed
        axes = [axis for axis in panel.identity if axis in seen and axis in panel.vocabulary]
        axes[1:] = sorted(axes[1:], key=lambda axis: random_seed_of(seed, shot.key, "axis", axis))
        count = 2 + random_seed_of(seed, shot.key, "count") % 2
        exchanged = {}
        for axis in axes[:count]:
            draw = random_seed_of(seed, shot.key, "word", axis)
            exchanged[axis] = _other(panel.vocabulary[axis], seen[axis], draw)
        return exchanged

    def _understood(self, wave: Wave, shot: Shot, traits: Mapping[str, str]) -> dict[str, str]:
        """The identity tags that the wave's adapter was trained with in captions, and those of somebody else.

        Captions of the finishing phase withhold the others; named in the prompt all the same, the character comes out
        worse than by the trigger alone (likeness .62 against .79, see tests/benchmarks/LOG.md).
        """
        own = self.wording.traits(shot)
        return {axis: tag for axis, tag in traits.items() if tag in wave.named or tag != own[axis]}


def _other(words: Sequence[str], word: str, draw: int) -> str:
    others = [other for other in words if other != word and not word.endswith(f" {other}")]
    return others[draw % len(others)]
