"""One forward pass of a training and its loss: the pictures, and what the base predicts where the recipe asks for it.

Everything random is a function of the random seed and the pass alone. Knows no optimizer and no step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch.nn import functional

from bootstrap.errors import BackendError
from bootstrap.records import TrainItem
from bootstrap.training.batches import Batches
from bootstrap.training.inputs import TrainingInputs
from bootstrap.training.recipe import TrainRecipe

__all__ = ["Passes"]

SEED_DISTANCE = 1 << 40
"""Between the random seeds of pictures and of regularisation pictures."""


@dataclass(frozen=True)
class _Noised:
    """Entries with noise: their noised ``latents`` and the ``target`` of a prediction, both (n, c, h, w)."""

    entries: Sequence[int]
    latents: torch.Tensor
    times: torch.Tensor
    target: torch.Tensor


class Passes:
    """The losses of a training's forward passes, by number."""

    def __init__(self, inputs: TrainingInputs, items: Sequence[TrainItem], recipe: TrainRecipe) -> None:
        self.recipe, self._inputs, self._items = recipe, inputs, items
        shapes = [tuple(latents.shape) for latents in inputs.latents]
        self._first_regular = len(shapes) - len(inputs.regularisation)
        self._batches = Batches(items, recipe, tuple(shapes[: self._first_regular : inputs.crops]))
        self._regular: Batches | None = None
        if inputs.regularisation:
            other_seed = recipe.model_copy(update={"random_seed": recipe.random_seed + 1})
            self._regular = Batches(inputs.regularisation, other_seed, tuple(shapes[self._first_regular :]))

    def loss(self, number: int) -> torch.Tensor:
        """The weighted loss of one pass, a scalar with gradients."""
        recipe, batches = self.recipe, self._batches
        seed = recipe.random_seed * 1_000_003 + number
        noised = self._distilled(self._noised(self._entries(number), seed))
        loss = self._loss(noised, batches.captions(number))
        if recipe.output_preservation:
            captions = batches.captions(number, without_trigger=True)
            loss = loss + recipe.output_preservation * self._preservation_loss(noised, captions)
        if self._regular is not None and recipe.prior_loss_weight:
            entries = [self._first_regular + place for place in self._regular.places(number)]
            regular = self._noised(entries, seed + SEED_DISTANCE)
            loss = loss + recipe.prior_loss_weight * self._loss(regular, self._regular.captions(number))
        return loss

    def texts(self) -> list[str]:
        """Every caption that the passes can ask for; known only for a recipe with ``text_variants``."""
        found = self._batches.texts()
        if self.recipe.output_preservation:
            found += self._batches.texts(without_trigger=True)
        if self.recipe.reference_distillation:
            found += [item.job.prompt for item in self._items if item.job]
        if self._regular is not None:
            found += self._regular.texts()
        return list(dict.fromkeys(found))

    def _entries(self, number: int) -> list[int]:
        """The entries of the latents that a pass sees: one crop of each item."""
        places, crops = self._batches.places(number), self._inputs.crops
        if crops == 1:
            return places
        chosen = self._batches.crops(number, crops)
        return [place * crops + crop for place, crop in zip(places, chosen, strict=True)]

    def _noised(self, entries: Sequence[int], seed: int) -> _Noised:
        """Noise and times, by the random seed alone."""
        inputs, recipe = self._inputs, self.recipe
        generator = torch.Generator("cpu").manual_seed(seed)
        latents = torch.stack([inputs.latents[entry] for entry in entries])
        noise = torch.randn(latents.shape, generator=generator)
        if recipe.noise_offset:
            noise = noise + recipe.noise_offset * torch.randn((*latents.shape[:2], 1, 1), generator=generator)
        times = inputs.objective.times(len(latents), generator)
        if inputs.deviations:
            deviations = torch.stack([inputs.deviations[entry] for entry in entries])
            latents = latents + deviations * torch.randn(latents.shape, generator=generator)
        latents, noise, times = latents.to(inputs.device), noise.to(inputs.device), times.to(inputs.device)
        mixed, target = inputs.objective.noised(latents, noise, times)
        return _Noised(entries, mixed, times, target)

    def _distilled(self, noised: _Noised) -> _Noised:
        """Entries whose target is, for a share, what the base predicts of them shown what they were drawn from."""
        share, inputs = self.recipe.reference_distillation, self._inputs
        rows = [row for row, entry in enumerate(noised.entries) if self._items[entry // inputs.crops].job]
        if not share or not rows:
            return noised
        if inputs.predict_shown is None:
            raise BackendError("this base draws from no reference", "set reference_distillation to 0")
        entries = [noised.entries[row] for row in rows]
        prompts = [job.prompt for entry in entries if (job := self._items[entry // inputs.crops].job)]
        predicted = inputs.predict_shown(noised.latents[rows], noised.times[rows], prompts, entries).detach().float()
        target = noised.target.clone()
        target[rows] = (1 - share) * target[rows] + share * predicted
        return replace(noised, target=target)

    def _loss(self, noised: _Noised, captions: Sequence[str]) -> torch.Tensor:
        """The squared distance to the target; weighted by the pictures' masks, as sd-scripts does it."""
        inputs = self._inputs
        prediction = inputs.predict(noised.latents, noised.times, captions, noised.entries)
        errors = functional.mse_loss(prediction.float(), noised.target, reduction="none")
        if inputs.masks:
            errors = errors * torch.stack([inputs.masks[entry] for entry in noised.entries]).to(inputs.device)
        weight = inputs.objective.weight(noised.times, self.recipe.min_snr_gamma)
        return (errors.mean((1, 2, 3)) * weight).mean()

    def _preservation_loss(self, noised: _Noised, captions: Sequence[str]) -> torch.Tensor:
        """The squared distance to the base's own prediction for the same noise and captions without the trigger."""
        inputs = self._inputs
        if inputs.predict_base is None:
            raise BackendError("this base cannot predict without its adapter", "set output_preservation to 0")
        target = inputs.predict_base(noised.latents, noised.times, captions, noised.entries).detach().float()
        prediction = inputs.predict(noised.latents, noised.times, captions, noised.entries)
        return functional.mse_loss(prediction.float(), target)
