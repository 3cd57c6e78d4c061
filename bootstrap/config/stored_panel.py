"""The panel of a run of an earlier version, whose settings were flat: its models and scorers as a panel lists them now.

Plain data only: the flat settings have no classes any more. What they do not name keeps its default.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["listed_panel"]

Plain = dict[str, Any]
SHARED = (
    "composition", "view_phrases", "vocabulary", "identity", "drafted", "heads", "trait_failures", "on_error",
    "read_margin", "duplicate_cosine", "duplicate_bits",
)  # fmt: skip
"""Settings of the panel that have not moved."""
FAKE, FRAMING = "fake", "framing"


def listed_panel(flat: Mapping[str, Any]) -> Plain:
    """The panel with a list of scorers that these flat settings described."""
    face, tagger = flat.get("face", {}), flat.get("tagger", {})
    panel = _some(flat, SHARED)
    panel["models"] = {
        "clip": dict(flat.get("clip", {})),
        "face": _some(face, ("pack", "det_size", "upscale_to", "min_det_score", "head_per_face")),
        "tagger": _some(tagger, ("model", "words", "threads")),
    }
    panel["scorers"] = _scorers(flat, face, tagger)
    return panel


def _scorers(flat: Mapping[str, Any], face: Mapping[str, Any], tagger: Mapping[str, Any]) -> Plain:
    """Name → settings of every scorer, in the order in which they measured."""
    scorers: Plain = {"view": _view(flat, tagger), "traits": _traits(flat, tagger)}
    if tagger.get("model"):
        otherwise = {"kind": "subjects"}
        scorers["subjects"] = {"kind": "tag-subjects", **_some(tagger, ("unseen",)), "otherwise": otherwise}
        margin = tagger.get("framing_margin")
        if margin is not None and FRAMING in flat.get("vocabulary", {}):
            scorers[FRAMING] = {"kind": "axis", "axis": FRAMING, "reader": "tagger", "margin": margin}
    scorers["defects"] = {"kind": "defects"}
    scorers["copy"] = {"kind": "copy", **_renamed(flat, {"copy_cosine": "most"})}
    for name, settings in (("ccip", ("model", "crops", "threads")), ("dino", ("model", "crops"))):
        if flat.get(name, {}).get("model"):
            scorers[name] = {"kind": name, **_some(flat[name], settings)}
    scorers["clip"] = {"kind": "clip", "crops": flat.get("identity_crops") or ["head", "body"]}
    if not flat.get("identity_crops"):
        scorers["clip"]["last_resort"] = True
    if flat.get("clip", {}).get("model") != FAKE:
        if "subjects" not in scorers:
            scorers["subjects"] = {"kind": "subjects"}
        scorers["face"] = {"kind": "face", **_some(face, ("min_size", "max_yaw", "families"))}
    if flat.get("held_out"):
        scorers["held-out"] = {"kind": "held-out", "model": flat["held_out"]}
    for name, families in flat.get("qualified", {}).items():
        of_tagger = name == "tagger"
        scorer = "view" if of_tagger else name
        if scorer in scorers and (of_tagger or not (scorer == "view" and tagger.get("model"))):
            scorers[scorer]["qualified"] = families
    return {**scorers, **_caption_scorers(flat, tagger)}


def _view(flat: Mapping[str, Any], tagger: Mapping[str, Any]) -> Plain:
    read_by_clip = {"kind": "view", **_renamed(flat, {"view_margin": "margin"})}
    if not tagger.get("model"):
        return read_by_clip
    return {"kind": "tag-view", **_some(tagger, ("seen", "unseen", "views")), "otherwise": read_by_clip}


def _traits(flat: Mapping[str, Any], tagger: Mapping[str, Any]) -> Plain:
    moved = {"checked": "axes", "trait_margin": "margin", "traits_from_head": "heads"}
    read_by_clip = {"kind": "traits", **_renamed(flat, moved)}
    if not tagger.get("model"):
        return read_by_clip
    read_by_tagger = _renamed(tagger, {"checked": "axes", "trait_margin": "margin"})
    return {"kind": "traits", "reader": "tagger", **read_by_tagger, "otherwise": read_by_clip}


def _caption_scorers(flat: Mapping[str, Any], tagger: Mapping[str, Any]) -> Plain:
    """A scorer for each axis whose tag a caption drops where the picture shows another word."""
    margin = -flat.get("read_margin", 0.7)
    by_clip = flat.get("captioned", ())
    axes = tagger.get("captioned", ()) if tagger.get("model") else by_clip
    scorers = {}
    for axis in axes:
        read_by_clip = {"kind": "axis", "role": "caption", "axis": axis, "margin": margin}
        scorers[f"seen {axis}"] = read_by_clip
        if tagger.get("model"):
            otherwise = read_by_clip if axis in by_clip else None
            scorers[f"seen {axis}"] = {**read_by_clip, "reader": "tagger", "otherwise": otherwise}
    return scorers


def _some(plain: Mapping[str, Any], names: Iterable[str]) -> Plain:
    """These settings, where they are there."""
    return {name: plain[name] for name in names if name in plain}


def _renamed(plain: Mapping[str, Any], names: Mapping[str, str]) -> Plain:
    """These settings under other names, where they are there."""
    return {new: plain[old] for old, new in names.items() if old in plain}
