"""The flat panel of an earlier run is read as the list of scorers that is shipped today."""

import json
from typing import Any

import pytest

from bootstrap.config import RunConfig, load, stored_config
from bootstrap.config.panel_settings import DomainSettings, TraitProbeSettings
from bootstrap.config.stored_panel import SHARED
from scoring.face import SubjectSettings

ADDED = ("scene", "marks", "faces", "anatomy", "hands", "tags")
"""Scorers that no flat panel had."""
FLAT: dict[str, dict[str, Any]] = {
    "puppet": {
        "clip": {"model": "embedded:clip", "pretrained": ""},
        "face": {"pack": "embedded:face", "det_size": 128, "upscale_to": 0, "min_det_score": 0.5, "min_size": 24,
                 "max_yaw": 40, "head_per_face": 1.9, "families": ["front"]},
        "tagger": {"model": "", "words": {}, "checked": [], "captioned": [], "views": {}, "seen": 0.35, "unseen": 0.6,
                   "trait_margin": -1.0, "framing_margin": -3.0, "threads": 0},
        "ccip": {"model": "embedded:ccip", "crops": ["head", "whole"], "threads": 1},
        "dino": {"model": "", "crops": ["head", "body"], "threads": 0},
        "held_out": "embedded:heldout/heldout.onnx",
        "qualified": {"ccip": ["front", "three-quarter", "profile", "behind", "above", "below"],
                      "clip": ["front", "three-quarter", "profile", "behind", "above", "below"], "face": ["front"],
                      "view": ["front", "three-quarter", "profile", "behind", "above", "below"]},
        "checked": ["hair_color", "ears", "skin"], "traits_from_head": True, "identity_crops": ["head"],
        "captioned": ["background", "style"], "view_margin": 0.0, "trait_margin": 0.0, "copy_cosine": 0.985,
    },
    "illustrious": {
        "clip": {"model": "laion/CLIP-ViT-L-14-DataComp.XL-s13B-b90K", "pretrained": ""},
        "face": {"pack": "", "det_size": 640, "upscale_to": 0, "min_det_score": 0.5, "min_size": 64, "max_yaw": 40,
                 "head_per_face": 1.9, "families": ["front", "three-quarter", "above", "below"]},
        "tagger": {"model": "wd-swinv2-tagger-v3", "checked": ["hair_color", "eye_color", "ears"],
                   "captioned": ["background"], "seen": 0.35, "unseen": 0.6, "trait_margin": -1.0,
                   "framing_margin": -3.0, "threads": 0},
        "ccip": {"model": "ccip-caformer-24-randaug-pruned", "crops": ["whole", "head"], "threads": 0},
        "dino": {"model": "facebook/dinov2-base", "crops": ["head", "body"], "threads": 0},
        "held_out": "laion/CLIP-convnext_base_w-laion2B-s13B-b82K",
        "qualified": {"ccip": ["front", "three-quarter", "profile"],
                      "tagger": ["front", "profile", "behind", "above", "below"]},
        "checked": ["hair_color"], "traits_from_head": True, "identity_crops": [], "captioned": ["background"],
        "view_margin": 0.0, "trait_margin": -0.5, "copy_cosine": 0.98,
    },
    "fake": {
        "clip": {"model": "fake", "pretrained": ""},
        "face": {"pack": "", "det_size": 640, "upscale_to": 0, "min_det_score": 0.5, "min_size": 64, "max_yaw": 40,
                 "head_per_face": 1.9, "families": ["front", "three-quarter", "above", "below"]},
        "tagger": {"model": ""}, "ccip": {"model": ""}, "dino": {"model": ""}, "held_out": "", "qualified": {},
        "checked": None, "traits_from_head": False, "identity_crops": ["head", "body"], "captioned": [],
        "view_margin": 0.0, "trait_margin": -0.5, "copy_cosine": 1.0,
    },
}  # fmt: skip
"""Base → what an earlier version stored of its panel, but for the settings that have not moved."""


def of_today(base: str) -> RunConfig:
    """The configuration as this version resolves it."""
    return load("puppet", backend="fake") if base == "fake" else load(base)


@pytest.mark.parametrize("base", FLAT)
def test_the_flat_panel_of_an_earlier_run_is_todays(base: str) -> None:
    today = of_today(base)
    plain = json.loads(today.model_dump_json())
    for added in ADDED:
        plain["panel"]["scorers"].pop(added, None)
    flat = {name: plain["panel"][name] for name in SHARED} | FLAT[base]
    if base == "illustrious":  # words of tags and views are as they were
        tagger, view = plain["panel"]["models"]["tagger"], plain["panel"]["scorers"]["view"]
        flat["tagger"] = flat["tagger"] | {"words": tagger["words"], "views": view["views"]}
    stored = stored_config(json.dumps(plain | {"panel": flat}))
    if base == "illustrious":  # what a panel has today besides
        plain["panel"]["models"]["face"]["offered"] = ""
        plain["panel"]["seed_tags"] = None
        plain["panel"]["scorers"]["subjects"]["otherwise"] = json.loads(SubjectSettings().model_dump_json())
    plain["panel"]["domain"] = json.loads(DomainSettings().model_dump_json())  # only `init` asks for it
    plain["panel"] |= {"trait_probe": json.loads(TraitProbeSettings().model_dump_json()), "rivals": {}}
    assert json.loads(stored.model_dump_json()) == plain
