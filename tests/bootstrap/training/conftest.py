"""A bench without a diffusion model: a 1x1 convolution guesses, so that a training takes milliseconds."""

import pytest
import torch

from bootstrap.records import TrainItem
from bootstrap.training.lora import TrainingInputs


class Bencher:
    """Makes fresh benches over the same four pictures; ``poison`` is the pass from which guesses are NaN."""

    def __init__(self, poison=None):
        self.poison = poison
        self.passes = 0

    def __call__(self, content="pixels", text=True):
        generator = torch.Generator().manual_seed(0)
        weight = torch.nn.Parameter(torch.randn(4, 4, 1, 1, generator=generator) * 0.1)
        spoken = torch.nn.Parameter(torch.zeros(4, 1, 1))
        latents = torch.randn(4, 4, 6, 6, generator=generator)

        def guess(seen, times, captions, places):
            self.passes += 1
            heard = torch.tensor([len(caption) / 20 for caption in captions]).view(-1, 1, 1, 1)
            guessed = torch.nn.functional.conv2d(seen, weight) + heard * spoken
            return guessed * (torch.nan if self.poison and self.passes >= self.poison else 1.0)

        signal = torch.linspace(0.999, 0.01, 50)
        return TrainingInputs([weight], [spoken] if text else [], latents, guess, signal, "epsilon", "cpu", content)


@pytest.fixture
def bencher():
    return Bencher()


@pytest.fixture
def poisoned():
    return Bencher


@pytest.fixture
def four():
    return [TrainItem(f"{n}.png", ("t", "a", "b", "c"), "kept", 1.0 + n % 2) for n in range(4)]
