"""The truth about a puppet, and how alike a picture is: the renderer, the base's autoencoder and the judge.

Does NOT know runs, prompts or contestants.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderTiny
from numpy.typing import NDArray

from bootstrap.puppets import shipped
from bootstrap.puppets.anatomy import Puppet
from bootstrap.puppets.casting import puppet_shot
from bootstrap.puppets.judge import JUDGE_FILE, load_judge, similarity
from bootstrap.puppets.render import render
from bootstrap.puppets.train.painting import paint
from bootstrap.records import Shot
from bootstrap.store.files import sha256_of
from tests.benchmarks.puppetbench.panels import Images


class Truth:
    """Drawings of a puppet through the base's autoencoder, and the judge."""

    def __init__(self, puppet: Puppet, base: Path | None = None) -> None:
        """``base``: the pipeline folder whose autoencoder paints; None: the shipped one."""
        self.puppet = puppet
        self._vae = AutoencoderTiny.from_pretrained((base or shipped.base_dir()) / "vae", dtype=torch.float32)
        self.judge = load_judge()

    @property
    def key(self) -> str:
        """Changes with the judge."""
        return sha256_of(shipped.judge_dir() / JUDGE_FILE)

    def paint(self, shots: Sequence[Shot], puppet: Puppet | None = None) -> Images:
        """The true pictures of the shots, or those of another puppet: uint8 (N, 96, 96, 3)."""
        drawn = [render(puppet or self.puppet, puppet_shot(shot)).image for shot in shots]
        return self.paint_drawings(np.stack(drawn))

    def paint_drawings(self, drawings: Images) -> Images:
        """Drawings (N, 96, 96, 3) through the autoencoder."""
        return paint(drawings, self._vae)

    def embed_painted(self, drawings: Images) -> NDArray[np.float32]:
        """The judge's vectors of drawings (N, 96, 96, 3), painted first."""
        return self.judge.embed(self.paint_drawings(drawings))

    def likeness(self, images: Images, shots: Sequence[Shot]) -> NDArray[np.float32]:
        """The judge's similarity of each picture to the truth of its shot, −1..1; each shot is painted once."""
        different = {_content(shot): shot for shot in shots}
        vectors = self.judge.embed(self.paint(list(different.values())))
        true = dict(zip(different, vectors, strict=True))
        wanted = np.stack([true[_content(shot)] for shot in shots])
        return similarity(self.judge.embed(images), wanted)


def _content(shot: Shot) -> tuple[str, ...]:
    """What a drawing shows of a shot: everything but its take."""
    return (shot.view_family, shot.view, shot.framing, *shot.axes.values())
