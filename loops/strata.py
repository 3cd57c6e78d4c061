"""Which decoys a candidate stands among: those of its view family, and of its own adapter where they are exchanged.

Scores are comparable there and nowhere else. Knows no rank and chooses nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bootstrap.records import Frame, JobKind
from loops.decoys import usable_decoys
from loops.engine import Engine
from scoring.base import Measurement
from scoring.calibrate import Calibrating

__all__ = ["Stratum", "strata"]

Answers = dict[Hashable, dict[str, Measurement]]


@dataclass(frozen=True, slots=True)
class Stratum:
    """Candidates of one view family and adapter with what the identity scorers said of them and of their decoys.

    ``calibrate_on`` is which kind of decoys is asked for here; the other stands in where that is missing.
    """

    candidates: Answers
    lookalikes: Answers
    exchanged: Answers
    calibrate_on: Calibrating

    @property
    def nulls(self) -> list[Answers]:
        """The kinds of decoys that calibrate, by ``calibrate_on``; empty where there are none."""
        both = [null for null in (self.lookalikes, self.exchanged) if null]
        wanted = {"lookalikes": self.lookalikes, "exchanged": self.exchanged}.get(self.calibrate_on)
        return [wanted] if wanted else both


def strata(
    engine: Engine, candidates: Sequence[Frame], measured: Mapping[str, Mapping[str, Measurement]]
) -> Iterator[Stratum]:
    """The candidates, group by group, each with its decoys; exchanged ones are its own adapter's."""
    decoys = usable_decoys(engine, measured)
    for view_family, adapter in dict.fromkeys((frame.job.shot.view_family, frame.adapter) for frame in candidates):
        lookalikes = [f for f in decoys[JobKind.LOOKALIKE] if f.job.shot.view_family == view_family]
        exchanged = [
            f for f in decoys[JobKind.EXCHANGED] if (f.job.shot.view_family, f.adapter) == (view_family, adapter)
        ]
        group = [f for f in candidates if (f.job.shot.view_family, f.adapter) == (view_family, adapter)]
        ours, like, other = (_identity(engine, frames, measured) for frames in (group, lookalikes, exchanged))
        # the base's own drawings are look-alikes themselves: only other traits can tell them from anything
        yield Stratum(ours, like, other, engine.config.loop.calibrate_on if adapter else "exchanged")


def _identity(engine: Engine, frames: Sequence[Frame], measured: Mapping[str, Mapping[str, Measurement]]) -> Answers:
    """What the identity scorers said of some frames."""
    names = engine.judges.identity
    return {f.job.id: {name: measured[f.job.id][name] for name in names} for f in frames}
