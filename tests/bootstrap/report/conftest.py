from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from bootstrap.events import AdapterTrained, BatchGenerated, Noted, RunBegan, ScoresMeasured
from bootstrap.records import VIEW_FAMILIES, Adapter, Job, JobKind, Seed, Shot, Verdict, VerdictKind
from bootstrap.store.store import Store
from scoring.base import Measurement, not_applicable

KINDS = [VerdictKind.KEEP, VerdictKind.REJECT, VerdictKind.PROVISIONAL]


def job(kind: JobKind, round: int, n: int) -> Job:
    shot = Shot(
        VIEW_FAMILIES[n % 6],
        "a view",
        "portrait",
        {"expression": "smile <3", "pose": "standing", "outfit": "default", "background": "park", "style": "cel"},
        n,
    )
    return Job(f"{kind}-r{round}-{n}", kind, round, 1, shot, "1girl & co", "", n, {})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A run of two rounds: in each, of every three candidates one is kept, one rejected, one provisional."""
    with Store.open(tmp_path / "run", create=True) as run:
        run.append_event(RunBegan("Mika", "puppet", 48))
        Image.new("RGB", (40, 40), "navy").save(run.directory / "seed.png")
        seed = Seed("seed.png", "ab", "me.png", "front", "from front", "portrait", "default", ("smile",), "sidecar")
        run.add_seed(seed)
        for number in (1, 2):
            play(run, number)
        run.append_event(Noted("the tag 'mole' <cannot> be checked"))
        yield run


def play(run: Store, number: int) -> None:
    (run.directory / f"a{number}.safetensors").write_bytes(b"")
    run.begin_round(number, "style", 6 * number)
    run.add_adapter(Adapter(f"a{number}", "style", number, f"a{number}.safetensors", "cd" * 32, 10, 0.5), 60.0,
                    AdapterTrained(number, f"a{number}", 10, 1, 0.5, 60.0))  # fmt: skip
    candidates = [job(JobKind.CANDIDATE, number, n) for n in range(18)]
    decoys = [job(JobKind.LOOKALIKE, number, n) for n in range(6)]
    run.plan([*candidates, *decoys])
    painted = [(one, Image.new("RGB", (32, 48), (10 * one.random_seed, 90, 9)), "") for one in [*candidates, *decoys]]
    frames = run.add_frames(painted, f"a{number}", 5.0, BatchGenerated(number, 0, 24, 5.0))
    values = {f.job.id: {"clip": Measurement(f.job.random_seed / 20), "face": not_applicable("behind")} for f in frames}
    run.add_measurements(values, {"clip": "v1", "face": "v1"}, 0.0, ScoresMeasured(number, 24, 7.0))
    verdicts = [Verdict(one.id, KINDS[n % 3], "gate", (f"why {n}",), 0.1, n / 10) for n, one in enumerate(candidates)]
    run.set_verdicts(verdicts, number, 1)
    run.end_round(number, {"held_out": 0.7, "decoy_scores": [0.1, 0.2], "threshold": 0.9, "candidates": 18, "new": 6})
