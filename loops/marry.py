"""A marriage: members drawn together in one picture, and a LoRA that draws them so by words.

Each is drawn in a region of its own by its own LoRA, or from its own seeds, over noise or over a collage of its kept
pictures; what shows everyone, held against look-alikes, is trained on. Every step is found done or is done.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

from bootstrap.character import Character
from bootstrap.compare.couples import JointJudges, LookAlikes
from bootstrap.compare.grid import Companion
from bootstrap.dataset.bleed_of_members import COUPLE, Everyone
from bootstrap.dataset.bundle_members import BundleMember
from bootstrap.errors import BackendError
from bootstrap.pictures import open_picture
from bootstrap.pictures.collages import beside_each_other
from bootstrap.records import Adapter, Frame, Job, JobKind, Reference, TrainItem, Verdict, VerdictKind
from bootstrap.store.files import sha256_of, write_image
from loops.blends import Weights, blend_of
from loops.bundle import NUMBER, draw_members, held_against_all, in_words, trained_together, wind_up
from loops.couple_shots import FRAMING, JointShot, JointShots
from loops.draw import draw
from loops.finish import Finished
from loops.joint_references import joint_references
from loops.several import Several, trained_with
from scoring.calibrate import benjamini_hochberg

__all__ = ["Marriage", "marry"]

CANDIDATES, BY_WORDS = 11, 12
"""Waves: of the candidates, and the first of those by which the finished LoRA is tried."""
A_PLACE = 2
"""Candidates for each picture that is wanted."""
COLLAGES = 3
"""One in so many candidates begins from a collage, where both have a kept picture of such a view."""
BEGUN = 0.6
"""Share of the steps that is drawn over a collage, so that its seam goes, where the base has no setting for it."""
TRIED = 16
"""Pictures by which everyone is asked for in one prompt."""
PASSING = 0.1
"""Share of look-alikes that may be taken for a member where a finished LoRA is tried."""


@dataclass(frozen=True)
class Marriage:
    """An open run of several that is to draw them together; ``target`` is the number of joint pictures."""

    several: Several
    shots: JointShots
    target: int

    @cached_property
    def judges(self) -> JointJudges:
        """What looks at joint pictures."""
        several = self.several
        return JointJudges(several.cohort, several.reader, several.engine.store)

    @cached_property
    def planned(self) -> list[JointShot]:
        """The shots of the candidates."""
        return self.shots.plan(A_PLACE * self.target, "candidate")


def marry(marriage: Marriage) -> Finished:
    """Draw together, keep what shows everyone, train on it, try it, hand over."""
    several, engine = marriage.several, marriage.several.engine
    draw_together(marriage)
    joint = chosen(marriage)
    together = BundleMember("drawn together", together_character(several), tuple(joint))
    trained_with(engine, (together,))  # LOG "What teaches a couple": the members' own sets thin it
    adapter = trained_together(engine)
    draw_members(several, adapter)
    for one in held_against_all(several):
        engine.note(in_words(one))
    for way in try_by_words(marriage, adapter):
        bleed = f"traits of another on {way.bled} of {way.read}" if way.read else "no trait could be read"
        engine.note(f"{way.name}: everyone is in {way.together} of {way.drawn} pictures, {bleed}")
    return wind_up(engine, (together,), adapter)


def together_character(several: Several) -> Character:
    """The members together, called by all their triggers."""
    first = several.engine.character
    return first.model_copy(update={"trigger": " ".join(member.trigger for member in several.members)})


def draw_together(marriage: Marriage) -> None:
    """The candidates, and their look-alikes."""
    engine, shots, jobs = marriage.several.engine, marriage.shots, []
    shown = joint_references(marriage.several, shots)
    for number, one in enumerate(marriage.planned):
        start = collage(marriage, one, number) if number % COLLAGES == COLLAGES - 1 else None
        way = "collage" if start else "regions"
        name, seen, lora = f"joint-{way}-{number:03d}", shown.candidate(one), shown.with_lora
        jobs.append(shots.regional(one, CANDIDATES, name, start, seen, with_lora=lora))
    for number, one in enumerate(marriage.planned):
        jobs.append(shots.lookalike(one, CANDIDATES, f"others-{number:03d}", shown.others(one)))
    engine.store.plan(jobs)
    draw(engine, NUMBER, CANDIDATES, None)


def collage(marriage: Marriage, one: JointShot, number: int) -> Reference | None:
    """Kept pictures of both in these views, side by side, as what a drawing begins from; None where one has none.

    Of more than two none is made: they are drawn on a wider picture.
    """
    engine, found = marriage.several.engine, []
    if len(one.order) > 2:
        return None
    directory = engine.store.directory
    for place, member in enumerate(one.order):
        shot = one.each[place]
        view = engine.config.views.families[shot.view_family].views[shot.view].split(", ")
        fitting = []
        for item in marriage.several.members[member].items:
            if item.kind == "kept" and {FRAMING, *view} <= set(item.tags):
                fitting.append(item.path)
        if not fitting:
            return None
        found.append(open_picture(directory / fitting[number % len(fitting)], 8)[0])
    path = f"collages/{number:03d}.png"
    write_image(directory / path, beside_each_other(found, engine.drawer.resolution))
    variations = engine.config.base.variations
    return Reference(path, sha256_of(directory / path), variations.strength if variations else BEGUN)


def chosen(marriage: Marriage) -> list[TrainItem]:
    """The joint pictures that are kept, with their captions. Raises BackendError where none shows everyone."""
    engine = marriage.several.engine
    store = engine.store
    frames = store.frames(NUMBER, CANDIDATES, JobKind.CANDIDATE)
    if not store.verdicts():
        store.set_verdicts(judged(marriage, frames), NUMBER, CANDIDATES)
    verdicts = store.verdicts()
    kinds = {VerdictKind.KEEP: ("kept", 1.0), VerdictKind.PROVISIONAL: ("provisional", 0.5)}
    items = []
    for frame, one in zip(frames, marriage.planned, strict=True):
        if frame.job.id in verdicts and (found := kinds.get(verdicts[frame.job.id].kind)):
            kind, weight = found
            items.append(TrainItem(frame.path, marriage.shots.caption(one), kind, weight))
    if not items:
        raise BackendError(
            f"none of {len(frames)} pictures shows everyone", "try other runs, or more candidates: --target"
        )
    engine.note(f"{len(items)} of {len(frames)} pictures show everyone and are trained on")
    return items


def judged(marriage: Marriage, frames: Sequence[Frame]) -> list[Verdict]:
    """What is kept: everyone surer than look-alikes, each relation in turn, the surest first.

    Where the test admits too few, the next best on which nobody is taken for another are provisional.
    """
    engine, wanted = marriage.several.engine, marriage.target
    decoys = look_alikes(marriage)
    present = dict(zip([frame.job.id for frame in frames], marriage.judges.present(frames), strict=True))
    p = {id: decoys.p(one) for id, one in present.items()}
    admitted = benjamini_hochberg(p, engine.config.loop.gate_level)
    ranked = sorted(frames, key=lambda frame: (p[frame.job.id], -present[frame.job.id].weakest))
    keeps = in_turn([frame for frame in ranked if frame.job.id in admitted])[:wanted]
    kept = {frame.job.id for frame in keeps}
    apart = [frame for frame in ranked if frame.job.id not in kept and present[frame.job.id].apart]
    spare = {frame.job.id for frame in apart[: max(0, wanted // 2 - len(kept))]}
    verdicts = []
    for frame in frames:
        id, one = frame.job.id, present[frame.job.id]
        kind, why = VerdictKind.REJECT, "not everyone is in it, or no surer than look-alikes"
        if id in kept:
            kind, why = VerdictKind.KEEP, "everyone is in it"
        elif id in spare:
            kind, why = VerdictKind.PROVISIONAL, "nobody is taken for another, but no surer than look-alikes"
        elif id in admitted:
            why = "everyone is in it, but the set is full"
        verdicts.append(Verdict(id, kind, "gate", (why,), p[id], one.weakest if one.placed else None))
    return verdicts


def in_turn(frames: Sequence[Frame]) -> list[Frame]:
    """Frames of each relation in turn, in their order."""
    seen: dict[str, int] = {}
    turns = []
    for frame in frames:
        relation = frame.job.shot.axes["relation"]
        seen[relation] = seen.get(relation, 0) + 1
        turns.append((seen[relation], frame))
    return [frame for _, frame in sorted(turns, key=lambda turn: turn[0])]


def look_alikes(marriage: Marriage) -> LookAlikes:
    """What is in the pictures of others."""
    frames = marriage.several.engine.store.frames(NUMBER, CANDIDATES, JobKind.LOOKALIKE)
    return LookAlikes(marriage.judges.present(frames))


def try_by_words(marriage: Marriage, adapter: Adapter) -> list[Everyone]:
    """Everyone by one prompt: by the finished LoRA, by the members' own LoRAs together, by the base; measured once."""
    engine = marriage.several.engine
    if stored := engine.store.recall(COUPLE):
        return [Everyone(**one) for one in json.loads(stored)]
    shots = marriage.shots.plan(TRIED, "by words")
    ways: list[tuple[str, Weights | None]] = [("this LoRA", adapter)]
    if solo := solo_together(marriage):
        ways.append(("their own LoRAs together", solo))
    ways.append(("the base by words", None))
    found = []
    others = look_alikes(marriage)
    for number, (name, weights) in enumerate(ways):
        wave = BY_WORDS + number
        jobs = [
            marriage.shots.by_words(one, wave, f"both-{number}-{place:03d}", trigger=weights is not None)
            for place, one in enumerate(shots)
        ]
        found.append(tried(marriage, name, jobs, weights, others))
    engine.store.remember(COUPLE, json.dumps([asdict(one) for one in found]))
    return found


def tried(marriage: Marriage, name: str, jobs: Sequence[Job], weights: Weights | None, others: LookAlikes) -> Everyone:
    """Pictures by one prompt each, drawn and looked at."""
    engine, wave = marriage.several.engine, jobs[0].wave
    engine.store.plan(jobs)
    draw(engine, NUMBER, wave, weights)
    frames = engine.store.frames(NUMBER, wave, JobKind.ACCEPTANCE)
    present = marriage.judges.present(frames)
    together = sum(others.everyone(one, PASSING) for one in present)
    bled, read = marriage.judges.read(frames, present)
    return Everyone(name, together, len(frames), bled, read)


def solo_together(marriage: Marriage) -> Weights | None:
    """The members' own LoRAs at full weight, as one."""
    engine, members = marriage.several.engine, [one for one in marriage.several.members if one.lora]
    if len(members) < len(marriage.several.members):
        return None
    store = engine.store
    phase = engine.config.subject.finishing.name
    first = members[0]
    path, name = store.directory / first.lora, f"solo-{first.trigger}"
    store.add_adapter(Adapter(name, phase, 0, first.lora, sha256_of(path), 0, 0.0))
    companions = []
    for member in members[1:]:
        path = store.directory / member.lora
        companions.append(Companion(path, sha256_of(path)))
    adapter = engine.adapter(name)
    assert adapter is not None
    return blend_of(engine, adapter, 1.0, companions)
