"""A small finished run on the fake backend: two rounds' worth of frames, a final adapter, its previews."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from bootstrap.backends.fake import FakeBackend
from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.config import RunConfig, load
from bootstrap.events import AdapterTrained
from bootstrap.records import Adapter, Job, JobKind, RoundOutcome, Seed, Shot, TrainItem, Verdict, VerdictKind
from bootstrap.store.files import sha256_of, write_image
from bootstrap.store.store import Store
from scoring.measurement import Measurement, not_applicable

MIKA = {
    "name": "Mika",
    "trigger": "mikachr",
    "core": "1girl, solo",
    "invariant": {"hair": "blue hair", "ears": "cat ears"},
    "outfits": {"default": {"tags": "white shirt"}, "night": {"trigger": "mikanight", "tags": "blue dress"}},
    "forbidden": "glasses",
    "license": "CC-BY-4.0",
    "credits": "drawn by Ada",
}
VIEWS = {"front": "front", "behind": "behind", "profile": "profile-left"}


@pytest.fixture(scope="session")
def config() -> RunConfig:
    return load("puppet", backend="fake", overrides=["loop.target=4"])


@pytest.fixture(scope="session")
def character() -> Character:
    return Character.model_validate(MIKA)


@pytest.fixture
def trained(tmp_path: Path) -> list[TrainItem]:
    """The pictures of a seed that the final adapter learned from."""
    items = []
    for number, kind in enumerate(("seed", "crop", "altered")):
        path = tmp_path / "run" / "train" / f"seed0-{number}-{kind}.png"
        write_image(path, Image.new("RGB", (32, 32), "navy"))
        items.append(TrainItem(str(path), ("mikachr", "1girl"), kind, 0.5, seed=0))
    return items


@pytest.fixture
def store(tmp_path: Path, config: RunConfig, character: Character, trained: list[TrainItem]) -> Iterator[Store]:
    """Three kept frames and a provisional one from behind; the forest is not seen on the first."""
    wording = Wording(character, config.views, config.subject, config.panel.vocabulary)
    with Store.open(tmp_path / "run", create=True) as run:
        run.remember("config", config.model_dump_json())
        run.remember("character", character.model_dump_json())
        Image.new("RGB", (80, 80), "navy").save(run.directory / "seed.png")
        run.add_seed(
            Seed(
                "seed.png",
                sha256_of(run.directory / "seed.png"),
                "/home/ada/me.png",
                "front",
                "front",
                "portrait",
                "default",
                (),
                "read",
            )
        )
        run.begin_round(1, "style", 4)
        jobs = [_job(wording, JobKind.CANDIDATE, 1, view_family, n) for n, view_family in enumerate(["front", *VIEWS])]
        _draw(run, jobs, _adapter(run, "r01-style", "style", 1, trained))
        _judge(run, jobs)
        run.end_round(1, RoundOutcome(kept=3, candidates=4))
        final = _adapter(run, "final-r02", "character", 2, trained)
        _draw(
            run,
            [_job(wording, JobKind.PROBE, 2, view_family, n) for n, view_family in enumerate(reversed(VIEWS))],
            final,
        )
        yield run


def _job(wording: Wording, kind: JobKind, round: int, view_family: str, n: int) -> Job:
    shot = Shot(
        view_family,
        VIEWS[view_family],
        "full body",
        {"expression": "smile", "pose": "standing", "outfit": "night", "background": "forest", "style": "cel shading"},
        n,
    )
    traits = {} if kind is JobKind.PROBE else wording.traits(shot)
    return Job(f"{kind}-r{round}-{n}", kind, round, 1, shot, wording.prompt(shot, traits), "lowres", 2**62 + n, traits)


def _adapter(run: Store, name: str, phase: str, round: int, items: list[TrainItem]) -> Adapter:
    recipe = load("puppet").base.recipes["character"].model_copy(update={"steps": 100, "rank": 2})
    (run.directory / "adapters" / name).mkdir(parents=True)
    made = FakeBackend().train(items, recipe, run.directory / "adapters" / name, lambda event: None)
    path = made.path.relative_to(run.directory).as_posix()
    adapter = Adapter(name, phase, round, path, sha256_of(made.path), 100, 0.1)  # type: ignore[arg-type]
    run.add_adapter(adapter, 60.0, AdapterTrained(round, name, 100, 3, 0.1, 60.0))
    return adapter


def _draw(run: Store, jobs: list[Job], adapter: Adapter) -> None:
    run.plan(jobs)
    for batch in FakeBackend().draw(jobs, run.directory / adapter.path):
        run.add_frames([(job, image, json.dumps(job.prompt)) for job, image in batch], adapter.id, "fake")


def _judge(run: Store, jobs: list[Job]) -> None:
    kinds = [VerdictKind.KEEP, VerdictKind.KEEP, VerdictKind.PROVISIONAL, VerdictKind.KEEP]
    seen = {"clip": Measurement(0.5), "face": not_applicable("no face from behind"), "view": Measurement(2.0)}
    values = {job.id: {**seen, "seen background": Measurement(-3.0 if n == 0 else 3.0)} for n, job in enumerate(jobs)}
    run.add_measurements(values, dict.fromkeys(("clip", "face", "view", "seen background"), "v1"))
    pairs = zip(jobs, kinds, strict=True)
    run.set_verdicts([Verdict(job.id, kind, "gate", ("fills it", "p=0.01"), 0.01, 1.5) for job, kind in pairs], 1, 1)
