"""One puppet prepared for judging: its seed pictures, an open engine, a fixed panel of shots, their truth and the cuts.

Everything that contestants share is made and stored once, before any of them. Does NOT know the contestants.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bootstrap.character import load_character
from bootstrap.config import embedded, load
from bootstrap.puppets.anatomy import sample_puppet
from bootstrap.puppets.casting import cast as cast_puppet
from bootstrap.puppets.scene import ALL_FRAMINGS, ALL_VIEW_FAMILIES
from bootstrap.records import Shot
from bootstrap.store.files import write_atomic
from tests.benchmarks.puppetbench.panels import Images
from tests.benchmarks.puppetbench.run_stage import RunStage
from tests.benchmarks.puppetbench.settings import (
    CHARACTERS,
    DEPENDS_ON,
    FINAL,
    NAMES,
    PASS,
    PEERS,
    SEED_VIEWS,
    Settings,
)

if TYPE_CHECKING:
    from tests.benchmarks.puppetbench.truth import Truth

PHASES = ("base", "style", "character")
"""How a panel is prompted: by every trait without the trigger; by the trigger and every trait; by the trigger alone. A
LoRA is prompted with the words of its captions: with identity words that it was not trained on it draws another
individual."""


class Stage(RunStage):
    """A prepared puppet, by its number. ``folder`` holds everything that is made for it."""

    def __init__(self, number: int, folder: Path, settings: Settings) -> None:
        self.number, self.settings = number, settings
        self.puppet = sample_puppet(number)
        if not (folder / "character.json").is_file():
            cast_puppet(number, folder, name_of(number), SEED_VIEWS[: settings.seeds])
        character = load_character(folder / "character.json")
        config = load(
            "puppet",
            views=character.views,
            subject="character",
            own={"backend": settings.backend},
            overrides=list(settings.overrides),
        )
        pictures = [folder / f"{view}.png" for view in SEED_VIEWS[: settings.seeds]]
        super().__init__(folder, character, config, pictures, ("puppetbench", number))

    @cached_property
    def truth(self) -> Truth:
        """The renderer and the judge."""
        from tests.benchmarks.puppetbench.truth import Truth

        return Truth(self.puppet, embedded(self.config.base.path))

    @cached_property
    def key(self) -> str:
        """Changes with base, judge, scorers and panel: rows of different keys cannot stand in one table."""
        test = replace(self.settings, peer_pictures=0, overrides=())
        common = self.config.model_dump_json(exclude={"loop": True, "base": {"recipes": {"character"}}})
        return _digest(self.backend.fingerprint, self.truth.key, common, test)

    def own_key(self, contestant: str) -> str:
        """Changes with the further settings that a contestant's row depends on (`DEPENDS_ON`)."""
        plain = self.config.model_dump(mode="json")
        values = {PEERS: self.settings.peer_pictures, "loop": plain["loop"]}
        values[FINAL] = plain["base"]["recipes"]["character"]
        for name, value in plain["loop"].items():
            values[f"loop.{name}"] = value
        return _digest(*(f"{name}={values[name]}" for name in DEPENDS_ON.get(contestant, ())))

    def prepare(self) -> None:
        """Plan the panel and draw the cuts, before any contestant."""
        _ = self.panel, self.cuts

    @cached_property
    def panel(self) -> list[Shot]:
        """The test: the same shots and random seeds for every contestant, stored when first planned."""
        path = self.folder / "panel.json"
        if not path.is_file():
            framings = ALL_FRAMINGS[: self.settings.framings]
            cells = dict.fromkeys(product(ALL_VIEW_FAMILIES, framings), self.settings.a_cell)
            shots = self.engine.planner.plan(cells, [])
            write_atomic(path, json.dumps([asdict(shot) for shot in shots], indent=1).encode())
        return [Shot(**plain) for plain in json.loads(path.read_text("utf-8"))]

    @cached_property
    def cuts(self) -> dict[str, float]:
        """View family -> likeness that 1 % of the base's look-alikes pass; drawn before any contestant, stored."""
        path = self.folder / "cuts.json"
        if not path.is_file():
            write_atomic(path, json.dumps(self._cut(), indent=1).encode())
        plain = json.loads(path.read_text("utf-8"))
        return {view_family: one["cut"] for view_family, one in plain.items()}

    def _cut(self) -> dict[str, dict[str, Any]]:
        a_framing = -(-self.settings.lookalikes // len(ALL_FRAMINGS))
        cells = dict.fromkeys(product(ALL_VIEW_FAMILIES, ALL_FRAMINGS), a_framing)
        shots = self.engine.planner.plan(cells, self.panel)
        values = self.truth.likeness(self.draw(shots, None, "base"), shots)
        found = {}
        for view_family in ALL_VIEW_FAMILIES:
            own = values[[shot.view_family == view_family for shot in shots]]
            found[view_family] = {
                "cut": round(float(np.quantile(own, 1 - PASS)), 4),
                "lookalikes": len(own),
                "mean": round(float(own.mean()), 4),
            }
        return found

    @cached_property
    def painted(self) -> Images:
        """The truth of the panel."""
        return self.truth.paint(self.panel)


def _digest(*parts: object) -> str:
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]


def name_of(number: int) -> str:
    """A short name, which the trigger begins with."""
    if number in CHARACTERS:
        return NAMES[CHARACTERS.index(number)]
    return f"Puppet{number}"
