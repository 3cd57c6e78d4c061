"""A subject prepared for a benchmark: its files, an open engine, and pictures of any shot by any LoRA.

Does NOT know what is measured, nor the contestants.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from bootstrap.backends.base import Backend
from bootstrap.character import Character
from bootstrap.config import RunConfig
from bootstrap.records import Job, JobKind, Shot, TrainItem, random_seed_of
from bootstrap.store.store import Store
from bootstrap.training.recipe import TrainRecipe
from loops.engine import Engine
from loops.open_engine import open_engine
from loops.shown import Shown
from loops.training_set import recipe_for
from tests.benchmarks.puppetbench.panels import Images
from tests.benchmarks.puppetbench.settings import SIDE


class RunStage:
    """A subject with its settings and seed pictures. ``folder`` holds everything that is made for it.

    ``salt`` is what random seeds of panels are made from, beside the shot.
    """

    def __init__(
        self,
        folder: Path,
        character: Character,
        config: RunConfig,
        seeds: Sequence[Path],
        salt: tuple[str | int, ...],
    ) -> None:
        self.folder, self.character, self.config = folder, character, config
        self.seeds, self.salt = list(seeds), salt
        self.stores: list[Store] = []

    def open_run(self, name: str) -> Engine:
        """The engine of the run ``name``, new or continued."""
        store = Store.open(self.folder / name, create=True)
        self.stores.append(store)
        return open_engine(store, self.config, self.character, self.seeds)

    def recipe(self, items: Sequence[TrainItem], phase: str) -> TrainRecipe:
        """The phase's recipe for a training on ``items``; in words, unless they say what they are trained beside."""
        config, reference = self.config, self.config.base.reference
        if reference and not all(item.beside for item in items):
            words = reference.model_copy(update={"beside_steps": 0})
            config = config.model_copy(update={"base": config.base.model_copy(update={"reference": words})})
        return recipe_for(config, phase, 1, len(items))

    def close(self) -> None:
        """Close every run that was opened."""
        for store in self.stores:
            store.close()

    @cached_property
    def engine(self) -> Engine:
        """An engine that plays no round: for words, plans, scorers, training and drawing."""
        return self.open_run("stage")

    def training_set(self, phase: str) -> list[TrainItem]:
        """The training set of the first round in a phase: the seeds with their crops and altered copies."""
        return self.engine.training_sets.items(self.engine.archive(), 1, phase)

    @property
    def backend(self) -> Backend:
        """The loaded base, which draws and trains."""
        return cast(Backend, self.engine.drawer)

    def draw(
        self,
        shots: Sequence[Shot],
        adapter: Path | None,
        phase: str,
        backend: Backend | None = None,
        shown: Shown | None = None,
    ) -> Images:
        """The shots drawn with ``adapter``, prompted with the words of its phase's captions: uint8 (N, 96, 96, 3).

        ``shown`` are the references that each is drawn from; None: from words.
        """
        jobs = [self.job(number, shot, phase) for number, shot in enumerate(shots)]
        if shown is not None:
            jobs = [replace(job, references=shown.candidate(job.shot)) for job in jobs]
        drawn: dict[str, NDArray[np.uint8]] = {}
        for batch in (backend or self.backend).draw(jobs, adapter):
            drawn |= {job.id: np.asarray(image.convert("RGB").resize((SIDE, SIDE))) for job, image in batch}
        return np.stack([drawn[job.id] for job in jobs])

    def job(self, number: int, shot: Shot, phase: str) -> Job:
        """A picture to draw; its random seed depends on the shot alone, so that contestants are paired."""
        wording = self.engine.wording
        traits = wording.traits(shot) if phase == "base" else wording.named_traits(shot, phase)
        return Job(
            id=f"panel-{number:05d}",
            kind=JobKind.PROBE,
            round=0,
            wave=0,
            shot=shot,
            prompt=wording.prompt(shot, traits, trigger=phase != "base"),
            negative=wording.negative(self.config.base.negative),
            random_seed=random_seed_of(*self.salt, shot.key),
            traits=traits,
        )
