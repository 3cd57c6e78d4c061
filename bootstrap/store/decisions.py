"""What a run decided from the clock, from memory pressure or from a person: one record type for each decision.

A resumed run follows the stored records instead of deciding again. The fields named in a type's ``KEY`` say which
decision it is: of equal keys the first one stands. Knows no rule by which anything is decided.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, TypeVar

from bootstrap.records import Adapter, Phase, VerdictKind
from bootstrap.store.drawing_decisions import DrawerChosen, LoraStartChosen, SharesChosen, StrengthsChosen
from bootstrap.store.reader_decisions import PairRead, PairsChosen
from bootstrap.store.rows import text_of

__all__ = [
    "AcceptanceBudget",
    "Accepted",
    "AnyDecision",
    "ApprovalOpened",
    "ApprovalRequested",
    "AuditSample",
    "BatchLimit",
    "Blend",
    "Deadline",
    "Decision",
    "DrawerChosen",
    "EarlierDecision",
    "FinalCandidates",
    "GradientCheckpointing",
    "HandedOut",
    "InboxPicture",
    "LoraStartChosen",
    "MendingPlanned",
    "PairRead",
    "PairsChosen",
    "PersonBoundary",
    "PictureRefused",
    "RoundApproved",
    "RoundBudget",
    "SharesChosen",
    "ShowcaseBudget",
    "StrengthsChosen",
    "VaeTiles",
    "VerdictFit",
    "WaveBudget",
    "WaveCut",
    "WeightHeld",
    "decision_from",
    "key_of",
    "store_decision",
]


@dataclass(frozen=True, slots=True)
class ApprovalRequested:
    """A round waits for a person: since when (UTC, ISO 8601), and the last row of a person's verdicts by then."""

    KEY: ClassVar = ("round",)
    round: int
    since: str
    last_verdict: int


@dataclass(frozen=True, slots=True)
class ApprovalOpened:
    """A person let the round go on that waited for them."""

    KEY: ClassVar = ("round",)
    round: int


@dataclass(frozen=True, slots=True)
class RoundApproved:
    """A round went on by "person", "auto" or "timed".

    ``judged`` counts the verdicts of a person; ``unseen`` are the kept frames that no person had judged.
    """

    KEY: ClassVar = ("round",)
    round: int
    by: str
    judged: int
    unseen: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PersonBoundary:
    """After ``rounds`` rounds the engine read a person's rows up to these; ``again``: once more, after the end."""

    KEY: ClassVar = ("rounds", "again")
    rounds: int
    again: bool
    verdict: int
    caption: int


@dataclass(frozen=True, slots=True)
class VerdictFit:
    """The fit of a wave's gate to a person's verdicts, by scorer; see `scoring.fitting` for what the numbers mean.

    ``least`` is None where no score suffices.
    """

    KEY: ClassVar = ("round", "wave")
    round: int
    wave: int
    scorers: tuple[str, ...]
    bias: float
    weights: tuple[float, ...]
    silent: tuple[float, ...]
    verdicts: int
    rejected: int
    loss: float
    rule_loss: float
    auc: float
    rule_auc: float
    used: bool
    rate: float
    least: float | None
    wrong: float


@dataclass(frozen=True, slots=True)
class BatchLimit:
    """Memory ran out in ``work`` ("drawing" or "training") on ``failed`` pictures at once; from now on ``size``."""

    KEY: ClassVar = ("work", "failed")
    work: str
    failed: int
    size: int


@dataclass(frozen=True, slots=True)
class GradientCheckpointing:
    """Memory ran out training on one picture at once; from now on activations are computed twice."""

    KEY: ClassVar = ()


@dataclass(frozen=True, slots=True)
class VaeTiles:
    """Memory ran out on one picture; from now on the VAE encodes and decodes it in tiles."""

    KEY: ClassVar = ()


@dataclass(frozen=True, slots=True)
class FinalCandidates:
    """The weights that the final training of a round left, by their steps; before them those of the seeds alone."""

    KEY: ClassVar = ("round",)
    round: int
    adapters: tuple[Adapter, ...]

    @property
    def tried(self) -> tuple[Adapter, ...]:
        """Those that the run draws with and chooses from; those of the first half of the steps are kept besides."""
        return tuple(one for one in self.adapters if one.of_seeds or 2 * one.steps > self.adapters[-1].steps)


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment (ISO 8601, local) at which the ``night``-th night that was limited to ``until`` ends."""

    KEY: ClassVar = ("until", "night")
    until: str
    night: int
    at: str


@dataclass(frozen=True, slots=True)
class RoundBudget:
    """The phase in which a round is played under a budget (see `loops.time_left.Hours.key`); None: no round fits."""

    KEY: ClassVar = ("budget", "round")
    budget: str
    round: int
    phase: Phase | None


@dataclass(frozen=True, slots=True)
class WaveBudget:
    """Whether a further wave of a round is begun under a budget."""

    KEY: ClassVar = ("budget", "round", "wave")
    budget: str
    round: int
    wave: int
    begun: bool


@dataclass(frozen=True, slots=True)
class WaveCut:
    """Under a budget, ``undrawn`` pictures of a wave stay undrawn: of look-alikes, or of everything else."""

    KEY: ClassVar = ("budget", "round", "wave", "lookalikes")
    budget: str
    round: int
    wave: int
    lookalikes: bool
    undrawn: int


@dataclass(frozen=True, slots=True)
class AcceptanceBudget:
    """Whether the finished LoRA is tried under a budget; ``round`` is the number after the last round's."""

    KEY: ClassVar = ("budget", "round")
    budget: str
    round: int
    drawn: bool


@dataclass(frozen=True, slots=True)
class Blend:
    """Weights of a run times a number, with other files beside them: what ``Frame.adapter`` means by its ``id``.

    ``files``, absolute, ``digests`` (sha256) and ``beside`` (weights) are of one length.
    """

    KEY: ClassVar = ("id",)
    id: str
    adapter: str
    weight: float
    files: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    beside: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a finished LoRA does: the weight to draw with, and all that was found, as `bootstrap compare` writes it.

    ``asked`` is what it was tried with, as text.
    """

    KEY: ClassVar = ("adapter", "asked")
    adapter: str
    asked: str
    weight: float
    found: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MendingPlanned:
    """A round for the places in which the LoRA ``adapter`` falls: "view family/framing" → pictures to add there."""

    KEY: ClassVar = ("round",)
    round: int
    adapter: str
    add: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class HandedOut:
    """Which finished LoRA a run hands out after a mending round: the one that was trained then, or the one before."""

    KEY: ClassVar = ("round",)
    round: int
    adapter: str


@dataclass(frozen=True, slots=True)
class ShowcaseBudget:
    """Whether the showcase after the rounds is drawn under a budget; ``round`` is the number after the last one's."""

    KEY: ClassVar = ("budget", "round")
    budget: str
    round: int
    drawn: bool


@dataclass(frozen=True, slots=True)
class AuditSample:
    """The frames of a round's blind audit and the gate's verdict on each, drawn from ``population`` frames."""

    KEY: ClassVar = ("round",)
    round: int
    population: int
    gate: Mapping[str, VerdictKind]


@dataclass(frozen=True, slots=True)
class InboxPicture:
    """A picture that lay in the folder from which a run takes its candidates, known by its ``mark``.

    ``job`` is the one that it stands for, "" where it was not taken; then ``why`` says so in a sentence.
    """

    KEY: ClassVar = ("mark",)
    mark: str
    file: str
    job: str
    why: str


@dataclass(frozen=True, slots=True)
class PictureRefused:
    """The drawer will not draw a job, and why: its frame is a card that says so."""

    KEY: ClassVar = ("job",)
    job: str
    why: str


@dataclass(frozen=True, slots=True)
class WeightHeld:
    """Whether the LoRA of a round draws the character at a weight below 1: then the set is large enough."""

    KEY: ClassVar = ("round", "weight")
    round: int
    weight: float
    held: bool


@dataclass(frozen=True, slots=True)
class EarlierDecision:
    """A decision of an earlier version that this one has no type for; kept, and followed by nobody."""

    KEY: ClassVar = ("name",)
    name: str
    value: str


Decision = (
    ApprovalRequested
    | ApprovalOpened
    | RoundApproved
    | PersonBoundary
    | VerdictFit
    | BatchLimit
    | GradientCheckpointing
    | VaeTiles
    | FinalCandidates
    | Deadline
    | RoundBudget
    | WaveBudget
    | WaveCut
    | AcceptanceBudget
    | Blend
    | Accepted
    | MendingPlanned
    | HandedOut
    | ShowcaseBudget
    | AuditSample
    | DrawerChosen
    | LoraStartChosen
    | StrengthsChosen
    | SharesChosen
    | InboxPicture
    | PictureRefused
    | WeightHeld
    | PairsChosen
    | PairRead
    | EarlierDecision
)
AnyDecision = TypeVar("AnyDecision", bound=Decision)


def key_of(kind: type[AnyDecision], values: Mapping[str, object]) -> str:
    """The key fields of a decision as the store writes them. Raises KeyError where one is missing."""
    return json.dumps([values[name] for name in kind.KEY], ensure_ascii=False)


def store_decision(db: sqlite3.Connection, decision: AnyDecision) -> AnyDecision:
    """Add a decision inside the caller's transaction, unless one with its key is there; returns the one in force."""
    kind, values = type(decision), asdict(decision)
    name, key = kind.__name__, key_of(kind, values)
    insert = "INSERT OR IGNORE INTO decisions (kind, key, record) VALUES (?, ?, ?)"
    db.execute(insert, (name, key, text_of(values)))
    query = "SELECT record FROM decisions WHERE kind = ? AND key = ?"
    stored = db.execute(query, (name, key)).fetchone()
    return decision_from(kind, stored["record"])


def decision_from(kind: type[AnyDecision], text: str) -> AnyDecision:
    """The decision of that type that `bootstrap.store.rows.text_of` wrote."""
    plain: dict[str, Any] = json.loads(text)
    if kind is FinalCandidates:
        plain["adapters"] = tuple(Adapter(**one) for one in plain["adapters"])
    elif kind is AuditSample:
        plain["gate"] = {frame: VerdictKind(verdict) for frame, verdict in plain["gate"].items()}
    else:
        for name, value in plain.items():
            if isinstance(value, list):
                plain[name] = tuple(value)
    return kind(**plain)
