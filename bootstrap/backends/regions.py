"""Regional drawing: several subjects in one picture, each from its own words with its own LoRA, in its own part of it.

In every denoising step the noise of each region is predicted in a window as large as a whole picture, which is what a
base was trained on, and the predictions are blended by soft masks (windows: MultiDiffusion, arXiv 2302.08113; words,
LoRA and references for each region: what user interfaces call regional prompts, or a latent couple). Knows no run and
no verdict.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from PIL import Image

from bootstrap.backends.attaching import AttachedAdapter
from bootstrap.backends.drawing import beside_references, guided_by, pictures_of
from bootstrap.backends.framing import cut_of
from bootstrap.backends.loaded import LoadedBase
from bootstrap.backends.loaded_references import ShownToBatch
from bootstrap.backends.native_references import ShowsReferences
from bootstrap.backends.prompts import TextStates
from bootstrap.backends.shapes import shape_of
from bootstrap.backends.shown_pictures import RegionFiles
from bootstrap.backends.start_pictures import BegunBatch
from bootstrap.machine.device import autocast
from bootstrap.pictures.collages import made_smaller
from bootstrap.records import Job

__all__ = ["Windows", "draw_regions", "windows_of"]

SOFT = 0.125
"""Width of the ramp between two regions, in widths of a picture: as wide as what a line of latents sees around it."""


@dataclass(frozen=True)
class Windows:
    """Where windows lie on a canvas, in columns of latents: ``starts``, each ``width`` wide.

    ``picture`` is where the picture begins, and ``pictured`` how wide it is drawn. ``masks`` are how much each window
    counts in each column of the canvas, (regions, columns), adding up to 1.
    """

    starts: tuple[int, ...]
    width: int
    picture: int
    pictured: int
    masks: torch.Tensor

    @property
    def columns(self) -> int:
        """Columns of the canvas."""
        return self.masks.shape[1]


def windows_of(shifts: Sequence[float], width: int) -> Windows:
    """The windows of regions that are shifted by so many widths of a picture, on a canvas that holds them all.

    A window may reach beyond the picture: a shift of -0.25 puts the middle of what is drawn to a quarter. A body takes
    half of a width, so three and more are drawn on a picture that is wider.
    """
    offsets = [round(shift * width) for shift in shifts]
    pictured = max(width, round(width * len(shifts) / 2))
    left = (width - pictured) // 2
    first = min(left, *offsets)
    columns = max(left + pictured, *(offset + width for offset in offsets)) - first
    starts = [offset - first for offset in offsets]
    middles = [start + width / 2 for start in starts]
    place = torch.arange(columns) + 0.5
    weights = torch.ones((len(starts), columns))
    for one, middle in enumerate(middles):
        for other, beside in enumerate(middles):
            if other != one and middle != beside:
                border, side = (middle + beside) / 2, 1.0 if beside > middle else -1.0
                weights[one] *= (0.5 + side * (border - place) / (SOFT * width)).clamp(0, 1)
        weights[one][: starts[one]] = 0
        weights[one][starts[one] + width :] = 0
    return Windows(tuple(starts), width, left - first, pictured, weights / weights.sum(0).clamp(min=1e-6))


def draw_regions(
    base: LoadedBase,
    adapter: AttachedAdapter,
    jobs: Sequence[Job],
    files: RegionFiles,
    begun: BegunBatch | None = None,
    references: ShowsReferences | None = None,
) -> list[Image.Image]:
    """The pictures of jobs of one shape whose regions have the same places and the same LoRAs; see `drawing`.

    ``begun`` is what they begin from in place of noise, ``references`` shows a region its references, of which the same
    region of all jobs has equally many. Raises BackendError for a LoRA that does not fit.
    """
    settings, size = base.settings, shape_of(base.settings, jobs[0])
    channels, height, width = base.architecture.latents.shape(base.pipe, *size)
    windows = windows_of([region.shift for region in jobs[0].regions], width)
    sampler = base.architecture.sampler(base.pipe, settings.model_copy(update={"width": size[0], "height": size[1]}))
    sampler.set_timesteps(settings.steps, device=base.device)
    generators = [torch.Generator("cpu").manual_seed(job.random_seed) for job in jobs]
    shape = (1, channels, height, windows.columns)
    noise = torch.cat([torch.randn(shape, generator=one) for one in generators]).to(base.device)
    timesteps, latents = sampler.timesteps, noise * sampler.init_noise_sigma
    if begun:
        padding = (windows.picture, windows.columns - windows.pictured - windows.picture)
        wider = torch.nn.functional.pad(begun.latents, (*padding, 0, 0), mode="replicate")
        timesteps, latents = replace(begun, latents=wider).noised(sampler, noise)
    options = {"generator": generators} if settings.scheduler == "euler_a" else {}
    paths = [files.path(region) for region in jobs[0].regions]
    masks = windows.masks.to(base.device)
    with adapter.keeping([path for path in paths if path]), torch.no_grad():
        texts = []
        for place, path in enumerate(paths):
            adapter.attach(path)
            texts.append(_text(base, jobs, place))
        for timestep in timesteps:
            scaled, prediction = sampler.scale_model_input(latents, timestep), torch.zeros_like(latents)
            for place, path in enumerate(paths):
                adapter.attach(path)
                window = slice(windows.starts[place], windows.starts[place] + width)
                with _shown(references, jobs, place) as shown:
                    found = _predicted(base, scaled[..., window], timestep, texts[place], size, shown)
                prediction[..., window] += masks[place][window] * found
            latents = sampler.step(prediction, timestep, latents, return_dict=False, **options)[0]
    wide = (size[0] * windows.pictured // width, size[1])
    shown = latents[..., windows.picture : windows.picture + windows.pictured]
    return [made_smaller(picture, size) for picture in pictures_of(base, shown, wide, jobs[0].id)]


def _text(base: LoadedBase, jobs: Sequence[Job], place: int) -> TextStates:
    """The words of one region of each job, behind those that it should not show where there is guidance."""
    prompts = [job.regions[place].prompt for job in jobs]
    if base.settings.guidance_scale > 1:
        prompts = [*(job.negative for job in jobs), *prompts]
    return base.prompts.encode(prompts)


def _shown(
    references: ShowsReferences | None, jobs: Sequence[Job], place: int
) -> contextlib.AbstractContextManager[ShownToBatch | None]:
    """What one region of each job is shown, while the block heeds it."""
    if references is None or not any(one.strength for one in jobs[0].regions[place].references):
        return contextlib.nullcontext()
    return references.shown([job.regions[place].references for job in jobs])


def _predicted(
    base: LoadedBase,
    window: torch.Tensor,
    timestep: torch.Tensor,
    text: TextStates,
    size: tuple[int, int],
    shown: ShownToBatch | None,
) -> torch.Tensor:
    """The guided prediction for one window of the canvas."""
    guided = base.settings.guidance_scale > 1
    both, text = torch.cat([window] * 2) if guided else window, beside_references(text, shown, guided)
    with autocast(base.device, base.settings.dtype):
        if shown and shown.look:
            shown.look(timestep)
        prediction = base.predict(both, timestep, text, [cut_of(size, size)] * len(both)).float()
    return guided_by(base.settings, prediction) if guided else prediction
