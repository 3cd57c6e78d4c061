"""How a picture was made, as A1111, Forge, InvokeAI and picture browsers read it from a PNG: "parameters".

The grammar is A1111's infotext (``create_infotext``): prompt; ``Negative prompt: …``; one line of ``Key: value`` pairs,
values with a comma, colon or line break quoted as JSON.
"""

from __future__ import annotations

import json
import re

from bootstrap.backends.sampling import SamplingSettings
from bootstrap.backends.shapes import shape_of
from bootstrap.records import Job

__all__ = ["literal", "parameters_outside", "parameters_text"]

SAMPLERS = {
    "ddim": "DDIM",
    "dpm++": "DPM++ 2M",
    "dpm++_karras": "DPM++ 2M Karras",
    "euler": "Euler",
    "euler_a": "Euler a",
}


def parameters_text(job: Job, settings: SamplingSettings, adapter_name: str = "", model: str = "") -> str:
    """The text chunk of a job's picture.

    Parentheses and brackets are escaped: this engine reads them as letters, user interfaces as emphasis. ``Clip skip``
    counts as theirs do, from 1 for none.
    """
    prompt = literal(job.prompt)
    if adapter_name:
        prompt = f"{prompt} <lora:{adapter_name}:1>"
    width, height = shape_of(settings, job)
    pairs = {
        "Steps": settings.steps,
        "Sampler": SAMPLERS[settings.scheduler],
        "CFG scale": f"{settings.guidance_scale:g}",
        "Seed": job.random_seed,
        "Size": f"{width}x{height}",
        "Model": model,
        "Denoising strength": f"{job.start.strength:g}" if job.start else "",
        "Clip skip": settings.clip_skip + 1 if settings.clip_skip else "",
    }
    last = ", ".join(f"{key}: {_quoted(value)}" for key, value in pairs.items() if value != "")
    return "\n".join([prompt, *([f"Negative prompt: {literal(job.negative)}"] if job.negative else []), last])


def parameters_outside(job: Job, drawer: str) -> str:
    """The text chunk of a picture that another drawer than the base made, whose settings have no such names."""
    lines = [literal(job.prompt)]
    if job.negative:
        lines.append(f"Negative prompt: {literal(job.negative)}")
    return "\n".join([*lines, f"Seed: {job.random_seed}, Model: {_quoted(drawer)}"])


def literal(prompt: str, emphasis: str = "()[]") -> str:
    """A prompt in which user interfaces, whose ``emphasis`` are these, see none; what is escaped already stays."""
    return re.sub(rf"(?<!\\)([{re.escape(emphasis)}])", r"\\\1", " ".join(prompt.split("\n")))


def _quoted(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if re.search(r"[,:\n]", text) else text
