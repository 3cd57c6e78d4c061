"""Training pictures of many individuals, several shots of each, in groups of twins.

Each twin of a group is drawn twice from the front and once in every other view family. Picture (group, twin, shot) is
a function of those three numbers and the kind of set alone. Does NOT know any model.
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
from bootstrap.puppets.render import render
from bootstrap.puppets.scene import sample_shot
from bootstrap.puppets.train.shards import Shard, draw_shards
from bootstrap.puppets.train.twins import TWINS, Depicted, TwinPictures, twins_of

log = logging.getLogger(__name__)

SIZE = 96
SHOTS = ("front", *scene.ALL_VIEW_FAMILIES)
"""View family of each shot of an individual: the front twice, because seeds show it."""
PER_GROUP = TWINS * len(SHOTS)
SHARD = 50
FIRST_NUMBER = {"individuals": 2_000_000, "heldout": 3_000_000, "unseen": 60_000_000}
"""Kind of set -> number of the first puppet of its first group; no two kinds share a puppet."""
_TRUTH = ("boxes", "keypoints", "visible")


@dataclass(frozen=True)
class TwinGallery(TwinPictures):
    """Pictures of individuals with the ground truth about their heads.

    `boxes` float32 (N, 4) head boxes, `keypoints` float32 (N, 5, 2) and `visible` bool (N, 5) as in `render.Drawing`,
    in pixels.
    """

    boxes: NDArray[np.float32]
    keypoints: NDArray[np.float32]
    visible: NDArray[np.bool_]

    shots = SHOTS

    def group_specs(self, group: int) -> list[Depicted]:
        """Puppet and shot of every picture of one group, twin by twin."""
        return group_specs(self.kind, group)

    @cached_property
    def individual(self) -> NDArray[np.int64]:
        """Number of the individual on each picture; its group is that // TWINS."""
        return np.arange(len(self), dtype=np.int64) // len(SHOTS)

    @cached_property
    def view_family(self) -> NDArray[np.int64]:
        """Index into `scene.ALL_VIEW_FAMILIES` of each picture."""
        order = [scene.ALL_VIEW_FAMILIES.index(view_family) for view_family in SHOTS]
        return np.tile(np.array(order, dtype=np.int64), len(self) // len(SHOTS))


def group_specs(kind: str, group: int) -> list[Depicted]:
    """Puppet and shot of every picture of one group, twin by twin."""
    first = FIRST_NUMBER[kind] + group
    specs = []
    for twin, puppet in enumerate(twins_of(first)):
        for place, view_family in enumerate(SHOTS):
            rng = np.random.default_rng([first, 5, twin, place])
            specs.append((puppet, sample_shot(rng, view_family=view_family)))
    return specs


def gallery(groups: int, kind: str = "individuals", workdir: Path = Path(".train"), workers: int = 1) -> TwinGallery:
    """The first `groups` groups of a set (rounded up to whole shards on disk), drawing what is missing.

    Args:
        groups: sets of twins; each gives `PER_GROUP` pictures.
        kind: a key of `FIRST_NUMBER`.
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


def _load(kind: str, paths: Sequence[Path], groups: int) -> TwinGallery:
    parts = [np.load(path) for path in paths]
    columns = []
    for name in ("images", *_TRUTH):
        columns.append(np.concatenate([part[name] for part in parts])[: groups * PER_GROUP])
    return TwinGallery(kind, *columns)


def _draw_shard(shard: Shard) -> None:
    kind, number, path = shard
    columns = draw_groups(kind, range(number * SHARD, (number + 1) * SHARD))
    draft = path.with_suffix(f".{os.getpid()}.draft")
    with draft.open("wb") as file:
        np.savez(file, images=columns.images, boxes=columns.boxes, keypoints=columns.keypoints, visible=columns.visible)
    draft.replace(path)


def draw_groups(kind: str, groups: Sequence[int]) -> TwinGallery:
    """Draw some groups now, keeping nothing on disk."""
    drawings = []
    for group in groups:
        for place, (puppet, shot) in enumerate(group_specs(kind, group)):
            rng = np.random.default_rng([FIRST_NUMBER[kind] + group, 6, place])
            drawings.append(render(puppet, shot, SIZE, rng))
    return TwinGallery(
        kind,
        np.stack([drawing.image for drawing in drawings]),
        np.array([drawing.head_box for drawing in drawings], dtype=np.float32),
        np.array([drawing.keypoints for drawing in drawings], dtype=np.float32),
        np.array([drawing.visible for drawing in drawings], dtype=np.bool_),
    )
