"""The Stable Diffusion family through diffusers: one loaded pipeline that draws and trains.

The adapter is attached, filled, reset and switched off in place; prompts are encoded once. Pictures are drawn in fixed
batches with a generator of their own for each job. Nothing is downloaded. Knows no run and no verdict.
"""

from __future__ import annotations

import contextlib
import hashlib
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps

from bootstrap.backends.adapters import TEXT_TARGETS, UNET_TARGETS, Slot
from bootstrap.backends.base import Trained, weights_file
from bootstrap.backends.folder import check_folder, digest_of_weights, variant_of
from bootstrap.backends.prompts import PromptEncoder
from bootstrap.backends.settings import SamplingSettings
from bootstrap.device import autocast, pick_device, telling_memory, weights_dtype
from bootstrap.errors import BackendError
from bootstrap.events import Emit
from bootstrap.export import Lora, load_kohya, metadata_for, save_kohya
from bootstrap.records import Job, TrainItem
from bootstrap.training.lora import Bench, Guess, train_lora
from bootstrap.training.recipe import TrainRecipe
from scoring.base import digest_of

__all__ = ["DiffusersBackend"]

LOSS_SCALE = 4096.0
"""For float16, whose smallest number is 6e-8; a power of two, so that nothing is rounded by it."""


class DiffusersBackend:
    """A diffusers folder, loaded once. Raises BackendError when the folder holds no pipeline that it can use."""

    def __init__(self, base: Path, settings: SamplingSettings, device: str = "auto") -> None:
        self.settings = settings
        self.device = pick_device(device)
        self._pipe = _load(base, self.device, settings)
        self._unet, self._vae = self._pipe.unet, self._pipe.vae
        self._prompts = PromptEncoder(self._pipe.tokenizer, self._pipe.text_encoder, settings.clip_skip, self.device)
        self._painting = Slot(self._unet, UNET_TARGETS)
        self._speaking = Slot(self._pipe.text_encoder, TEXT_TARGETS)
        self._attached: Path | None = None
        self._attached_speaks = False
        self._spoken: Path | None = None
        self._digest = digest_of_weights(base)

    @property
    def fingerprint(self) -> str:
        """Base weights and sampling settings."""
        return hashlib.sha256(f"{self._digest}{self.settings.model_dump_json()}".encode()).hexdigest()[:16]

    @property
    def resolution(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.settings.width, self.settings.height

    @property
    def batch_size(self) -> int:
        """Jobs a batch."""
        return self.settings.batch_size

    def generate(self, jobs: Sequence[Job], adapter: Path | None) -> Iterator[list[tuple[Job, Image.Image]]]:
        """Draw in fixed batches; see `bootstrap.backends.base.Backend`."""
        self._wear(adapter)
        for start in range(0, len(jobs), self.batch_size):
            batch = jobs[start : start + self.batch_size]
            with telling_memory("lower base.sampling.batch_size, or the width and height"):
                pictures = self._draw(batch)
            yield list(zip(batch, pictures, strict=True))

    def train(self, items: Sequence[TrainItem], recipe: TrainRecipe, workdir: Path, emit: Emit) -> Trained:
        """Train a fresh adapter from the base; see `bootstrap.backends.base.Backend`."""
        if not items:
            raise BackendError("there is no picture to train on", "give a seed")

        def keep(steps: int) -> None:
            self._save(weights_file(workdir, steps), items, recipe, steps)

        with telling_memory("lower the recipe's batch_size or rank, or set its gradient_checkpointing"):
            bench = self._bench(items, recipe)
            with self._checkpointing(recipe):
                outcome = train_lora(bench, items, recipe, workdir, emit, keep)
        path = weights_file(workdir)
        self._save(path, items, recipe, outcome.steps)
        earlier = [Trained(weights_file(workdir, one.steps), one.steps, one.final_loss) for one in outcome.earlier]
        return Trained(path, outcome.steps, outcome.final_loss, tuple(earlier))

    def close(self) -> None:
        """Free the model."""
        del self._pipe, self._unet, self._vae, self._prompts, self._painting, self._speaking
        if self.device == "cuda":
            torch.cuda.empty_cache()

    # ── pictures ──

    @property
    def _prediction_type(self) -> str:
        return self.settings.prediction_type or str(self._pipe.scheduler.config.prediction_type)

    def _draw(self, batch: Sequence[Job]) -> list[Image.Image]:
        latents = self._denoise(batch)
        with torch.inference_mode():
            decoded = self._vae.decode(latents / self._vae.config.scaling_factor).sample.float()
        if not torch.isfinite(decoded).all():
            raise BackendError(f'"{batch[0].id}" came out as no finite picture', "lower guidance_scale or use float32")
        pixels = ((decoded / 2 + 0.5).clamp(0, 1) * 255).round().to("cpu", torch.uint8).permute(0, 2, 3, 1).numpy()
        return [Image.fromarray(picture) for picture in pixels]

    def _denoise(self, batch: Sequence[Job]) -> torch.Tensor:
        """Latents of a batch by classifier-free guidance, both halves in one pass."""
        settings, scheduler = self.settings, _scheduler(self._pipe, self.settings)
        scheduler.set_timesteps(settings.steps, device=self.device)
        generators = [torch.Generator("cpu").manual_seed(job.seed) for job in batch]
        latents = self._noise(generators) * scheduler.init_noise_sigma
        guided = settings.guidance_scale > 1
        asked = [job.prompt for job in batch]
        text = self._prompts.encode([*(job.negative for job in batch), *asked] if guided else asked)
        renewed = {"generator": generators} if settings.scheduler == "euler_a" else {}
        with torch.inference_mode(), autocast(self.device, settings.dtype):
            for time in scheduler.timesteps:
                seen = scheduler.scale_model_input(torch.cat([latents] * 2) if guided else latents, time)
                guess = self._unet(
                    seen, time, encoder_hidden_states=text.states, encoder_attention_mask=text.mask
                ).sample.float()
                if guided:
                    without, within = guess.chunk(2)
                    guess = without + settings.guidance_scale * (within - without)
                latents = scheduler.step(guess, time, latents, return_dict=False, **renewed)[0]
        result: torch.Tensor = latents
        return result

    def _noise(self, generators: Sequence[torch.Generator]) -> torch.Tensor:
        """Starting noise, each job from its own seed, so that a picture does not depend on its neighbours."""
        factor = self._pipe.vae_scale_factor
        shape = (1, self._unet.config.in_channels, self.settings.height // factor, self.settings.width // factor)
        return torch.cat([torch.randn(shape, generator=generator) for generator in generators]).to(self.device)

    # ── training ──

    def _bench(self, items: Sequence[TrainItem], recipe: TrainRecipe) -> Bench:
        """A fresh adapter, the pictures as latents, and the base as a function that guesses."""
        self._detach()
        shape = recipe.rank, recipe.network_alpha
        weights = self._painting.fresh(*shape, recipe.seed)
        spoken = self._speaking.fresh(*shape, recipe.seed + 1) if recipe.text_encoder else []
        latents, digests = self._latents(items)
        return Bench(
            weights,
            spoken,
            latents,
            self._guesser(live=recipe.text_encoder),
            self._pipe.scheduler.alphas_cumprod,
            self._prediction_type,
            self.device,
            "|".join([self._digest, *digests]),
            LOSS_SCALE if self.settings.dtype == "float16" else 1.0,
        )

    def _guesser(self, *, live: bool) -> Guess:
        """The UNet with its captions; ``live`` encodes these with gradients, anew each time."""
        encode = self._prompts.encode_with_gradients if live else self._prompts.encode

        def guess(latents: torch.Tensor, times: torch.Tensor, captions: Sequence[str]) -> torch.Tensor:
            with autocast(self.device, self.settings.dtype):
                text = encode(captions)
                found: torch.Tensor = self._unet(
                    latents, times, encoder_hidden_states=text.states, encoder_attention_mask=text.mask
                ).sample
            return found

        return guess

    def _latents(self, items: Sequence[TrainItem]) -> tuple[torch.Tensor, list[str]]:
        """The training pictures as scaled latents, (n, c, h, w), on the CPU, and the digests of their pixels."""
        rows, digests = [], []
        with torch.inference_mode():
            for item in items:
                picture = _picture(item, self.resolution)
                coded = self._vae.encode(_pixels(picture).to(self.device))
                latents = coded.latent_dist.mean if hasattr(coded, "latent_dist") else coded.latents
                rows.append(latents.float().cpu() * self._vae.config.scaling_factor)
                digests.append(digest_of(picture))
        return torch.cat(rows).clone(), digests

    @contextlib.contextmanager
    def _checkpointing(self, recipe: TrainRecipe) -> Iterator[None]:
        """Activations of the UNet computed twice, for as long as a training that wants it lasts."""
        if recipe.gradient_checkpointing:
            self._unet.enable_gradient_checkpointing()
        try:
            yield
        finally:
            self._unet.disable_gradient_checkpointing()

    def _save(self, path: Path, items: Sequence[TrainItem], recipe: TrainRecipe, steps: int) -> None:
        """Write the adapter that is worn, with its pedigree."""
        spoken = self._speaking.pairs() if recipe.text_encoder else {}
        lora = Lora(self._painting.pairs(), recipe.network_alpha, spoken)
        trigger = items[0].tags[0] if items[0].tags else ""
        facts = metadata_for(
            f"{trigger}-{path.parent.name}",
            trigger,
            self.resolution,
            steps,
            modules=lora.modules,
            text_modules=lora.text_modules,
            v_prediction=self._prediction_type == "v_prediction",
            training={**recipe.model_dump(), "text_encoder_lr": recipe.text_rate if recipe.text_encoder else None},
        )
        save_kohya(path, lora, facts)

    # ── the adapter ──

    def _wear(self, adapter: Path | None) -> None:
        """Draw with these weights, or with the base alone."""
        if adapter is not None and adapter != self._attached:
            lora = load_kohya(adapter, self._painting.modules, self._speaking.modules)
            self._painting.fill(lora.modules, lora.rank, lora.network_alpha)
            if lora.text_modules:
                self._speaking.fill(lora.text_modules, lora.rank, lora.network_alpha)
            self._attached, self._attached_speaks = adapter, bool(lora.text_modules)
        self._painting.switch(on=adapter is not None)
        self._speak(adapter if self._attached_speaks else None)

    def _speak(self, adapter: Path | None) -> None:
        """Encode prompts with this adapter's text weights, or with the base's; each remembers its own states only."""
        if adapter != self._spoken:
            self._prompts.forget()
            self._spoken = adapter
        self._speaking.switch(on=adapter is not None)

    def _detach(self) -> None:
        """Back to the base, with no file's weights in place: a training is about to write over them."""
        self._wear(None)
        self._attached, self._attached_speaks = None, False


def _load(base: Path, device: str, settings: SamplingSettings) -> Any:
    """The pipeline on its device: the VAE in float32, whose half precision overflows; the rest as the settings say."""
    from diffusers import StableDiffusionPipeline

    check_folder(base)
    try:
        with _quiet(), telling_memory("choose a smaller base, or close other programs"):
            pipe = StableDiffusionPipeline.from_pretrained(
                base,
                safety_checker=None,
                local_files_only=True,
                requires_safety_checker=False,
                variant=variant_of(base),
                dtype=torch.float32,
            )
            pipe.to(device)
    except BackendError:
        raise
    except Exception as error:  # a damaged file makes the libraries raise anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise BackendError(f'"{base}" does not load: {reason}', "fetch the model again") from error
    if pipe.unet.config.in_channels != pipe.vae.config.latent_channels:
        raise BackendError(f'"{base}" is made for inpainting or another task', "choose a plain text-to-image base")
    for part in (pipe.unet, pipe.vae, pipe.text_encoder):
        part.requires_grad_(False).eval()
    for part in (pipe.unet, pipe.text_encoder):
        part.to(weights_dtype(device, settings.dtype))
    return pipe


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Loading without the libraries' own bars and deprecations: a person sees our lines only."""
    from diffusers.utils import logging as diffusers_log
    from transformers.utils import logging as transformers_log

    for log in (diffusers_log, transformers_log):
        log.set_verbosity_error()
        log.disable_progress_bar()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _scheduler(pipe: Any, settings: SamplingSettings) -> Any:
    from diffusers import (
        DDIMScheduler,
        DPMSolverMultistepScheduler,
        EulerAncestralDiscreteScheduler,
        EulerDiscreteScheduler,
    )

    kinds = {
        "ddim": DDIMScheduler,
        "dpm++": DPMSolverMultistepScheduler,
        "dpm++_karras": DPMSolverMultistepScheduler,
        "euler": EulerDiscreteScheduler,
        "euler_a": EulerAncestralDiscreteScheduler,
    }
    changed: dict[str, Any] = {"prediction_type": settings.prediction_type} if settings.prediction_type else {}
    if settings.scheduler == "dpm++_karras":
        changed["use_karras_sigmas"] = True
    return kinds[settings.scheduler].from_config(pipe.scheduler.config, **changed)


def _picture(item: TrainItem, resolution: tuple[int, int]) -> Image.Image:
    """A training picture at the base's size; another shape is cut at its edges, never squeezed."""
    try:
        with Image.open(item.path) as opened:
            return ImageOps.fit(opened.convert("RGB"), resolution, Image.Resampling.LANCZOS)
    except OSError as error:
        raise BackendError(f'training picture "{item.path}" cannot be read ({error})', "restore it") from error


def _pixels(picture: Image.Image) -> torch.Tensor:
    """A picture as (1, 3, h, w) in -1..1."""
    return torch.from_numpy(np.asarray(picture, np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
