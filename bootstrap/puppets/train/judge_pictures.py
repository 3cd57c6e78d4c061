"""The judge's drawings: groups of twins, each drawn twice from every side.

Twins share framings, for a judge compares like with like; seeds are its own. Does NOT know any network.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bootstrap.puppets import scene
from bootstrap.puppets.anatomy import Puppet, sample_puppet, twin
from bootstrap.puppets.render import render
from bootstrap.puppets.scene import PuppetShot, sample_shot
from bootstrap.puppets.train.data import SIZE
from bootstrap.puppets.train.material import framings
from bootstrap.puppets.train.painting import write
from bootstrap.puppets.train.shards import Job, draw_shards

log = logging.getLogger(__name__)

TWINS = 3
SHOTS = (*scene.ALL_FAMILIES, *scene.ALL_FAMILIES)
PER_GROUP = TWINS * len(SHOTS)
SHARD = 50
FIRST_SEED = {"judge": 4_000_000, "judge-unseen": 70_000_000}
"""Kind of set -> seed of its first group; no other model's set shares a puppet with them."""
_TWIN_OFFSET = 100_000_000
_LIKE_ODDS = 0.6


@dataclass(frozen=True)
class Album:
    """`images` uint8 (groups * PER_GROUP, 96, 96, 3)."""

    kind: str
    images: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def groups(self) -> int:
        """How many sets of twins."""
        return len(self) // PER_GROUP

    @cached_property
    def specs(self) -> list[tuple[Puppet, PuppetShot]]:
        """Whom and how every picture shows."""
        return [spec for group in range(self.groups) for spec in group_specs(self.kind, group)]

    @cached_property
    def framing(self) -> NDArray[np.int64]:
        """Index into `scene.ALL_FRAMINGS` of each picture."""
        return framings(self.specs)


def group_specs(kind: str, group: int) -> list[tuple[Puppet, PuppetShot]]:
    """Whom and how the pictures of one group show: twin by twin, each view_family once, then each once more."""
    seed = FIRST_SEED[kind] + group
    first = sample_puppet(seed)
    twins = [first, *(twin(first, seed + _TWIN_OFFSET * number) for number in range(1, TWINS))]
    framing = _framings(np.random.default_rng([seed, 7]))
    return [
        (
            puppet,
            sample_shot(
                np.random.default_rng([seed, 8, number, place]), view_family=view_family, framing=framing[place]
            ),
        )
        for number, puppet in enumerate(twins)
        for place, view_family in enumerate(SHOTS)
    ]


def _framings(rng: np.random.Generator) -> list[str]:
    """A framing for every shot of a group; a view family's two are often the same."""
    families = len(scene.ALL_FAMILIES)
    first = [sample_shot(rng).framing for _ in range(families)]
    second = [same if rng.random() < _LIKE_ODDS else sample_shot(rng).framing for same in first]
    return first + second


def album(groups: int, kind: str, workdir: Path = Path(".train"), workers: int = 1) -> Album:
    """The first `groups` groups of a set (rounded up to whole shards on disk), drawing what is missing.

    Args:
        groups: sets of twins; each gives `PER_GROUP` pictures.
        kind: a key of `FIRST_SEED`.
        workdir: where the shards are kept, in its folder "pictures".
        workers: processes that draw.
    """
    shards = range(-(-groups // SHARD))
    paths = [workdir / "pictures" / f"{kind}-{SIZE}-{shard:04d}.npy" for shard in shards]
    jobs = [(kind, shard, path) for shard, path in zip(shards, paths, strict=True) if not path.exists()]
    if jobs:
        log.info("drawing %d pictures for the judge", len(jobs) * SHARD * PER_GROUP)
        draw_shards(jobs, _draw_shard, workers)
    return Album(kind, np.concatenate([np.load(path) for path in paths])[: groups * PER_GROUP])


def _draw_shard(job: Job) -> None:
    kind, shard, path = job
    groups = range(shard * SHARD, (shard + 1) * SHARD)
    drawings = [
        render(puppet, shot, SIZE, np.random.default_rng([FIRST_SEED[kind] + group, 9, place])).image
        for group in groups
        for place, (puppet, shot) in enumerate(group_specs(kind, group))
    ]
    write(path, np.stack(drawings))
