"""Training inputs without a diffusion model: a 1x1 convolution predicts, so that a training takes milliseconds."""

import pytest
import torch

from bootstrap.records import TrainItem
from bootstrap.training.inputs import TrainingInputs
from bootstrap.training.objective import Epsilon


class InputsMaker:
    """Makes fresh inputs over the same four pictures; ``poison`` is the pass from which predictions are NaN."""

    def __init__(self, poison=None):
        self.poison = poison
        self.passes = 0

    def __call__(self, content="pixels", text=True, objective=None):
        generator = torch.Generator().manual_seed(0)
        weight = torch.nn.Parameter(torch.randn(4, 4, 1, 1, generator=generator) * 0.1)
        text_weight = torch.nn.Parameter(torch.zeros(4, 1, 1))
        latents = torch.randn(4, 4, 6, 6, generator=generator)

        def predict(noised, times, captions, entries):
            self.passes += 1
            lengths = torch.tensor([len(caption) / 20 for caption in captions]).view(-1, 1, 1, 1)
            prediction = torch.nn.functional.conv2d(noised, weight) + lengths * text_weight
            return prediction * (torch.nan if self.poison and self.passes >= self.poison else 1.0)

        objective = objective or Epsilon(torch.linspace(0.999, 0.01, 50))
        return TrainingInputs([weight], [text_weight] if text else [], latents, predict, objective, "cpu", content)


@pytest.fixture
def make_inputs():
    return InputsMaker()


@pytest.fixture
def poisoned():
    return InputsMaker


@pytest.fixture
def four():
    return [TrainItem(f"{n}.png", ("t", "a", "b", "c"), "kept", 1.0 + n % 2) for n in range(4)]
