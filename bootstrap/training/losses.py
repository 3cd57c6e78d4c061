"""What the network should predict, and how much each timestep counts: pure tensor functions."""

from __future__ import annotations

import torch

__all__ = ["noised", "snr_weight", "target"]


def noised(latents: torch.Tensor, noise: torch.Tensor, alphas_cumprod: torch.Tensor) -> torch.Tensor:
    """Latents at the timesteps whose cumulative alphas are given, shape (n,); latents and noise (n, c, h, w)."""
    signal = alphas_cumprod.view(-1, 1, 1, 1)
    return signal.sqrt() * latents + (1 - signal).sqrt() * noise


def target(
    latents: torch.Tensor, noise: torch.Tensor, alphas_cumprod: torch.Tensor, prediction_type: str
) -> torch.Tensor:
    """The noise ("epsilon") or the velocity ("v_prediction", Salimans & Ho 2022) that is to be predicted."""
    if prediction_type == "epsilon":
        return noise
    signal = alphas_cumprod.view(-1, 1, 1, 1)
    return signal.sqrt() * noise - (1 - signal).sqrt() * latents


def snr_weight(alphas_cumprod: torch.Tensor, prediction_type: str, gamma: float | None) -> torch.Tensor:
    """Min-SNR weights (arXiv 2303.09556), shape (n,): min(snr, γ)/snr for epsilon, min(snr, γ)/(snr + 1) for v.

    The v form stays finite at zero terminal SNR; the epsilon form is given 1 there. γ None weighs all alike.
    """
    if gamma is None:
        return torch.ones_like(alphas_cumprod)
    snr = alphas_cumprod / (1 - alphas_cumprod).clamp(min=1e-8)
    capped = snr.clamp(max=gamma)
    return (
        capped / (snr + 1)
        if prediction_type == "v_prediction"
        else torch.where(snr > 0, capped / snr.clamp(min=1e-8), 1.0)
    )
