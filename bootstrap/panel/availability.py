"""What a panel lacks: models that are not on this machine, and view families that no scorer is known to judge well.

Reads the disk alone: loads and downloads nothing. Knows no seed.
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap.config import EMBEDDED, PanelConfig, ViewsConfig, embedded
from bootstrap.errors import BackendError
from bootstrap.machine.hub import HUB_ID
from bootstrap.panel.downloads import located, model_named
from bootstrap.panel.face_packs import PACKS, folder_of
from bootstrap.panel.seats import VIEW
from scoring.clip import ClipModel, ScorerUnavailable
from scoring.color_histograms import COLORS
from scoring.drawn_faces import is_detector
from scoring.duplicates import CopySettings
from scoring.face_pack import FaceModel
from scoring.settings import folder_of_model
from scoring.tagger import GRAPH, TAGS, TaggerModel, characters_in
from scoring.zeroshot import ViewSettings

__all__ = [
    "TAGGER", "MissingModel", "blind_spots", "known_characters", "missing_models", "missing_parts_of", "offers",
    "require_panel", "setup_command_for", "smaller", "unjudged", "unread_sides",
]  # fmt: skip

Lack = tuple[str, str]
"""What is missing, and what to do about it."""


@dataclass(frozen=True, slots=True)
class MissingModel:
    """A model that is not on this machine; ``path`` is the part of the panel that it is for, ``field`` its setting."""

    path: str
    model: str
    field: str = "model"

    @property
    def said(self) -> str:
        """What is missing, in words."""
        if self.field == "pretrained":
            return f"{self.path}.pretrained: no file '{self.model}'"
        if self.model.startswith(EMBEDDED):
            return f"{self.path}.model: no folder '{embedded(self.model)}'"
        return f"{self.path}.{self.field}: '{self.model}' is not on this machine"

    @property
    def is_on_hub(self) -> bool:
        """Whether the Hugging Face hub has a model of that name, as far as the name tells."""
        return bool(HUB_ID.fullmatch(self.model)) and not self.model.endswith(".onnx")

    @property
    def way(self) -> str:
        """How to get it, or to do without the part of the panel."""
        return self.fetch if self.path == CLIP else f"{self.fetch}, or --set panel.{self.path}=none"

    @property
    def fetch(self) -> str:
        """How to get it."""
        if self.model.startswith(EMBEDDED):
            return "see configs/scoring/"
        if model_named(self.model) is not None or any(pack.name == self.model for pack in PACKS):
            return f"bootstrap doctor --fetch {self.model}"
        if self.is_on_hub:
            return f"hf download {self.model}"
        return f"give the path of the {'weights' if self.field == 'pretrained' else 'model'}"


CLIP, TAGGER = "models.clip", "models.tagger"


def missing_models(panel: PanelConfig, *, comparing: bool = True) -> list[Lack]:
    """What a panel lacks on this machine; [] when it is usable.

    Without ``comparing`` only what reads pictures is asked for, not what compares them with seeds.
    """
    return [(one.said, one.way) for one in missing_parts_of(panel, comparing=comparing)]


def missing_parts_of(panel: PanelConfig, *, comparing: bool = True) -> list[MissingModel]:
    """`missing_models` as records."""
    if panel.fake:
        return []
    parts = _parts(panel) if comparing else [*_clip(panel), *_tagger(panel)]
    return [part for part, here in parts if not here]


def smaller(panel: PanelConfig, begun_with: PanelConfig | None = None) -> PanelConfig:
    """The panel without what is not on this machine; where the CLIP is missing, colours stand in for its likeness.

    With the smaller panel that a run was ``begun_with``, without what that one did without, wherever that is now.
    """
    had = None if begun_with is None else {part.model for part, _ in _parts(begun_with)}
    while missing := [part for part, here in _parts(panel) if not (here if had is None else part.model in had)]:
        for one in missing:
            kind, _, name = one.path.partition(".")
            if kind == "scorers":
                panel = _without_scorer(panel, name)
            elif one.path == CLIP:
                panel = _by_colors(panel)
            else:
                none = FaceModel() if name == "face" else TaggerModel()
                panel = panel.model_copy(update={"models": panel.models.model_copy(update={name: none})})
    return panel


def setup_command_for(base: str) -> str:
    """The command that fetches everything that the panel of a base needs."""
    return shlex.join(["bootstrap", "setup", "--base", base])


def require_panel(panel: PanelConfig, base: str) -> None:
    """Raise BackendError, with the one command that fetches all of it, where a panel lacks something."""
    if missing := missing_parts_of(panel):
        names = ", ".join(dict.fromkeys(one.model for one in missing))
        hint = f"{setup_command_for(base)} fetches it; to judge without: --set panel.on_missing=smaller"
        raise BackendError(f"the panel needs what is not on this machine: {names}", hint)


def _without_scorer(panel: PanelConfig, name: str) -> PanelConfig:
    """The panel with what stands in for a scorer, or without it."""
    scorers = dict(panel.scorers)
    instead = scorers.pop(name).otherwise
    if instead is not None:
        scorers = {**panel.scorers, name: instead}
    return panel.model_copy(update={"scorers": scorers})


def _by_colors(panel: PanelConfig) -> PanelConfig:
    """The panel with colours in place of CLIP; two pictures of the same colours are neither copies nor duplicates."""
    models = panel.models.model_copy(update={"clip": ClipModel(model=COLORS)})
    scorers = dict(panel.scorers)
    for name, one in scorers.items():
        if isinstance(one, CopySettings):
            scorers[name] = one.model_copy(update={"most": 1.0})
    return panel.model_copy(update={"models": models, "scorers": scorers, "duplicate_cosine": 1.0})


def unjudged(panel: PanelConfig) -> str:
    """The judgements for which a panel has no scorer, in one sentence without a full stop; "" where it has all."""
    scorers = panel.in_use.values()
    checked = {one.about for one in scorers if one.role == "check"}
    roles = {one.role for one in scorers}
    colors = panel.models.clip.model == COLORS and not any(one.own_model for one in scorers if one.role == "identity")
    judgements = {
        "shapes and faces (likeness is that of colours alone)": not colors,
        "whether view and pose are those that were asked for": "shot" in checked,
        "whether the named traits are seen": "subject" in checked,
        "whether captions say what is seen": "caption" in roles,
        "whether rounds get worse (it has no held-out scorer)": "held-out" in roles,
    }
    blind = [what for what, judged in judgements.items() if not judged]
    return f"this panel does not judge {'; '.join(blind)}" if blind else ""


def offers(panel: PanelConfig) -> list[str]:
    """A line about a model that the panel does without and that can be fetched: what finds faces."""
    face = panel.models.face
    model = model_named(face.offered)
    if face.pack or model is None:
        return []
    way = f"add {model.usage}"
    if model.missing:
        way = f"bootstrap doctor --fetch {model.name}, then {way}"
    return [f"faces are neither compared nor counted; to do so: {way}"]


def blind_spots(panel: PanelConfig, view_families: Collection[str]) -> list[str]:
    """One line for identity and one for the view, where families have no scorer that is known to judge them."""
    scorers, lines = panel.in_use, []
    identity = [name for name, settings in scorers.items() if settings.role == "identity"]
    for what, names in (("identity", identity), ("the view itself", [name for name in scorers if name == VIEW])):
        seen = {view_family for name in names for view_family in scorers[name].qualified}
        if blind := [view_family for view_family in view_families if view_family not in seen]:
            lines.append(f"no qualified scorer of {what}: {', '.join(blind)}{_instead(names)}")
    return lines


def unread_sides(panel: PanelConfig, views: ViewsConfig) -> list[str]:
    """A line about the view families with several views, left and right, that the panel cannot tell apart."""
    read: set[str] = set()
    if isinstance(panel.in_use.get(VIEW), ViewSettings):
        read.update(phrase for phrases in panel.view_phrases.values() for phrase in phrases)
    unread = []
    for name, plan in views.families.items():
        if len(plan.views) > 1 and not read.issuperset(plan.views.values()):
            unread.append(name)
    if not unread:
        return []
    return [f"no scorer tells left from right: {', '.join(unread)}; look at what these captions say"]


def known_characters(panel: PanelConfig) -> frozenset[str]:
    """The characters that the panel's tagger knows by name, folded; none where it has no tagger on this machine."""
    model = panel.models.tagger.model
    with contextlib.suppress(ScorerUnavailable):
        return characters_in(folder_of_model(located(model)) / TAGS) if model else frozenset()
    return frozenset()


def _instead(names: Sequence[str]) -> str:
    if not names:
        return ""
    judge = f"{names[0]} judges" if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]} judge"
    return f"; there {judge} unproven"


def _parts(panel: PanelConfig) -> list[tuple[MissingModel, bool]]:
    """Every model of a panel, and whether it is on this machine."""
    return [*_clip(panel), *_face(panel), *_tagger(panel), *_own(panel)]


def _clip(panel: PanelConfig) -> Iterator[tuple[MissingModel, bool]]:
    clip = panel.models.clip
    if clip.model.startswith((EMBEDDED, "~")) or "/" in clip.model:
        yield MissingModel(CLIP, clip.model), embedded(clip.model).is_dir()
    if clip.pretrained:
        yield MissingModel(CLIP, clip.pretrained, "pretrained"), Path(clip.pretrained).expanduser().is_file()


def _face(panel: PanelConfig) -> Iterator[tuple[MissingModel, bool]]:
    if pack := panel.models.face.pack:
        places = (located(pack), folder_of(pack))
        yield (
            MissingModel("models.face", pack, "pack"),
            any(is_detector(place) or any(place.glob("*.onnx")) for place in places),
        )


def _tagger(panel: PanelConfig) -> Iterator[tuple[MissingModel, bool]]:
    if model := panel.models.tagger.model:
        here = all((folder_of_model(located(model)) / file).is_file() for file in (GRAPH, TAGS))
        yield MissingModel(TAGGER, model), here


def _own(panel: PanelConfig) -> Iterator[tuple[MissingModel, bool]]:
    """The models that single scorers load."""
    for name, settings in panel.in_use.items():
        if model := settings.own_model:
            yield MissingModel(f"scorers.{name}", model), settings.found_in(located(model))
