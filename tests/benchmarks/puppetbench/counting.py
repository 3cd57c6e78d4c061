"""A backend that counts what it is asked for, in evaluations of the UNet. Does NOT know why anything is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from bootstrap.backends.base import Backend, Trained
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.events import Emit
from bootstrap.records import Job, TrainItem
from bootstrap.training.recipe import TrainRecipe

TRAINING = 3
"""Evaluations that a training sample costs: a forward pass, and a backward pass that takes about twice as long."""


class Counting:
    """Counts the work of another backend. ``drawn`` and ``trained`` are evaluations; one with guidance counts twice."""

    def __init__(self, backend: Backend, sampling: SamplingSettings) -> None:
        self._backend, self._sampling = backend, sampling
        self.drawn = self.trained = self.pictures = 0

    @property
    def fingerprint(self) -> str:
        return self._backend.fingerprint

    @property
    def resolution(self) -> tuple[int, int]:
        return self._backend.resolution

    @property
    def batch_size(self) -> int:
        return self._backend.batch_size

    def draw(self, jobs: Sequence[Job], adapter: Path | None) -> Iterator[list[tuple[Job, Image.Image]]]:
        self.pictures += len(jobs)
        self.drawn += drawing_costs(len(jobs), self._sampling)
        return self._backend.draw(jobs, adapter)

    def train(self, items: Sequence[TrainItem], recipe: TrainRecipe, workdir: Path, emit: Emit) -> Trained:
        self.trained += training_costs(recipe.steps, recipe)
        return self._backend.train(items, recipe, workdir, emit)

    def blend(self, adapters: Sequence[tuple[Path, float]], out: Path) -> None:
        self._backend.blend(adapters, out)

    def use_tiles(self) -> bool:
        return self._backend.use_tiles()

    def close(self) -> None:
        """The backend belongs to the stage."""


def drawing_costs(pictures: int, sampling: SamplingSettings) -> int:
    """Evaluations for so many pictures."""
    return pictures * sampling.steps * (2 if sampling.guidance_scale > 1 else 1)


def training_costs(steps: int, recipe: TrainRecipe) -> int:
    """Evaluations for so many optimiser steps."""
    return steps * recipe.batch_size * recipe.gradient_accumulation_steps * TRAINING
