"""A loaded base, whatever its architecture: its pipeline on a device, prompts as text states, predictions.

Knows no adapter file, no picture and no training.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from bootstrap.backends.bases import digest_of_base
from bootstrap.backends.framing import CropWindow, cut_of
from bootstrap.backends.loading import load_pipeline
from bootstrap.backends.prompts import TextStates
from bootstrap.backends.prompts_in_turn import PromptsInTurn
from bootstrap.backends.samplers import fitting
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.backends.tested_prediction import settings_by_test
from bootstrap.machine.device import pick_device
from bootstrap.training.objective import Objective
from scoring.offloaded import Offloaded

__all__ = ["LoadedBase"]


class LoadedBase:
    """A base, loaded once: a diffusers folder or a checkpoint file. Raises BackendError when it cannot be used."""

    def __init__(self, base: Path, settings: SamplingSettings, device: str = "auto") -> None:
        self.settings = settings
        self.device = pick_device(device)
        self.pipe, self.architecture = load_pipeline(base, self.device, settings)
        self.prompts = self.architecture.text_encoding(self.pipe, settings.clip_skip, self.device, self.device)
        if settings.offload:
            aside = [self.pipe.vae, self.denoiser] if self.architecture.limits.encodes_alone else [self.pipe.vae]
            in_turn = Offloaded(self.text_encoders, self.device, instead_of=aside)
            self.prompts = PromptsInTurn(self.prompts, in_turn)
        self.digest = digest_of_base(base)
        if settings.quantise != "none":  # other weights than those of the files
            self.digest += settings.quantise
        self.settings = settings_by_test(base, self.pipe, self.architecture, settings, self.device, self.unprompted)

    @property
    def denoiser(self) -> Any:
        """The model that removes noise."""
        return getattr(self.pipe, self.architecture.denoiser)

    @property
    def text_encoders(self) -> list[Any]:
        """The text encoders, in the pipeline's order."""
        return [getattr(self.pipe, part) for part in self.architecture.text_encoders]

    @property
    def beside_denoiser(self) -> list[Any]:
        """Everything on the device but the denoiser."""
        return [self.pipe.vae] if self.settings.offload else [*self.text_encoders, self.pipe.vae]

    @property
    def fingerprint(self) -> str:
        """Identifies weights and sampling settings."""
        return hashlib.sha256(f"{self.digest}{self.settings.identity()}".encode()).hexdigest()[:16]

    @property
    def resolution(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.settings.width, self.settings.height

    @property
    def objective(self) -> Objective:
        """What it is trained to predict."""
        return self.architecture.objective(self.pipe, self.settings)

    @property
    def zero_terminal_snr(self) -> bool:
        """Whether its schedule ends in pure noise."""
        return bool(self.pipe.scheduler.config.get("rescale_betas_zero_snr", False))

    @property
    def drawn_with(self) -> SamplingSettings:
        """The settings as the loaded weights and their schedule have it, nothing of both left open."""
        prediction_type = self.pipe.scheduler.config.get("prediction_type", self.settings.prediction_type)
        update = {
            "prediction_type": self.settings.prediction_type or prediction_type,
            "zero_terminal_snr": self.zero_terminal_snr,
            "scheduler": fitting(self.settings.scheduler, ends_in_noise=self.zero_terminal_snr),
        }
        return self.settings.model_copy(update=update)

    def unprompted(self, latents: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """The prediction for no prompt, of latents of any size."""
        side = [cut_of(self.resolution, self.resolution)] * len(latents)
        return self.predict(latents, timesteps, self.prompts.encode([""] * len(latents)), side)

    def predict(
        self, latents: torch.Tensor, timesteps: torch.Tensor, text: TextStates, cuts: Sequence[CropWindow]
    ) -> torch.Tensor:
        """The denoiser's prediction; timesteps are the scheduler's, ``cuts`` for architectures conditioned on sizes."""
        return self.architecture.predict(self.denoiser, latents, timesteps, text, cuts)
