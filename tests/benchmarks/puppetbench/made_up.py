"""Settings and a truth without models, for tests of the benchmark: the fake backend, few pictures, made-up likeness."""

import numpy as np

from bootstrap.puppets.train.judge_truth import AXES
from tests.benchmarks.puppetbench.settings import Settings

TINY = Settings(
    a_cell=1,
    framings=1,
    lookalikes=4,
    drawings=6,
    peer_pictures=24,
    backend="fake",
    overrides=(
        "loop.target=4", "loop.goals=[2]", "loop.rounds=2", "loop.waves=1", "loop.lookalikes=10",
        "loop.exchanged=0", "loop.most_decoys=10", "loop.gate_level=0.4", "base.recipes.style.steps=2",
        "loop.showcase=0", "loop.acceptance.weights=[0.8]", "loop.acceptance.unseen=0",
        "base.recipes.character.steps=2", "base.sampling.width=32", "base.sampling.height=32",
    ),
)  # fmt: skip


class Judge:
    """Reads the first answer of every axis on every picture."""

    def read(self, images):
        return {axis: [answers[0]] * len(images) for axis, answers in AXES.items()}


class Truth:
    """A truth in which likeness is brightness."""

    key, judge = "made up", Judge()

    def paint(self, shots, puppet=None):
        return np.zeros((len(shots), 96, 96, 3), np.uint8)

    def likeness(self, images, shots):
        return images.mean(axis=(1, 2, 3)).astype(np.float32) / 255
