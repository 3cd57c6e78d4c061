"""Two drawers share the candidates of a wave: which passes more for what it costs gets more of the next one.

In the first wave each draws half of every view family. Later the halves move with the yield: frames that passed checks
and gate, for each unit of what the drawer took in time and money. No drawer falls below a floor, for one bad wave says
little. The shares are stored, and followed by a run that continues. Knows no model.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bootstrap.events import BatchGenerated
from bootstrap.records import Job, JobKind, Shot, random_seed_of
from bootstrap.shots import Cell
from bootstrap.store.decisions import SharesChosen
from loops.archive import Archive
from loops.decoys import usable_decoys
from loops.engine import Engine
from loops.jobs import Wave
from loops.plan import WavePlanner
from loops.ranking import gated
from loops.shown import Shown

__all__ = ["Hand", "Tally", "dealt", "jobs_of", "shares_by", "yields_of"]

FLOOR = 0.2
"""The least share of a view family's candidates that a drawer gets."""
SHRINKAGE = 6
"""Pictures of the drawer's whole run that count as much as those of a view family, as in `loops.strengths`; and of both
drawers as much as those of the drawer."""
HOUR = 3600.0

Shares = Mapping[str, Mapping[str, float]]
"""View family → drawer → a number."""


@dataclass(frozen=True, slots=True)
class Hand:
    """One of the drawers of a run: what plans for it, the wave as it draws it, and what it is shown."""

    planner: WavePlanner
    wave: Wave
    shown: Shown | None

    @property
    def name(self) -> str:
        """The drawer's name where two share the work."""
        return self.planner.maker.drawer


@dataclass(frozen=True, slots=True)
class Tally:
    """How many candidates were drawn somewhere, and how many of them passed checks and gate."""

    pictures: int = 0
    passed: int = 0

    def __add__(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(self.pictures + other.pictures, self.passed + other.passed)

    def rate(self, pooled: float) -> float:
        """The share that passed, shrunk towards that of a larger group."""
        return (self.passed + SHRINKAGE * pooled) / (self.pictures + SHRINKAGE)


def jobs_of(engine: Engine, archive: Archive, hands: Sequence[Hand], empty: Mapping[Cell, int]) -> list[Job]:
    """The jobs of a wave for ``empty`` places: of the one drawer of a run, or shared among two."""
    if len(hands) == 1:
        usable = usable_decoys(archive, engine.judges, engine.config)
        return hands[0].planner.plan(archive, hands[0].wave, empty, usable, hands[0].shown)
    archive = engine.archive()  # with the portraits: they are look-alikes
    usable = usable_decoys(archive, engine.judges, engine.config)
    shots = engine.wave_planner.shots(archive, empty)
    shares = _shares(engine, archive, hands[0].wave)
    mine = dealt(shots, shares.shares, engine.config.random_seed)
    jobs: list[Job] = []
    for hand in hands:
        jobs += hand.planner.candidates(hand.wave, mine[hand.name], hand.shown)
    from_words = [hand for hand in hands if hand.shown is None]
    if from_words:  # the base draws who stands beside them, once for both
        last, together = from_words[-1], [shot for hand in from_words for shot in mine[hand.name]]
        for kind in (JobKind.LOOKALIKE, JobKind.EXCHANGED):
            jobs += last.planner.decoys(kind, archive, last.wave, together, usable)
    for hand in hands:
        if hand.shown is not None:
            planned = replace(archive, jobs=[*archive.jobs, *jobs])
            own = mine[hand.name]
            jobs += hand.planner.decoys(JobKind.STRANGER, planned, hand.wave, own, usable, hand.shown)
        planned = replace(archive, jobs=[*archive.jobs, *jobs])
        jobs += hand.planner.begun_decoys(planned, hand.wave, mine[hand.name], usable, hand.shown)
    return jobs


def dealt(shots: Sequence[Shot], shares: Shares, random_seed: int) -> dict[str, list[Shot]]:
    """Drawer → its shots, in order: which ones follows from what the shots are."""
    found: dict[str, list[Shot]] = {name: [] for by_drawer in shares.values() for name in by_drawer}
    of: dict[str, str] = {}
    for view_family, by_drawer in shares.items():
        own = [shot for shot in shots if shot.view_family == view_family]
        own.sort(key=lambda shot: random_seed_of(random_seed, "drawer", shot.key))
        first, second = by_drawer
        count = math.floor(by_drawer[first] * len(own) + _fraction(random_seed, own))
        of |= {shot.key: first if place < count else second for place, shot in enumerate(own)}
    for shot in shots:
        found[of[shot.key]].append(shot)
    return found


def _fraction(random_seed: int, shots: Sequence[Shot]) -> float:
    """From 0 to 1, exclusive, by what the shots are: where parts of pictures are shared, neither always gets them."""
    return random_seed_of(random_seed, "rest", *(shot.key for shot in shots)) % 1000 / 1000


def yields_of(drawn: Mapping[str, Mapping[str, Tally]], costs: Mapping[str, float]) -> Shares:
    """View family → drawer → frames that pass for each unit of what a drawer's picture costs (above 0).

    ``drawn`` is by view family and drawer. The share that passes is shrunk towards that of the drawer's whole run, and
    this towards that of both.
    """
    whole: dict[str, Tally] = dict.fromkeys(costs, Tally())
    for by_drawer in drawn.values():
        for name, one in by_drawer.items():
            whole[name] += one
    both = sum(whole.values(), Tally())
    everywhere = both.passed / max(both.pictures, 1)
    yields: dict[str, dict[str, float]] = {}
    for view_family, by_drawer in drawn.items():
        yields[view_family] = {}
        for name, cost in costs.items():
            rate = by_drawer[name].rate(whole[name].rate(everywhere))
            yields[view_family][name] = round(rate / cost, 6)
    return yields


def shares_by(yields: Mapping[str, float]) -> dict[str, float]:
    """Drawer → its share, in proportion to its yield, and at least `FLOOR`; halves where nothing passes."""
    total, shares = sum(yields.values()), {}
    for name, one in yields.items():
        share = one / total if total else 0.5
        shares[name] = round(min(max(share, FLOOR), 1 - FLOOR), 2)
    return shares


def _shares(engine: Engine, archive: Archive, wave: Wave) -> SharesChosen:
    """How the candidates of a wave are shared, as it was decided, or by what was drawn before it."""
    decided = engine.store.decided(SharesChosen, round=wave.round, wave=wave.number)
    if decided is not None:
        return decided
    names = [one.drawn_by for one in engine.config.alone]
    yields, shares = yields_of(_drawn(engine, archive, names), _costs(engine)), {}
    for view_family in engine.config.views.families:
        shares[view_family] = _payable(engine, shares_by(yields.get(view_family, dict.fromkeys(names, 0.0))))
    engine.note(f"round {wave.round}, wave {wave.number}: {_told(shares)}")
    return engine.store.decide(SharesChosen(wave.round, wave.number, shares, yields))


def _drawn(engine: Engine, archive: Archive, names: Sequence[str]) -> dict[str, dict[str, Tally]]:
    """View family → drawer → what it drew there, and what of that passed; empty where nothing was drawn yet."""
    found: dict[str, dict[str, Tally]] = {}
    frames = [frame for frame in archive.candidates if frame.job.drawer in names]
    if not frames:
        return found
    for view_family in engine.config.views.families:
        found[view_family] = dict.fromkeys(names, Tally())
    passed = {frame.job.id for frame in [*gated(archive, engine.judges, engine.config).admitted, *archive.kept]}
    for frame in frames:
        found[frame.job.shot.view_family][frame.job.drawer] += Tally(1, int(frame.job.id in passed))
    return found


def _costs(engine: Engine) -> dict[str, float]:
    """Drawer → what a picture took: its seconds, or, where one of the two is paid, time and money together."""
    paid, costs = any(one.price for one in engine.config.alone), {}
    events = engine.store.events()
    batches = [event for event in events if isinstance(event, BatchGenerated) and event.drawer]
    for one in engine.config.alone:
        own = [event for event in batches if event.drawer == one.drawn_by] or batches
        seconds = sum(event.seconds for event in own) / max(sum(event.pictures for event in own), 1)
        if paid:
            seconds = one.price + seconds / HOUR * engine.config.loop.hour_costs
        costs[one.drawn_by] = max(seconds, 1e-6)
    return costs


def _payable(engine: Engine, shares: Mapping[str, float]) -> Mapping[str, float]:
    """The shares; all to the other one where the money for a paid drawer is spent."""
    for one in engine.config.alone:
        if engine.purse is not None and not engine.purse.holds(one.price):
            return {name: float(name != one.drawn_by) for name in shares}
    return shares


def _told(shares: Shares) -> str:
    """How the candidates are shared, in words."""
    first, second = next(iter(shares.values()))
    if all(set(by_drawer.values()) == {0.5} for by_drawer in shares.values()):
        return f"{first} and {second} draw half of the candidates each"
    for name, other in ((first, second), (second, first)):
        if not any(by_drawer[name] for by_drawer in shares.values()):
            return f"the money for {name} is spent: {other} draws all of the candidates"
    parts = [f"{family} {by_drawer[first]:.0%}" for family, by_drawer in shares.items()]
    return f"of the candidates {first} draws {', '.join(parts)}, {second} the rest".replace("%", " %")
