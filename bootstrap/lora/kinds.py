"""The kinds of weights that a module can have in a LoRA file, their names in it, and the change they make.

Plain LoRA is a pair (down, up); a convolution's down keeps its kernel. DoRA, LoHa and LoKr are tuples of their own,
named as LyCORIS names them. Everything is float32. Knows no file and no architecture.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LENGTHS", "ROUNDED", "TITLES", "Array", "Dora", "Hada", "Kron", "Pair", "Weights", "as_pair", "change",
    "from_tensors", "has_kernel", "is_over_inputs", "kind_of", "rank_of", "rescaled", "shape_of", "to_tensors",
    "whole_factors", "with_kernel",
]  # fmt: skip

Array = NDArray[np.float32]
Pair = tuple[Array, Array]


LENGTHS = ("dora_scale", "lora_magnitude_vector")
"""What LyCORIS and peft call DoRA's lengths."""
TITLES = {"lora": "LoRA", "dora": "DoRA", "loha": "LoHa", "lokr": "LoKr"}
"""What people call the kinds."""
ROUNDED = 1e-6
"""How far apart two scales may be that differ only because alphas are stored in single precision."""


class Dora(NamedTuple):
    """A pair, and lengths that the finished weight is brought to: arXiv 2402.09353.

    ``magnitude`` has the length of each row, (out,), as peft and LyCORIS' ``wd_on_output`` have it, or that of each
    column, (1, in): LyCORIS over the inputs, and OneTrainer.
    """

    down: Array
    up: Array
    magnitude: Array

    @property
    def over_inputs(self) -> bool:
        """Whether the lengths are those of columns."""
        return self.magnitude.ndim > 1


class Hada(NamedTuple):
    """LoHa: (w1_a @ w1_b) * (w2_a @ w2_b), of shape (out, in * kernel): arXiv 2108.06098."""

    w1_a: Array
    w1_b: Array
    w2_a: Array
    w2_b: Array


class Kron(NamedTuple):
    """LoKr: the Kronecker product of ``w1`` and ``w2``, each whole or a product of two (a @ b)."""

    w1: Array | None = None
    w1_a: Array | None = None
    w1_b: Array | None = None
    w2: Array | None = None
    w2_a: Array | None = None
    w2_b: Array | None = None

    @property
    def small(self) -> Array:
        """The first factor."""
        return _whole(self.w1, self.w1_a, self.w1_b)

    @property
    def large(self) -> Array:
        """The second factor, (out, in * kernel)."""
        found = _whole(self.w2, self.w2_a, self.w2_b)
        return found.reshape(len(found), -1)


Weights = Pair | Dora | Hada | Kron


def _whole(whole: Array | None, a: Array | None, b: Array | None) -> Array:
    if whole is not None:
        return whole
    assert a is not None
    assert b is not None
    return np.asarray(a @ b, np.float32)


def kind_of(weights: Weights) -> str:
    """ "lora", "dora", "loha" or "lokr"."""
    if isinstance(weights, Dora):
        return "dora"
    if isinstance(weights, Hada):
        return "loha"
    if isinstance(weights, Kron):
        return "lokr"
    return "lora"


def rank_of(weights: Weights) -> int | None:
    """The rank; None for a LoKr of two whole factors, which has none."""
    if isinstance(weights, Hada):
        return int(weights.w1_b.shape[0])
    if isinstance(weights, Kron):
        for inner in (weights.w2_b, weights.w1_b):
            if inner is not None:
                return int(inner.shape[0])
        return None
    return int(weights[0].shape[0])


def has_kernel(weights: Weights) -> bool:
    """Whether a pair belongs to a convolution of more than one pixel."""
    return not isinstance(weights, Hada | Kron) and max(weights[0].shape[2:], default=1) > 1


def shape_of(weights: Weights) -> tuple[int, int]:
    """Rows and columns of the change, a kernel counted among the columns."""
    if isinstance(weights, Hada):
        return len(weights.w1_a), weights.w1_b.shape[1]
    if isinstance(weights, Kron):
        (rows, columns), large = weights.small.shape, weights.large
        return rows * len(large), columns * large.shape[1]
    return len(weights[1]), int(np.prod(weights[0].shape[1:]))


def change(weights: Weights, scale: float) -> Array:
    """The change to a weight, (out, in * kernel); DoRA's before rows are brought to their length."""
    if isinstance(weights, Hada):
        return np.asarray(scale * (weights.w1_a @ weights.w1_b) * (weights.w2_a @ weights.w2_b), np.float32)
    if isinstance(weights, Kron):
        return np.asarray(scale * _kron(weights), np.float32)
    down, up = (part.reshape(part.shape[0], -1) for part in weights[:2])
    return np.asarray(scale * (up @ down), np.float32)


def _kron(weights: Kron) -> Array:
    """(out, in * kernel): a kernel stays together, as the second factor has it flattened behind its inputs."""
    return np.asarray(np.kron(weights.small, weights.large), np.float32)


def rescaled(weights: Weights, factor: float) -> Weights:
    """The same kind of weights, whose change is ``factor`` times as large."""
    if abs(factor - 1) < ROUNDED:
        return weights
    by = np.float32(factor)
    if isinstance(weights, Dora):
        return weights._replace(up=weights.up * by)
    if isinstance(weights, Hada):
        return weights._replace(w1_a=weights.w1_a * by)
    if isinstance(weights, Kron):
        if weights.w1 is not None:
            return weights._replace(w1=weights.w1 * by)
        assert weights.w1_a is not None
        return weights._replace(w1_a=weights.w1_a * by)
    return weights[0], weights[1] * by


def as_pair(weights: Weights) -> Pair:
    """A plain pair that makes the same change: exact, of a rank that may be large. DoRA's lengths are lost.

    The Hadamard product of two products has the rank of one times that of the other; a Kronecker product the rank of
    the second times the columns of the first, or (two whole factors) whatever is smaller of rows and columns.
    """
    if isinstance(weights, Hada):
        up = np.einsum("or,os->ors", weights.w1_a, weights.w2_a).reshape(len(weights.w1_a), -1)
        down = np.einsum("ri,si->rsi", weights.w1_b, weights.w2_b).reshape(-1, weights.w1_b.shape[1])
        return np.asarray(down, np.float32), np.asarray(up, np.float32)
    if isinstance(weights, Kron):
        whole = _kron(weights)
        rows, columns = whole.shape
        if rows <= columns:
            return whole, np.eye(rows, dtype=np.float32)
        return np.eye(columns, dtype=np.float32), whole
    return weights[0], weights[1]


def with_kernel(pair: Pair, kernel: int) -> Pair:
    """A flat pair with the kernel of its module, ``kernel`` pixels a side; 0 for a linear layer."""
    if not kernel:
        return pair
    down, up = pair
    return down.reshape(len(down), -1, kernel, kernel), up.reshape(*up.shape[:2], 1, 1)


def whole_factors(weights: Weights) -> Weights:
    """A LoKr of two whole factors; any other weights as they are."""
    if not isinstance(weights, Kron):
        return weights
    return Kron(w1=weights.small, w2=weights.large if weights.w2 is None else weights.w2)


def to_tensors(weights: Weights, scale: float, *, has_alpha: bool = True) -> dict[str, Array]:
    """The entries of one module in a file, with ``alpha``: readers multiply by alpha / rank.

    Without one a plain pair is named as peft names it, and the scale multiplied in.
    """
    if not has_alpha and kind_of(weights) == "lora":
        down, up = as_pair(weights)
        pair = {"lora_A.weight": down, "lora_B.weight": up * np.float32(scale)}
        return {name: np.ascontiguousarray(part, np.float32) for name, part in pair.items()}
    rank = rank_of(weights)
    if isinstance(weights, Hada):
        found = {f"hada_{name}": part for name, part in weights._asdict().items()}
    elif isinstance(weights, Kron):
        if rank is None:  # readers take two whole factors as they are
            weights, rank, scale = weights._replace(w1=weights.small * np.float32(scale)), 1, 1.0
        found = {f"lokr_{name}": part for name, part in weights._asdict().items() if part is not None}
    else:
        found = {"lora_down.weight": weights[0], "lora_up.weight": weights[1]}
        if isinstance(weights, Dora):
            ones = [1] * (weights.down.ndim - 1)
            shape = (1, -1, *ones[1:]) if weights.over_inputs else (-1, *ones)
            found["dora_scale"] = weights.magnitude.reshape(shape)
    assert rank is not None
    arrays = {name: np.ascontiguousarray(part, np.float32) for name, part in found.items()}
    return {**arrays, "alpha": np.array(scale * rank, np.float32)}


def from_tensors(parts: Mapping[str, Array]) -> tuple[Weights, float] | None:
    """A module's weights and the scale that its file gives them; None where they are of no kind that is known.

    What was made with LyCORIS' Tucker form (``lora_mid``, ``hada_t1``, ``lokr_t2``) is multiplied out.
    """
    found = _kron_from(parts) or _hada_from(parts) or _lora_from(parts)
    if found is None:
        return None
    rank, alpha = rank_of(found), _alpha(parts)
    if not alpha or not rank:
        return found, 1.0
    return found, alpha / rank


def _lora_from(parts: Mapping[str, Array]) -> Weights | None:
    if not {"lora_down.weight", "lora_up.weight"} <= parts.keys():
        return None
    down, up = parts["lora_down.weight"], parts["lora_up.weight"]
    if "lora_mid.weight" in parts:
        inner = down.reshape(len(down), -1)
        down = np.asarray(np.einsum("mnkl,ni->mikl", parts["lora_mid.weight"], inner), np.float32)
    for name in LENGTHS:
        if name in parts:
            over_inputs = is_over_inputs(name, parts[name], len(up), down.shape[1])
            return Dora(down, up, parts[name].reshape((1, -1) if over_inputs else -1))
    return down, up


def is_over_inputs(name: str, lengths: Array, rows: int, columns: int) -> bool:
    """Whether DoRA's lengths are those of columns; the shape tells it: (out, 1, …) against (1, in, …).

    peft writes rows, as (out,) or, of convolutions, as (1, out, 1, 1).
    """
    if lengths.size == rows and (lengths.ndim < 2 or lengths.shape[0] == rows):
        return False
    if name == "lora_magnitude_vector" and lengths.ndim > 2 and lengths.size == rows:
        return False
    return lengths.size == columns


def _alpha(parts: Mapping[str, Array]) -> float:
    """A module's alpha, 0 where it has none; some trainers store it as [alpha]."""
    return float(parts["alpha"].reshape(-1)[0]) if "alpha" in parts else 0.0


def _hada_from(parts: Mapping[str, Array]) -> Weights | None:
    named = _named(parts, "hada_", Hada._fields)
    if len(named) < len(Hada._fields):
        return None
    found = Hada(**named)
    if "hada_t1" not in parts:
        return found
    one = _tucker(parts["hada_t1"], found.w1_a, found.w1_b)
    two = _tucker(parts["hada_t2"], found.w2_a, found.w2_b)
    # the scale of a file is alpha over the rank it was made with, which a whole change has no longer
    rank = np.float32(len(found.w1_b))
    whole = (one * two).reshape(len(one), -1)
    eye = np.eye(len(whole), dtype=np.float32)
    return np.asarray(whole * (len(whole) / rank), np.float32), eye


def _kron_from(parts: Mapping[str, Array]) -> Weights | None:
    named = _named(parts, "lokr_", Kron._fields)
    for factor in ("w1", "w2"):
        if factor not in named and not {f"{factor}_a", f"{factor}_b"} <= named.keys():
            return None
    found = Kron(**named)
    if "lokr_t2" not in parts:
        return found
    whole = _tucker(parts["lokr_t2"], parts["lokr_w2_a"], parts["lokr_w2_b"])
    # two whole factors are taken as they are, so alpha over the rank goes into the second one
    alpha = _alpha(parts)
    scale = 1.0
    if found.w1_b is None and alpha:
        scale = alpha / len(named["w2_b"])
    return Kron(found.w1, found.w1_a, found.w1_b, np.asarray(whole * np.float32(scale), np.float32))


def _named(parts: Mapping[str, Array], prefix: str, names: Iterable[str]) -> dict[str, Array]:
    """Those of the entries that a file has, without their prefix."""
    found = {}
    for name in names:
        if prefix + name in parts:
            found[name] = parts[prefix + name]
    return found


def _tucker(core: Array, a: Array, b: Array) -> Array:
    """LyCORIS' ``rebuild_tucker``: (out, in, *kernel)."""
    return np.asarray(np.einsum("ijkl,ip,jr->prkl", core, a, b), np.float32)
