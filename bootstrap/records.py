"""The vocabulary of a run as frozen records. Everything that is stored or handed between rooms is one of these.

Knows no disk, no model and no order of events: a record is a fact.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from scoring.paired import Strata

__all__ = [
    "DECOY_KINDS",
    "OUTSIDE_KINDS",
    "PREVIEW_KINDS",
    "TAKEN",
    "Adapter",
    "Frame",
    "Job",
    "JobKind",
    "Phase",
    "Reference",
    "Region",
    "Round",
    "RoundOutcome",
    "Seed",
    "Shot",
    "TrainItem",
    "Verdict",
    "VerdictKind",
    "random_seed_of",
]

FINAL = "final-"
"""How the ids of adapters begin that were trained on the finished set."""
OF_SEEDS = "-seeds"
"""How the id of an adapter ends that was trained on the seeds alone."""
STEP = "-step"
"""What stands between the id of a training and the steps of weights that it left on the way."""
Phase = str
"""Name of a phase of the subject kind."""
Box = tuple[float, float, float, float]
"""Left, top, right, bottom, as fractions of a picture."""


class JobKind(StrEnum):
    """Why a picture is made."""

    CANDIDATE = "candidate"
    LOOKALIKE = "lookalike"  # decoy (a): the base, with all trait words
    EXCHANGED = "exchanged"  # decoy (b): the adapter under test, two or more identity traits exchanged
    STRANGER = "stranger"  # decoy (c): drawn as the candidate is, but from the portrait of a look-alike
    PROBE = "probe"  # a fixed set of shots on which adapters are compared
    TRIAL = "trial"  # the same shots drawn in several ways, one of which is chosen by them
    ACCEPTANCE = "acceptance"  # how the finished LoRA draws at other weights, what it was not trained on, and the base
    SHOWCASE = "showcase"  # shots of the probe once more, by the base and by the first LoRA: what the report leads with


DECOY_KINDS = (JobKind.LOOKALIKE, JobKind.EXCHANGED, JobKind.STRANGER)
"""The kinds of pictures that show somebody else."""
PREVIEW_KINDS = (JobKind.PROBE, JobKind.TRIAL, JobKind.ACCEPTANCE, JobKind.SHOWCASE)
"""The kinds of pictures that show what can be drawn: never candidates, and never decoys."""
OUTSIDE_KINDS = (JobKind.CANDIDATE, JobKind.STRANGER, JobKind.TRIAL)
"""What a drawer from outside draws, where a run has one: candidates, and what must be drawn as they are."""


class VerdictKind(StrEnum):
    """What was decided about a frame."""

    KEEP = "keep"
    PROVISIONAL = "provisional"
    REJECT = "reject"
    UNDECIDED = "undecided"
    WITHDRAWN = "withdrawn"  # a person withdraws their last verdict; never in force


TAKEN = (VerdictKind.KEEP, VerdictKind.PROVISIONAL)
"""The verdicts that take a frame into the set."""


def random_seed_of(*parts: object) -> int:
    """A 63-bit random seed from what a thing *is*; equal parts give equal seeds."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


@dataclass(frozen=True, slots=True)
class Shot:
    """One planned picture.

    ``view_family`` and ``view`` are names of the views file, ``framing`` is one of its framings. ``axes`` maps each
    further axis of the subject kind ("expression", "outfit" …), in the kind's order, to its value. ``take`` tells apart
    draws of the same shot.
    """

    view_family: str
    view: str
    framing: str
    axes: Mapping[str, str] = field(default_factory=dict)
    take: int = 0

    def __hash__(self) -> int:
        """Shots of one key are equal."""
        return hash(self.key)

    def __getitem__(self, axis: str) -> str:
        """The value of any axis, ``view_family``, ``view`` and ``framing`` among them. Raises KeyError."""
        if axis in ("view_family", "view", "framing"):
            return str(getattr(self, axis))
        return self.axes[axis]

    def having(self, changes: Mapping[str, str]) -> Shot:
        """The same shot with other values on some of its further axes."""
        return replace(self, axes={**self.axes, **changes})

    @property
    def key(self) -> str:
        """What the shot is, as one line; equal keys are the same shot."""
        return "|".join((self.view_family, self.view, self.framing, *self.axes.values(), str(self.take)))


@dataclass(frozen=True, slots=True)
class Reference:
    """A picture that a drawer is shown: a seed, a frame that a person approved, or a control picture.

    ``path`` is relative to the run directory; ``sha256`` is that of a file as it was given, or of drawn pixels;
    ``strength`` runs from 0 (not heeded) to 1, that of a control picture to 2; that of a picture that drawing begins
    from is the share that is drawn anew.
    """

    path: str
    sha256: str
    strength: float = 1.0


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a picture with one subject, drawn from words of its own with a LoRA of its own.

    ``adapter`` is its file, relative to the run directory, "" for the base alone; ``shift`` is how far to the right of
    the picture's middle it stands, in widths of the picture; ``references`` are the pictures that it is drawn from.
    """

    prompt: str
    adapter: str
    shift: float
    references: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """A picture to make: a shot, rendered into words, with the random seed derived from what it is.

    ``traits`` maps each identity axis to the tag that the prompt asks for (exchanged in a decoy of kind (b));
    ``control`` is the picture that view and pose follow, where a ControlNet steers; ``drawer`` names which of two that
    share the work draws it, "" where one draws all; ``start`` is the picture that it begins from in place of noise;
    ``regions`` are the parts of a picture of several subjects, drawn in place of ``prompt``; ``lora_start`` is the
    share of the steps that the base draws alone before the LoRA joins.
    """

    id: str
    kind: JobKind
    round: int
    wave: int
    shot: Shot
    prompt: str
    negative: str
    random_seed: int
    traits: dict[str, str]
    references: tuple[Reference, ...] = ()
    control: Reference | None = None
    drawer: str = ""
    start: Reference | None = None
    regions: tuple[Region, ...] = ()
    lora_start: float = 0.0


@dataclass(frozen=True, slots=True)
class Frame:
    """The picture made for a job.

    ``path`` is relative to the run directory; ``adapter`` is "" for the base alone; ``drawer`` names what drew it.
    """

    job: Job
    path: str
    digest: str
    adapter: str
    drawer: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided about a frame, by whom ("gate" or "person"), and why, in words. ``p`` is None if not ranked."""

    frame: str
    kind: VerdictKind
    by: str
    reasons: tuple[str, ...]
    p: float | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Adapter:
    """LoRA weights. ``path`` is the kohya-format safetensors file, relative to the run directory."""

    id: str
    phase: Phase
    round: int
    path: str
    sha256: str
    steps: int
    final_loss: float

    @property
    def is_final(self) -> bool:
        """Whether it was trained on the finished set, instead of in a round."""
        return self.id.startswith(FINAL)

    @property
    def of_seeds(self) -> bool:
        """Whether it was trained on the seeds alone, beside the one of the finished set."""
        return self.id.endswith(OF_SEEDS)

    @property
    def training(self) -> str:
        """The id of the training that left these weights, finished, on the way or of the seeds alone."""
        return self.id.partition(STEP)[0].removesuffix(OF_SEEDS)

    @staticmethod
    def round_id(round: int, phase: Phase) -> str:
        """The id of the weights that a round trains."""
        return f"r{round:02d}-{phase}"

    @staticmethod
    def final_id(round: int) -> str:
        """The id of the weights trained on the finished set; ``round`` is the number after the last round's."""
        return f"{FINAL}r{round:02d}"

    @staticmethod
    def seeds_id(round: int) -> str:
        """The id of the weights trained on the seeds alone, beside those of `final_id`."""
        return f"{FINAL}r{round:02d}{OF_SEEDS}"

    @staticmethod
    def step_id(training: str, steps: int) -> str:
        """The id of weights that the training of this id left on the way."""
        return f"{training}{STEP}{steps}"


@dataclass(frozen=True, slots=True)
class RoundOutcome:
    """What a round had done when it ended.

    ``kept`` counts the frames of the whole run that may be trained on, ``new`` those of the round's own ``candidates``
    that were kept. ``held_out`` and ``selecting`` are the likeness of the candidates to the seeds, each by one scorer:
    the mean over view families of their means, None where it could not be told; ``held_out_error`` is the standard
    error. The strata are the same values by place, empty in rounds of early versions.
    """

    kept: int
    new: int = 0
    candidates: int = 0
    held_out: float | None = None
    held_out_error: float = 0.0
    selecting: float | None = None
    held_out_strata: Strata = field(default_factory=dict)
    selecting_strata: Strata = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Round:
    """A turn of the loop that aims at ``goal`` kept frames. ``outcome`` is None while it is under way."""

    number: int
    phase: Phase
    goal: int
    outcome: RoundOutcome | None = None

    @property
    def adapter(self) -> str:
        """The id of the adapter that this round trains, where it trains one."""
        return Adapter.round_id(self.number, self.phase)


@dataclass(frozen=True, slots=True)
class Seed:
    """An original picture under its hash, and the tags of its caption (``axis=tag``; empty: could not be read).

    ``head`` is where its head stands, in fractions of the square around it; None: where its framing usually has it.
    ``head_known``: it was found, or usually stands there; what is cut by a mere rule of thumb may show a forehead.
    Identity is judged against an ``anchor``, and drawers are shown it; any other seed trains as a kept frame does.
    """

    path: str
    sha256: str
    source: str
    view_family: str
    view: str
    framing: str
    outfit: str
    tags: tuple[str, ...]
    caption_from: str
    head: Box | None = None
    anchor: bool = True
    head_known: bool = True

    @property
    def shown(self) -> dict[str, str]:
        """Axis → the tag that its caption has of it; axes that could not be read are left out."""
        pairs = [text.partition("=") for text in self.tags]
        return {axis: tag for axis, _, tag in pairs if tag}


@dataclass(frozen=True, slots=True)
class TrainItem:
    """One picture of a training set.

    ``path`` is absolute; ``tags`` are the caption's tags in order, the first ``keep_tokens`` stay in front when
    shuffled; ``kind`` is seed | crop | altered | kept | provisional | detail; ``weight`` is its share of the sampled
    steps relative to 1.0 for a kept frame. ``subject`` is where the character stands, as far as is known; ``seed`` is
    the place, from 0, of the seed that it was made from, None for a generated picture; ``job`` is what the base drew it
    from by references, None for any other picture, and ``drawn_with`` the file of the LoRA that it drew with, "" for
    none; ``beside`` are the references that a training shows with it, where its recipe asks for that.
    """

    path: str
    tags: tuple[str, ...]
    kind: str
    weight: float = 1.0
    subject: Box | None = None
    seed: int | None = None
    job: Job | None = None
    drawn_with: str = ""
    beside: tuple[Reference, ...] = ()

    @property
    def caption(self) -> str:
        """The tags as one comma-separated line."""
        return ", ".join(self.tags)

    def weighing(self, weight: float) -> TrainItem:
        """The same item with another weight."""
        return replace(self, weight=weight)
