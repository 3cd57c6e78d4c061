"""Whether loaded weights predict noise or velocity: told by what they make of pure noise, whatever the file says.

A base that predicts noise answers nearly pure noise with that noise; one that predicts velocity answers with its idea
of the picture, which the noise does not correlate with: velocity is sqrt(signal) · noise - sqrt(1 - signal) · latents
(arXiv 2202.00512), and at the last timestep the signal is .005. In the middle of the schedule, where both answer with
noise, weights that do not denoise at all are told apart. One forward pass. Knows no file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

__all__ = ["NoiseAnswers", "noise_answers"]

MIDDLE = 0.3
"""Share of the schedule: the signal is .65 there on Stable Diffusion's."""
CLEAR = 0.5
"""A cosine above it is noise; measured: 0.0 to 0.1 for velocity, 0.9 and more for noise."""


@dataclass(frozen=True, slots=True)
class NoiseAnswers:
    """The cosine between what a base predicts and the noise it was given, at the last timestep and in the middle."""

    last: float
    middle: float

    @property
    def prediction_type(self) -> str:
        """ "epsilon" or "v_prediction"; "" for weights that do not denoise."""
        if self.middle < CLEAR:
            return ""
        return "epsilon" if self.last > CLEAR else "v_prediction"


def noise_answers(
    predict: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    alphas_cumprod: torch.Tensor,
    shape: Sequence[int],
    device: str,
) -> NoiseAnswers:
    """Ask ``predict``, (latents (n, c, h, w), timesteps (n,)) → prediction, about noise on empty latents.

    ``alphas_cumprod`` is the share of signal at each timestep of a schedule that does not end in pure noise; ``shape``
    is that of one picture's latents (c, h, w).
    """
    last = len(alphas_cumprod) - 1
    steps = torch.tensor([last, int(MIDDLE * last)])
    noise = torch.randn((len(steps), *shape), generator=torch.Generator("cpu").manual_seed(0))
    latents = noise * (1 - alphas_cumprod.cpu()[steps]).sqrt().view(-1, 1, 1, 1)
    with torch.inference_mode():
        predicted = predict(latents.to(device), steps.to(device)).float().cpu()
    at_last, in_middle = torch.nn.functional.cosine_similarity(predicted.flatten(1), noise.flatten(1))
    return NoiseAnswers(float(at_last), float(in_middle))
