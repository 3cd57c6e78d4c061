"""Opening a run, new or old: its facts are stored once, its models are loaded, its seeds are captioned.

What a continued run may be given anew is settled in `loops.continuing`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from bootstrap.backends.base import Backend
from bootstrap.captions import Wording
from bootstrap.character import Character
from bootstrap.config import RunConfig, embedded
from bootstrap.judges import Eyes, judges_for, open_eyes, references_of
from bootstrap.records import Seed
from bootstrap.seeds import SeedCaptioner, open_seed, unread
from bootstrap.store.files import write_atomic
from bootstrap.store.store import Store
from loops.continuing import hold_fast, settle
from loops.engine import Engine

__all__ = ["open_engine"]


def open_engine(store: Store, config: RunConfig, character: Character, pictures: Sequence[Path]) -> Engine:
    """Everything a run works with. Raises ConfigError when the run was begun with other settings or seeds."""
    settle(store, config, character, pictures)
    backend, eyes = _models(config, store.directory)
    wording = Wording(character, config.views, config.panel.vocabulary, _split(config.base.quality))
    seeds = _take_in(store, wording, eyes, pictures)
    judges = judges_for(eyes, config.panel, wording, references_of(seeds, store.directory, config.panel))
    hold_fast(store, {"base": backend.fingerprint, **judges.fingerprints})
    engine = Engine(store, backend, judges, config, character)
    _say(engine, seeds)
    return engine


def _models(config: RunConfig, run: Path) -> tuple[Backend, Eyes]:
    if config.backend == "fake":
        from bootstrap.backends.fake import FakeBackend
        from bootstrap.backends.fake_eyes import fake_eyes

        return FakeBackend(config.base.sampling), fake_eyes()
    from bootstrap.backends.diffusers import DiffusersBackend
    from bootstrap.device import pick_device

    eyes = open_eyes(config.panel, run / "features", pick_device())
    return DiffusersBackend(embedded(config.base.path), config.base.sampling), eyes


def _take_in(store: Store, wording: Wording, eyes: Eyes, pictures: Sequence[Path]) -> list[Seed]:
    """Copy the original bytes into the run, under their hash, and caption them; those that are there stay."""
    captioner, there = SeedCaptioner(wording, eyes.read), {seed.sha256 for seed in store.seeds()}
    for path in pictures:
        image, data = open_seed(path)
        digest = hashlib.sha256(data).hexdigest()
        if digest in there:
            continue
        stored = f"seeds/{digest[:16]}{path.suffix.lower()}"
        write_atomic(store.directory / stored, data)
        store.add_seed(captioner.caption(path, stored, digest, image))
    return store.seeds()


def _say(engine: Engine, seeds: Sequence[Seed]) -> None:
    """Tell what a person should correct: how each seed was understood, and which words nobody can check."""
    for seed in seeds:
        shown = ", ".join(engine.captioner.shown(seed).values())
        engine.note(f"{Path(seed.source).name}: {shown} (from {seed.caption_from})")
        if missing := unread(seed):
            engine.note(f"{Path(seed.source).name}: could not read {', '.join(missing)}; write it into character.json")
    if engine.wording.unknown:
        engine.note(f"no scorer can check: {', '.join(engine.wording.unknown)}")


def _split(tags: str) -> tuple[str, ...]:
    return tuple(tag.strip() for tag in tags.split(",") if tag.strip())
