"""One forward pass of a training and its loss: the pictures, and where wished what keeps the base as it was.

Everything random is a function of seed and pass alone. Knows no optimizer and no step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from bootstrap.errors import BackendError
from bootstrap.records import TrainItem
from bootstrap.training.batches import Batches
from bootstrap.training.inputs import TrainingInputs
from bootstrap.training.losses import noised, snr_weight, target
from bootstrap.training.recipe import TrainRecipe

__all__ = ["Passes"]

APART = 1 << 40
"""Between the random seeds of pictures and of regularisation pictures."""


@dataclass(frozen=True)
class _Drawn:
    """Entries with their noise: what is ``seen``, and what is ``wanted`` of a guess, both (n, c, h, w)."""

    entries: Sequence[int]
    seen: torch.Tensor
    times: torch.Tensor
    signal: torch.Tensor
    wanted: torch.Tensor


class Passes:
    """The losses of a training's forward passes, by number."""

    def __init__(self, bench: TrainingInputs, items: Sequence[TrainItem], recipe: TrainRecipe) -> None:
        self.recipe, self._bench = recipe, bench
        shapes = [tuple(latents.shape) for latents in bench.latents]
        self._begin = len(shapes) - len(bench.regular)
        self._batches = Batches(items, recipe, tuple(shapes[: self._begin : bench.crops]))
        apart = recipe.model_copy(update={"random_seed": recipe.random_seed + 1})
        self._regular = Batches(bench.regular, apart, tuple(shapes[self._begin :])) if bench.regular else None

    def loss(self, number: int) -> torch.Tensor:
        """The weighted loss of one pass, a scalar with gradients."""
        recipe, batches, crops = self.recipe, self._batches, self._bench.crops
        places = batches.places(number)
        if crops > 1:
            places = [place * crops + crop for place, crop in zip(places, batches.crops(number, crops), strict=True)]
        seed = recipe.random_seed * 1_000_003 + number
        drawn = self._drawn(places, seed)
        loss = self._learned(drawn, batches.captions(number))
        if recipe.output_preservation:
            loss = loss + recipe.output_preservation * self._preserved(drawn, batches.captions(number, bare=True))
        if self._regular is not None and recipe.prior_loss_weight:
            entries = [self._begin + place for place in self._regular.places(number)]
            regular = self._learned(self._drawn(entries, seed + APART), self._regular.captions(number))
            loss = loss + recipe.prior_loss_weight * regular
        return loss

    def texts(self) -> list[str]:
        """Every caption that the passes can ask for; only a recipe with ``text_variants`` has them counted."""
        found = self._batches.texts()
        found += self._batches.texts(bare=True) if self.recipe.output_preservation else []
        return list(dict.fromkeys([*found, *(self._regular.texts() if self._regular else [])]))

    def _drawn(self, entries: Sequence[int], seed: int) -> _Drawn:
        """Noise and timesteps, by the seed alone."""
        bench, recipe = self._bench, self.recipe
        generator = torch.Generator("cpu").manual_seed(seed)
        latents = torch.stack([bench.latents[entry] for entry in entries])
        noise = torch.randn(latents.shape, generator=generator)
        if recipe.noise_offset:
            noise = noise + recipe.noise_offset * torch.randn((*latents.shape[:2], 1, 1), generator=generator)
        times = torch.randint(0, len(bench.alphas_cumprod), (len(latents),), generator=generator)
        if bench.deviations:
            spread = torch.stack([bench.deviations[entry] for entry in entries])
            latents = latents + spread * torch.randn(latents.shape, generator=generator)
        signal = bench.alphas_cumprod[times].to(bench.device)
        latents, noise, times = latents.to(bench.device), noise.to(bench.device), times.to(bench.device)
        wanted = target(latents, noise, signal, bench.prediction_type)
        return _Drawn(entries, noised(latents, noise, signal), times, signal, wanted)

    def _learned(self, drawn: _Drawn, captions: Sequence[str]) -> torch.Tensor:
        """The distance to what is wanted; where pictures have masks by these, as sd-scripts weighs it."""
        bench = self._bench
        guess = bench.guess(drawn.seen, drawn.times, captions, drawn.entries)
        apart = functional.mse_loss(guess.float(), drawn.wanted, reduction="none")
        if bench.masks:
            apart = apart * torch.stack([bench.masks[entry] for entry in drawn.entries]).to(bench.device)
        each = apart.mean((1, 2, 3))
        return (each * snr_weight(drawn.signal, bench.prediction_type, self.recipe.min_snr_gamma)).mean()

    def _preserved(self, drawn: _Drawn, captions: Sequence[str]) -> torch.Tensor:
        """The distance to what the base itself says to the same noise, asked without the trigger."""
        bench = self._bench
        if bench.base_guess is None:
            raise BackendError("this base cannot be asked without its adapter", "set output_preservation to 0")
        wanted = bench.base_guess(drawn.seen, drawn.times, captions, drawn.entries).detach().float()
        guess = bench.guess(drawn.seen, drawn.times, captions, drawn.entries)
        return functional.mse_loss(guess.float(), wanted)
