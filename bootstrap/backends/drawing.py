"""A batch of pictures from a loaded base by classifier-free guidance. Knows no adapter, no run and no verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from PIL import Image

from bootstrap.backends.framing import cut_of
from bootstrap.backends.loaded import LoadedBase
from bootstrap.backends.loaded_control import ControlledBatch
from bootstrap.backends.loaded_references import ShownToBatch
from bootstrap.backends.prompts import TextStates
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.backends.shapes import Size, shape_of
from bootstrap.backends.start_pictures import BegunBatch
from bootstrap.errors import BackendError
from bootstrap.machine.device import autocast
from bootstrap.records import Job

__all__ = ["beside_references", "draw_batch", "guided_by", "pictures_of"]

DECODED_TOGETHER = 256 * 256
"""Pixels a picture up to which a batch is decoded at once; the VAE's memory grows with them."""


def draw_batch(
    base: LoadedBase,
    batch: Sequence[Job],
    shown: ShownToBatch | None = None,
    controlled: ControlledBatch | None = None,
    begun: BegunBatch | None = None,
    switch: Callable[[bool], None] | None = None,
) -> list[Image.Image]:
    """The pictures of a batch of one shape, each from its own random seed. Raises BackendError where one is not finite.

    ``shown`` are the references that they are drawn from, ``controlled`` follows their control pictures, ``begun`` is
    what they begin from in place of noise. ``switch`` turns the LoRA on and off, where it joins later.
    """
    latents = denoise(base, batch, shown, controlled, begun, switch)
    return pictures_of(base, latents, shape_of(base.settings, batch[0]), batch[0].id)


def pictures_of(base: LoadedBase, latents: torch.Tensor, size: Size, id: str) -> list[Image.Image]:
    """Denoised latents as pictures of this size. Raises BackendError, naming the job ``id``, for one not finite."""
    parts: Sequence[torch.Tensor] = [latents]
    if size[0] * size[1] > DECODED_TOGETHER:
        parts = torch.split(latents, 1)
    with torch.inference_mode():
        decoded = torch.cat([base.architecture.latents.decode(base.pipe, part) for part in parts])
    if not torch.isfinite(decoded).all():
        raise BackendError(f'"{id}" came out as no finite picture', "lower guidance_scale or use float32")
    pixels = ((decoded / 2 + 0.5).clamp(0, 1) * 255).round().to("cpu", torch.uint8).permute(0, 2, 3, 1).numpy()
    return [Image.fromarray(picture) for picture in pixels]


def denoise(
    base: LoadedBase,
    batch: Sequence[Job],
    shown: ShownToBatch | None = None,
    controlled: ControlledBatch | None = None,
    begun: BegunBatch | None = None,
    switch: Callable[[bool], None] | None = None,
) -> torch.Tensor:
    """Latents of a batch, the guided and the unguided half in one pass; ``shown`` are its references.

    ``controlled`` predicts in the denoiser's place, along control pictures; ``begun`` are the latents that it begins
    from, under as much noise as their strength says.
    """
    settings, size = base.settings, shape_of(base.settings, batch[0])
    sampler = base.architecture.sampler(base.pipe, settings.model_copy(update={"width": size[0], "height": size[1]}))
    sampler.set_timesteps(settings.steps, device=base.device)
    generators = [torch.Generator("cpu").manual_seed(job.random_seed) for job in batch]
    noise = _noise(base, generators, size)
    timesteps, latents = sampler.timesteps, noise * sampler.init_noise_sigma
    if begun:
        timesteps, latents = begun.noised(sampler, noise)
    guided = settings.guidance_scale > 1
    prompts = [job.prompt for job in batch]
    if guided:
        prompts = [*(job.negative for job in batch), *prompts]
    text = beside_references(base.prompts.encode(prompts), shown, guided)
    options = {"generator": generators} if settings.scheduler == "euler_a" else {}
    cuts = [cut_of(size, size)] * len(prompts)
    with torch.inference_mode(), autocast(base.device, settings.dtype):
        for step, timestep in enumerate(timesteps):
            if switch:
                switch(step >= round(batch[0].lora_start * len(timesteps)))
            if shown and shown.look:
                shown.look(timestep)
            scaled = sampler.scale_model_input(torch.cat([latents] * 2) if guided else latents, timestep)
            denoiser = controlled.at(step, len(timesteps)) if controlled else base.denoiser
            prediction = base.architecture.predict(denoiser, scaled, timestep, text, cuts).float()
            if guided:
                prediction = guided_by(settings, prediction)
            latents = sampler.step(prediction, timestep, latents, return_dict=False, **options)[0]
            if begun:
                latents = begun.restored(latents, sampler, noise, timesteps[step + 1 :])
    result: torch.Tensor = latents
    return result


def beside_references(text: TextStates, shown: ShownToBatch | None, guided: bool) -> TextStates:
    """The words of a batch with the references that it is shown; ``guided``: both halves are predicted."""
    if shown and shown.features is not None:
        text = replace(text, references=shown.features.flatten(0, 1) if guided else shown.features[1])
    if shown and shown.latents:
        seen = [torch.cat([one] * 2) if guided else one for one in shown.latents]
        text = replace(text, reference_latents=tuple(seen), reference_strength=shown.strength)
    return text


def _noise(base: LoadedBase, generators: Sequence[torch.Generator], size: Size) -> torch.Tensor:
    """Starting noise, each picture's from its own generator, so that it does not depend on its neighbours."""
    shape = base.architecture.latents.shape(base.pipe, *size)
    return torch.cat([torch.randn((1, *shape), generator=generator) for generator in generators]).to(base.device)


def guided_by(settings: SamplingSettings, prediction: torch.Tensor) -> torch.Tensor:
    """Classifier-free guidance of a prediction whose first half is for the negative prompts.

    ``guidance_rescale`` is the share by which the contrast of the prompted half is restored: arXiv 2305.08891,
    section 3.4.
    """
    scale, rescale = settings.guidance_scale, settings.guidance_rescale
    negative, prompted = prediction.chunk(2)
    guided = negative + scale * (prompted - negative)
    if not rescale:
        return guided
    axes = tuple(range(1, guided.ndim))
    restored = guided * (prompted.std(axes, keepdim=True) / guided.std(axes, keepdim=True))
    return rescale * restored + (1 - rescale) * guided
