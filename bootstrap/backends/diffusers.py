"""Stable Diffusion 1 and XL through diffusers: one loaded pipeline that draws and trains.

The adapter is attached, filled, reset and switched off in place; prompts are encoded once. Pictures are drawn in fixed
batches with a generator of their own for each job. Nothing is downloaded. Knows no run and no verdict.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from bootstrap.backends.adapters import TEXT_TARGETS, UNET_CONVS, UNET_TARGETS, Network, Slot
from bootstrap.backends.base import Trained, weights_file
from bootstrap.backends.bases import digest_of_base
from bootstrap.backends.coding import coded
from bootstrap.backends.framing import framed, size_condition
from bootstrap.backends.loading import load_pipeline
from bootstrap.backends.prompts import PromptEncoder, PromptPairEncoder, TextStates
from bootstrap.backends.regular import NOWHERE, regular_items
from bootstrap.backends.samplers import sampler_for
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.backends.thrift import checkpointing, resting, suspended
from bootstrap.errors import BackendError
from bootstrap.events import Emit
from bootstrap.lora import Lora, load_kohya, metadata_for, save_kohya
from bootstrap.lora.blending import blended
from bootstrap.lora.foreign import read_any
from bootstrap.machine.device import autocast, pick_device, telling_memory
from bootstrap.pictures.sheets import contact_sheet
from bootstrap.records import Job, JobKind, TrainItem
from bootstrap.store.files import write_image
from bootstrap.training.lora import Guess, TrainingInputs, train_lora
from bootstrap.training.losslog import SAMPLES
from bootstrap.training.passes import Passes
from bootstrap.training.recipe import TrainRecipe

__all__ = ["DiffusersBackend"]

LOSS_SCALE = 4096.0
"""For float16, whose smallest number is 6e-8; a power of two, so that nothing is rounded by it."""
SAMPLED = 4
"""Pictures of a sheet of samples."""
DECODED_TOGETHER = 256 * 256
"""Pixels a picture up to which a batch is decoded at once; the VAE's memory grows with them."""


class DiffusersBackend:
    """A base, loaded once: a diffusers folder or a checkpoint file. Raises BackendError when it cannot be used."""

    def __init__(self, base: Path, settings: SamplingSettings, device: str = "auto") -> None:
        self.settings = settings
        self.device = pick_device(device)
        self._pipe, self.architecture = load_pipeline(base, self.device, settings)
        self._unet, self._vae = self._pipe.unet, self._pipe.vae
        self._prompts = self._prompt_encoder()
        self._painting = Slot(self._unet, UNET_TARGETS, UNET_CONVS)
        self._speaking = [Slot(getattr(self._pipe, part), TEXT_TARGETS) for part in self.architecture.text_encoders]
        self._attached: Path | None = None
        self._attached_speaks = False
        self._spoken: Path | None = None
        self._digest = digest_of_base(base)

    @property
    def name(self) -> str:
        """What a frame records as its drawer."""
        return "diffusers"

    @property
    def fingerprint(self) -> str:
        """Base weights and sampling settings."""
        return hashlib.sha256(f"{self._digest}{self.settings.identity()}".encode()).hexdigest()[:16]

    @property
    def resolution(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.settings.width, self.settings.height

    @property
    def batch_size(self) -> int:
        """Jobs a batch."""
        return self.settings.batch_size

    def draw(self, jobs: Sequence[Job], adapter: Path | None) -> Iterator[list[tuple[Job, Image.Image]]]:
        """Draw in fixed batches; see `bootstrap.backends.base`."""
        self._wear(adapter)
        for start in range(0, len(jobs), self.batch_size):
            batch = jobs[start : start + self.batch_size]
            with telling_memory("lower base.sampling.batch_size, or the width and height"):
                pictures = self._draw(batch)
            yield list(zip(batch, pictures, strict=True))

    def train(self, items: Sequence[TrainItem], recipe: TrainRecipe, workdir: Path, emit: Emit) -> Trained:
        """Train a fresh adapter from the base; see `bootstrap.backends.base`."""
        if not items:
            raise BackendError("there is no picture to train on", "give a seed")

        def keep(steps: int) -> None:
            self._save(weights_file(workdir, steps), items, recipe, steps)

        def sample(steps: int) -> None:
            self._sample(items, recipe, workdir / SAMPLES / f"step{steps:08d}.png")

        with telling_memory("lower the recipe's batch_size or rank, or set its gradient_checkpointing"):
            regular = regular_items(items, recipe, workdir, lambda jobs: self.draw(jobs, None))
            bench = self._bench(items, recipe, regular)
            with checkpointing(self._unet, recipe), resting(self._unused(bench, items, recipe), self.device):
                outcome = train_lora(bench, items, recipe, workdir, emit, keep, sample)
        path = weights_file(workdir)
        self._save(path, items, recipe, outcome.steps)
        earlier = [Trained(weights_file(workdir, one.steps), one.steps, one.final_loss) for one in outcome.earlier]
        return Trained(path, outcome.steps, outcome.final_loss, tuple(earlier))

    def blend(self, adapters: Sequence[tuple[Path, float]], out: Path) -> None:
        """Write several adapters as one; see `bootstrap.backends.base`."""
        lora = blended([(self._read(path), weight) for path, weight in adapters])
        save_kohya(out, lora, {"ss_output_name": out.stem})

    def close(self) -> None:
        """Free the model."""
        del self._pipe, self._unet, self._vae, self._prompts, self._painting, self._speaking
        if self.device == "cuda":
            torch.cuda.empty_cache()

    def _prompt_encoder(self) -> PromptEncoder:
        pipe, skip = self._pipe, self.settings.clip_skip
        there = "cpu" if self.settings.offload else self.device
        if self.architecture.name == "sdxl":
            pairs = ((pipe.tokenizer, pipe.text_encoder), (pipe.tokenizer_2, pipe.text_encoder_2))
            return PromptPairEncoder(pairs, skip, self.device, there)
        return PromptEncoder(pipe.tokenizer, pipe.text_encoder, skip, self.device, there)

    def _predict(self, latents: torch.Tensor, time: torch.Tensor, text: TextStates, sizes: torch.Tensor) -> Any:
        """What the UNet answers; ``sizes``, (n, 6), is heard by architectures with a pooled text state only."""
        added = None if text.pooled is None else {"text_embeds": text.pooled, "time_ids": sizes.to(self.device)}
        return self._unet(
            latents,
            time,
            encoder_hidden_states=text.states,
            encoder_attention_mask=text.mask,
            added_cond_kwargs=added,
        ).sample

    # ── pictures ──

    @property
    def _prediction_type(self) -> str:
        return self.settings.prediction_type or str(self._pipe.scheduler.config.prediction_type)

    def _draw(self, batch: Sequence[Job]) -> list[Image.Image]:
        latents = self._denoise(batch)
        width, height = self.resolution
        parts = [latents] if width * height <= DECODED_TOGETHER else torch.split(latents, 1)
        with torch.inference_mode():
            shown = [self._vae.decode(part / self._vae.config.scaling_factor).sample.float() for part in parts]
        decoded = torch.cat(shown)
        if not torch.isfinite(decoded).all():
            raise BackendError(f'"{batch[0].id}" came out as no finite picture', "lower guidance_scale or use float32")
        pixels = ((decoded / 2 + 0.5).clamp(0, 1) * 255).round().to("cpu", torch.uint8).permute(0, 2, 3, 1).numpy()
        return [Image.fromarray(picture) for picture in pixels]

    def _denoise(self, batch: Sequence[Job]) -> torch.Tensor:
        """Latents of a batch by classifier-free guidance, both halves in one pass."""
        settings, scheduler = self.settings, sampler_for(self._pipe, self.settings)
        scheduler.set_timesteps(settings.steps, device=self.device)
        generators = [torch.Generator("cpu").manual_seed(job.random_seed) for job in batch]
        latents = self._noise(generators) * scheduler.init_noise_sigma
        guided = settings.guidance_scale > 1
        asked = [job.prompt for job in batch]
        text = self._prompts.encode([*(job.negative for job in batch), *asked] if guided else asked)
        renewed = {"generator": generators} if settings.scheduler == "euler_a" else {}
        sizes = size_condition(self.resolution).repeat(len(text.states), 1)
        with torch.inference_mode(), autocast(self.device, settings.dtype):
            for time in scheduler.timesteps:
                seen = scheduler.scale_model_input(torch.cat([latents] * 2) if guided else latents, time)
                guess = self._predict(seen, time, text, sizes).float()
                if guided:
                    without, within = guess.chunk(2)
                    guess = without + settings.guidance_scale * (within - without)
                    if settings.guidance_rescale:
                        guess = _rescaled(guess, within, settings.guidance_rescale)
                latents = scheduler.step(guess, time, latents, return_dict=False, **renewed)[0]
        result: torch.Tensor = latents
        return result

    def _noise(self, generators: Sequence[torch.Generator]) -> torch.Tensor:
        """Starting noise, each job from its own seed, so that a picture does not depend on its neighbours."""
        factor = self._pipe.vae_scale_factor
        shape = (1, self._unet.config.in_channels, self.settings.height // factor, self.settings.width // factor)
        return torch.cat([torch.randn(shape, generator=generator) for generator in generators]).to(self.device)

    # ── training ──

    def _bench(
        self, items: Sequence[TrainItem], recipe: TrainRecipe, regular: Sequence[TrainItem] = ()
    ) -> TrainingInputs:
        """A fresh adapter, the pictures as latents, and the base as a function that guesses."""
        self._detach()
        network = Network.of(recipe)
        weights = self._painting.fresh(network, recipe.random_seed)
        spoken = []
        for number, slot in enumerate(self._speaking if recipe.text_encoder else (), 1):
            spoken += slot.fresh(network, recipe.random_seed + number)
        pictures = [framed(item, self.resolution, recipe, n) for item in items for n in range(recipe.latent_crops)]
        pictures += [framed(item, self.resolution, recipe) for item in regular]
        latents = coded(self._vae, self.device, pictures, recipe)
        sizes = torch.cat([picture.sizes for picture in pictures])
        guess = self._guesser(sizes, live=recipe.text_encoder)
        return TrainingInputs(
            weights,
            spoken,
            latents.means,
            guess,
            self._pipe.scheduler.alphas_cumprod,
            self._prediction_type,
            self.device,
            "|".join([self._digest, *latents.digests]),
            LOSS_SCALE if self.settings.dtype == "float16" else 1.0,
            recipe.latent_crops,
            latents.deviations,
            latents.masks,
            regular,
            self._base_guesser(self._guesser(sizes, live=False), recipe),
        )

    def _guesser(self, sizes: torch.Tensor, *, live: bool) -> Guess:
        """The UNet with its captions; ``live`` encodes these with gradients, anew each time."""
        encode = self._prompts.encode_with_gradients if live else self._prompts.encode

        def guess(
            latents: torch.Tensor, times: torch.Tensor, captions: Sequence[str], places: Sequence[int]
        ) -> torch.Tensor:
            with autocast(self.device, self.settings.dtype):
                found: torch.Tensor = self._predict(latents, times, encode(captions), sizes[list(places)])
            return found

        return guess

    def _base_guesser(self, guess: Guess, recipe: TrainRecipe) -> Guess:
        """The same without the adapter that is in training, and without gradients."""
        slots = [self._painting, *(self._speaking if recipe.text_encoder else ())]

        def bare(
            latents: torch.Tensor, times: torch.Tensor, captions: Sequence[str], places: Sequence[int]
        ) -> torch.Tensor:
            for slot in slots:
                slot.switch(on=False)
            try:
                with torch.no_grad():
                    return guess(latents, times, captions, places)
            finally:
                for slot in slots:
                    slot.switch(on=True)

        return bare

    def _unused(self, bench: TrainingInputs, items: Sequence[TrainItem], recipe: TrainRecipe) -> list[Any]:
        """The parts that a training does without, as every caption it can ask for is encoded now."""
        if recipe.text_encoder or not recipe.text_variants:
            return []
        self._prompts.remember(Passes(bench, items, recipe).texts())
        return [] if self.device == "cpu" else self._beside

    @property
    def _beside(self) -> list[Any]:
        """Everything on the device but the UNet."""
        parts = () if self.settings.offload else self.architecture.text_encoders
        return [getattr(self._pipe, part) for part in (*parts, "vae")]

    def _sample(self, items: Sequence[TrainItem], recipe: TrainRecipe, path: Path) -> None:
        """A sheet of what the weights in training draw of the first captions, always from the same noise."""
        said = list(dict.fromkeys(item.caption for item in items))[:SAMPLED]
        jobs = [Job(f"{n}", JobKind.PROBE, 0, 0, NOWHERE, prompt, "", n, {}) for n, prompt in enumerate(said)]
        device = torch.device(self.device).type
        away = [part for part in self._beside if recipe.text_variants and part.device.type != device]
        if recipe.text_encoder:
            self._prompts.forget()  # they have learned since
        with suspended(self._unet), resting(away, self.device, at=self.device):
            batches = [jobs[start : start + self.batch_size] for start in range(0, len(jobs), self.batch_size)]
            pictures = [picture for batch in batches for picture in self._draw(batch)]
        if recipe.text_encoder:
            self._prompts.forget()
        write_image(path, contact_sheet(pictures, SAMPLED, said, max(self.resolution)), {})

    def _save(self, path: Path, items: Sequence[TrainItem], recipe: TrainRecipe, steps: int) -> None:
        """Write the adapter that is worn, with its pedigree."""
        spoken = [slot.weights() for slot in self._speaking] if recipe.text_encoder else []
        text, text_2 = (*spoken, {}, {})[:2]
        modules = self._painting.weights()
        lora = Lora(modules, recipe.network_alpha, text, text_2, self.architecture.name, recipe.rank)
        trigger = items[0].tags[0] if items[0].tags else ""
        facts = metadata_for(
            f"{trigger}-{path.parent.name}",
            trigger,
            self.resolution,
            steps,
            modules=lora.modules,
            text_modules=lora.text_modules,
            text_modules_2=lora.text_modules_2,
            architecture=self.architecture.name,
            zero_terminal_snr=bool(self._pipe.scheduler.config.get("rescale_betas_zero_snr", False)),
            v_prediction=self._prediction_type == "v_prediction",
            training={**recipe.model_dump(), "text_encoder_lr": recipe.text_rate if recipe.text_encoder else None},
        )
        save_kohya(path, lora, facts)

    # ── the adapter ──

    def _wear(self, adapter: Path | None) -> None:
        """Draw with these weights, or with the base alone."""
        if adapter is not None and adapter != self._attached:
            lora = self._load(adapter)
            self._painting.fill(lora.modules, lora.rank, lora.network_alpha)
            speaks = bool(lora.text_modules or lora.text_modules_2)
            for slot, pairs in zip(self._speaking if speaks else (), lora.parts[1:], strict=False):
                slot.fill(pairs, lora.rank, lora.network_alpha)
            self._attached, self._attached_speaks = adapter, speaks
        self._painting.switch(on=adapter is not None)
        self._speak(adapter if self._attached_speaks else None)

    def _load(self, adapter: Path) -> Lora:
        """A kohya file of modules that this base has. Raises BackendError for any other."""
        text, text_2 = (*(slot.modules for slot in self._speaking), ())[:2]
        return load_kohya(adapter, self._painting.modules, text, text_2, self.architecture.name)

    def _read(self, adapter: Path) -> Lora:
        """A LoRA of any trainer: by the modules of the architecture, or the base's own where it is none of the real models.

        Raises BackendError.
        """
        try:
            found = read_any(adapter)
        except BackendError:
            with contextlib.suppress(BackendError):
                return self._load(adapter)
            raise
        fits = found.lora.architecture == self.architecture.name and not found.unknown
        return found.lora if fits else self._load(adapter)

    def _speak(self, adapter: Path | None) -> None:
        """Encode prompts with this adapter's text weights, or with the base's; each remembers its own states only."""
        if adapter != self._spoken:
            self._prompts.forget()
            self._spoken = adapter
        for slot in self._speaking:
            slot.switch(on=adapter is not None)

    def _detach(self) -> None:
        """Back to the base, with no file's weights in place: a training is about to write over them."""
        self._wear(None)
        self._attached, self._attached_speaks = None, False


def _rescaled(guess: torch.Tensor, within: torch.Tensor, share: float) -> torch.Tensor:
    """Guided noise with the contrast of the guess that heard the prompt, by a share (arXiv 2305.08891, section 3.4)."""
    axes = tuple(range(1, guess.ndim))
    calm = guess * (within.std(axes, keepdim=True) / guess.std(axes, keepdim=True))
    return share * calm + (1 - share) * guess
