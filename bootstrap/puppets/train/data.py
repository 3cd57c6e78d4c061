"""Drawings of single puppets as training data: drawn once, in several processes, and kept in shards of .npy files.

Picture `i` of a set is a function of `i` alone (its puppet, its shot and the jitter of its composition), so a set can
grow, be interrupted and be shared by trainings. Does NOT know any model.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bootstrap.puppets.anatomy import Puppet, sample_puppet
from bootstrap.puppets.captions import caption, tags
from bootstrap.puppets.render import render
from bootstrap.puppets.scene import PuppetShot, sample_shot
from bootstrap.puppets.train.shards import Shard, draw_shards

log = logging.getLogger(__name__)

SIZE = 96
SHARD = 1000
FIRST_NUMBER = {"single": 1_000_000, "judge-single": 6_000_000, "unseen": 50_000_000}
"""Kind of set -> number of its first puppet; "unseen" is for measuring and shares no puppet with training."""

Spec = tuple[Puppet, PuppetShot, int]
"""Puppet, shot, and the random seed of the composition's jitter."""


@dataclass(frozen=True)
class Dataset:
    """`images` uint8 (N, 96, 96, 3); the puppet and shot of picture i are computed from i."""

    kind: str
    images: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def specs(self) -> list[Spec]:
        """Puppet, shot and jitter of every picture."""
        return [picture_spec(self.kind, index) for index in range(len(self))]

    def caption(self, index: int, rng: np.random.Generator | None = None) -> str:
        """The caption of a picture; with `rng`, some tags are dropped."""
        puppet, shot, _ = self.specs[index]
        return caption(puppet, shot, rng)

    def tags(self, index: int) -> dict[str, str]:
        """The true tag of a picture on every axis."""
        puppet, shot, _ = self.specs[index]
        return tags(puppet, shot)


def picture_spec(kind: str, index: int) -> Spec:
    """Puppet, shot and jitter of picture `index` of a set."""
    number = FIRST_NUMBER[kind] + index
    return sample_puppet(number), sample_shot(np.random.default_rng([number, 3])), number


def render_one(spec: Spec, size: int = SIZE) -> NDArray[np.uint8]:
    """Draw one specification: uint8 (size, size, 3)."""
    puppet, shot, number = spec
    return render(puppet, shot, size, np.random.default_rng([number, 4])).image


def render_many(specs: Sequence[Spec], workers: int = 2, size: int = SIZE) -> NDArray[np.uint8]:
    """Draw many specifications, in order: uint8 (N, size, size, 3). One worker draws in this process."""
    draw = partial(render_one, size=size)
    if workers <= 1 or len(specs) < 64:
        return np.stack([draw(spec) for spec in specs])
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return np.stack(list(pool.map(draw, specs, chunksize=32)))


def dataset(n: int, kind: str = "single", workdir: Path = Path(".train"), workers: int = 2) -> Dataset:
    """The first `n` pictures of a set (rounded up to whole shards), drawing those that are not on disk yet.

    Args:
        n: how many pictures.
        kind: a key of `FIRST_NUMBER`.
        workdir: where the shards are kept, in its folder "pictures".
        workers: processes that draw.
    """
    shards = range(-(-n // SHARD))
    paths = [workdir / "pictures" / f"{kind}-{SIZE}-{shard:04d}.npy" for shard in shards]
    missing = [(kind, shard, paths[shard]) for shard in shards if not paths[shard].exists()]
    if missing:
        log.info("drawing %d pictures", len(missing) * SHARD)
        draw_shards(missing, _draw_shard, workers)
    return Dataset(kind, np.concatenate([np.load(path) for path in paths])[:n])


def _draw_shard(shard: Shard) -> None:
    kind, number, path = shard
    if path.exists():  # another training has drawn it in the meantime
        return
    images = np.stack([render_one(picture_spec(kind, number * SHARD + offset)) for offset in range(SHARD)])
    draft = path.with_suffix(f".{os.getpid()}.draft")
    with draft.open("wb") as file:
        np.save(file, images)
    draft.replace(path)
