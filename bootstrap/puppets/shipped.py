"""Paths of the models that the package ships.

Knows folder names only: neither what is inside them, nor how they are loaded.
"""

from __future__ import annotations

from pathlib import Path


def weights_dir() -> Path:
    """The folder of all shipped weights."""
    return Path(__file__).resolve().parent / "weights"


def base_dir() -> Path:
    """The diffusers `StableDiffusionPipeline` folder of the puppet base model."""
    return weights_dir() / "base"


def clip_dir() -> Path:
    """The OpenCLIP model: its config, weights and tokenizer."""
    return weights_dir() / "clip"


def ccip_dir() -> Path:
    """The encoder of one drawn character, in the form of the published CCIP."""
    return weights_dir() / "ccip"


def face_dir() -> Path:
    """The insightface pack: a detector and a recogniser in ONNX."""
    return weights_dir() / "face"


def heldout_dir() -> Path:
    """The held-out identity encoder, used for stopping only."""
    return weights_dir() / "heldout"


def reference_dir() -> Path:
    """The IP-Adapter that lets the base draw from reference pictures, and its image encoder."""
    return weights_dir() / "reference"


def domain_dir() -> Path:
    """The probe that tells pictures that the panel does not know."""
    return weights_dir() / "domain"


def traits_dir() -> Path:
    """The probe that reads every trait."""
    return weights_dir() / "traits"


def judge_dir() -> Path:
    """The judge of evaluations, which no run loads."""
    return weights_dir() / "judge"
