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
from numpy.typing import NDArray
from PIL import Image, ImageOps

from bootstrap.backends.base import Trained
from bootstrap.backends.settings import SamplingSettings
from bootstrap.device import autocast, pick_device
from bootstrap.errors import BackendError
from bootstrap.events import Emit
from bootstrap.export import Lora, load_kohya, metadata_for, save_kohya
from bootstrap.records import Job, TrainItem
from bootstrap.training.lora import Bench, train_lora
from bootstrap.training.recipe import TrainRecipe

__all__ = ["DiffusersBackend"]

ADAPTER = "character"
TARGETS = r".*transformer_blocks\.\d+\.(attn[12]\.(to_[qkv]|to_out\.0)|ff\.net\.(0\.proj|2))|.*\.(proj_in|proj_out)"
"""kohya's default set: every linear layer and 1x1 convolution of the UNet's transformer blocks (sd-scripts)."""
REMEMBERED = 1024
"""Prompts whose text states are kept; about 240 MB for Stable Diffusion 1.5."""
SAMPLED = 1 << 20
"""Bytes at the start, middle and end of a weights file that tell it from another of the same size."""


class DiffusersBackend:
    """A diffusers folder, loaded once. Raises BackendError when the folder holds no loadable pipeline."""

    def __init__(self, base: Path, settings: SamplingSettings, device: str = "auto") -> None:
        self.settings = settings
        self.device = pick_device(device)
        self._pipe = _load(base, self.device)
        self._unet, self._vae = self._pipe.unet, self._pipe.vae
        self._rank: tuple[int, float] | None = None
        self._attached: Path | None = None
        self._words: dict[str, torch.Tensor] = {}
        self._digest = _digest(base)

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
            with _telling_memory("lower base.sampling.batch_size, or the width and height"):
                pictures = self._draw(batch)
            yield list(zip(batch, pictures, strict=True))

    def train(self, items: Sequence[TrainItem], recipe: TrainRecipe, workdir: Path, emit: Emit) -> Trained:
        """Train a fresh adapter from the base; see `bootstrap.backends.base.Backend`."""
        if not items:
            raise BackendError("there is no picture to train on", "give a seed")
        weights = self._fresh(recipe)
        bench = Bench(
            self._unet,
            weights,
            self._latents(items),
            self._encode,
            self._pipe.scheduler.alphas_cumprod,
            self._prediction_type,
            self.device,
        )
        with _telling_memory("lower the recipe's batch_size or rank"):
            loss = train_lora(bench, items, recipe, workdir, emit)
        path = workdir / "adapter.safetensors"
        trigger = items[0].tags[0] if items[0].tags else ""
        facts = metadata_for(
            f"{trigger}-{workdir.name}",
            trigger,
            self.resolution,
            recipe.steps,
            modules=self._modules(),
            v_prediction=self._prediction_type == "v_prediction",
            training=recipe.model_dump(),
        )
        save_kohya(path, self._lora(recipe.network_alpha), facts)
        return Trained(path, recipe.steps, loss)

    def close(self) -> None:
        """Free the model."""
        del self._pipe, self._unet, self._vae
        if self.device == "cuda":
            torch.cuda.empty_cache()

    # ── words and pictures ──

    @property
    def _prediction_type(self) -> str:
        return self.settings.prediction_type or str(self._pipe.scheduler.config.prediction_type)

    def _encode(self, prompts: Sequence[str]) -> torch.Tensor:
        """Text states of prompts, (n, tokens, d).

        Each is encoded alone, so that its last bits never depend on its neighbours or on what was encoded before.
        """
        return torch.stack([self._states(prompt) for prompt in prompts])

    def _states(self, prompt: str) -> torch.Tensor:
        """Text states of one prompt, (tokens, d), remembered."""
        if (known := self._words.get(prompt)) is not None:
            return known
        if len(self._words) >= REMEMBERED:
            del self._words[next(iter(self._words))]
        tokens = self._pipe.tokenizer(prompt, padding="max_length", truncation=True, return_tensors="pt").input_ids
        encoder, skip = self._pipe.text_encoder, self.settings.clip_skip
        with torch.no_grad(), torch.autocast(self.device, enabled=False):
            coded = encoder(tokens.to(self.device), output_hidden_states=skip is not None)
            if skip is None:
                states = coded.last_hidden_state
            else:  # transformers before 5.6 keeps the layers one module deeper
                states = getattr(encoder, "text_model", encoder).final_layer_norm(coded.hidden_states[-(skip + 1)])
        self._words[prompt] = states[0]
        return self._words[prompt]

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
        latents = self._noise(batch) * scheduler.init_noise_sigma
        words = self._encode([job.prompt for job in batch])
        guided = settings.guidance_scale > 1
        text = torch.cat([self._encode([job.negative for job in batch]), words]) if guided else words
        with torch.inference_mode(), autocast(self.device, settings.dtype):
            for time in scheduler.timesteps:
                seen = scheduler.scale_model_input(torch.cat([latents] * 2) if guided else latents, time)
                guess = self._unet(seen, time, encoder_hidden_states=text).sample.float()
                if guided:
                    plain, asked = guess.chunk(2)
                    guess = plain + settings.guidance_scale * (asked - plain)
                latents = scheduler.step(guess, time, latents, return_dict=False)[0]
        result: torch.Tensor = latents
        return result

    def _noise(self, batch: Sequence[Job]) -> torch.Tensor:
        """Starting noise, each job from its own seed, so that a picture does not depend on its neighbours."""
        factor = self._pipe.vae_scale_factor
        shape = (1, self._unet.config.in_channels, self.settings.height // factor, self.settings.width // factor)
        rows = [torch.randn(shape, generator=torch.Generator("cpu").manual_seed(job.seed)) for job in batch]
        return torch.cat(rows).to(self.device)

    def _latents(self, items: Sequence[TrainItem]) -> torch.Tensor:
        """The training pictures as scaled latents, (n, c, h, w), on the CPU."""
        rows = []
        with torch.inference_mode():
            for item in items:
                coded = self._vae.encode(_pixels(item, self.resolution).to(self.device))
                latents = coded.latent_dist.mean if hasattr(coded, "latent_dist") else coded.latents
                rows.append(latents.float().cpu() * self._vae.config.scaling_factor)
        return torch.cat(rows).clone()

    # ── the adapter ──

    def _wear(self, adapter: Path | None) -> None:
        """Draw with these weights, or with the base alone."""
        if adapter is None:
            if self._rank:
                self._unet.disable_adapters()
            return
        if adapter != self._attached:
            names = [name for name, _ in self._unet.named_modules()]
            lora = load_kohya(adapter, [name.replace(".base_layer", "") for name in names])
            self._attach(lora.rank, lora.network_alpha)
            with torch.no_grad():
                for name, layer in self._layers():
                    down, up = lora.modules[name]
                    layer.lora_A[ADAPTER].weight.copy_(torch.from_numpy(down))
                    layer.lora_B[ADAPTER].weight.copy_(torch.from_numpy(up))
            self._attached = adapter
        self._unet.enable_adapters()
        self._unet.eval()

    def _fresh(self, recipe: TrainRecipe) -> list[torch.nn.Parameter]:
        """A new adapter (B = 0) and its trainable weights in float32."""
        self._attach(recipe.rank, recipe.network_alpha)
        self._attached = None
        torch.manual_seed(recipe.seed)
        weights = []
        for _, layer in self._layers():
            layer.reset_lora_parameters(ADAPTER, True)
            for part in (layer.lora_A[ADAPTER], layer.lora_B[ADAPTER]):
                part.weight.data = part.weight.data.float()
                part.weight.requires_grad_(True)
                weights.append(part.weight)
        self._unet.enable_adapters()
        return weights

    def _attach(self, rank: int, network_alpha: float) -> None:
        """Inject an adapter of this shape; one of the same shape stays."""
        from peft import LoraConfig

        if self._rank == (rank, network_alpha):
            return
        if self._rank:
            self._unet.delete_adapters(ADAPTER)
        config = LoraConfig(r=rank, lora_alpha=network_alpha, target_modules=TARGETS, init_lora_weights=True)
        self._unet.add_adapter(config, ADAPTER)
        self._rank = (rank, network_alpha)

    def _layers(self) -> list[tuple[str, Any]]:
        """Module path and layer of everything that wears the adapter, in a fixed order."""
        from peft.tuners.tuners_utils import BaseTunerLayer

        return [(name, layer) for name, layer in self._unet.named_modules() if isinstance(layer, BaseTunerLayer)]

    def _modules(self) -> list[str]:
        return [name for name, _ in self._layers()]

    def _lora(self, network_alpha: float) -> Lora:
        pairs = {
            name: (_array(layer.lora_A[ADAPTER].weight), _array(layer.lora_B[ADAPTER].weight))
            for name, layer in self._layers()
        }
        return Lora(pairs, network_alpha)


def _load(base: Path, device: str) -> Any:
    from diffusers import StableDiffusionPipeline

    if not (base / "model_index.json").is_file():
        raise BackendError(
            f'"{base}" holds no diffusers model (no model_index.json)', "give the folder of a saved pipeline"
        )
    with _quiet():
        try:
            pipe = StableDiffusionPipeline.from_pretrained(
                base, safety_checker=None, local_files_only=True, requires_safety_checker=False, dtype=torch.float32
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise BackendError(f'"{base}" does not load: {str(error).splitlines()[0]}', "check the folder") from error
    pipe.to(device)
    for part in (pipe.unet, pipe.vae, pipe.text_encoder):
        part.requires_grad_(False).eval()
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


@contextlib.contextmanager
def _telling_memory(hint: str) -> Iterator[None]:
    """Turn running out of memory, on any device, into one line that says what to lower."""
    try:
        yield
    except RuntimeError as error:
        text = str(error)
        if isinstance(error, torch.OutOfMemoryError) or "out of memory" in text or "can't allocate memory" in text:
            raise BackendError("memory ran out", hint) from error
        raise


def _scheduler(pipe: Any, settings: SamplingSettings) -> Any:
    from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, EulerDiscreteScheduler

    kinds = {"ddim": DDIMScheduler, "dpm++": DPMSolverMultistepScheduler, "euler": EulerDiscreteScheduler}
    changed = {"prediction_type": settings.prediction_type} if settings.prediction_type else {}
    return kinds[settings.scheduler].from_config(pipe.scheduler.config, **changed)


def _pixels(item: TrainItem, resolution: tuple[int, int]) -> torch.Tensor:
    """A training picture as (1, 3, h, w) in -1..1; another shape is cut at its edges, never squeezed."""
    try:
        with Image.open(item.path) as opened:
            image = ImageOps.fit(opened.convert("RGB"), resolution, Image.Resampling.LANCZOS)
    except OSError as error:
        raise BackendError(f'training picture "{item.path}" cannot be read ({error})', "restore it") from error
    return torch.from_numpy(np.asarray(image, np.float32) / 127.5 - 1).permute(2, 0, 1)[None]


def _array(weight: torch.Tensor) -> NDArray[np.float32]:
    return np.asarray(weight.detach().float().cpu().numpy(), np.float32)


def _digest(base: Path) -> str:
    """Identifies a base by samples of its weights: finetunes of one model have files of equal names and sizes."""
    digest = hashlib.sha256()
    for path in sorted(base.rglob("*.safetensors")):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(base).as_posix()} {size}".encode())
        with path.open("rb") as file:
            for place in (0, size // 2, max(0, size - SAMPLED)):
                file.seek(place)
                digest.update(file.read(SAMPLED))
    return digest.hexdigest()
