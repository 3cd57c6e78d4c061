"""What a puppet really looks like, and how alike a picture is: the renderer, the base's autoencoder and the judge.

Does NOT know runs, prompts or contestants.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderTiny
from numpy.typing import NDArray

from bootstrap.puppets import models
from bootstrap.puppets.anatomy import Puppet
from bootstrap.puppets.judge import JUDGE_FILE, load_judge, similarity
from bootstrap.puppets.render import render
from bootstrap.puppets.train.painting import paint
from bootstrap.records import Shot
from bootstrap.store.files import sha256_of
from tests.benchmarks.puppetbench.panels import Images
from tests.benchmarks.puppetbench.shots import puppet_shot


class Truth:
    """What a puppet really looks like: drawings through the base's autoencoder, and the judge's eyes."""

    def __init__(self, puppet: Puppet, base: Path | None = None) -> None:
        """``base``: the pipeline folder whose autoencoder paints; None: the shipped one."""
        self.puppet = puppet
        self._vae = AutoencoderTiny.from_pretrained((base or models.base_dir()) / "vae", dtype=torch.float32)
        self.judge = load_judge()

    @property
    def key(self) -> str:
        """Changes with the judge."""
        return sha256_of(models.judge_dir() / JUDGE_FILE)

    def paint(self, shots: Sequence[Shot]) -> Images:
        """The shots as they should be, uint8 (N, 96, 96, 3)."""
        return paint(np.stack([render(self.puppet, puppet_shot(shot)).image for shot in shots]), self._vae)

    def look(self, drawings: Images) -> NDArray[np.float32]:
        """The judge's vectors of drawings (N, 96, 96, 3), painted first."""
        return self.judge.embed(paint(drawings, self._vae))

    def likeness(self, images: Images, shots: Sequence[Shot]) -> NDArray[np.float32]:
        """The judge's similarity of each picture with the truth of its shot, −1..1; each shot is painted once."""
        single = list({_asked(shot): shot for shot in shots}.values())
        known = dict(zip(map(_asked, single), self.judge.embed(self.paint(single)), strict=True))
        wanted = np.stack([known[_asked(shot)] for shot in shots])
        return similarity(self.judge.embed(images), wanted)


def _asked(shot: Shot) -> tuple[str, ...]:
    """What a drawing shows of a shot: everything but its take."""
    return (shot.view_family, shot.view, shot.framing, *shot.axes.values())
