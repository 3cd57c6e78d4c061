"""Fresh drawings: shards of new puppets for a training that draws while it trains.

A shard holds groups of `GROUP` drawings of one puppet, with tokenised captions and the framing of each. Half of the
groups begin with a drawing like a seed. A shard is a function of its number (and of the tokenizer) alone. Does NOT know
processes, nor any model.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from bootstrap.puppets.anatomy import sample_puppet
from bootstrap.puppets.render import render
from bootstrap.puppets.scene import PuppetShot, sample_shot
from bootstrap.puppets.train.caption_sampling import sample_caption, visible_tags
from bootstrap.puppets.train.data import SIZE
from bootstrap.puppets.train.twins import Depicted, framings
from bootstrap.store.files import write_atomic

FIRST_NUMBER = 400_000_000
"""Number of the first puppet; all other sets, their twins and the benchmarks lie below."""
GROUP = 4
"""Drawings of one puppet, in consecutive rows."""
GROUPS = 50
"""Puppets in a shard: a few seconds of drawing, about 0.8 MB."""
NAMING = 4
"""Captions of a drawing that may name her identity; they come first."""
CAPTIONS = 2 * NAMING
"""All captions of a drawing; the second half leaves her identity out, which a reference then has to show."""
IDENTITY = frozenset({"hair_color", "hair_style", "eye_color", "ears", "hat", "accessory", "skin", "tail"})
"""Axes of a caption that say who she is, whatever she wears and does."""
_SEED_ODDS = 0.5
_UPPER_BODY_ODDS = 0.7
_STREAMS = (10, 11, 12)  # of random numbers: shots, jitter of the composition, captions


@dataclass(frozen=True)
class FreshShard:
    """Rows in the order group, place in the group.

    `images` uint8 (N, 96, 96, 3); `ids` int16 (N, CAPTIONS, context); `framing` int8 (N,) indices into
    `scene.ALL_FRAMINGS`.
    """

    images: NDArray[np.uint8]
    ids: NDArray[np.int16]
    framing: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class ShardPlan:
    """What every shard of a stream has in common; it travels to the processes that draw.

    `folder` keeps the shards; `tokenizer` is the JSON of a tokenizer of the package `tokenizers` that pads and
    truncates to its context; `groups` are the puppets in a shard.
    """

    folder: Path
    tokenizer: str
    groups: int = GROUPS

    @property
    def drawings(self) -> int:
        """Drawings in a shard."""
        return GROUP * self.groups

    @cached_property
    def fingerprint(self) -> str:
        """Differs where the same number means another shard."""
        parts = (self.tokenizer, self.groups, GROUP, CAPTIONS, SIZE, _STREAMS)
        return sha256(repr(parts).encode()).hexdigest()[:8]

    @property
    def place(self) -> Path:
        """The folder of the shards that this plan describes."""
        return self.folder / f"drawings-{self.fingerprint}"

    def path(self, number: int) -> Path:
        """The file of shard `number`."""
        return self.place / f"{number:08d}.npz"

    def numbers(self) -> list[int]:
        """The shards that are on disk, sorted."""
        return sorted(int(path.stem) for path in self.place.glob("[0-9]*.npz"))


def group_specs(group: int) -> list[Depicted]:
    """Puppet and shot of every drawing of one group."""
    puppet = sample_puppet(FIRST_NUMBER + group)
    rng = np.random.default_rng([FIRST_NUMBER + group, _STREAMS[0]])
    first = sample_shot(rng)
    if rng.random() < _SEED_ODDS:
        first = _shot_of_a_seed(rng)
    return [(puppet, first), *((puppet, sample_shot(rng)) for _ in range(GROUP - 1))]


def _shot_of_a_seed(rng: np.random.Generator) -> PuppetShot:
    framing = "full body"
    if rng.random() < _UPPER_BODY_ODDS:
        framing = "upper body"
    return sample_shot(
        rng, view_family="front", framing=framing, outfit=0, style="cel shading", background="simple background"
    )


def draw_shard(number: int, plan: ShardPlan) -> FreshShard:
    """Draw shard `number` and tokenise its captions."""
    images, captions, specs = [], [], []
    for group in range(number * plan.groups, (number + 1) * plan.groups):
        first = FIRST_NUMBER + group
        words = np.random.default_rng([first, _STREAMS[2]])
        for place, (puppet, shot) in enumerate(group_specs(group)):
            images.append(render(puppet, shot, SIZE, np.random.default_rng([first, _STREAMS[1], place])).image)
            captions += captions_of(visible_tags(puppet, shot), words)
            specs.append((puppet, shot))
    tokenizer: Tokenizer = Tokenizer.from_str(plan.tokenizer)
    ids = np.array([one.ids for one in tokenizer.encode_batch(captions)], dtype=np.int16)
    return FreshShard(np.stack(images), ids.reshape(len(images), CAPTIONS, -1), framings(specs).astype(np.int8))


def captions_of(visible: Mapping[str, str], rng: np.random.Generator) -> list[str]:
    """`NAMING` captions of the visible tags (axis -> tag), then as many without her identity."""
    nameless = {axis: tag for axis, tag in visible.items() if axis not in IDENTITY}
    tags = [visible] * NAMING + [nameless] * (CAPTIONS - NAMING)
    return [sample_caption(one, rng)[0] for one in tags]


def write_shard(number: int, plan: ShardPlan) -> FreshShard:
    """Draw a shard and keep it: its file is there whole or not at all. Raises OutputError."""
    shard = draw_shard(number, plan)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, images=shard.images, ids=shard.ids, framing=shard.framing)
    write_atomic(plan.path(number), buffer.getvalue())
    return shard


def read_shard(number: int, plan: ShardPlan) -> FreshShard:
    """A shard from its file, or drawn again if the file is damaged."""
    try:
        with plan.path(number).open("rb") as file, np.load(file) as columns:
            return FreshShard(columns["images"], columns["ids"], columns["framing"])
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return write_shard(number, plan)
