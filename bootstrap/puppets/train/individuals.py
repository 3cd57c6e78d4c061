"""Drawings of many individuals, several shots of each, twins beside each other: what teaches "the same person".

A group is a set of twins (equal named traits); each twin is drawn once or twice in every view family. Picture (group,
twin, shot) is a function of those three numbers and the kind of set alone. Does NOT know any model.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bootstrap.puppets import scene
from bootstrap.puppets.anatomy import Puppet, sample_puppet, twin
from bootstrap.puppets.render import render
from bootstrap.puppets.scene import PuppetShot, sample_shot
from bootstrap.puppets.train.shards import Job, draw_shards

log = logging.getLogger(__name__)

SIZE = 96
TWINS = 3
SHOTS = ("front", *scene.ALL_FAMILIES)
"""View family of each shot of an individual: the front twice, for it is what seeds show."""
PER_GROUP = TWINS * len(SHOTS)
SHARD = 50
FIRST_SEED = {"individuals": 2_000_000, "heldout": 3_000_000, "unseen": 60_000_000}
"""Kind of set -> seed of its first group; no two kinds share a puppet."""
_TWIN_OFFSET = 100_000_000


@dataclass(frozen=True)
class Gallery:
    """Pictures of `groups` x TWINS x len(SHOTS), flattened in that order.

    `images` uint8 (N, 96, 96, 3); `boxes` float32 (N, 4) head boxes, `keypoints` float32 (N, 5, 2) and `visible` bool
    (N, 5) as in `render.Drawing`, in pixels.
    """

    kind: str
    images: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    keypoints: NDArray[np.float32]
    visible: NDArray[np.bool_]

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
    def individual(self) -> NDArray[np.int64]:
        """Number of the individual on each picture; its group is that // TWINS."""
        return np.arange(len(self), dtype=np.int64) // len(SHOTS)

    @cached_property
    def view_family(self) -> NDArray[np.int64]:
        """Index into `scene.ALL_FAMILIES` of each picture."""
        order = [scene.ALL_FAMILIES.index(view_family) for view_family in SHOTS]
        return np.tile(np.array(order, dtype=np.int64), len(self) // len(SHOTS))

    @cached_property
    def framing(self) -> NDArray[np.int64]:
        """Index into `scene.ALL_FRAMINGS` of each picture."""
        return np.array([scene.ALL_FRAMINGS.index(shot.framing) for _, shot in self.specs], dtype=np.int64)


def group_specs(kind: str, group: int) -> list[tuple[Puppet, PuppetShot]]:
    """Whom and how the pictures of one group show, twin by twin."""
    seed = FIRST_SEED[kind] + group
    first = sample_puppet(seed)
    twins = [first, *(twin(first, seed + _TWIN_OFFSET * number) for number in range(1, TWINS))]
    return [
        (puppet, sample_shot(np.random.default_rng([seed, 5, number, place]), view_family=view_family))
        for number, puppet in enumerate(twins)
        for place, view_family in enumerate(SHOTS)
    ]


def gallery(groups: int, kind: str = "individuals", workdir: Path = Path(".train"), workers: int = 1) -> Gallery:
    """The first `groups` groups of a set (rounded up to whole shards on disk), drawing what is missing.

    Args:
        groups: sets of twins; each gives `PER_GROUP` pictures.
        kind: a key of `FIRST_SEED`.
        workdir: where the shards are kept, in its folder "pictures".
        workers: processes that draw.
    """
    shards = range(-(-groups // SHARD))
    paths = [workdir / "pictures" / f"{kind}-{SIZE}-{shard:04d}.npz" for shard in shards]
    missing = [(kind, shard, paths[shard]) for shard in shards if not paths[shard].exists()]
    if missing:
        log.info("drawing %d pictures of individuals", len(missing) * SHARD * PER_GROUP)
        draw_shards(missing, _draw_shard, workers)
    return _load(kind, paths, groups)


def _load(kind: str, paths: Sequence[Path], groups: int) -> Gallery:
    parts = [np.load(path) for path in paths]
    count = groups * PER_GROUP
    columns = (np.concatenate([part[name] for part in parts])[:count] for name in ("images", *_TRUTH))
    return Gallery(kind, *columns)


_TRUTH = ("boxes", "keypoints", "visible")


def _draw_shard(job: Job) -> None:
    kind, shard, path = job
    columns = draw_groups(kind, range(shard * SHARD, (shard + 1) * SHARD))
    draft = path.with_suffix(f".{os.getpid()}.draft")
    with draft.open("wb") as file:
        np.savez(file, images=columns.images, boxes=columns.boxes, keypoints=columns.keypoints, visible=columns.visible)
    draft.replace(path)


def draw_groups(kind: str, groups: Sequence[int]) -> Gallery:
    """Draw some groups now, keeping nothing on disk."""
    drawings = [
        render(puppet, shot, SIZE, np.random.default_rng([FIRST_SEED[kind] + group, 6, place]))
        for group in groups
        for place, (puppet, shot) in enumerate(group_specs(kind, group))
    ]
    return Gallery(
        kind,
        np.stack([drawing.image for drawing in drawings]),
        np.array([drawing.head_box for drawing in drawings], dtype=np.float32),
        np.array([drawing.keypoints for drawing in drawings], dtype=np.float32),
        np.array([drawing.visible for drawing in drawings], dtype=np.bool_),
    )
