"""Frames that the gate leaves undecided are shown to a model beside a seed, where a run names one.

Asked first about frames that the gate admits without it and about decoys: it is heard only in view families where it
tells these apart. Decoys are taken below the admitted frames, from the top, as the undecided frames are, so a frame and
a decoy of equal likeness are asked about alike. Each pair is asked about once a run; whatever the model does, the run
goes on. Admits nothing: its values are measurements, which the gate ranks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from bootstrap.errors import BackendError, BootstrapError
from bootstrap.pictures import open_picture
from bootstrap.readers.kept_answers import AnswersInRun
from bootstrap.readers.open_reader import open_reader
from bootstrap.readers.pair_reading import PairReading, read_pair
from bootstrap.readers.question import Reader
from bootstrap.readers.reader_settings import reader_named
from bootstrap.records import Frame, Seed, Shot, VerdictKind, random_seed_of
from bootstrap.store.person import PERSON
from bootstrap.store.reader_decisions import PairRead, PairsChosen
from loops.archive import Archive
from loops.decoys import Stratum, strata, usable_decoys
from loops.engine import Engine
from loops.pair_defects import defects_measured, namings
from loops.ranking import Gated, gated
from scoring.calibrate import Ranked, judge
from scoring.measurement import Measurement, not_applicable
from scoring.second_look import PAIR_DEFECTS, PAIR_JUDGE, Telling, telling

__all__ = ["judge_pairs"]

MOST_KEPT, FEWEST_DECOYS = 6, 8
"""Kept frames and decoys of a view family by which the judge is tested: all of one above all of the other is no luck
from two of the ones on."""
HOPELESS = 0.5
"""A frame whose p is larger is not asked about: most decoys are liker."""
Role = Literal["kept", "decoy", "undecided"]


def judge_pairs(engine: Engine, number: int, wave: int) -> None:
    """Ask the run's judge about a wave's undecided frames, and store its measurements; nothing in a run without one."""
    if not engine.config.judge:
        return
    store, archive = engine.store, engine.archive()
    chosen = store.decided(PairsChosen, round=number, wave=wave)
    chosen = chosen or store.decide(_chosen(engine, archive, number, wave))
    if not chosen.undecided:
        return
    try:
        settings = reader_named(engine.config.judge)
        with open_reader(settings, AnswersInRun(store), allow_upload=True) as reader:  # agreed to as the run began
            _ask(engine, reader, archive, chosen)
    except BackendError as error:
        _give_up(engine, chosen, error)
    _measure(engine, archive, chosen)


def _chosen(engine: Engine, archive: Archive, number: int, wave: int) -> PairsChosen:
    """The frames to ask about: the likest undecided ones, and what the judge is tested by in their view families."""
    found = gated(archive, engine.judges, engine.config)
    known = {one.job for one in engine.store.decisions(PairRead)}
    passed = [*found.admitted, *(frame for frame in archive.usable_keeps if frame.job.id in found.ranks)]
    waiting = [frame for frame in _undecided(found) if frame.job.id not in known]
    testable = {frame.job.shot.view_family for frame in passed}
    waiting = [frame for frame in waiting if frame.job.shot.view_family in testable]
    waiting = _likest(waiting, found.ranks)[: engine.config.loop.judge.most]
    kept, decoys = list[str](), list[str]()
    for family in sorted({frame.job.shot.view_family for frame in waiting}):
        own = _likest([frame for frame in passed if frame.job.shot.view_family == family], found.ranks)
        kept += [frame.job.id for frame in own[:MOST_KEPT] if frame.job.id not in known]
        frames = [frame for frame in waiting if frame.job.shot.view_family == family]
        highest = max(found.ranks[frame.job.id].score for frame in frames)
        above = [found.ranks[frame.job.id].score for frame in own]  # a person may keep what stands lower
        below = min((score for score in above if score > highest), default=math.inf)
        decoys += [id for id in _decoys(engine, archive, frames, below) if id not in known]
    return PairsChosen(number, wave, tuple(kept), tuple(decoys), tuple(frame.job.id for frame in waiting))


def _undecided(found: Gated) -> list[Frame]:
    """The frames that pass the checks and stand neither high enough nor hopelessly low."""
    if found.fit is not None and found.fit.used:
        return []  # a person's verdicts decide here
    settled = {frame.job.id for frame in found.admitted} | {*found.drifted}
    frames = []
    for frame in found.candidates:
        rank = found.ranks.get(frame.job.id)
        if rank is not None and rank.weakest and rank.p <= HOPELESS and frame.job.id not in settled:
            frames.append(frame)
    return frames


def _likest(frames: Sequence[Frame], ranks: Mapping[str, Ranked]) -> list[Frame]:
    return sorted(frames, key=lambda frame: (-ranks[frame.job.id].score, frame.job.id))


def _decoys(engine: Engine, archive: Archive, frames: Sequence[Frame], below: float) -> list[str]:
    """The likest decoys of some frames of one view family that stand below a score, as many as there are frames."""
    judges, config = engine.judges, engine.config
    usable = usable_decoys(archive, judges, config)
    scores: dict[str, float] = {}
    for group in strata(frames, usable, archive.measurements, judges.identity, config.loop.calibrate_on):
        for id, rank in _ranks_of_decoys(group).items():
            if rank.weakest and rank.score < below:
                scores[id] = rank.score
    return sorted(scores, key=lambda id: (-scores[id], id))[: max(FEWEST_DECOYS, len(frames))]


def _ranks_of_decoys(group: Stratum) -> dict[str, Ranked]:
    """Each decoy's place among the decoys, as a candidate's is found."""
    shown = {f"decoy {id}": answers for null in group.nulls for id, answers in null.items()}
    ranks = judge(shown, group.lookalikes, group.exchanged, group.calibrate_on)
    return {id.removeprefix("decoy "): rank for id, rank in ranks.items()}


def _ask(engine: Engine, reader: Reader, archive: Archive, chosen: PairsChosen) -> None:
    """Ask about every pair that has no answer yet; undecided frames only where the judge can tell.

    Raises BackendError where the reader does not answer; what it said until then is stored.
    """
    families = {frame.job.id: frame.job.shot.view_family for frame in archive.frames}
    frames = {frame.job.id: frame for frame in archive.frames}
    known = {one.job for one in engine.store.decisions(PairRead)}
    done, total = 0, len(chosen.kept) + len(chosen.decoys) + len(chosen.undecided)
    for role, ids in _roles(chosen):
        able = _tellings(engine, archive) if role == "undecided" else {}
        for id in ids:
            done += 1
            if id in known or id not in frames or (role == "undecided" and not able[families[id]].able):
                continue
            engine.store.decide(_read(id, role, _reading(engine, reader, frames[id])))
            engine.progress("judging pairs", done, total)


def _roles(chosen: PairsChosen) -> list[tuple[Role, tuple[str, ...]]]:
    return [("kept", chosen.kept), ("decoy", chosen.decoys), ("undecided", chosen.undecided)]


def _reading(engine: Engine, reader: Reader, frame: Frame) -> PairReading:
    """What the reader says of a frame. Raises BackendError where it does not answer."""
    seed = _nearest(engine.seeds, frame.job.shot)
    image, _ = open_picture(engine.store.directory / seed.path)
    drawn = engine.store.frame_image(frame)
    try:
        return read_pair(reader, image, drawn, seed_first=random_seed_of("pair", frame.job.id) % 2 == 0)
    except BootstrapError:
        raise
    except Exception as error:  # a model is foreign code: whatever it raises, the run goes on without its answer
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise BackendError(reason) from error


def _nearest(seeds: Sequence[Seed], shot: Shot) -> Seed:
    """The seed whose view, else whose view family, else whose framing is that of a shot."""

    def near(seed: Seed) -> tuple[bool, ...]:
        return seed.anchor, seed.view == shot.view, seed.view_family == shot.view_family, seed.framing == shot.framing

    return max(seeds, key=near)


def _read(id: str, role: Role, found: PairReading) -> PairRead:
    return PairRead(id, role, found.same, found.lean, found.differs, found.defects, found.why)


def _give_up(engine: Engine, chosen: PairsChosen, error: BackendError) -> None:
    """Store that the reader did not answer, so that the run ends the same when it is resumed."""
    for role, ids in _roles(chosen):
        for id in ids:
            engine.store.decide(_read(id, role, PairReading(None, why=f"it did not answer: {error.message}")))
    engine.note(f"{_of(chosen)}: the judge did not answer ({error.message}); the frames are judged without it")


def _tellings(engine: Engine, archive: Archive) -> dict[str, Telling]:
    """View family → how well the judge tells kept frames from decoys there; what a person says of a frame counts."""
    known: dict[str, list[float]] = {name: [] for name in engine.config.views.families}
    decoys: dict[str, list[float]] = {name: [] for name in engine.config.views.families}
    families = {frame.job.id: frame.job.shot.view_family for frame in archive.frames}
    for one in engine.store.decisions(PairRead):
        if one.same is None or one.job not in families:
            continue
        verdict = archive.verdicts.get(one.job)
        said = verdict.kind if verdict and verdict.by == PERSON else None
        if one.role == "decoy":
            decoys[families[one.job]].append(one.same)
        elif said is VerdictKind.KEEP or (one.role == "kept" and said is not VerdictKind.REJECT):
            known[families[one.job]].append(one.same)
    return {name: telling(known[name], decoys[name]) for name in known}


def _measure(engine: Engine, archive: Archive, chosen: PairsChosen) -> None:
    """Store what the judge's answers are worth by now, also those of earlier waves, and note how it fared."""
    families = {frame.job.id: frame.job.shot.view_family for frame in archive.frames}
    tellings, reads = _tellings(engine, archive), engine.store.decisions(PairRead)
    named = namings(reads, archive)
    rows: dict[str, dict[str, Measurement]] = {}
    for id in chosen.undecided:
        if id in families:
            why = f"at chance in {families[id]} views ({tellings[families[id]]}), so it was not asked"
            rows[id] = {PAIR_JUDGE: not_applicable(why), PAIR_DEFECTS: not_applicable(why)}
    for one in reads:
        if one.job in families:
            told = _measurement(one, families[one.job], tellings[families[one.job]])
            rows[one.job] = {PAIR_JUDGE: told, PAIR_DEFECTS: defects_measured(one, named)}
    engine.store.add_measurements(rows, dict.fromkeys((PAIR_JUDGE, PAIR_DEFECTS), engine.config.judge))
    asked = sum(one.job in chosen.undecided for one in reads)
    heard = [
        f"{name} {'heard' if tellings[name].able else 'not heard'} ({tellings[name]})"
        for name in sorted({families[id] for id in chosen.undecided if id in families})
    ]
    leans = [one.lean for one in reads if one.same is not None]
    lean = f"; with the seed first it says {sum(leans) / len(leans):+.1f} of 100" if leans else ""
    counting = [f"{name} ({one})" for name, one in named.items() if one.counts]
    lean += f"; defects that count: {', '.join(counting) or 'none'}"
    engine.note(f"{_of(chosen)}: the judge looked at {asked} undecided frames; {', '.join(heard)}{lean}")


def _measurement(read: PairRead, family: str, able: Telling) -> Measurement:
    if read.same is None:
        return not_applicable(read.why)
    told = f"{', '.join(read.differs) or 'no trait'} {'differs' if len(read.differs) < 2 else 'differ'}"
    told += f"; defects: {', '.join(read.defects)}" if read.defects else ""
    if read.role == "kept":
        return not_applicable(f"the gate admits it without the judge, which says {read.same:g} of 100; {told}")
    if not able.able:
        return not_applicable(f"at chance in {family} views ({able}); it says {read.same:g} of 100; {told}")
    return Measurement(read.same, told)


def _of(chosen: PairsChosen) -> str:
    return f"round {chosen.round}, wave {chosen.wave}"
