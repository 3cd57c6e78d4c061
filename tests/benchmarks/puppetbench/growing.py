"""Other rules for growing a set: they differ from ours only in which pictures they keep.

The Chosen One (Avrahami et al. 2024, arXiv 2311.10093) follows the paper, with the constants of its unofficial code;
top-k and a fixed face threshold represent common practice. Does NOT know the judge or the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bootstrap.records import Job, Shot, TrainItem, random_seed_of
from bootstrap.shots import places
from bootstrap.store.files import make_folder, write_image
from bootstrap.training.recipe import TrainRecipe
from scoring.measurement import Measurement, Picture, digest_of, not_applicable
from tests.benchmarks.puppetbench.clusters import cohesion, kmeans, spread
from tests.benchmarks.puppetbench.counting import Counting
from tests.benchmarks.puppetbench.stage import Stage

FACE = "face"
FACE_ABOVE = 0.5
ROUND, A_CLUSTER, SMALLEST, MOST_ROUNDS, CONVERGED, RANK = 128, 20, 10, 5, 0.8, 4
"""The Chosen One's constants: pictures a round, pictures a cluster (k = 128 // 20), clusters not larger than this are
dropped, rounds, the share of the first spread at which it stops, LoRA rank. Its learning rate is SDXL's; ours stays."""

Rule = Callable[[Stage, Sequence[tuple[Job, Picture]], int], list[int]]
"""Chooses at most that many of the drawn pictures; returns their indices."""


def best_by_clip(stage: Stage, drawn: Sequence[tuple[Job, Picture]], goal: int) -> list[int]:
    """The pictures with the highest similarity to the seeds, whatever they show."""
    answers = measure_with(stage, drawn, stage.engine.judges.identity[0])
    values = {n: answer.value for n, answer in enumerate(answers) if answer.value is not None}
    return sorted(sorted(values, key=lambda n: -values[n])[:goal])


def faces_above(stage: Stage, drawn: Sequence[tuple[Job, Picture]], goal: int) -> list[int]:
    """The first pictures whose face passes; a picture whose face cannot be scored is dropped."""
    answers = measure_with(stage, drawn, FACE)
    passing = [n for n, answer in enumerate(answers) if answer.value is not None and answer.value >= FACE_ABOVE]
    return sorted(sorted(passing, key=lambda n: drawn[n][0].random_seed)[:goal])


def measure_with(stage: Stage, drawn: Sequence[tuple[Job, Picture]], scorer: str) -> list[Measurement]:
    """A scorer's answer for each picture."""
    rows = stage.engine.judges.panel.measure([picture for _, picture in drawn], only=[scorer])
    return [row.get(scorer, not_applicable("no such scorer")) for row in rows]


def grow(stage: Stage, backend: Counting, name: str, rule: Rule) -> tuple[Path, dict[str, Any]]:
    """Rounds to our goals: train on what is kept, draw new shots of the whole grid, keep by ``rule`` of all drawn."""
    loop, folder = stage.config.loop, stage.folder / name
    goals = [*loop.goals, loop.target]
    each = stage.settings.peer_pictures // len(goals)
    kept: list[tuple[Job, Picture]] = []
    pool: list[tuple[Job, Picture]] = []
    shots: list[Shot] = list(stage.panel)  # no picture of the test is drawn in training
    for number, goal in enumerate(goals, 1):
        adapter = train_on(stage, backend, folder / f"r{number}", _items(stage, kept, folder, "style"), "style")
        new = stage.engine.planner.plan(places(each, each, stage.config.views), shots)
        shots += new
        pool += draw_jobs(backend, [stage.job(len(pool) + n, shot, "style") for n, shot in enumerate(new)], adapter)
        kept = [pool[n] for n in rule(stage, pool, goal)]
    final = train_on(stage, backend, folder / "final", _items(stage, kept, folder, "character"), "character")
    return final, {"kept": len(kept), "families": _counted(kept)}


def _items(stage: Stage, kept: Sequence[tuple[Job, Picture]], folder: Path, phase: Any) -> list[TrainItem]:
    """The seeds as in our first round, and the kept pictures, each with weight 1."""
    return [*stage.training_set(phase), *write_items(stage, kept, folder, phase)]


def write_items(stage: Stage, kept: Sequence[tuple[Job, Picture]], folder: Path, phase: Any) -> list[TrainItem]:
    """Write pictures as files of a training set, with the captions of a phase."""
    items = []
    for job, picture in kept:
        path = folder / "kept" / f"{job.id}.png"
        write_image(path, picture.image)
        items.append(TrainItem(str(path), stage.engine.wording.caption(job.shot, phase), "kept"))
    return items


def train_on(stage: Stage, backend: Counting, folder: Path, items: Sequence[TrainItem], phase: Any) -> Path:
    """Train a LoRA by the recipe of a phase, with steps for this number of pictures."""
    return _train(backend, folder, items, stage.recipe(items, phase))


def _train(backend: Counting, folder: Path, items: Sequence[TrainItem], recipe: TrainRecipe) -> Path:
    make_folder(folder)
    return backend.train(items, recipe, folder, lambda event: None).path


def draw_jobs(backend: Counting, jobs: Sequence[Job], adapter: Path | None) -> list[tuple[Job, Picture]]:
    """Each job with its picture."""
    pictures: dict[str, Image.Image] = {}
    for batch in backend.draw(jobs, adapter):
        pictures |= {job.id: image.convert("RGB") for job, image in batch}
    return [(job, _picture(job, pictures[job.id])) for job in jobs]


def _picture(job: Job, image: Image.Image) -> Picture:
    return Picture(image, digest_of(image), job.shot.view_family, job.shot.framing, {})


def _counted(kept: Sequence[tuple[Job, Picture]]) -> dict[str, int]:
    families = [job.shot.view_family for job, _ in kept]
    return {view_family: families.count(view_family) for view_family in dict.fromkeys(families)}


def the_chosen_one(stage: Stage, backend: Counting) -> tuple[Path | None, dict[str, Any]]:
    """Draw one prompt 128 times, train on the most cohesive cluster, repeat until the pictures are alike.

    As in its code: every round draws the description without the trigger; each training starts from the base; on
    convergence the LoRA of the round before is returned. It uses no seed picture, so the first cohesive cluster decides
    the identity.
    """
    folder, count = stage.folder / "chosen_one", min(ROUND, stage.settings.peer_pictures)
    recipe = stage.config.base.recipes["style"].model_copy(update={"rank": RANK, "network_alpha": RANK})
    adapter: Path | None = None
    first, spreads = 0.0, []
    for number in range(MOST_ROUNDS):
        drawn = draw_jobs(backend, _one_prompt(stage, number, count), adapter)
        features = _features(stage, drawn)
        spreads.append(round(spread(features), 4))
        first = first or spreads[0]
        if number and spreads[-1] < CONVERGED * first:
            break
        items = _without_words(stage, [drawn[n] for n in most_cohesive(features)], folder)
        adapter = _train(backend, folder / f"r{number}", items, recipe)
    return adapter, {"rounds": len(spreads), "spreads": spreads}


def most_cohesive(features: NDArray[np.float32]) -> list[int]:
    """Indices of the tightest of k = n // 20 clusters, among those that are large enough (else the largest)."""
    labels = kmeans(features, max(1, len(features) // A_CLUSTER))
    clusters = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    large = [one for one in clusters if len(one) > SMALLEST] or [max(clusters, key=len)]
    chosen = min(large, key=lambda one: cohesion(features[one]))
    return [int(place) for place in chosen]


def _one_prompt(stage: Stage, number: int, count: int) -> list[Job]:
    """The description of the character, from the front, with ``count`` random seeds."""
    shot = stage.engine.planner.plan({("front", "upper body"): 1}, [])[0]
    job = stage.job(0, shot, "base")
    return [
        replace(job, id=f"r{number}-{n:03d}", random_seed=random_seed_of("chosen", stage.number, number, n))
        for n in range(count)
    ]


def _without_words(stage: Stage, drawn: Sequence[tuple[Job, Picture]], folder: Path) -> list[TrainItem]:
    """Items whose captions hold the trigger and nothing else ("a photo of <$V$>")."""
    tags = (stage.character.trigger, *stage.character.core)
    return [replace(item, tags=tags) for item in write_items(stage, drawn, folder, "character")]


def _features(stage: Stage, drawn: Sequence[tuple[Job, Picture]]) -> NDArray[np.float32]:
    judges = stage.engine.judges
    return judges.features.vectors(judges.encoder, [picture for _, picture in drawn])
