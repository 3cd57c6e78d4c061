"""Opening a run, new or old: its facts are stored once, its models are loaded, its seeds are captioned.

What a continued run may be given anew is settled in `loops.resume`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from itertools import chain
from pathlib import Path

from bootstrap.backends.base import Backend
from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.character.triggers import trigger_warnings
from bootstrap.config import PanelConfig, RunConfig, embedded
from bootstrap.panel.judges import Eyes, judges_for, open_eyes, references_of
from bootstrap.records import Seed
from bootstrap.pictures import open_picture
from bootstrap.seeds import SUBJECT, SeedCaptioner, unread, views_in
from bootstrap.seeds.checks import crowds, names_of, seed_warnings
from bootstrap.seeds.heads import with_head
from bootstrap.store.files import write_atomic
from bootstrap.store.store import Store
from loops.budget import CUTS, Budget
from loops.engine import Engine
from loops.resume import hold_fast, settle
from loops.time_left import Hours
from loops.train import recipe_for

__all__ = ["open_engine"]


def open_engine(
    store: Store, config: RunConfig, character: Character, pictures: Sequence[Path], hours: Hours | None = None
) -> Engine:
    """Everything a run works with, in the given hours. Raises ConfigError when it was begun with other settings."""
    settle(store, config, character, pictures)
    backend, eyes = _models(config, store.directory)
    wording = Wording.of(character, config)
    seeds = _take_in(store, wording, eyes, config.panel, pictures)
    judging = partial(judges_for, eyes, config.panel, wording, references_of(seeds, store.directory, config.panel))
    judges = judging()
    hold_fast(store, {"base": backend.fingerprint, **judges.fingerprints})
    engine = Engine(store, backend, backend, judges, config, character, judging=judging)
    if hours is not None:
        engine.budget = _budget(engine, hours)
    _warn(engine, eyes, pictures)
    _say(engine, seeds)
    return engine


def _budget(engine: Engine, hours: Hours) -> Budget:
    """The hours with what the finish takes of them: the last training on a full set."""
    loop, finishing = engine.config.loop, engine.config.subject.finishing.name
    recipe = recipe_for(engine, finishing, 0, loop.target + CUTS * len(engine.seeds))
    return Budget(hours, recipe.steps, loop.final_candidates)


def _models(config: RunConfig, run: Path) -> tuple[Backend, Eyes]:
    if config.backend == "fake":
        from bootstrap.backends.fake import FakeBackend
        from bootstrap.panel.fake import fake_eyes

        return FakeBackend(config.base.sampling), fake_eyes()
    from bootstrap.backends.diffusers import DiffusersBackend
    from bootstrap.machine.device import pick_device

    eyes = open_eyes(config.panel, run / "features", pick_device())
    return DiffusersBackend(embedded(config.base.path), config.base.sampling), eyes


def _take_in(store: Store, wording: Wording, eyes: Eyes, panel: PanelConfig, pictures: Sequence[Path]) -> list[Seed]:
    """Copy the original bytes into the run, under their hash, and caption them; those that are there stay.

    Where a picture is cropped, or a sheet is taken apart into a seed for each figure, the original is kept beside them.
    """
    captioner, there = SeedCaptioner(wording, eyes.read), {seed.path for seed in store.seeds()}
    for path in pictures:
        image, data = open_picture(path)
        stem, suffix = f"seeds/{hashlib.sha256(data).hexdigest()[:16]}", path.suffix.lower()
        for view in views_in(image, data, stem, suffix, whole=captioner.told_whole(path)):
            if view.name in there:
                continue
            for name, content in {f"{stem}{suffix}": data, view.name: view.data}.items():
                write_atomic(store.directory / name, content)
            digest = hashlib.sha256(view.data).hexdigest()
            seed = captioner.caption(path, view.name, digest, view.image, view.number)
            store.add_seed(with_head(seed, view.image, eyes.faces, panel) if eyes.faces else seed)
            there.add(view.name)
    return store.seeds()


def _warn(engine: Engine, eyes: Eyes, pictures: Sequence[Path]) -> None:
    """Tell what may spoil the run: how the description was understood, its triggers, and troubles of the seeds."""
    character, panel = engine.character, engine.config.panel
    told = [*character.notes, *trigger_warnings(character, chain.from_iterable(panel.vocabulary.values()))]
    given = {name: open_picture(path)[0] for name, path in zip(names_of(pictures), pictures, strict=True)}
    told += seed_warnings(given, engine.side, panel.duplicate_bits, character)
    names = names_of([Path(seed.source) for seed in engine.seeds])
    views = {name: open_picture(engine.store.directory / s.path)[0] for name, s in zip(names, engine.seeds, strict=True)}
    figures = {name: [view for view in views if view.startswith(f"{name}#")] for name in given}
    told += [_sheet(name, found) for name, found in figures.items() if found]
    cropped = [name for name, seed in zip(names, engine.seeds, strict=True) if seed.path.endswith(SUBJECT)]
    told += [f'"{name}" is mostly ground: it was cropped to what is drawn' for name in cropped]
    if eyes.faces:
        told += crowds(views, eyes.faces, panel.face.min_det_score)
    for text in told:
        engine.note(text)


def _sheet(name: str, figures: Sequence[str]) -> str:
    """How a sheet was taken apart, and how to say otherwise."""
    return (
        f'"{name}" is a sheet: {len(figures)} figures, each taken as a view of the character; describe them as '
        f'{", ".join(figures)} in "seeds", or crop the picture if they are not the same character'
    )


def _say(engine: Engine, seeds: Sequence[Seed]) -> None:
    """Tell what a person should correct: how each seed was understood, and which words nobody can check."""
    for seed in seeds:
        shown = ", ".join(engine.captioner.shown(seed).values())
        origin = "read from the picture" if seed.caption_from == "read" else f"from {seed.caption_from}"
        engine.note(f"{Path(seed.source).name}: {shown} ({origin})")
        if missing := unread(seed):
            engine.note(f"{Path(seed.source).name}: could not read {', '.join(missing)}; write it into character.json")
    if engine.wording.unknown:
        engine.note(f"no scorer can check: {', '.join(engine.wording.unknown)}")
