"""A module's weights out of a file, after a check that its arrays are whole and fit each other.

A fault is told before anything is multiplied: NaN draws black pictures, and a wrong rank ends far from its cause.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from bootstrap.errors import BackendError
from bootstrap.lora.kinds import LENGTHS, Array, Weights, from_tensors, is_over_inputs

__all__ = ["checked_weights"]

Parts = Mapping[str, Array]
LEAST_AXES = 2
"""Of every array but alpha and DoRA's lengths."""
LARGEST = 65504.0
"""The largest number of half precision (IEEE 754), in which LoRAs are used; products of larger ones overflow."""
PAIR = ("lora_down.weight", "lora_up.weight")


def checked_weights(path: Path, module: str, parts: Parts) -> tuple[Weights, float] | None:
    """The weights of a module and their scale; None where it has none but an alpha.

    Raises BackendError when an array is missing, holds NaN or infinity, or does not fit the others.
    """
    fault = next(_faults(parts), "")
    if fault:
        raise BackendError(f'"{path}", module "{module}": {fault}', "fetch the file again, or train it again")
    return from_tensors(parts)


def _faults(parts: Parts) -> Iterator[str]:
    for name, array in parts.items():
        if not array.size or not np.isfinite(array).all():
            yield f'"{name}" is empty' if not array.size else f'"{name}" holds NaN or infinity'
        elif np.abs(array).max() > LARGEST:
            yield f'"{name}" holds values as large as {np.abs(array).max():.1g}'
        if name == "alpha" and array.size > 1:
            yield f'"alpha" holds {array.size} values'
        if name not in ("alpha", *LENGTHS) and array.ndim < LEAST_AXES:
            yield f'"{name}" has the shape {_shape(array)}'
    if parts.keys() - {"alpha"} and _incomplete(parts):
        yield _missing(parts)
    yield from _pair_faults(parts)
    for prefix in ("hada", "lokr"):
        for number in (1, 2):
            yield from _product_faults(parts, f"{prefix}_w{number}", f"{prefix}_t{number}")
    yield from _hada_faults(parts)


def _incomplete(parts: Parts) -> bool:
    """Whether none of the kinds of weights is there as a whole."""
    if {*PAIR} <= parts.keys():
        return False
    if all(f"hada_w{number}_{side}" in parts for number in (1, 2) for side in "ab"):
        return "hada_t1" in parts and "hada_t2" not in parts
    return not all(_has_factor(parts, f"lokr_w{number}") for number in (1, 2))


def _missing(parts: Parts) -> str:
    for one, other in (PAIR, PAIR[::-1]):
        if one in parts:
            return f'it lacks "{other}"'
    return f"it lacks what belongs to {_quoted(parts)}"


def _has_factor(parts: Parts, name: str) -> bool:
    return name in parts or {f"{name}_a", f"{name}_b"} <= parts.keys()


def _pair_faults(parts: Parts) -> Iterator[str]:
    """The ranks of a pair, its kernel, and DoRA's lengths."""
    lengths = [name for name in LENGTHS if name in parts]
    if not {*PAIR} <= parts.keys():
        if lengths:
            yield f'"{lengths[0]}" (DoRA) beside {_quoted(parts)} cannot be read'
        return
    down, up = (parts[name] for name in PAIR)
    ranks = len(down), up.shape[1]
    if (core := parts.get("lora_mid.weight")) is not None:
        ranks = len(down), core.shape[1]
        if len(core) != up.shape[1]:
            ranks = len(core), up.shape[1]
    if ranks[0] != ranks[1]:
        yield f'the ranks of "{PAIR[0]}" and "{PAIR[1]}" differ: {ranks[0]} and {ranks[1]}'
    if up.size != up.shape[0] * up.shape[1]:
        yield f'"{PAIR[1]}" has the shape {_shape(up)}'
    rows, columns = len(up), down.shape[1]
    for name in lengths:
        fits = is_over_inputs(name, parts[name], rows, columns) or parts[name].size == rows
        if not fits or max(parts[name].shape, default=0) != parts[name].size:
            yield f'"{name}" has the shape {_shape(parts[name])}, the module {rows} rows and {columns} columns'


def _product_faults(parts: Parts, name: str, core_name: str) -> Iterator[str]:
    """The inner ranks of a product of two, or of a Tucker form."""
    a, b, core = parts.get(f"{name}_a"), parts.get(f"{name}_b"), parts.get(core_name)
    if a is None or b is None or name in parts:
        return
    inner = (a.shape[1], len(b)) if core is None else (len(a), len(core))
    if core is not None and inner[0] == inner[1]:
        inner = core.shape[1], len(b)
    if inner[0] != inner[1]:
        yield f'the ranks of "{name}_a" and "{name}_b" differ: {inner[0]} and {inner[1]}'


def _hada_faults(parts: Parts) -> Iterator[str]:
    """LoHa multiplies two products number by number: they have one shape."""
    if _incomplete(parts) or "hada_w1_a" not in parts:
        return
    axis = 1 if "hada_t1" in parts else 0
    shapes = []
    for number in (1, 2):
        a, b = parts[f"hada_w{number}_a"], parts[f"hada_w{number}_b"]
        shapes.append((a.shape[axis], b.shape[1]))
    if shapes[0] != shapes[1]:
        yield f"its two products are of {shapes[0][0]} x {shapes[0][1]} and {shapes[1][0]} x {shapes[1][1]}"


def _shape(array: Array) -> str:
    return " x ".join(map(str, array.shape)) or "of a single number"


def _quoted(parts: Parts) -> str:
    return ", ".join(f'"{name}"' for name in sorted(parts.keys() - {"alpha", *LENGTHS})) or '"dora_scale"'
