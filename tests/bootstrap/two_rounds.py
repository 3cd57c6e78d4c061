"""A run of two played rounds, written straight into a store: what pages and tables show without any model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from bootstrap.config import load
from bootstrap.events import AdapterTrained, BatchGenerated, Noted, RunBegan, ScoresMeasured
from bootstrap.records import Adapter, Job, JobKind, RoundOutcome, Seed, Shot, Verdict, VerdictKind
from bootstrap.store.store import Store
from scoring.measurement import Measurement, not_applicable

VIEW_FAMILIES = tuple(load("puppet").views.families)
KINDS = (VerdictKind.KEEP, VerdictKind.REJECT, VerdictKind.PROVISIONAL)
AXES = {"expression": "smile <3", "pose": "standing", "outfit": "default", "background": "park", "style": "cel"}


@contextmanager
def two_rounds(folder: Path) -> Iterator[Store]:
    """In each round, of every three candidates one is kept, one rejected, one provisional."""
    with Store.open(folder, create=True) as run:
        run.append_event(RunBegan("Mika", "puppet", 48))
        Image.new("RGB", (40, 40), "navy").save(run.directory / "seed.png")
        seed = Seed("seed.png", "ab", "me.png", "front", "from front", "portrait", "default", ("smile",), "sidecar")
        run.add_seed(seed)
        for number in (1, 2):
            play(run, number)
        run.append_event(Noted("the tag 'mole' <cannot> be checked"))
        yield run


def play(run: Store, number: int) -> None:
    """One round: a LoRA, eighteen candidates, six decoys, a verdict on each candidate."""
    (run.directory / f"a{number}.safetensors").write_bytes(b"")
    run.begin_round(number, "style", 6 * number)
    run.add_adapter(Adapter(f"a{number}", "style", number, f"a{number}.safetensors", "cd" * 32, 10, 0.5), 60.0,
                    AdapterTrained(number, f"a{number}", 10, 1, 0.5, 60.0))  # fmt: skip
    candidates = [job(JobKind.CANDIDATE, number, n) for n in range(18)]
    decoys = [job(JobKind.LOOKALIKE, number, n) for n in range(6)]
    run.plan([*candidates, *decoys])
    drawn = [(one, Image.new("RGB", (32, 48), (10 * one.random_seed, 90, 9)), "") for one in [*candidates, *decoys]]
    frames = run.add_frames(drawn, f"a{number}", "fake", 5.0, BatchGenerated(number, 0, 24, 5.0))
    values = {f.job.id: {"clip": Measurement(f.job.random_seed / 20), "face": not_applicable("behind")} for f in frames}
    run.add_measurements(values, {"clip": "v1", "face": "v1"}, 0.0, ScoresMeasured(number, 24, 7.0))
    verdicts = [Verdict(one.id, KINDS[n % 3], "gate", (f"why {n}",), 0.1, n / 10) for n, one in enumerate(candidates)]
    run.set_verdicts(verdicts, number, 1)
    run.end_round(number, RoundOutcome(kept=6 * number, new=6, candidates=18, held_out=0.7))


def job(kind: JobKind, round: int, n: int) -> Job:
    """The ``n``-th job of a round; the view families come in turn."""
    shot = Shot(VIEW_FAMILIES[n % 6], "a view", "portrait", AXES, n)
    return Job(f"{kind}-r{round}-{n}", kind, round, 1, shot, "1girl & co", "", n, {})
