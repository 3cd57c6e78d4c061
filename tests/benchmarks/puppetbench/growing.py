"""Other ways of growing a set: what is kept is all that differs from ours.

The Chosen One (Avrahami et al. 2024, arXiv 2311.10093) is written from the paper with the constants of its unofficial
code; top-k and a fixed face threshold stand for what scripts and studios do. Does NOT know the judge or the truth.
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
from loops.training_set import recipe_for
from scoring.base import Measurement, Picture, digest_of, not_applicable
from tests.benchmarks.puppetbench.clusters import cohesion, kmeans, spread
from tests.benchmarks.puppetbench.counting import Counting
from tests.benchmarks.puppetbench.stage import Stage

FACE = "face"
FACE_ABOVE = 0.5
ROUND, A_CLUSTER, SMALLEST, MOST_ROUNDS, CONVERGED, RANK = 128, 20, 10, 5, 0.8, 4
"""The Chosen One's constants: pictures a round, pictures a cluster (k = 128 // 20), clusters not larger than this are
dropped, rounds, the share of the first spread at which it stops, LoRA rank. Its learning rate is SDXL's; ours stays."""

Rule = Callable[[Stage, Sequence[tuple[Job, Picture]], int], list[int]]
"""Chooses at most so many of the drawn pictures, by place."""


def best_by_clip(stage: Stage, drawn: Sequence[tuple[Job, Picture]], goal: int) -> list[int]:
    """The pictures most alike the seeds, whatever they show."""
    values = measured_by(stage, drawn, stage.engine.judges.identity[0])
    known = {n: one.value for n, one in enumerate(values) if one.value is not None}
    return sorted(sorted(known, key=lambda n: -known[n])[:goal])


def faces_above(stage: Stage, drawn: Sequence[tuple[Job, Picture]], goal: int) -> list[int]:
    """The first pictures whose face passes; where no face can be scored the picture is thrown away."""
    values = measured_by(stage, drawn, FACE)
    passing = [n for n, one in enumerate(values) if one.value is not None and one.value >= FACE_ABOVE]
    return sorted(sorted(passing, key=lambda n: drawn[n][0].seed)[:goal])


def measured_by(stage: Stage, drawn: Sequence[tuple[Job, Picture]], scorer: str) -> list[Measurement]:
    """A scorer's answer for each picture."""
    rows = stage.engine.judges.panel.measure([picture for _, picture in drawn], only=[scorer])
    return [row.get(scorer, not_applicable("no such scorer")) for row in rows]


def grow(stage: Stage, backend: Counting, name: str, rule: Rule) -> tuple[Path, dict[str, Any]]:
    """Rounds to our goals: train on what is kept, draw every shot of the grid anew, keep by ``rule`` of all drawn."""
    loop, folder = stage.config.loop, stage.folder / name
    goals = [*loop.goals, loop.target]
    each = stage.settings.peer_pictures // len(goals)
    kept: list[tuple[Job, Picture]] = []
    pool: list[tuple[Job, Picture]] = []
    shots: list[Shot] = list(stage.panel)  # no picture of the test is drawn in training
    for number, goal in enumerate(goals, 1):
        adapter = taught_by(stage, backend, folder / f"r{number}", _items(stage, kept, folder, "style"), "style")
        new = stage.engine.planner.plan(places(each, each, stage.config.views), shots)
        shots += new
        pool += drawn_by(backend, [stage.job(len(pool) + n, shot, "style") for n, shot in enumerate(new)], adapter)
        kept = [pool[n] for n in rule(stage, pool, goal)]
    final = taught_by(stage, backend, folder / "final", _items(stage, kept, folder, "character"), "character")
    return final, {"kept": len(kept), "families": _counted(kept)}


def _items(stage: Stage, kept: Sequence[tuple[Job, Picture]], folder: Path, phase: Any) -> list[TrainItem]:
    """Seeds as in our first round, and the kept pictures, each as likely."""
    return [*stage.training_set(phase), *written(stage, kept, folder, phase)]


def written(stage: Stage, kept: Sequence[tuple[Job, Picture]], folder: Path, phase: Any) -> list[TrainItem]:
    """Pictures as files of a training set, captioned as their phase is."""
    items = []
    for job, picture in kept:
        path = folder / "kept" / f"{job.id}.png"
        write_image(path, picture.image)
        items.append(TrainItem(str(path), stage.engine.wording.caption(job.shot, phase), "kept"))
    return items


def taught_by(stage: Stage, backend: Counting, folder: Path, items: Sequence[TrainItem], phase: Any) -> Path:
    """A LoRA by the recipe of a phase, grown with the pictures."""
    return _train(backend, folder, items, recipe_for(stage.config, phase, 1, len(items)))


def _train(backend: Counting, folder: Path, items: Sequence[TrainItem], recipe: TrainRecipe) -> Path:
    make_folder(folder)
    return backend.train(items, recipe, folder, lambda event: None).path


def drawn_by(backend: Counting, jobs: Sequence[Job], adapter: Path | None) -> list[tuple[Job, Picture]]:
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

    As coded: the words, never the trigger, are drawn in every round; each training begins at the base; on convergence
    the LoRA of the round before is returned. No seed is looked at, so identity is whatever cohered first.
    """
    folder, count = stage.folder / "chosen_one", min(ROUND, stage.settings.peer_pictures)
    recipe = stage.config.base.recipes["style"].model_copy(update={"rank": RANK, "network_alpha": RANK})
    adapter: Path | None = None
    first, spreads = 0.0, []
    for number in range(MOST_ROUNDS):
        drawn = drawn_by(backend, _one_prompt(stage, number, count), adapter)
        features = _features(stage, drawn)
        spreads.append(round(spread(features), 4))
        first = first or spreads[0]
        if number and spreads[-1] < CONVERGED * first:
            break
        items = _without_words(stage, [drawn[n] for n in most_cohesive(features)], folder)
        adapter = _train(backend, folder / f"r{number}", items, recipe)
    return adapter, {"rounds": len(spreads), "spreads": spreads}


def most_cohesive(features: NDArray[np.float32]) -> list[int]:
    """Places of the tightest of k = n // 20 clusters, among those that are large enough (else the largest)."""
    labels = kmeans(features, max(1, len(features) // A_CLUSTER))
    clusters = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    large = [one for one in clusters if len(one) > SMALLEST] or [max(clusters, key=len)]
    chosen = min(large, key=lambda one: cohesion(features[one]))
    return [int(place) for place in chosen]


def _one_prompt(stage: Stage, number: int, count: int) -> list[Job]:
    """The character in words, from the front, drawn with ``count`` random seeds."""
    shot = stage.engine.planner.plan({("front", "upper body"): 1}, [])[0]
    job = stage.job(0, shot, "base")
    return [
        replace(job, id=f"r{number}-{n:03d}", random_seed=random_seed_of("chosen", stage.seed, number, n))
        for n in range(count)
    ]


def _without_words(stage: Stage, drawn: Sequence[tuple[Job, Picture]], folder: Path) -> list[TrainItem]:
    """Its captions say the new word and nothing else ("a photo of <$V$>")."""
    tags = (stage.character.trigger, *stage.character.core)
    return [replace(item, tags=tags) for item in written(stage, drawn, folder, "character")]


def _features(stage: Stage, drawn: Sequence[tuple[Job, Picture]]) -> NDArray[np.float32]:
    judges = stage.engine.judges
    return judges.features.vectors(judges.encoder, [picture for _, picture in drawn])
