"""The judge of kinds: how alike two pictures of a garment, a place or a drawing style are, whoever is in them.

It reads what the layers of the puppets' judge answer, and colours where they are; for each kind these are weighed so
that pictures of one individual fall together and those of its twins apart (linear discriminant analysis, fitted by
`python -m bootstrap.puppets.train kinds`). Like the puppets' judge it stays outside the loop: neither scoring nor loops
may import it. Does NOT know runs, prompts or scorers.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from bootstrap.puppets import shipped
from bootstrap.puppets.judge import load_judge
from bootstrap.puppets.judge_net import JudgeNet
from bootstrap.puppets.train import cropping

KINDS = ("garment", "place", "style")
FILE = "kinds.safetensors"
GRIDS = (2, 6)
"""Cells on a side in which mean colours are taken."""
SHADES = 4
"""Steps of a channel in the histogram of colours."""
_BATCH = 60
Floats = NDArray[np.float32]
Weights = Mapping[str, Floats]
"""``<kind>.mean`` and ``<kind>.scale`` (features,), ``<kind>.matrix`` (features, D)."""


class KindJudge:
    """A loaded judge of kinds."""

    def __init__(self, net: JudgeNet, weights: Weights) -> None:
        """Read with the puppets' judge `net`, and weigh by `weights`."""
        self.net, self.weights = net.eval(), weights

    def embed(self, kind: str, images: NDArray[np.uint8]) -> Floats:
        """Unit vectors (N, D) of uint8 (N, 96, 96, 3): the larger the cosine, the more alike; `kind` is of `KINDS`."""
        own = [np.asarray(self.weights[f"{kind}.{part}"], np.float32) for part in ("mean", "scale", "matrix")]
        vectors = (features(self.net, images) - own[0]) / own[1] @ own[2]
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def load_kind_judge(folder: Path | None = None) -> KindJudge:
    """The judge in `folder` (default: the shipped one)."""
    return KindJudge(load_judge().net, load_file((folder or shipped.kinds_dir()) / FILE))


def save_weights(weights: Weights, folder: Path) -> None:
    """Write the weights in half precision."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: np.asarray(value, np.float16) for name, value in weights.items()}, folder / FILE)


def features(net: JudgeNet, images: NDArray[np.uint8]) -> Floats:
    """What is weighed, (N, features): means and spreads of every layer of the judge's trunk, and colours."""
    parts = []
    for start in range(0, len(images), _BATCH):
        some = images[start : start + _BATCH]
        parts.append(np.concatenate([_layers(net, some), _colors(some)], axis=1))
    return np.concatenate(parts)


@torch.inference_mode()
def _layers(net: JudgeNet, images: NDArray[np.uint8]) -> Floats:
    hidden = cropping.to_tensor(images) * 2 - 1
    found = []
    for layer in net.whole:
        hidden = layer(hidden)
        if isinstance(layer, torch.nn.GELU):
            found += [hidden.mean((2, 3)), hidden.std((2, 3)), hidden.amax((2, 3))]
    return np.asarray(torch.cat(found, 1).numpy(), np.float32)


def _colors(images: NDArray[np.uint8]) -> Floats:
    """Mean colours of the cells of the grids, and square roots of the shares of colours."""
    plain = images.astype(np.float32) / 255
    count, side = plain.shape[:2]
    found = []
    for grid in GRIDS:
        cells = plain.reshape(count, grid, side // grid, grid, side // grid, 3).mean((2, 4))
        found.append(cells.reshape(count, -1))
    steps = np.minimum(images.astype(np.int64) * SHADES // 256, SHADES - 1)
    index = (steps[..., 0] * SHADES + steps[..., 1]) * SHADES + steps[..., 2]
    shares = np.stack([np.bincount(one.ravel(), minlength=SHADES**3) for one in index]) / side**2
    return np.concatenate([*found, np.sqrt(shares).astype(np.float32)], axis=1)
