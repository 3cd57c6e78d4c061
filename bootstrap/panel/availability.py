"""What a panel can and cannot see: models it lacks on this machine, and view families nobody is known to judge well.

Asks the disk alone: loads and downloads nothing. Knows no seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bootstrap.config import PanelConfig, embedded
from bootstrap.panel.downloads import located, model_named
from bootstrap.panel.face_packs import PACKS, folder_of
from bootstrap.records import VIEW_FAMILIES

__all__ = ["blind_spots", "missing_models"]


def missing_models(panel: PanelConfig, *, comparing: bool = True) -> list[tuple[str, str]]:
    """What a panel lacks on this machine: what is missing, and what to do about it; [] when it is usable.

    Without ``comparing`` only what reads pictures is asked for, not what compares them with seeds.
    """
    if panel.clip.model == "fake":
        return []
    if not comparing:
        return [*_clip(panel), *_tagger(panel)]
    return [*_clip(panel), *_face(panel), *_tagger(panel), *_identity(panel), *_held_out(panel)]


def blind_spots(panel: PanelConfig) -> list[str]:
    """One line for identity and one for the view, where families have no scorer that was shown to judge them."""
    said = []
    reads = ["tagger"] if panel.tagger.model else ["view"]
    for what, names in (("identity", _judges_of_identity(panel)), ("the view itself", reads)):
        seen = {view_family for name in names for view_family in panel.qualified.get(name, ())}
        if blind := [view_family for view_family in VIEW_FAMILIES if view_family not in seen]:
            said.append(f"no qualified scorer of {what}: {', '.join(blind)}; there {_told(names)} unproven")
    return said


def _told(names: Sequence[str]) -> str:
    return f"{names[0]} judges" if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]} judge"


def _judges_of_identity(panel: PanelConfig) -> list[str]:
    there = {"ccip": panel.ccip.model, "dino": panel.dino.model, "face": panel.face.pack}
    names = [name for name, model in there.items() if model]
    return [*names, "clip"] if panel.identity_crops or not names else names


def _clip(panel: PanelConfig) -> list[tuple[str, str]]:
    missing, model, weights = [], panel.clip.model, panel.clip.pretrained
    there = embedded(model).is_dir()
    if model.startswith("embedded:") and not there:
        missing.append((f"clip.model: no folder '{embedded(model)}'", "see configs/scoring/"))
    elif ("/" in model or model.startswith("~")) and not there:
        missing.append((f"clip.model: '{model}' is not on this machine", f"hf download {model}"))
    if weights and not Path(weights).expanduser().is_file():
        missing.append((f"clip.pretrained: no file '{weights}'", "give the path of the weights"))
    return missing


def _face(panel: PanelConfig) -> list[tuple[str, str]]:
    pack = panel.face.pack
    places = (embedded(pack), folder_of(pack)) if pack else ()
    if not pack or any(place.is_dir() and any(place.glob("*.onnx")) for place in places):
        return []
    return [(f"face.pack: '{pack}' is not on this machine", _fetching(pack, "face"))]


def _tagger(panel: PanelConfig) -> list[tuple[str, str]]:
    return _unless_here("tagger", panel.tagger.model, ("model.onnx", "selected_tags.csv"))


def _identity(panel: PanelConfig) -> list[tuple[str, str]]:
    ccip = _unless_here("ccip", panel.ccip.model, ("model_feat.onnx",))
    return [*ccip, *_unless_here("dino", panel.dino.model, ("config.json", "model.safetensors"))]


def _held_out(panel: PanelConfig) -> list[tuple[str, str]]:
    model = panel.held_out
    if not model or embedded(model).is_file() or embedded(model).is_dir():
        return []
    fetch = f"hf download {model}, or " if "/" in model and not model.endswith(".onnx") else ""
    return [(f"held_out: '{model}' is not on this machine", f"{fetch}--set panel.held_out=''")]


def _unless_here(setting: str, model: str, files: Sequence[str]) -> list[tuple[str, str]]:
    """That a model is missing, unless its folder holds all of its files."""
    if not model or all((located(model) / file).is_file() for file in files):
        return []
    return [(f"{setting}.model: '{model}' is not on this machine", _fetching(model, setting))]


def _fetching(model: str, setting: str) -> str:
    """How to get a model, or to do without."""
    known = model_named(model) is not None or any(pack.name == model for pack in PACKS)
    other = f"hf download {model}" if "/" in model else "give the model's folder"
    return f"{f'bootstrap doctor --fetch {model}' if known else other}, or --set panel.{setting}=none"
