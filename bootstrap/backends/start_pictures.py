"""Image-to-image: what a drawing begins from in place of noise, as latents. Knows no prompt and no LoRA."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageOps

from bootstrap.backends.latents import pixels_of
from bootstrap.backends.loaded import LoadedBase
from bootstrap.backends.shapes import shape_of
from bootstrap.backends.shown_pictures import START, open_shown
from bootstrap.records import Job

__all__ = ["BegunBatch", "StartPictures"]


@dataclass(frozen=True)
class BegunBatch:
    """The latents (n, c, h, w) that a batch begins from, and the share of its steps that are drawn, 0..1.

    Outside of ``mask`` (1, 1, h, w), 1 where it is drawn anew, they stay as they are; None: all is drawn.
    """

    latents: torch.Tensor
    strength: float
    mask: torch.Tensor | None = None

    def noised(self, sampler: Any, noise: torch.Tensor) -> tuple[Any, torch.Tensor]:
        """The timesteps that are left, at least one, and the latents under the noise of the first of them.

        As diffusers' image-to-image pipelines have it; ``sampler`` has its timesteps already.
        """
        every = len(sampler.timesteps)
        left_out = every - max(1, int(every * self.strength))
        timesteps = sampler.timesteps[left_out:]
        if hasattr(sampler, "set_begin_index"):
            sampler.set_begin_index(left_out)
        return timesteps, sampler.add_noise(self.latents, noise, timesteps[:1].repeat(len(noise)))

    def restored(self, latents: torch.Tensor, sampler: Any, noise: torch.Tensor, left: torch.Tensor) -> torch.Tensor:
        """Latents after a step with what lies outside of the mask put back, under the noise of the steps ``left``."""
        if self.mask is None:
            return latents
        known = self.latents
        if len(left):
            known = sampler.add_noise(self.latents, noise, left[:1].repeat(len(noise)))
        return self.mask * latents + (1 - self.mask) * known


class StartPictures:
    """What encodes the pictures that jobs begin from. Their paths are relative to ``pictures``."""

    def __init__(self, base: LoadedBase, pictures: Path) -> None:
        self._base, self._pictures = base, pictures

    def of(self, jobs: Sequence[Job]) -> BegunBatch:
        """The latents of jobs of one shape and strength, all of which begin from a picture.

        A picture of another shape is cropped to its middle. Raises BackendError for one that is missing or altered.
        """
        base, found = self._base, []
        for job in jobs:
            assert job.start is not None
            picture = open_shown(self._pictures, job.start, START, base.architecture.limits.side)
            fitted = ImageOps.fit(picture, shape_of(base.settings, job), Image.Resampling.LANCZOS)
            with torch.inference_mode():
                mean, _ = base.architecture.latents.encode(base.pipe, pixels_of(fitted).to(base.device))
            found.append(mean.float())
        assert jobs[0].start is not None
        return BegunBatch(torch.cat(found), jobs[0].start.strength)
