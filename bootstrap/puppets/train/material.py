"""Training pictures of the encoders: groups of twins and single drawings in one table, each also painted.

*Painted* means passed through the base's autoencoder, as the base would draw it at best. The rows of the groups come
first. Does NOT know any network or loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from diffusers import AutoencoderTiny
from numpy.typing import NDArray

from bootstrap.puppets.train import attributes, data, painting
from bootstrap.puppets.train.attributes import Attributes
from bootstrap.puppets.train.train_options import TrainOptions
from bootstrap.puppets.train.twins import Depicted, TwinPictures, framings


@dataclass(frozen=True)
class Material:
    """`images`, `painted` uint8 (N, 96, 96, 3); `framing` index into `scene.ALL_FRAMINGS`; `unnamed` targets.

    `specs` holds puppet and shot of each picture; the first `grouped` rows are groups of twins.
    """

    images: NDArray[np.uint8]
    painted: NDArray[np.uint8]
    specs: Sequence[Depicted]
    framing: NDArray[np.int64]
    unnamed: Attributes
    grouped: int

    def __len__(self) -> int:
        return len(self.images)

    def look(self, rows: NDArray[np.int64], rng: np.random.Generator, painted_odds: float) -> NDArray[np.uint8]:
        """Some pictures, each painted with probability `painted_odds`."""
        painted = rng.random(len(rows)) < painted_odds
        chosen: NDArray[np.uint8] = np.where(painted[:, None, None, None], self.painted[rows], self.images[rows])
        return chosen


def gather(twins: TwinPictures, kind: str, vae: AutoencoderTiny, options: TrainOptions) -> Material:
    """Pictures of twins and `options.pictures` single drawings, painted and described.

    Args:
        twins: pictures of groups of twins.
        kind: of the single drawings, a key of `data.FIRST_NUMBER`.
        vae: paints.
        options: how many single drawings, where they are kept.
    """
    singles = data.dataset(options.pictures, kind, options.workdir, options.workers)
    folder: Path = options.workdir / "pictures"
    painted_twins = painting.painted(twins.images, vae, folder, twins.kind)
    painted_singles = painting.painted(singles.images, vae, folder, kind)
    specs = [*twins.specs, *((puppet, shot) for puppet, shot, _ in singles.specs)]
    return Material(
        np.concatenate([twins.images, singles.images]),
        np.concatenate([painted_twins, painted_singles]),
        specs,
        framings(specs),
        attributes.attributes([puppet for puppet, _ in specs]),
        len(twins),
    )
