"""The settings of a panel (configs/scoring/): its shared models, its scorers, and the words they read.

The settings of each scorer stand beside its class in `scoring`. Knows no file and loads no model.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import InitErrorDetails, PydanticCustomError

from bootstrap.config.frozen import Frozen
from scoring.clip import ClipModel
from scoring.color_histograms import COLORS
from scoring.face_pack import FaceModel
from scoring.parsing import AnyScorer
from scoring.settings import Role, ScorerSettings, in_use, is_none
from scoring.tagger import TaggerModel

__all__ = ["DomainSettings", "PanelConfig", "PanelModelsConfig", "TraitProbeSettings"]

USUAL = "upper body"
FAKE = "fake"
"""The ``models.clip.model`` of a panel without models."""


def _entries(given: Any) -> Any:
    """The scorers as they are written: one that is ``none`` is left out; an omitted kind is the scorer's name."""
    if not isinstance(given, Mapping):
        return given
    wanted = {name: one for name, one in given.items() if not is_none(one)}
    return {name: {"kind": name, **one} if isinstance(one, Mapping) else one for name, one in wanted.items()}


class PanelModelsConfig(Frozen):
    """The models that several scorers share, and that read seeds and captions."""

    clip: ClipModel
    """Reads views and traits, and embeds whole pictures."""
    face: FaceModel = FaceModel()
    """Finds faces."""
    tagger: TaggerModel = TaggerModel()
    """Reads words instead of CLIP, where it has tags for them."""

    @property
    def present(self) -> frozenset[str]:
        """The names of the models that the panel has; colours read no word, and are no CLIP."""
        models = {"face": self.face.pack, "tagger": self.tagger.model}
        if self.clip.model != COLORS:
            models["clip"] = self.clip.model
        return frozenset(name for name, model in models.items() if model)


class DomainSettings(Frozen):
    """Which pictures a panel knows; where it says nothing, all are taken for known."""

    probe: str = ""
    """File of a linear probe on the embeddings of CLIP and of ``scorers``; it is not used with other encoders."""
    scorers: tuple[str, ...] = ()
    """Scorers whose encoders the probe reads beside CLIP."""
    otherwise: str = ""
    """What a picture is that the probe does not know, in words."""
    own: tuple[str, ...] = ()
    """Without a probe: phrases that name pictures of the panel's kind to CLIP."""
    foreign: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """Another kind of picture, in words → phrases that name it."""
    margin: float = 1.0
    """Log-probability by which another kind must lead the panel's own."""


class TraitProbeSettings(Frozen):
    """What reads every trait of a character, to tell what a reader gets wrong."""

    file: str = ""
    """File of a linear probe on the embeddings of CLIP and of ``scorers``; it is not used with other encoders."""
    scorers: tuple[str, ...] = ()
    """Scorers whose encoders the probe reads beside CLIP."""


class PanelConfig(Frozen):
    """How pictures are measured (configs/scoring/)."""

    models: PanelModelsConfig
    """Models that several scorers share."""
    scorers: Annotated[Mapping[str, AnyScorer], BeforeValidator(_entries)]
    """Name, the key of its measurements → the scorer, in the order of measuring; ``none`` leaves one out."""
    composition: Mapping[str, Mapping[str, tuple[float, float, float, float]]]
    """Framing → head and body boxes as fractions (left, top, right, bottom), where no detector sees the subject."""
    view_phrases: Mapping[str, tuple[str, ...]]
    """View family → phrases that name it to CLIP."""
    vocabulary: Mapping[str, tuple[str, ...]]
    """Axis → the words CLIP can tell apart; other words are not applicable."""
    identity: tuple[str, ...]
    """Axes of the vocabulary that an exchanged decoy may change; the first is always changed."""
    drafted: tuple[str, ...] = ()
    """Further axes that are read well enough off a seed to be filled in by ``bootstrap init``, where they lead."""
    domain: DomainSettings = DomainSettings()
    """Which pictures it knows; ``bootstrap init`` says so of others, and reads nothing off them."""
    trait_probe: TraitProbeSettings = TraitProbeSettings()
    """What reads every trait, where words alone are not enough."""
    rivals: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """Further words of which a character has one, by what they are words for: the tagger tells by them what a reader
    gets wrong."""
    heads: Literal["composition", "face"] = "composition"
    """Where frames' heads are cut: by ``composition``, right for a base that keeps to its framings, or by the
    ``face`` where one is found, right for one that does not."""
    trait_failures: float = Field(0.1, ge=0, lt=1)
    """Share of the base's own look-alikes, who were asked for every trait, that may fail the trait check."""
    on_error: Literal["go on", "stop"] = "go on"
    """When a scorer raises an error: judge the pictures that it could not measure without it, or stop the run."""
    on_missing: Literal["stop", "smaller"] = "stop"
    """Where a model is not on this machine: begin no run, or judge without the scorers that need it."""
    read_margin: float = 0.7
    """Log-probability by which a seed's view or background must lead to be believed."""
    seed_tags: float | None = Field(None, gt=0, lt=1)
    """Probability from which what the tagger sees on a whole seed joins its caption, where nobody wrote tags; null:
    only what is read on the axes."""
    duplicate_cosine: float = Field(0.985, gt=0, le=1)
    """Similarity of two frames above which one is a near-duplicate."""
    duplicate_bits: int = Field(3, ge=0, le=64)
    """Bits of a 64-bit perceptual hash in which near-duplicates differ at most."""

    @property
    def usual_framing(self) -> str:
        """The framing that a picture is taken for of which nobody says any: upper body, or the middle one of a kind."""
        known = list(self.composition)
        return USUAL if USUAL in known or not known else known[len(known) // 2]

    @property
    def read_by(self) -> tuple[str, ...]:
        """The scorers whose encoders probes read."""
        return (*self.domain.scorers, *self.trait_probe.scorers)

    @property
    def fake(self) -> bool:
        """Whether this panel has no models: it measures what the fake backend paints."""
        return self.models.clip.model == FAKE

    @property
    def in_use(self) -> dict[str, ScorerSettings]:
        """The scorers by name, in order, without those whose models the panel does without."""
        present = self.models.present
        return in_use(self.scorers, lambda name, settings: present.issuperset(settings.uses))

    @property
    def roles(self) -> dict[str, Role]:
        """Scorer in use → its role, in order."""
        return {name: settings.role for name, settings in self.in_use.items()}

    @property
    def every_scorer(self) -> Iterator[tuple[str, ScorerSettings]]:
        """All scorers and their alternatives, each with its path below the panel."""
        for name, wanted in self.scorers.items():
            path = f"scorers.{name}"
            settings: ScorerSettings | None = wanted
            while settings is not None:
                yield path, settings
                path, settings = f"{path}.otherwise", settings.otherwise

    def unknown_families(self, families: Collection[str]) -> list[InitErrorDetails]:
        """A problem for each setting of a scorer that names a view family which neither views nor phrases have.

        Phrases of further families are no problem as long as each family of the views has phrases too.
        """
        accepted = {*families, *self.view_phrases}
        problems = []
        for path, settings in self.every_scorer:
            for setting, named in settings.view_families.items():
                wrong = [name for name in named if name not in accepted]
                problems += [_no_family(f"{path}.{setting}", name, families) for name in wrong]
        if set(families) - set(self.view_phrases):
            wrong = [name for name in self.view_phrases if name not in families]
            problems += [_no_family("view_phrases", name, families) for name in wrong]
        return problems


def _no_family(path: str, name: str, families: Collection[str]) -> InitErrorDetails:
    problem = PydanticCustomError(
        "view_family", "no view family '{name}'; there are {families}", {"name": name, "families": ", ".join(families)}
    )
    return InitErrorDetails(type=problem, loc=("panel", *path.split(".")), input={})
