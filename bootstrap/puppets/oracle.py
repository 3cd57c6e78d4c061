"""The judge of evaluations: reads traits and views off a picture, and says how alike two individuals are.

It stands outside the loop: other architecture, other training puppets, and neither scoring nor loops may import it, for
a loop that could read its judge would learn to please it. Does NOT know runs, prompts or scorers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from bootstrap.puppets import models
from bootstrap.puppets.judge_net import JudgeNet, Reading
from bootstrap.puppets.train import crops
from bootstrap.puppets.train.judge_truth import AXES, WHOLE_ONLY

FILE = "judge.safetensors"
_BATCH = 100
_HEAD, _STORED_HEAD = "answers.view_family.", "answers.family."
"""The head that reads the view family, in the network and in the weights file, whose key names are fixed."""


class Oracle:
    """A loaded judge."""

    def __init__(self, net: JudgeNet) -> None:
        """Read with `net`, in evaluation mode."""
        self.net = net.eval()

    def read(self, images: NDArray[np.uint8]) -> dict[str, list[str]]:
        """Axis of `AXES` -> its answer for each picture of uint8 (N, 96, 96, 3); '' where she has none."""
        parts = list(self._readings(images))
        logits = {axis: torch.cat([part.axes[axis] for part in parts]) for axis in AXES}
        return {axis: [AXES[axis][index] for index in found.argmax(1).tolist()] for axis, found in logits.items()}

    def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Unit vectors (N, D): the larger the cosine, the more alike the individuals, within one view family."""
        return torch.cat([part.identity for part in self._readings(images)]).numpy()

    @torch.inference_mode()
    def _readings(self, images: NDArray[np.uint8]) -> Iterator[Reading]:
        for start in range(0, len(images), _BATCH):
            pictures = crops.to_tensor(images[start : start + _BATCH])
            yield self.net(pictures * 2 - 1, _heads(pictures, self._framings(pictures)) * 2 - 1)

    def _framings(self, pictures: Tensor) -> NDArray[np.int64]:
        """Where to look for the head follows from the framing, which the first look reads."""
        framings: NDArray[np.int64] = self.net.answers["framing"](self.net.look(pictures * 2 - 1)).argmax(1).numpy()
        return framings


def load(folder: Path | None = None) -> Oracle:
    """The judge in `folder` (default: the shipped one)."""
    weights = load_file((folder or models.judge_dir()) / FILE)
    net = new_net(len(weights["attributes.bias"]))
    state = {}
    for key, value in weights.items():
        name = key.replace(_STORED_HEAD, _HEAD)
        state[name] = value.float() if value.is_floating_point() else value
    net.load_state_dict(state)
    return Oracle(net)


def save(net: nn.Module, folder: Path) -> None:
    """Write the weights, matrices in half precision."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {}
    for name, value in net.state_dict().items():
        stored = value.half() if value.ndim >= 2 else value
        weights[name.replace(_HEAD, _STORED_HEAD)] = stored.detach().cpu().contiguous()
    save_file(weights, folder / FILE)


def new_net(attributes: int) -> JudgeNet:
    """The network with random weights; `attributes`: size of the answer that only training reads."""
    return JudgeNet({axis: len(choices) for axis, choices in AXES.items()}, WHOLE_ONLY, attributes)


def similarity(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """Row by row cosine of two sets of unit vectors: (N,)."""
    cosines: NDArray[np.float32] = (first * second).sum(1)
    return cosines


def _heads(pictures: Tensor, framings: NDArray[np.int64] | Sequence[int]) -> Tensor:
    boxes = crops.composition_boxes(np.asarray(framings), np.full(len(pictures), crops.HEAD))
    return crops.cut(pictures, torch.from_numpy(boxes))
