"""A plain LoRA in place of a DoRA, LoHa or LoKr: their change to the base by SVD at a stated rank, with its error.

Programs read a plain LoRA all in the same way, a DoRA they do not: they divide by the lengths of rows or of columns, of
the base or of the changed weight. The base's weights are asked for one module at a time. Knows no file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np

from bootstrap.errors import BackendError
from bootstrap.lora.grammar import in_file
from bootstrap.lora.kinds import (
    TITLES,
    Array,
    Dora,
    Hada,
    Kron,
    Pair,
    Weights,
    change,
    has_kernel,
    kind_of,
    shape_of,
    with_kernel,
)
from bootstrap.lora.weights import Lora

__all__ = ["PLAIN_KEY", "PlainLora", "as_plain", "change_to", "metadata_of_plain", "rank_for", "share_in_words"]

PLAIN_KEY = "bootstrap.plain"
"""The entry of a plain file's metadata that tells what it was made from, its rank and its error."""
SPARE = 16
"""Directions that are followed beside those that are kept; they make the kept ones precise (arXiv 0909.4061)."""
PASSES = 4
"""Passes over a change: with one per cent of more error at most than an exact SVD, in a tenth of its time."""
LEAST_RANK, MOST_RANK = 32, 128
NOTHING = 1e-6
"""A change that is shorter, as a share of its weight, comes from rounding in single precision."""

BaseWeight = Callable[[int, str], Array]
"""Part (0 the denoiser) and module path → the base's weight, (out, in) or (out, in, k, k)."""


@dataclass(frozen=True)
class PlainLora:
    """A plain LoRA, made from a LoRA of another kind.

    ``error`` is the length of what its changes lack, as a share of the length of the changes that it stands for, over
    all modules; ``worst_error`` is that of the module where it is largest. Both hold for weights stored in float16.
    ``misread`` is, in the same measure, how far a DoRA itself is from what was trained where a program divides its rows
    by the lengths of the base's, as ComfyUI and Forge do; 0 of other kinds.
    """

    lora: Lora
    made_from: str
    error: float
    worst_error: float
    worst_module: str
    misread: float = 0.0

    @property
    def about(self) -> str:
        """Rank and error in words."""
        return (
            f"rank {self.lora.rank}, relative error {share_in_words(self.error)}"
            f" (worst module {share_in_words(self.worst_error)}: {self.worst_module})"
        )


def rank_for(lora: Lora) -> int:
    """The rank of a plain LoRA where nobody names one."""
    return min(max(LEAST_RANK, 2 * lora.rank), MOST_RANK)


def as_plain(lora: Lora, rank: int, base: BaseWeight | None = None) -> PlainLora:
    """The plain LoRA of this rank, or of as much as a module has, that comes nearest to a DoRA, LoHa or LoKr.

    The change of a DoRA depends on the base, so it needs ``base``. Raises BackendError where that is missing or has
    other shapes, or where ``lora`` is a plain one already.
    """
    kinds = {kind_of(weights) for part in lora.parts for weights in part.values()}
    if kinds <= {"lora"}:
        raise BackendError("it is a plain LoRA already", "leave --plain out")
    if "dora" in kinds and base is None:
        raise BackendError("it is a DoRA: what it changes depends on the base", "name the base that it was trained on")
    parts: tuple[dict[str, Weights], ...] = ({}, {}, {})
    missing = length = misread = 0.0
    worst, largest = (0.0, ""), 1
    for number, modules in enumerate(lora.parts):
        for module, weights in modules.items():
            weight = _weight_for(weights, number, module, base)
            pair, lost, whole = _plain_pair(lora, number, module, rank, weight)
            parts[number][module] = pair
            missing, length, largest = missing + lost, length + whole, max(largest, len(pair[0]))
            misread += _misread(weights, lora.scale, weight)
            name = f"{lora.grammar.parts[number]}.{in_file(module) if number else module}"
            worst = max(worst, (_share(lost, whole), name))
    denoiser, text, text_2 = parts
    made = Lora(denoiser, float(largest), text, text_2, grammar=lora.grammar, network_rank=largest)
    return PlainLora(made, TITLES[lora.kind], _share(missing, length), *worst, _share(misread, length))


def metadata_of_plain(plain: PlainLora, metadata: Mapping[str, str]) -> dict[str, str]:
    """The metadata of what it was made from, with the network's own left out, and what it is."""
    kept = {key: value for key, value in metadata.items() if not key.startswith("ss_network_")}
    facts = {
        "made_from": plain.made_from,
        "rank": plain.lora.rank,
        "relative_error": round(plain.error, 6),
        "worst_relative_error": round(plain.worst_error, 6),
        "worst_module": plain.worst_module,
    }
    if plain.made_from == TITLES["dora"]:
        facts["dora_error_in_comfyui"] = round(plain.misread, 6)
    made = f"Plain LoRA, made from a {plain.made_from} by SVD: {plain.about}."
    comment = f"{metadata.get('ss_training_comment', '')} {made}".strip()
    return {**kept, PLAIN_KEY: json.dumps(facts), "ss_training_comment": comment}


def change_to(weights: Weights, scale: float, weight: Array | None) -> Array:
    """What a module's weights change in the base's, (out, in * kernel): W' - W. ``weight`` is of use to DoRA only."""
    if not isinstance(weights, Dora):
        return change(weights, scale)
    assert weight is not None
    own = weight.reshape(len(weight), -1).astype(np.float64)
    merged = (own + change(weights, scale)).reshape(len(weight), weight.shape[1], -1)
    axes, shape = ((0, 2), (1, -1, 1)) if weights.over_inputs else ((1, 2), (-1, 1, 1))
    lengths = np.sqrt((merged**2).sum(axis=axes, keepdims=True))
    factors = weights.magnitude.reshape(shape) / np.maximum(lengths, np.finfo(np.float32).tiny)
    found = (merged * factors).reshape(own.shape) - own
    if np.linalg.norm(found) < NOTHING * np.linalg.norm(own):
        return np.zeros(own.shape, np.float32)
    return np.asarray(found, np.float32)


def _weight_for(weights: Weights, part: int, module: str, base: BaseWeight | None) -> Array | None:
    """The base's weight of a module; None without a base. Raises BackendError where it has another shape."""
    if base is None:
        return None
    weight = base(part, module)
    shape, wanted = shape_of(weights), (len(weight), weight[0].size)
    if shape != wanted:
        raise BackendError(
            f'its module "{module}" is {shape[0]} x {shape[1]}, the base\'s {wanted[0]} x {wanted[1]}',
            "name the base that it was trained on",
        )
    return weight


def _misread(weights: Weights, scale: float, weight: Array | None) -> float:
    """The squared length of what a program adds that divides a DoRA's rows by the lengths of the base's."""
    if not isinstance(weights, Dora) or weights.over_inputs:
        return 0.0
    assert weight is not None
    own = weight.reshape(len(weight), -1).astype(np.float64)
    lengths, changed = np.linalg.norm(own, axis=1), np.linalg.norm(own + change(weights, scale), axis=1)
    stretch = changed / np.maximum(lengths, np.finfo(np.float32).tiny) - 1
    return float(((weights.magnitude * stretch) ** 2).sum())


def _plain_pair(lora: Lora, part: int, module: str, rank: int, weight: Array | None) -> tuple[Pair, float, float]:
    """The pair of one module, rounded to half precision, and the squared lengths of what it lacks and of the change."""
    weights = lora.parts[part][module]
    wanted_change = change_to(weights, lora.scale, weight)
    pair = _halved(module, _nearest(wanted_change, rank))
    lost = float(((wanted_change - pair[1] @ pair[0]) ** 2).sum(dtype=np.float64))
    kernel = _kernel(lora, part, module, weights, weight)
    return with_kernel(pair, kernel), lost, float((wanted_change**2).sum(dtype=np.float64))


def _nearest(whole: Array, rank: int) -> Pair:
    """The pair of this rank whose product is nearest to a matrix; each side takes the root of a singular value.

    Randomised subspace iteration (arXiv 0909.4061); exact where rank and spare directions reach the smaller side.
    """
    kept = min(rank, *whole.shape)
    width = min(kept + SPARE, *whole.shape)
    start = np.random.default_rng(0).normal(size=(whole.shape[1], width)).astype(np.float32)
    basis = np.linalg.qr(whole @ start)[0]
    for _ in range(PASSES):
        basis = np.linalg.qr(whole.T @ basis)[0]
        basis = np.linalg.qr(whole @ basis)[0]
    left, lengths, right = np.linalg.svd(basis.T @ whole, full_matrices=False)
    roots = np.sqrt(lengths[:kept])
    down, up = roots[:, None] * right[:kept], (basis @ left[:, :kept]) * roots
    return np.asarray(down, np.float32), np.asarray(up, np.float32)


def _halved(module: str, pair: Pair) -> Pair:
    """A pair as a file in float16 gives it back. Raises BackendError where its numbers are too large for that."""
    if max(np.abs(side).max() for side in pair) > np.finfo(np.float16).max:
        raise BackendError(
            f'its module "{module}" changes the base by more than half precision holds', "train it again"
        )
    down, up = (side.astype(np.float16).astype(np.float32) for side in pair)
    return down, up


def _kernel(lora: Lora, part: int, module: str, weights: Weights, weight: Array | None) -> int:
    """Side of a module's kernel, 0 for a linear layer."""
    if weight is not None:
        return weight.shape[2] if weight.ndim > 2 else 0
    if not isinstance(weights, Hada | Kron):
        return weights[0].shape[2] if has_kernel(weights) or weights[0].ndim > 2 else 0
    return 0 if part else lora.grammar.kernel(module)


def _share(lost: float, whole: float) -> float:
    return sqrt(lost / whole) if whole else 0.0


def share_in_words(share: float) -> str:
    """A share in per cent, with two digits."""
    return f"{100 * share:.2g} %"
