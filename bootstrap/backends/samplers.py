"""The sampler that the settings name, on the schedule of the loaded base. Knows no picture."""

from __future__ import annotations

from typing import Any

from bootstrap.backends.sampling import SamplingSettings

__all__ = ["fitting", "sampler_for", "scheduler_named", "unfitting_line"]

KARRAS, PLAIN = "dpm++_karras", "dpm++"
SCHEDULERS = {
    "ddim": "DDIMScheduler",
    PLAIN: "DPMSolverMultistepScheduler",
    KARRAS: "DPMSolverMultistepScheduler",
    "euler": "EulerDiscreteScheduler",
    "euler_a": "EulerAncestralDiscreteScheduler",
}
"""Samplers by their names in the settings → classes of diffusers."""


def sampler_for(pipe: Any, settings: SamplingSettings) -> Any:
    """A fresh diffusers scheduler with the noise schedule and prediction type of the pipeline's own, unless set."""
    import diffusers

    own = pipe.scheduler.config
    name, changes = scheduler_named(settings, ends_in_noise=bool(own.get("rescale_betas_zero_snr", False)))
    if settings.scheduler == "ddim" and "clip_sample" not in own:
        changes["clip_sample"] = False  # latents are not limited to -1..1, and diffusers would clip them
    return getattr(diffusers, name).from_config(own, **changes)


def scheduler_named(settings: SamplingSettings, *, ends_in_noise: bool) -> tuple[str, dict[str, Any]]:
    """The class of diffusers that samples, and what the settings change of the schedule of a base."""
    changes: dict[str, Any] = {}
    if settings.prediction_type:
        changes["prediction_type"] = settings.prediction_type
    if settings.timestep_spacing:
        changes["timestep_spacing"] = settings.timestep_spacing
    if fitting(settings.scheduler, ends_in_noise=ends_in_noise) == KARRAS:
        changes["use_karras_sigmas"] = True
    return SCHEDULERS[settings.scheduler], changes


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
