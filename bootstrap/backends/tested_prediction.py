"""What a loaded base predicts where its files do not state it: its weights decide.

Knows no picture and no adapter.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from bootstrap.backends.architectures import Architecture
from bootstrap.backends.prediction_test import noise_answers
from bootstrap.backends.predictions import predicted, prediction_of
from bootstrap.backends.samplers import unfitting_line
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.machine.device import autocast

__all__ = ["lines_by_test", "settings_by_test"]

LARGEST = 64
"""Latents of a side that the test takes: 512 pixels."""


def settings_by_test(
    base: Path,
    pipe: Any,
    architecture: Architecture,
    settings: SamplingSettings,
    device: str,
    predict: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
) -> SamplingSettings:
    """The settings, with the prediction type that the weights show where files leave it open; the pipeline follows.

    ``predict`` is (latents, timesteps) → prediction for no prompt. Weights that do not denoise change nothing.
    """
    stated = prediction_of(base)
    if stated.certain:
        return settings
    channels, height, width = architecture.latents.shape(pipe, settings.width, settings.height)
    shape = (channels, min(height, LARGEST), min(width, LARGEST))
    with autocast(device, settings.dtype):
        answers = noise_answers(predict, pipe.scheduler.alphas_cumprod, shape, device)
    found = answers.prediction_type
    if found in ("", settings.prediction_type or stated.kind):
        return settings
    zero_terminal_snr = bool(settings.zero_terminal_snr)
    if zero_terminal_snr == stated.zero_terminal_snr:  # no wish of a person's
        zero_terminal_snr = found == "v_prediction"  # such finetunes were trained down to pure noise
    architecture.set_schedule(pipe, found, zero_terminal_snr)
    return settings.model_copy(update={"prediction_type": found, "zero_terminal_snr": zero_terminal_snr})


def lines_by_test(name: str, given: SamplingSettings, tested: SamplingSettings) -> list[str]:
    """What the test found out about a base of this name, and the sampler that does not fit it; [] for nothing new."""
    if tested == given:
        return []
    ends_in_noise = bool(tested.zero_terminal_snr)
    predicts = predicted(str(tested.prediction_type), zero_terminal_snr=ends_in_noise)
    lines = [f'"{name}" predicts {predicts}: its weights show it, whatever its name and files say']
    if unfitting := unfitting_line(name, tested.scheduler, ends_in_noise=ends_in_noise):
        lines.append(unfitting)
    return lines
