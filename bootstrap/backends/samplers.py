"""The sampler that the settings name, on the schedule of the loaded base. Knows no picture."""

from __future__ import annotations

from typing import Any

from bootstrap.backends.sampling import SamplingSettings

__all__ = ["sampler_for", "unfitting_line"]

KARRAS = "dpm++_karras"


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
        "dpm++": DPMSolverMultistepScheduler,
        KARRAS: DPMSolverMultistepScheduler,
        "euler": EulerDiscreteScheduler,
        "euler_a": EulerAncestralDiscreteScheduler,
    }
    changes: dict[str, Any] = {}
    if settings.prediction_type:
        changes["prediction_type"] = settings.prediction_type
    if settings.timestep_spacing:
        changes["timestep_spacing"] = settings.timestep_spacing
    if settings.scheduler == KARRAS:
        # on a schedule that ends in pure noise Karras' sigmas put most of the steps at its end
        changes["use_karras_sigmas"] = not pipe.scheduler.config.get("rescale_betas_zero_snr", False)
    if settings.scheduler == "ddim" and "clip_sample" not in pipe.scheduler.config:
        changes["clip_sample"] = False  # latents are not limited to -1..1, and diffusers would clip them
    return kinds[settings.scheduler].from_config(pipe.scheduler.config, **changes)


def unfitting_line(name: str, scheduler: str, *, ends_in_noise: bool) -> str:
    """How a base of this name is drawn where the sampler does not fit its schedule; "" where it does."""
    if scheduler != KARRAS or not ends_in_noise:
        return ""
    return (
        f'the schedule of "{name}" ends in pure noise, which Karras\' sigmas do not fit: the scheduler "{KARRAS}" draws'
        ' as "dpm++" does'
    )
