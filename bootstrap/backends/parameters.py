"""How a picture was made, as A1111, Forge, InvokeAI and picture browsers read it from a PNG: "parameters"."""

from __future__ import annotations

from bootstrap.backends.settings import SamplingSettings
from bootstrap.records import Job

SAMPLERS = {"ddim": "DDIM", "dpm++": "DPM++ 2M", "euler": "Euler", "euler_a": "Euler a"}


def parameters_text(job: Job, settings: SamplingSettings, adapter_name: str = "", model: str = "") -> str:
    """The text chunk: prompt, negative prompt, then one line of ``Key: value`` pairs (A1111's grammar)."""
    prompt = f"{job.prompt} <lora:{adapter_name}:1>" if adapter_name else job.prompt
    pairs = {
        "Steps": settings.steps,
        "Sampler": SAMPLERS[settings.scheduler],
        "CFG scale": f"{settings.guidance_scale:g}",
        "Seed": job.seed,
        "Size": f"{settings.width}x{settings.height}",
        "Model": model,
        "Clip skip": settings.clip_skip or "",
    }
    last = ", ".join(f"{key}: {value}" for key, value in pairs.items() if value != "")
    return "\n".join([prompt, *([f"Negative prompt: {job.negative}"] if job.negative else []), last])
