"""The judge of evaluations: reads traits and views off a picture, and measures how alike two individuals are.

It stays outside the loop: another architecture, other training puppets, and neither scoring nor loops may import it,
because a loop that could read its judge would optimise for it. Does NOT know runs, prompts or scorers.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from bootstrap.puppets import shipped
from bootstrap.puppets.judge_net import JudgeNet, JudgeReading
from bootstrap.puppets.train import cropping
from bootstrap.puppets.train.judge_truth import AXES, WHOLE_ONLY

JUDGE_FILE = "judge.safetensors"
_BATCH = 100
_HEAD, _STORED_HEAD = "answers.view_family.", "answers.family."
"""The head that reads the view family, in the network and in the weights file, whose key names are fixed."""


class PuppetJudge:
    """A loaded judge."""

    def __init__(self, net: JudgeNet) -> None:
        """Read with `net`, in evaluation mode."""
        self.net = net.eval()

    def read(self, images: NDArray[np.uint8]) -> dict[str, list[str]]:
        """Axis of `AXES` -> its answer for each picture of uint8 (N, 96, 96, 3); '' where the puppet has none."""
        parts = list(self._readings(images))
        answers = {}
        for axis, choices in AXES.items():
            logits = torch.cat([part.axes[axis] for part in parts])
            answers[axis] = [choices[index] for index in logits.argmax(1).tolist()]
        return answers

    def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Unit vectors (N, D): the larger the cosine, the more alike the individuals, within one view family."""
        return torch.cat([part.identity for part in self._readings(images)]).numpy()

    @torch.inference_mode()
    def _readings(self, images: NDArray[np.uint8]) -> Iterator[JudgeReading]:
        for start in range(0, len(images), _BATCH):
            pictures = cropping.to_tensor(images[start : start + _BATCH])
            yield self.net(pictures * 2 - 1, _heads(pictures, self._framings(pictures)) * 2 - 1)

    def _framings(self, pictures: Tensor) -> NDArray[np.int64]:
        """Framing of each picture (N,), read from the whole picture: it decides where the head is cut out."""
        framings: NDArray[np.int64] = self.net.answers["framing"](self.net.look(pictures * 2 - 1)).argmax(1).numpy()
        return framings


def load_judge(folder: Path | None = None) -> PuppetJudge:
    """The judge in `folder` (default: the shipped one)."""
    weights = load_file((folder or shipped.judge_dir()) / JUDGE_FILE)
    net = new_judge_net(len(weights["attributes.bias"]))
    state = {}
    for key, value in weights.items():
        name = key.replace(_STORED_HEAD, _HEAD)
        state[name] = value.float() if value.is_floating_point() else value
    net.load_state_dict(state)
    return PuppetJudge(net)


def save_judge(net: nn.Module, folder: Path) -> None:
    """Write the weights, matrices in half precision."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {}
    for name, value in net.state_dict().items():
        stored = value.half() if value.ndim >= 2 else value
        weights[name.replace(_HEAD, _STORED_HEAD)] = stored.detach().cpu().contiguous()
    save_file(weights, folder / JUDGE_FILE)


def new_judge_net(attributes: int) -> JudgeNet:
    """The network with random weights; `attributes`: size of the output that only training reads."""
    return JudgeNet({axis: len(choices) for axis, choices in AXES.items()}, WHOLE_ONLY, attributes)


def similarity(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """Row by row cosine of two sets of unit vectors: (N,)."""
    cosines: NDArray[np.float32] = (first * second).sum(1)
    return cosines


def _heads(pictures: Tensor, framings: NDArray[np.int64]) -> Tensor:
    """Head crops of pictures (N, 3, H, W)."""
    boxes = cropping.composition_boxes(framings, np.full(len(pictures), cropping.HEAD))
    return cropping.cut(pictures, torch.from_numpy(boxes))
