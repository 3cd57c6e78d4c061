"""An individual of a kind prepared for judging: seed pictures, an open engine, a panel of shots, and the truth.

Does NOT know the contestants.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderTiny
from numpy.typing import NDArray

from bootstrap.character import load_character
from bootstrap.config import embedded, load
from bootstrap.puppets.casting_kinds import FURTHER, cast_kind, other_styles, pictures_of
from bootstrap.puppets.train.painting import paint
from bootstrap.records import Shot
from bootstrap.shots import quotas
from bootstrap.store.files import write_atomic
from tests.benchmarks.kinds.nearest import surely
from tests.benchmarks.kinds.settings import KindSettings
from tests.benchmarks.kinds.style_judge import surely_in_style
from tests.benchmarks.puppetbench.panels import Images
from tests.benchmarks.puppetbench.run_stage import RunStage

TWINS = 8
"""Other individuals that words describe alike, and other shots, which each picture is held against."""
NAMES = ("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Gorse", "Hazel", "Ivory", "Jasmine", "Kapok", "Larch")


class KindStage(RunStage):
    """Individual ``number`` of a kind. ``folder`` holds everything that is made for it."""

    def __init__(self, kind: str, number: int, folder: Path, settings: KindSettings) -> None:
        self.kind, self.number, self.settings = kind, number, settings
        if not (folder / "character.json").is_file():
            cast_kind(kind, number, folder, NAMES[number % len(NAMES)])
        character = load_character(folder / "character.json")
        config = load(
            "puppet",
            views=character.views,
            subject=kind,
            own={"backend": settings.backend},
            overrides=list(settings.overrides),
        )
        super().__init__(folder, character, config, sorted(folder.glob("seed-*.png")), ("kinds", kind, number))
        self.vae = AutoencoderTiny.from_pretrained(embedded(config.base.path) / "vae", dtype=torch.float32)

    @property
    def phase(self) -> str:
        """The phase of the finished LoRA."""
        return self.config.subject.finishing.name

    @cached_property
    def key(self) -> str:
        """Changes with base, panel and settings: rows of different keys cannot stand in one table."""
        parts = (self.backend.fingerprint, self.config.model_dump_json(), self.settings)
        return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]

    @cached_property
    def panel(self) -> list[Shot]:
        """The test: the same shots and random seeds for every contestant, stored when first planned."""
        path = self.folder / "panel.json"
        if not path.is_file():
            shots = self.engine.planner.plan(quotas(self.settings.panel, self.config.views), [])
            write_atomic(path, json.dumps([asdict(shot) for shot in shots], indent=1).encode())
        return [Shot(**plain) for plain in json.loads(path.read_text("utf-8"))]

    def paint(self, shots: list[Shot]) -> Images:
        """A true picture of each shot, through the base's autoencoder: uint8 (N, 96, 96, 3)."""
        return paint(np.stack([pictures_of(self.kind, self.number, shot)[0] for shot in shots]), self.vae)

    @cached_property
    def twins(self) -> list[list[list[Images]]]:
        """For each shot of the panel, the pictures of every twin, through the autoencoder."""
        found = []
        for shot in self.panel:
            found.append([self._painted(shot, self.number + FURTHER * (place + 1)) for place in range(TWINS)])
        return found

    def likeness(self, images: Images) -> list[float]:
        """How surely each picture of the panel shows this individual and not its twins, 0..1."""
        if self.kind == "style":
            return [self._in_style(image, shot) for image, shot in zip(images, self.panel, strict=True)]
        found = []
        for image, shot, twins in zip(images, self.panel, self.twins, strict=True):
            found.append(surely(image, self._painted(shot), twins))
        return found

    def asked(self, images: Images) -> list[float]:
        """How surely each picture of the panel shows its shot and not another one of this individual, 0..1."""
        truth = [self._painted(shot) for shot in self.panel]
        found = []
        for number, image in enumerate(images):
            others = [place for place in range(len(truth)) if place != number]
            chosen = np.random.default_rng(number).choice(others, min(TWINS, len(others)), replace=False)
            found.append(surely(image, truth[number], [truth[place] for place in chosen]))
        return found

    def _in_style(self, image: NDArray[np.uint8], shot: Shot) -> float:
        others = paint(np.stack(other_styles(self.number, shot)), self.vae)
        return surely_in_style(image, self._painted(shot)[0], list(others))

    def _painted(self, shot: Shot, twin: int | None = None) -> list[Images]:
        return list(paint(np.stack(pictures_of(self.kind, self.number, shot, twin=twin)), self.vae))
