"""The sampler that the settings name, on the schedule of the loaded base. Knows no picture."""

from __future__ import annotations

from typing import Any

from bootstrap.backends.sampling import SamplingSettings

__all__ = ["fitting", "sampler_for", "unfitting_line"]

KARRAS, PLAIN = "dpm++_karras", "dpm++"


def sampler_for(pipe: Any, settings: SamplingSettings) -> Any:
    """A fresh diffusers scheduler with the noise schedule and prediction type of the pipeline's own, unless set."""
    from diffusers import (
        DDIMScheduler,
        DPMSolverMultistepScheduler,
        EulerAncestralDiscreteScheduler,
        EulerDiscreteScheduler,
    )

    kinds = {
        "ddim": DDIMScheduler,
        PLAIN: DPMSolverMultistepScheduler,
        KARRAS: DPMSolverMultistepScheduler,
        "euler": EulerDiscreteScheduler,
        "euler_a": EulerAncestralDiscreteScheduler,
    }
    changes: dict[str, Any] = {}
    if settings.prediction_type:
        changes["prediction_type"] = settings.prediction_type
    if settings.timestep_spacing:
        changes["timestep_spacing"] = settings.timestep_spacing
    ends_in_noise = bool(pipe.scheduler.config.get("rescale_betas_zero_snr", False))
    if fitting(settings.scheduler, ends_in_noise=ends_in_noise) == KARRAS:
        changes["use_karras_sigmas"] = True
    if settings.scheduler == "ddim" and "clip_sample" not in pipe.scheduler.config:
        changes["clip_sample"] = False  # latents are not limited to -1..1, and diffusers would clip them
    return kinds[settings.scheduler].from_config(pipe.scheduler.config, **changes)


def fitting(scheduler: str, *, ends_in_noise: bool) -> str:
    """The sampler that draws in place of one that does not fit a schedule, or itself.

    Karras' sigmas put most of the steps at the end of a schedule that ends in pure noise.
    """
    return PLAIN if scheduler == KARRAS and ends_in_noise else scheduler


def unfitting_line(name: str, scheduler: str, *, ends_in_noise: bool) -> str:
    """How a base of this name is drawn where the sampler does not fit its schedule; "" where it does."""
    instead = fitting(scheduler, ends_in_noise=ends_in_noise)
    if instead == scheduler:
        return ""
    return (
        f'the schedule of "{name}" ends in pure noise, which Karras\' sigmas do not fit: the scheduler'
        f' "{scheduler}" draws as "{instead}" does'
    )
