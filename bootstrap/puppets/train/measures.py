"""How well an embedding tells individuals apart. Does NOT know where the embeddings come from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bootstrap.puppets import scene
from bootstrap.puppets.train.individuals import SHOTS
from bootstrap.puppets.train.twins import TWINS


def auc(same: NDArray[np.floating], different: NDArray[np.floating]) -> float:
    """Probability that a value of `same` exceeds one of `different`, ties counting half (Mann-Whitney U).

    NaN where either is empty.
    """
    if not len(same) or not len(different):
        return float("nan")
    values = np.concatenate([same, different])
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    wins = ranks[: len(same)].sum() - len(same) * (len(same) + 1) / 2
    return float(wins / (len(same) * len(different)))


def identity_aucs(embeddings: NDArray[np.floating], usable: NDArray[np.bool_] | None = None) -> dict[str, float]:
    """View family -> AUC of the first front picture against that view family: the same individual against its twins.

    Args:
        embeddings: unit vectors of a whole gallery in its order, (groups * TWINS * len(SHOTS), D).
        usable: which of them count, (groups * TWINS * len(SHOTS),); default all.
    """
    grid = embeddings.reshape(-1, TWINS, len(SHOTS), embeddings.shape[-1])
    good = np.ones(grid.shape[:3], dtype=bool)
    if usable is not None:
        good = usable.reshape(grid.shape[:3])
    itself = np.eye(TWINS, dtype=bool)
    result = {}
    for view_family in scene.ALL_VIEW_FAMILIES:
        place = len(SHOTS) - 1 - SHOTS[::-1].index(view_family)
        cosines = np.einsum("gad,gbd->gab", grid[:, :, 0], grid[:, :, place])
        both = good[:, :, None, 0] & good[:, None, :, place]
        result[view_family] = auc(cosines[both & itself], cosines[both & ~itself])
    return result
