"""What a base is trained to predict, and how much each noise level counts: one class for each parametrisation.

An objective samples times, mixes latents with noise, names the target, and weighs the loss. Knows no model, no picture
and no optimizer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch

__all__ = ["Epsilon", "Objective", "RectifiedFlow", "Velocity"]

Pair = tuple[torch.Tensor, torch.Tensor]


class Objective(Protocol):
    """The parametrisation of a base.

    Times have shape (n,); latents and noise (n, c, h, w). Times may be on any device, the results are on theirs.
    """

    @property
    def name(self) -> str:
        """A short name; trainings of objectives with two names are two trainings."""

    @property
    def time_scale(self) -> int:
        """What a time is multiplied by to be a timestep of the base's scheduler."""

    def times(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """Sample ``count`` times on the generator's device."""

    def noised(self, latents: torch.Tensor, noise: torch.Tensor, times: torch.Tensor) -> Pair:
        """The latents with noise at these times, and what the base should predict for them."""

    def weight(self, times: torch.Tensor, min_snr_gamma: float | None) -> torch.Tensor:
        """How much the loss at each time counts, (n,); ``min_snr_gamma`` None weighs all alike."""


@dataclass(frozen=True, eq=False)
class Epsilon:
    """Predicts the noise (arXiv 2006.11239). ``alphas_cumprod`` is the share of signal at each timestep."""

    alphas_cumprod: torch.Tensor
    name: str = "epsilon"
    time_scale: int = 1

    def times(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """Whole timesteps of the schedule, uniformly."""
        return torch.randint(0, len(self.alphas_cumprod), (count,), generator=generator)

    def noised(self, latents: torch.Tensor, noise: torch.Tensor, times: torch.Tensor) -> Pair:
        """Variance-preserving noise, and the noise itself."""
        signal = _signal(self.alphas_cumprod, times)
        return _mixed(latents, noise, signal), noise

    def weight(self, times: torch.Tensor, min_snr_gamma: float | None) -> torch.Tensor:
        """min(snr, γ)/snr (arXiv 2303.09556); 1 where the schedule ends in nothing but noise."""
        signal = _signal(self.alphas_cumprod, times)
        if min_snr_gamma is None:
            return torch.ones_like(signal)
        snr = _snr(signal)
        return torch.where(snr > 0, snr.clamp(max=min_snr_gamma) / snr.clamp(min=1e-8), 1.0)


@dataclass(frozen=True, eq=False)
class Velocity:
    """Predicts the velocity between noise and latents (Salimans & Ho, arXiv 2202.00512)."""

    alphas_cumprod: torch.Tensor
    name: str = "v_prediction"
    time_scale: int = 1

    def times(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """Whole timesteps of the schedule, uniformly."""
        return torch.randint(0, len(self.alphas_cumprod), (count,), generator=generator)

    def noised(self, latents: torch.Tensor, noise: torch.Tensor, times: torch.Tensor) -> Pair:
        """Variance-preserving noise, and sqrt(signal) · noise − sqrt(1 − signal) · latents."""
        signal = _signal(self.alphas_cumprod, times)
        share = signal.view(-1, 1, 1, 1)
        return _mixed(latents, noise, signal), share.sqrt() * noise - (1 - share).sqrt() * latents

    def weight(self, times: torch.Tensor, min_snr_gamma: float | None) -> torch.Tensor:
        """min(snr, γ)/(snr + 1): the form of min-SNR for velocity, finite at zero terminal SNR."""
        signal = _signal(self.alphas_cumprod, times)
        if min_snr_gamma is None:
            return torch.ones_like(signal)
        snr = _snr(signal)
        return snr.clamp(max=min_snr_gamma) / (snr + 1)


@dataclass(frozen=True)
class RectifiedFlow:
    """Predicts noise − latents on the straight line between them (arXiv 2209.03003); times run from 0 to 1, all noise.

    ``time_scale`` is 1,000 because diffusers' flow schedulers count so many timesteps. Times are sampled uniformly, or
    ``logit_normal``, which has more of them in the middle (arXiv 2403.03206, section 3.1). ``shift`` above 1 moves them
    towards noise, as the schedules of large pictures do (there, section 5.3.2).
    """

    name: str = "flow"
    time_scale: int = 1000
    logit_normal: bool = False
    shift: float = 1.0

    def times(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """Between 0 and 1."""
        if self.logit_normal:
            times = torch.randn(count, generator=generator).sigmoid()
        else:
            times = torch.rand(count, generator=generator)
        return times if self.shift == 1 else self.shift * times / (1 + (self.shift - 1) * times)

    def noised(self, latents: torch.Tensor, noise: torch.Tensor, times: torch.Tensor) -> Pair:
        """(1 − t) · latents + t · noise, and the direction from latents to noise."""
        share = times.view(-1, 1, 1, 1)
        return (1 - share) * latents + share * noise, noise - latents

    def weight(self, times: torch.Tensor, min_snr_gamma: float | None) -> torch.Tensor:
        """1 at every time: min-SNR is made for noise schedules."""
        return torch.ones_like(times)


def _signal(alphas_cumprod: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
    """The share of signal at whole timesteps, (n,)."""
    return alphas_cumprod.to(times.device)[times]


def _mixed(latents: torch.Tensor, noise: torch.Tensor, signal: torch.Tensor) -> torch.Tensor:
    share = signal.view(-1, 1, 1, 1)
    return share.sqrt() * latents + (1 - share).sqrt() * noise


def _snr(signal: torch.Tensor) -> torch.Tensor:
    """Signal-to-noise ratio, finite also without any noise."""
    return signal / (1 - signal).clamp(min=1e-8)
