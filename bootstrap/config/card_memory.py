"""What each stage of a run takes of a device's memory, from counts on fake tensors.

``card_memory.json`` beside this file holds the counts of the real models, written by
``tests/benchmarks/card_memory.py`` and ``flow_memory.py`` there: MiB in each stage for one picture of one size in
bfloat16. What other settings take follows from it: activations grow with pictures, pixels and bytes, an adapter with
its rank, quantised weights shrink. Knows no file of weights and no device.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bootstrap.backends.architectures import ARCHITECTURES
from bootstrap.backends.sampling import BYTES_A_WEIGHT, Quantised
from bootstrap.backends.tiles import TILE
from bootstrap.config.run_settings import BaseConfig
from bootstrap.training.recipe import TrainRecipe

__all__ = ["CONTEXT", "Room", "counted_weights", "stage_memory"]

COUNTS = Path(__file__).with_suffix(".json")
MIB, GIB = 1 << 20, 1 << 30
CONTEXT = 0.85
"""GiB of a card that are CUDA's own: its context, .60 on an H200, and what kernels need for themselves, .2 above the
counts there in most stages."""
STATES, GRADIENTS = 16, 8
"""Bytes that training takes for a weight of an adapter in float32: itself, its gradient, AdamW's two moments; those of
the first two, which the counts of a first step have in them."""


@dataclass(frozen=True, slots=True)
class Room:
    """How a device holds models: bytes of a weight, and whether one that is not needed can be offloaded from it."""

    size: int = 2
    offloads: bool = True


def counted_weights(architecture: str) -> int:
    """The weights of an architecture's real model; 0 where its memory is not known."""
    return sum(_counts().get(architecture, {}).get("weights", {}).values())


def stage_memory(base: BaseConfig, architecture: str, room: Room) -> dict[str, float]:
    """Peak GiB of the stages read (prompts), draw, decode, encode, train and score, without `CONTEXT`.

    Also of "encode references" where the base draws from them. ``architecture`` is one with `counted_weights`.
    """
    counts, sampling = _counts()[architecture], base.sampling
    offloading = sampling.offload and room.offloads
    limits, scorers = ARCHITECTURES[architecture].limits, _counts()["scorers"]
    parts = _bytes_of_parts(counts, sampling.quantise, room)
    denoiser = parts[ARCHITECTURES[architecture].denoiser]
    text = sum(count for part, count in parts.items() if part.startswith("text_encoder"))
    adapter = max(recipe.rank for recipe in base.recipes.values()) * counts["adapter"] * 4
    attached = _Attached.of(base, counts, room)
    resident, in_turn = (0, attached.weights) if offloading else (attached.weights, 0)
    held = denoiser + parts["vae"] + adapter + resident
    if not room.offloads:
        held += scorers["all"] * MIB + attached.encoder
    beside = held if offloading else held + text
    pixels = sampling.width * sampling.height / counts["side"] ** 2
    trained = max(pixels, *(_pixels(base, recipe, counts) for recipe in base.recipes.values()))
    coding = {"decode": counts["whole"]["decode"] * pixels, "encode": counts["whole"]["encode"] * trained}
    if sampling.offload and max(sampling.width, sampling.height) > TILE:
        coding = counts["tiles"]
    reading = held - parts["vae"] if offloading else held  # the VAE makes room, and the denoiser for a large encoder
    if offloading and limits.encodes_alone:
        reading -= denoiser + adapter
    found = {"read": reading + text + counts["read"] * MIB}
    if base.reference and base.reference.path:
        encoding = _counts()["encoder"]["encode"] * MIB + (attached.encoder if room.offloads else 0)
        found["encode references"] = (reading if offloading else beside) + encoding
    drawing = counts["draw"] * pixels + attached.drawing
    found["draw"] = beside + in_turn + drawing * MIB * sampling.batch_size * room.size / 2
    found |= {stage: beside + coding[stage] * MIB for stage in ("decode", "encode")}
    trainings = [_training(counts, recipe, _pixels(base, recipe, counts), room) for recipe in base.recipes.values()]
    shown = any(recipe.reference_distillation for recipe in base.recipes.values())
    shown = shown or (base.reference is not None and base.reference.beside_steps > 0)
    found["train"] = max(trainings) + denoiser + _beside_training(base, parts, text, room) + resident
    found["train"] += in_turn if shown else 0
    found["score"] = beside + (scorers["loaded one by one"] * MIB if room.offloads else 0)
    return {stage: taken / GIB for stage, taken in found.items()}


@dataclass(frozen=True, slots=True)
class _Attached:
    """What draws beside the denoiser: bytes of its weights and of its image encoder, MiB that a picture takes more."""

    weights: int = 0
    encoder: int = 0
    drawing: float = 0

    @classmethod
    def of(cls, base: BaseConfig, counts: Mapping[str, Any], room: Room) -> _Attached:
        """What a base draws from references and along control pictures with; nothing where words are all it has."""
        weights = encoder = drawing = 0
        if base.reference and base.reference.native and "draw 1" in counts:
            drawing += (counts["draw 1"] - counts["draw"]) * base.reference.most
        if base.reference and base.reference.attention and "recorded" in counts:
            drawing += counts["recorded"] * base.reference.most
        if base.reference and base.reference.path and "reference" in counts:
            weights += counts["reference"]["weights"]
            encoder += _counts()["encoder"]["weights"]
            drawing += (counts["reference"]["draw"] - counts["draw"]) * base.reference.most
        if base.control and "control" in counts:
            weights += counts["control"]["weights"]
            drawing += counts["control"]["draw"] - counts["draw"]
        return cls(weights * room.size, encoder * room.size, drawing)


def _bytes_of_parts(counts: Mapping[str, Any], bits: Quantised, room: Room) -> dict[str, float]:
    """Part → bytes of its weights, those of linear layers in so many bits."""
    found = {part: float(count * (4 if part == "vae" else room.size)) for part, count in counts["weights"].items()}
    if bits != "none":
        for part, linear in counts["linear"].items():
            found[part] -= linear * (room.size - BYTES_A_WEIGHT[bits])
    return found


def _beside_training(base: BaseConfig, parts: Mapping[str, float], text: float, room: Room) -> float:
    """Bytes of the models that are loaded while the denoiser trains, itself left out."""
    trains_text = any(recipe.text_encoder for recipe in base.recipes.values())
    encodes_first = all(recipe.text_variants for recipe in base.recipes.values())
    taken = 0.0
    if trains_text or not room.offloads or not encodes_first:
        taken += parts["vae"]
    if trains_text or not room.offloads or not (encodes_first or base.sampling.offload):
        taken += text
    return taken


def _pixels(base: BaseConfig, recipe: TrainRecipe, counts: Mapping[str, Any]) -> float:
    """Pixels of training pictures over those that were counted."""
    width, height = recipe.size_for((base.sampling.width, base.sampling.height))
    return float(width * height / counts["side"] ** 2)


def _training(counts: Mapping[str, Any], recipe: TrainRecipe, pixels: float, room: Room) -> float:
    """Bytes of the activations of a step, and of an adapter with all that training holds of it."""
    every = min(2, recipe.gradient_checkpointing_interval) if recipe.gradient_checkpointing else 0
    counted = counts["rank"] * counts["adapter"] * GRADIENTS
    activations = float(counts[f"train {every}"]) * MIB - counted
    if recipe.text_encoder and "train 1 text" in counts:
        activations += (counts["train 1 text"] - counts["train 1"]) * MIB
    graphs = 1 + bool(recipe.output_preservation) + bool(recipe.reg_data_dir or recipe.prior_pictures)
    states = STATES + (4 if recipe.ema_decay else 0)
    taken: float = activations * recipe.batch_size * pixels * graphs * room.size / 2
    return taken + recipe.rank * float(counts["adapter"]) * states


@cache
def _counts() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(COUNTS.read_text(encoding="utf-8"))
    return found
