"""What a panel lacks: models that are not on this machine, and view families that no scorer is known to judge well.

Reads the disk alone: loads and downloads nothing. Knows no seed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from pathlib import Path

from bootstrap.config import PanelConfig, ViewsConfig, embedded
from bootstrap.panel.downloads import located, model_named
from bootstrap.panel.face_packs import PACKS, folder_of
from bootstrap.panel.seats import VIEW
from scoring.clip import ScorerUnavailable
from scoring.drawn_faces import is_detector
from scoring.settings import folder_of_model
from scoring.tagger import GRAPH, TAGS, characters_in
from scoring.zeroshot import ViewSettings

__all__ = ["blind_spots", "known_characters", "missing_models", "offers", "unread_sides"]

Lack = tuple[str, str]
"""What is missing, and what to do about it."""


def missing_models(panel: PanelConfig, *, comparing: bool = True) -> list[Lack]:
    """What a panel lacks on this machine; [] when it is usable.

    Without ``comparing`` only what reads pictures is asked for, not what compares them with seeds.
    """
    if panel.fake:
        return []
    if not comparing:
        return [*_clip(panel), *_tagger(panel)]
    return [*_clip(panel), *_face(panel), *_tagger(panel), *_own(panel)]


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


def _clip(panel: PanelConfig) -> list[Lack]:
    missing, clip = [], panel.models.clip
    model, place = clip.model, embedded(clip.model)
    if model.startswith("embedded:") and not place.is_dir():
        missing.append((f"models.clip.model: no folder '{place}'", "see configs/scoring/"))
    elif ("/" in model or model.startswith("~")) and not place.is_dir():
        missing.append((f"models.clip.model: '{model}' is not on this machine", f"hf download {model}"))
    if clip.pretrained and not Path(clip.pretrained).expanduser().is_file():
        missing.append((f"models.clip.pretrained: no file '{clip.pretrained}'", "give the path of the weights"))
    return missing


def _face(panel: PanelConfig) -> list[Lack]:
    pack = panel.models.face.pack
    places = (located(pack), folder_of(pack)) if pack else ()
    if not pack or any(is_detector(place) or any(place.glob("*.onnx")) for place in places):
        return []
    return [(f"models.face.pack: '{pack}' is not on this machine", _fetching(pack, "models.face"))]


def _tagger(panel: PanelConfig) -> list[Lack]:
    model = panel.models.tagger.model
    if not model or all((folder_of_model(located(model)) / file).is_file() for file in (GRAPH, TAGS)):
        return []
    return [(f"models.tagger.model: '{model}' is not on this machine", _fetching(model, "models.tagger"))]


def _own(panel: PanelConfig) -> list[Lack]:
    """The models that single scorers load."""
    missing = []
    for name, settings in panel.in_use.items():
        model, path = settings.own_model, f"scorers.{name}"
        if model and not settings.found_in(located(model)):
            missing.append((f"{path}.model: '{model}' is not on this machine", _fetching(model, path)))
    return missing


def _fetching(model: str, path: str) -> str:
    """How to get a model, or to do without the part of the panel at ``path``."""
    if model_named(model) is not None or any(pack.name == model for pack in PACKS):
        way = f"bootstrap doctor --fetch {model}"
    elif "/" in model and not model.endswith(".onnx"):
        way = f"hf download {model}"
    else:
        way = "give the path of the model"
    return f"{way}, or --set panel.{path}=none"
