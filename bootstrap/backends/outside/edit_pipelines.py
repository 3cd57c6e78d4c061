"""How the edit pipelines of diffusers are called: an instruction and references into text states, these into pixels.

One picture at a time, because pictures have different references. Knows no device but the one it is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from PIL import Image

from bootstrap.backends.outside.edit_settings import EditPipeline, EditSettings
from bootstrap.backends.shapes import Size
from bootstrap.errors import BackendError
from bootstrap.records import Job

__all__ = ["EDITS", "Edit", "EditJob", "TextOfJob"]

TextOfJob = Mapping[str, torch.Tensor | None]
"""Argument of a pipeline → what was encoded for it, in main memory."""
SLIMMEST = 8
"""Sides of a reference beyond this ratio are refused (`Flux2ImageProcessor.check_image_input`)."""
NOTHING = " "
"""What Qwen-Image-Edit is given as negative prompt where there is none (its model card)."""


@dataclass(frozen=True, slots=True)
class EditJob:
    """A picture to draw, with its references, in order."""

    job: Job
    references: Sequence[Image.Image]
    size: Size


class Edit(Protocol):
    """What differs between pipelines."""

    def check(self, asked: EditJob) -> None:
        """Raise BackendError for a picture that it cannot draw."""

    def read(self, pipe: Any, asked: EditJob, settings: EditSettings, device: str) -> TextOfJob:
        """The text states of a picture."""

    def draw(self, pipe: Any, asked: EditJob, text: TextOfJob, settings: EditSettings) -> torch.Tensor:
        """The pixels of a picture (3, height, width), 0..1; ``text`` is on the device."""


class KleinEdit:
    """FLUX.2 klein: any number of references, also none; the instruction is encoded without them."""

    def check(self, asked: EditJob) -> None:
        """Raise BackendError for a strip of a reference."""
        _refuse_strips(asked)

    def read(self, pipe: Any, asked: EditJob, settings: EditSettings, device: str) -> TextOfJob:
        """Of the instruction, and of "" where there is guidance."""
        found = {"prompt_embeds": pipe.encode_prompt(asked.job.prompt, device=torch.device(device))[0]}
        if settings.guidance_scale > 1:
            found["negative_prompt_embeds"] = pipe.encode_prompt("", device=torch.device(device))[0]
        return found

    def draw(self, pipe: Any, asked: EditJob, text: TextOfJob, settings: EditSettings) -> torch.Tensor:
        """References are scaled down to a megapixel by the pipeline, and cut to multiples of 16 pixels."""
        return _called(pipe, asked, text, settings, guidance_scale=settings.guidance_scale)


class QwenEdit:
    """Qwen-Image-Edit 2509 and 2511: one to three references, which its text encoder sees beside the instruction."""

    def check(self, asked: EditJob) -> None:
        """Raise BackendError without a reference, as it draws nothing from words alone, and for a strip of one."""
        if not asked.references:
            raise BackendError(f'"{asked.job.id}" has no reference', "choose a drawer that draws from words")
        _refuse_strips(asked)

    def read(self, pipe: Any, asked: EditJob, settings: EditSettings, device: str) -> TextOfJob:
        """Of the instruction and the references, and of the negative prompt and the references."""
        from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus as library

        seen = []
        for image in asked.references:
            ratio = image.width / image.height
            width, height = library.calculate_dimensions(library.CONDITION_IMAGE_SIZE, ratio)
            seen.append(pipe.image_processor.resize(image, height, width))
        found: dict[str, torch.Tensor | None] = {}
        prompts = {"": asked.job.prompt}
        if settings.guidance_scale > 1:
            prompts["negative_"] = asked.job.negative or NOTHING
        for which, words in prompts.items():
            states, mask = pipe.encode_prompt(words, image=seen, device=torch.device(device))
            found |= {f"{which}prompt_embeds": states, f"{which}prompt_embeds_mask": mask}
        return found

    def draw(self, pipe: Any, asked: EditJob, text: TextOfJob, settings: EditSettings) -> torch.Tensor:
        """References are scaled to a megapixel by the pipeline, whole."""
        return _called(pipe, asked, text, settings, true_cfg_scale=settings.guidance_scale)


EDITS: dict[EditPipeline, Edit] = {"Flux2KleinPipeline": KleinEdit(), "QwenImageEditPlusPipeline": QwenEdit()}


def _refuse_strips(asked: EditJob) -> None:
    for image in asked.references:
        if max(image.size) > SLIMMEST * min(image.size):
            problem = f'a reference of "{asked.job.id}" is a strip of {image.width}x{image.height} pixels'
            raise BackendError(problem, f"crop the seed: one side is at most {SLIMMEST} times the other")


def _called(pipe: Any, asked: EditJob, text: TextOfJob, settings: EditSettings, **guidance: float) -> torch.Tensor:
    """The pixels of a picture whose noise is its own random seed's."""
    width, height = asked.size
    pixels: torch.Tensor = pipe(
        image=list(asked.references) or None,
        width=width,
        height=height,
        num_inference_steps=settings.steps,
        generator=torch.Generator("cpu").manual_seed(asked.job.random_seed),
        output_type="pt",
        return_dict=False,
        **text,
        **guidance,
    )[0][0]
    return pixels
