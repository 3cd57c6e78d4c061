"""How accurate the judge is: on every axis, and in telling twins apart within each view family.

Does NOT know how the judge was trained.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bootstrap.puppets import scene
from bootstrap.puppets.judge import PuppetJudge
from bootstrap.puppets.train import judge_truth
from bootstrap.puppets.train.judge_pictures import SHOTS, JudgeAlbum
from bootstrap.puppets.train.measures import auc
from bootstrap.puppets.train.twins import TWINS

_CEL = "cel shading"


def measure(judge: PuppetJudge, unseen: JudgeAlbum, painted: NDArray[np.uint8]) -> dict[str, float]:
    """Accuracies ("view_family") and AUCs ("same:front" for drawings, "painted:front" for painted drawings).

    Args:
        judge: reads and embeds.
        unseen: drawings of puppets that its training did not see.
        painted: the same drawings through an autoencoder.
    """
    scores: dict[str, float] = {}
    answers = judge.read(unseen.images)
    labels = judge_truth.labels(unseen.specs)
    for column, (axis, choices) in enumerate(judge_truth.AXES.items()):
        scores[axis] = accuracy(answers[axis], labels[:, column], choices)
    for name, images in (("same", unseen.images), ("painted", painted)):
        for view_family, value in view_family_aucs(judge.embed(images), unseen).items():
            scores[f"{name}:{view_family}"] = value
    return scores


def accuracy(answers: Sequence[str], labels: NDArray[np.int64], choices: Sequence[str]) -> float:
    """Share of right answers on one axis among the pictures that show it; NaN if none does."""
    shown = labels != judge_truth.NOTHING
    if not shown.any():
        return float("nan")
    return float((np.array(answers)[shown] == np.array(choices)[labels[shown]]).mean())


def view_family_aucs(embeddings: NDArray[np.float32], drawings: JudgeAlbum, *, alike: bool = True) -> dict[str, float]:
    """View family -> AUC of pairs of one puppet against pairs of twins, both pictures in that view family.

    Args:
        embeddings: unit vectors (N, D) of an album in its order.
        drawings: the album.
        alike: count only pairs in cel shading and of one framing, as the judge is used.
    """
    grid = embeddings.reshape(-1, TWINS, len(SHOTS), embeddings.shape[-1])
    styles = np.array([shot.style for _, shot in drawings.specs]).reshape(grid.shape[:3])
    framing = drawings.framing.reshape(grid.shape[:3])
    families = len(scene.ALL_VIEW_FAMILIES)
    itself = np.eye(TWINS, dtype=bool)
    result = {}
    for place, view_family in enumerate(scene.ALL_VIEW_FAMILIES):
        again = place + families
        cosines = np.einsum("gad,gbd->gab", grid[:, :, place], grid[:, :, again])
        good = np.ones_like(cosines, dtype=bool)
        if alike:
            cel = styles == _CEL
            good = cel[:, :, None, place] & cel[:, None, :, again]
            good &= (framing[:, :, place] == framing[:, :, again])[:, :, None]
        result[view_family] = auc(cosines[good & itself], cosines[good & ~itself])
    return result
