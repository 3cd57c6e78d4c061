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

from bootstrap.character import load_character
from bootstrap.config import embedded, load
from bootstrap.puppets import shipped
from bootstrap.puppets.casting_kinds import KINDS, cast_kind, pictures_of
from bootstrap.puppets.judge import similarity
from bootstrap.puppets.kind_judge import FILE, load_kind_judge
from bootstrap.puppets.train.painting import paint
from bootstrap.records import Shot
from bootstrap.shots import quotas
from bootstrap.store.files import sha256_of, write_atomic
from tests.benchmarks.kinds.settings import KindSettings
from tests.benchmarks.puppetbench.panels import Images
from tests.benchmarks.puppetbench.run_stage import RunStage

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
        self.judge = load_kind_judge()
        self.vae = AutoencoderTiny.from_pretrained(embedded(config.base.path) / "vae", dtype=torch.float32)

    @property
    def phase(self) -> str:
        """The phase of the finished LoRA."""
        return self.config.subject.finishing.name

    @cached_property
    def key(self) -> str:
        """Changes with base, judge, panel and settings: rows of different keys cannot stand in one table."""
        judge = sha256_of(shipped.kinds_dir() / FILE)
        parts = (self.backend.fingerprint, judge, self.config.model_dump_json(), self.settings)
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

    def likeness(self, images: Images) -> list[float]:
        """How alike each picture of the panel is to the truth of its shot, −1..1; to the nearest where several are."""
        judged = KINDS[self.kind].judged
        vectors = self.judge.embed(judged, images)
        found = []
        for vector, shot in zip(vectors, self.panel, strict=True):
            true = paint(np.stack(pictures_of(self.kind, self.number, shot)), self.vae)
            found.append(float(similarity(vector[None], self.judge.embed(judged, true)).max()))
        return found
