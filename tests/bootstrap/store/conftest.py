from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bootstrap.records import Job, JobKind, Shot
from bootstrap.store.store import Store


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "run"


@pytest.fixture
def store(run: Path) -> Iterator[Store]:
    with Store.open(run, create=True) as opened:
        yield opened


@pytest.fixture
def jobs() -> list[Job]:
    shots = [
        Shot(
            "front",
            "from front",
            "portrait",
            {"expression": "smile", "pose": "sitting", "outfit": "default", "background": "park", "style": "cel"},
            n,
        )
        for n in range(4)
    ]
    return [
        Job(f"job-{n}", JobKind.CANDIDATE, 1, 1, shot, f"prompt {n}", "lowres", n, {"hair": "blue hair"})
        for n, shot in enumerate(shots)
    ]
