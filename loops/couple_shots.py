"""The pictures of several that a marriage plans: who stands how beside whom, in which words, from which start.

Pure: the same members give the same jobs. Knows no store and no picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bootstrap.captions.relations import Relation, counted, joint_caption
from bootstrap.captions.wording import Wording
from bootstrap.config import RunConfig
from bootstrap.dataset.bundle_members import BundleMember
from bootstrap.records import Job, JobKind, Reference, Region, Shot, random_seed_of
from bootstrap.shots import Planner
from loops.portraits import portrait_shots

__all__ = ["JointShot", "JointShots"]

FRAMING = "full body"
"""Several fit into a picture where a whole body takes its middle."""
PLACE = "view "
"""How the axes of a joint shot begin that hold the view family of each part, from the left."""


@dataclass(frozen=True)
class JointShot:
    """One picture of several: ``order`` are the places of the members in the run's list, from left to right, ``each``
    the shot of each of them in that order."""

    number: int
    relation: Relation
    order: tuple[int, ...]
    each: tuple[Shot, ...]

    @property
    def shot(self) -> Shot:
        """As a run stores it: the first view, and the view family of every part."""
        first = self.each[0]
        axes = {"relation": self.relation.words}
        axes |= {f"{PLACE}{place}": shot.view_family for place, shot in enumerate(self.each)}
        return Shot(first.view_family, first.view, FRAMING, axes, self.number)


@dataclass(frozen=True)
class JointShots:
    """Plans joint shots of members and puts them into words."""

    members: Sequence[BundleMember]
    wordings: Sequence[Wording]
    config: RunConfig
    relations: Sequence[Relation]
    core: tuple[str, ...] = ()

    def plan(self, count: int, mark: str) -> list[JointShot]:
        """So many shots, each relation in turn; who stands left changes from one to the next."""
        subject, views = self.config.subject, self.config.views
        planners = [Planner(member.character, views, subject) for member in self.members]
        drawn: list[list[Shot]] = [[] for _ in self.members]
        found = []
        for number in range(count):
            relation = self.relations[number % len(self.relations)]
            turn = (number // len(self.relations)) % len(self.members)
            order = tuple((place + turn) % len(self.members) for place in range(len(self.members)))
            each: list[Shot] = []
            for place, member in enumerate(order):
                family, word = relation.views[min(place, 1)]
                family = family if family in views.families else next(iter(views.families))
                (shot,) = planners[member].plan({(family, FRAMING): 1}, drawn[member])
                drawn[member].append(shot)
                each.append(self._in_scene(self._facing(shot, word), each[:1]))
            found.append(JointShot(random_seed_of(mark, number) % 10**6, relation, order, tuple(each)))
        return found

    def _facing(self, shot: Shot, word: str) -> Shot:
        """The shot in a view of its family whose words have this one."""
        for name, words in self.config.views.families[shot.view_family].views.items():
            if word and word in words:
                return replace(shot, view=name)
        return shot

    def _in_scene(self, shot: Shot, first: Sequence[Shot]) -> Shot:
        """The shot in the place and the drawing style of the first one: a picture has one of each."""
        values = {axis: first[0].axes[axis] for axis in self._shared if first and axis in first[0].axes}
        return shot.having(values)

    def regional(
        self,
        one: JointShot,
        wave: int,
        id: str,
        start: Reference | None = None,
        references: Sequence[tuple[Reference, ...]] = (),
        *,
        with_lora: bool = True,
    ) -> Job:
        """A candidate: each in a region of its own, by its own words, with its own LoRA.

        ``references`` are what each is drawn from, from the left; without its LoRA every trait is named.
        """
        regions = []
        for place, member in enumerate(one.order):
            wording, shot, lora = self.wordings[member], one.each[place], self.members[member].lora
            prompt = wording.prompt(shot, {})
            if not with_lora:
                prompt, lora = wording.prompt(shot, wording.traits(shot), trigger=False), ""
            shown = references[place] if references else ()
            regions.append(Region(self._related(prompt, one), lora, self._shift(one, place), shown))
        return self._job(one, JobKind.CANDIDATE, wave, id, tuple(regions), start)

    def lookalike(self, one: JointShot, wave: int, id: str, references: Sequence[tuple[Reference, ...]] = ()) -> Job:
        """The same picture of others: the base alone, by words that name every trait."""
        job = self.regional(one, wave, id, None, references, with_lora=False)
        return replace(job, kind=JobKind.LOOKALIKE)

    def portraits(self, member: int, count: int, wave: int) -> list[Job]:
        """Others whom a member's words describe, in the shots of its seeds, by the base alone."""
        given, wording, jobs = self.members[member], self.wordings[member], []
        planner = Planner(given.character, self.config.views, self.config.subject)
        for number, shot in enumerate(portrait_shots(planner, given.seeds, count)):
            traits = wording.traits(shot)
            prompt, negative = wording.prompt(shot, traits, trigger=False), wording.negative(self.config.base.negative)
            seed = random_seed_of(self.config.random_seed, "portrait", given.trigger, number)
            id = f"portrait-{member}-{number:03d}"
            jobs.append(Job(id, JobKind.LOOKALIKE, 1, wave, shot, prompt, negative, seed, traits))
        return jobs

    def by_words(self, one: JointShot, wave: int, id: str, *, trigger: bool = True) -> Job:
        """Everyone asked for in one prompt: by the triggers, or by every trait where the base alone draws."""
        job = self._job(one, JobKind.ACCEPTANCE, wave, id, (), None)
        if trigger:
            words = self.caption(one)
        else:
            each = []
            for place, member in enumerate(one.order):
                wording, shot = self.wordings[member], one.each[place]
                each.append({**wording.traits(shot), **self._own(wording, shot)})
            words = joint_caption((), self._count(), one.relation.words, each, self._scene(one))
        quality = self.wordings[0].quality
        return replace(job, prompt=", ".join(dict.fromkeys((*words, *quality))))

    def caption(self, one: JointShot) -> tuple[str, ...]:
        """What a LoRA learns of a joint picture: the triggers in the order in which they stand, no identity word."""
        triggers = [self.members[member].trigger for member in one.order]
        each = [self._own(self.wordings[member], shot) for member, shot in zip(one.order, one.each, strict=True)]
        return joint_caption(triggers, (*self.core, *self._count()), one.relation.words, each, self._scene(one))

    def _count(self) -> tuple[str, ...]:
        return counted([member.character.core for member in self.members])

    def _own(self, wording: Wording, shot: Shot) -> dict[str, str]:
        """What a member does by itself in a shot."""
        shared = {"framing", *self._shared}
        return {axis: tag for axis, tag in wording.varying(shot).items() if axis not in shared}

    @property
    def _shared(self) -> tuple[str, ...]:
        """The axes of what a picture has one of."""
        subject = self.config.subject
        return tuple(axis for axis in subject.scene_axes if axis not in ("expression", subject.pose_axis))

    def _scene(self, one: JointShot) -> list[str]:
        """Framing, place and drawing style."""
        varying = self.wordings[one.order[0]].varying(one.each[0])
        return [varying[axis] for axis in ("framing", *self._shared) if axis in varying]

    def _related(self, prompt: str, one: JointShot) -> str:
        """The words of one region with how they stand to each other, where they touch or look at each other.

        The embedded base knows no such words.
        """
        if not one.relation.interacting or self.config.base.demonstration:
            return prompt
        return f"{prompt}, {one.relation.words}"

    def _shift(self, one: JointShot, place: int) -> float:
        """How far to the right of the middle a member stands, in widths of a picture."""
        return (place - (len(one.order) - 1) / 2) * one.relation.apart

    def _job(
        self,
        one: JointShot,
        kind: JobKind,
        wave: int,
        id: str,
        regions: tuple[Region, ...],
        start: Reference | None,
    ) -> Job:
        negative = self.wordings[0].negative(self.config.base.negative)
        seed = random_seed_of(self.config.random_seed, "joint", one.shot.key)
        prompt = " | ".join(region.prompt for region in regions)
        return Job(id, kind, 1, wave, one.shot, prompt, negative, seed, {}, start=start, regions=regions)
