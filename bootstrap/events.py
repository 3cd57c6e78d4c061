"""Everything that can happen in a run, as small frozen records, and the type of the functions that receive them.

The engine emits; terminal, log and report listen. An event is emitted only after its facts are on disk, so none
announces what a crash could take back. Progress events are the exception: they are hints for a person and never stored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

__all__ = [
    "AdapterTrained",
    "ApprovalGiven",
    "BatchGenerated",
    "CaptionWritten",
    "Emit",
    "Event",
    "FramesJudged",
    "Incident",
    "Noted",
    "PersonJudged",
    "Progress",
    "RoundBegan",
    "RoundEnded",
    "RunBegan",
    "RunEnded",
    "ScoresMeasured",
    "WaitingForPerson",
    "WavePlanned",
    "as_row",
]


@dataclass(frozen=True, slots=True)
class RunBegan:
    """A run directory was opened for the first time."""

    character: str
    base: str
    target: int


@dataclass(frozen=True, slots=True)
class RoundBegan:
    """A round started: its phase, how many frames are kept, how many it aims at."""

    round: int
    phase: str
    kept: int
    goal: int


@dataclass(frozen=True, slots=True)
class AdapterTrained:
    """A LoRA was trained and stored."""

    round: int
    adapter: str
    steps: int
    pictures: int
    loss: float
    seconds: float


@dataclass(frozen=True, slots=True)
class WavePlanned:
    """The shots of one wave were planned: candidates and decoys."""

    round: int
    wave: int
    candidates: int
    decoys: int


@dataclass(frozen=True, slots=True)
class BatchGenerated:
    """A fixed batch of pictures is on disk; ``drawer`` names which of two that share the work drew it."""

    round: int
    batch: int
    pictures: int
    seconds: float
    drawer: str = ""


@dataclass(frozen=True, slots=True)
class ScoresMeasured:
    """Some pictures were measured by the whole panel."""

    round: int
    pictures: int
    seconds: float


@dataclass(frozen=True, slots=True)
class FramesJudged:
    """The gate and the quotas chose."""

    round: int
    wave: int
    kept: int
    rejected: int
    undecided: int


@dataclass(frozen=True, slots=True)
class RoundEnded:
    """A round is over; ``kept`` counts the whole run."""

    round: int
    kept: int
    held_out: float | None


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The run is finished: dataset, LoRA and report are on disk."""

    kept: int
    provisional: int
    adapter: str
    report: str


@dataclass(frozen=True, slots=True)
class WaitingForPerson:
    """A round waits for a person: pictures that the gate kept, that nobody judged; the sheet that shows them.

    ``until`` is when it goes on alone (UTC, ISO 8601), "" where only a person lets it go on.
    """

    round: int
    kept: int
    unseen: int
    sheet: str
    until: str


@dataclass(frozen=True, slots=True)
class ApprovalGiven:
    """A round went on by "person", "auto" or "timed".

    ``judged`` counts a person's verdicts, ``unseen`` the kept frames that no person has judged.
    """

    round: int
    by: str
    judged: int
    unseen: int


@dataclass(frozen=True, slots=True)
class PersonJudged:
    """A person kept or rejected a frame, with reasons, or withdrew their last verdict ("withdrawn")."""

    frame: str
    verdict: str
    reasons: list[str]


@dataclass(frozen=True, slots=True)
class CaptionWritten:
    """A person wrote a frame's caption; an empty one brings the generated one back."""

    frame: str
    caption: str


@dataclass(frozen=True, slots=True)
class Noted:
    """Something a person should know (a tag that cannot be checked, a batch that was halved)."""

    text: str


@dataclass(frozen=True, slots=True)
class Incident:
    """A disturbance that was dealt with: what it was, and what was done about it.

    ``what`` is memory | scorer | disk | damage | sleep | clock | budget.
    """

    what: str
    text: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the present stage is; never stored."""

    stage: str
    done: int
    total: int
    detail: str = ""


Event = (
    RunBegan
    | RoundBegan
    | AdapterTrained
    | WavePlanned
    | BatchGenerated
    | ScoresMeasured
    | FramesJudged
    | Incident
    | RoundEnded
    | RunEnded
    | WaitingForPerson
    | ApprovalGiven
    | PersonJudged
    | CaptionWritten
    | Noted
    | Progress
)
Emit = Callable[[Event], None]


def as_row(event: Event) -> dict[str, Any]:
    """The event as plain data, with its kind first: one line of the log."""
    return {"kind": type(event).__name__, **asdict(event)}
