"""What the transformers have in common that predict a flow: FLUX.2 klein and Z-Image.

Their schedules are shifted towards noise, by how many patches a picture has; their one text encoder is a language model
that is not trained. Architecture files choose from it; it is no architecture itself. Imports no model library until it
is called.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from math import exp
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.backends.architectures.architecture import BaseLimits
from bootstrap.backends.sampling import SamplingSettings

if TYPE_CHECKING:
    from bootstrap.training.objective import RectifiedFlow

__all__ = [
    "LIMITS", "NOTHING", "PATCH", "FlowSampler", "config_of", "flow_on", "linear_shift", "patches",
    "set_schedule",
]  # fmt: skip

PATCH = 16
"""Pixels of a side of a patch: the autoencoder makes 8 of one latent, the transformer takes 2 x 2 of these."""
NOTHING = "(?!)"
"""The regular expression that no module path matches."""
LIMITS = BaseLimits(
    side=PATCH,
    schedulers=("euler",),
    without=("clip_skip", "prediction_type", "zero_terminal_snr", "timestep_spacing", "vae"),
    trains_text=False,
    references=(),
    has_control=False,
    encodes_alone=True,
    operations=4.0,  # two for each weight and token, and attention; klein at 1024 pixels: 42 TFLOP
)


class FlowSampler:
    """Euler steps along a flow, for drawing: diffusers' scheduler on the times that the model's own pipeline takes.

    ``shift`` is steps → the logarithm of the shift; schedules of a fixed shift do not ask for it.
    """

    init_noise_sigma = 1.0

    def __init__(self, pipe: Any, shift: Callable[[int], float]) -> None:
        from diffusers import FlowMatchEulerDiscreteScheduler

        self._scheduler = FlowMatchEulerDiscreteScheduler.from_config(pipe.scheduler.config)
        self._shift = shift

    @property
    def timesteps(self) -> Any:
        """The timesteps, from 1,000 down."""
        return self._scheduler.timesteps

    def set_timesteps(self, steps: int, device: str) -> None:
        """Begin a drawing of so many steps."""
        import numpy as np

        sigmas = np.linspace(1.0, 1 / steps, steps)
        self._scheduler.set_timesteps(sigmas=sigmas, device=device, mu=self._shift(steps))
        self._scheduler.set_begin_index(0)

    def set_begin_index(self, step: int) -> None:
        """Leave the first steps out."""
        self._scheduler.set_begin_index(step)

    def add_noise(self, latents: Any, noise: Any, timesteps: Any) -> Any:
        """The latents on their way to noise, as far as at the timestep that drawing begins with."""
        return self._scheduler.scale_noise(latents, timesteps, noise)

    def scale_model_input(self, latents: Any, timestep: Any) -> Any:
        """The latents as they are."""
        return latents

    def step(self, prediction: Any, timestep: Any, latents: Any, **options: Any) -> Any:
        """The latents one step nearer to the picture."""
        return self._scheduler.step(prediction, timestep, latents, **options)


def flow_on(pipe: Any, patches: int, *, logit_normal: bool) -> RectifiedFlow:
    """What a training predicts: the flow, at times shifted as the pipeline's schedule is for so many patches."""
    from bootstrap.training.objective import RectifiedFlow

    config = pipe.scheduler.config
    shift = exp(linear_shift(config, patches)) if config.use_dynamic_shifting else config.shift
    return RectifiedFlow(logit_normal=logit_normal, shift=float(shift))


def patches(settings: SamplingSettings) -> int:
    """How many patches a picture of these settings has."""
    return (settings.width // PATCH) * (settings.height // PATCH)


def linear_shift(config: Mapping[str, Any], patches: int) -> float:
    """The logarithm of the shift that a schedule has for so many patches: on a line through the two it names."""
    few, many = config["base_image_seq_len"], config["max_image_seq_len"]
    low, high = config["base_shift"], config["max_shift"]
    return float(low + (high - low) * (patches - few) / (many - few))


def set_schedule(pipe: Any, prediction_type: str | None, zero_terminal_snr: bool) -> None:
    """A flow has one schedule: nothing is changed."""


def read_prediction(keys: Mapping[str, Any], metadata: Mapping[str, str]) -> tuple[str, bool]:
    """Prediction type, and no schedule whose end was mended."""
    return "flow", False


def config_of(base: Path, part: str, name: str = "config.json") -> dict[str, Any]:
    """The configuration of a part of a folder; {} where it cannot be read."""
    try:
        found = json.loads((base / part / name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
