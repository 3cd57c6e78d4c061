"""The judge's training pictures: groups of twins, each drawn twice in every view family.

Twins share framings, because the judge compares pictures of one framing; the puppets are the judge's own. Does NOT
know any network.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bootstrap.puppets import scene
from bootstrap.puppets.render import render
from bootstrap.puppets.scene import sample_shot
from bootstrap.puppets.train.data import SIZE
from bootstrap.puppets.train.painting import write
from bootstrap.puppets.train.shards import Shard, draw_shards
from bootstrap.puppets.train.twins import TWINS, Depicted, TwinPictures, twins_of

log = logging.getLogger(__name__)

SHOTS = (*scene.ALL_VIEW_FAMILIES, *scene.ALL_VIEW_FAMILIES)
"""View family of each shot of an individual."""
PER_GROUP = TWINS * len(SHOTS)
SHARD = 50
FIRST_NUMBER = {"judge": 4_000_000, "judge-unseen": 70_000_000}
"""Kind of set -> number of the first puppet of its first group; no other model's set shares a puppet with them."""
_SAME_FRAMING_ODDS = 0.6


@dataclass(frozen=True)
class JudgeAlbum(TwinPictures):
    """Pictures of twins, each shown twice in every view family."""

    shots = SHOTS

    def group_specs(self, group: int) -> list[Depicted]:
        """Puppet and shot of every picture of one group."""
        return group_specs(self.kind, group)


def group_specs(kind: str, group: int) -> list[Depicted]:
    """Puppet and shot of every picture of one group: twin by twin, every view family once, then all of them again."""
    first = FIRST_NUMBER[kind] + group
    framing = _framings(np.random.default_rng([first, 7]))
    specs = []
    for twin, puppet in enumerate(twins_of(first)):
        for place, view_family in enumerate(SHOTS):
            rng = np.random.default_rng([first, 8, twin, place])
            specs.append((puppet, sample_shot(rng, view_family=view_family, framing=framing[place])))
    return specs


def _framings(rng: np.random.Generator) -> list[str]:
    """A framing for every shot of a group; the two shots of a view family often have the same."""
    first = [sample_shot(rng).framing for _ in scene.ALL_VIEW_FAMILIES]
    second = []
    for framing in first:
        if rng.random() >= _SAME_FRAMING_ODDS:
            framing = sample_shot(rng).framing
        second.append(framing)
    return first + second


def album(groups: int, kind: str, workdir: Path = Path(".train"), workers: int = 1) -> JudgeAlbum:
    """The first `groups` groups of a set (rounded up to whole shards on disk), drawing what is missing.

    Args:
        groups: sets of twins; each gives `PER_GROUP` pictures.
        kind: a key of `FIRST_NUMBER`.
        workdir: where the shards are kept, in its folder "pictures".
        workers: processes that draw.
    """
    shards = range(-(-groups // SHARD))
    paths = [workdir / "pictures" / f"{kind}-{SIZE}-{shard:04d}.npy" for shard in shards]
    missing = [(kind, shard, paths[shard]) for shard in shards if not paths[shard].exists()]
    if missing:
        log.info("drawing %d pictures for the judge", len(missing) * SHARD * PER_GROUP)
        draw_shards(missing, _draw_shard, workers)
    return JudgeAlbum(kind, np.concatenate([np.load(path) for path in paths])[: groups * PER_GROUP])


def _draw_shard(shard: Shard) -> None:
    kind, number, path = shard
    drawings = []
    for group in range(number * SHARD, (number + 1) * SHARD):
        for place, (puppet, shot) in enumerate(group_specs(kind, group)):
            rng = np.random.default_rng([FIRST_NUMBER[kind] + group, 9, place])
            drawings.append(render(puppet, shot, SIZE, rng).image)
    write(path, np.stack(drawings))
