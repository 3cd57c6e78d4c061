"""What an encoder learns from: groups of twins and single drawings in one table, each also as a base would paint it.

Rows of the groups come first. Does NOT know any network or loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from diffusers import AutoencoderTiny
from numpy.typing import NDArray

from bootstrap.puppets import scene
from bootstrap.puppets.anatomy import Puppet
from bootstrap.puppets.scene import PuppetShot
from bootstrap.puppets.train import attributes, data, painting
from bootstrap.puppets.train.attributes import Attributes
from bootstrap.puppets.train.options import TrainOptions

Shown = tuple[Puppet, PuppetShot]


@dataclass(frozen=True)
class Material:
    """`images`, `painted` uint8 (N, 96, 96, 3); `framing` index into `scene.ALL_FRAMINGS`; `unnamed` targets.

    `specs` says whom and how each picture shows; the first `grouped` rows are a gallery of twins.
    """

    images: NDArray[np.uint8]
    painted: NDArray[np.uint8]
    specs: Sequence[Shown]
    framing: NDArray[np.int64]
    unnamed: Attributes
    grouped: int

    def __len__(self) -> int:
        return len(self.images)

    def look(self, rows: NDArray[np.int64], rng: np.random.Generator, painted_odds: float) -> NDArray[np.uint8]:
        """Some pictures, each with `painted_odds` as an autoencoder gives it."""
        painted = rng.random(len(rows)) < painted_odds
        chosen: NDArray[np.uint8] = np.where(painted[:, None, None, None], self.painted[rows], self.images[rows])
        return chosen


def gather(
    images: NDArray[np.uint8], specs: Sequence[Shown], kind: str, vae: AutoencoderTiny, options: TrainOptions, own: str
) -> Material:
    """A gallery and `options.pictures` single drawings, painted and described.

    Args:
        images: of the gallery.
        specs: whom and how each of them shows.
        kind: of the single drawings, a key of `data.FIRST_SEED`.
        vae: paints.
        options: how many single drawings, where they are kept.
        own: name of the gallery, under which its painted pictures are kept.
    """
    singles = data.dataset(options.pictures, kind, options.workdir, options.workers)
    folder: Path = options.workdir / "pictures"
    everything = [*specs, *((puppet, shot) for puppet, shot, _ in singles.specs)]
    return Material(
        np.concatenate([images, singles.images]),
        np.concatenate(
            [
                painting.painted(images, vae, folder, own),
                painting.painted(singles.images, vae, folder, kind),
            ]
        ),
        everything,
        framings(everything),
        attributes.attributes([puppet for puppet, _ in everything]),
        len(images),
    )


def framings(specs: Sequence[Shown]) -> NDArray[np.int64]:
    """Index into `scene.ALL_FRAMINGS` of each picture, (N,)."""
    return np.array([scene.ALL_FRAMINGS.index(shot.framing) for _, shot in specs], dtype=np.int64)
