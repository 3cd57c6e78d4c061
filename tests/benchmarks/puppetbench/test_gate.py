"""The gate's audit on a small run of the fake backend, with a made-up truth."""

import contextlib
import io
import json

import numpy as np
import pytest
from PIL import Image

from bootstrap.cli import main
from bootstrap.puppets.scene import ALL_VIEW_FAMILIES
from bootstrap.records import JobKind
from bootstrap.store.store import Store
from tests.benchmarks.puppetbench import pooled
from tests.benchmarks.puppetbench.gate import calibration, kept_and_true, markdown_of, open_audit, plot

SMALL = [
    "loop.target=6", "loop.goals=[]", "loop.rounds=1", "loop.waves=1", "loop.lookalikes=10", "loop.exchanged=0",
    "loop.most_decoys=10", "loop.gate_level=0.4", "base.recipes.character.steps=2", "base.sampling.width=32",
    "base.sampling.height=32", "loop.showcase=0",
]  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a finished run."""
    folder = tmp_path_factory.mktemp("audited")
    Image.new("RGB", (128, 128), (215, 60, 40)).save(folder / "seed.png")
    character = {
        "name": "Red", "trigger": "redchr", "base": "puppet", "core": "1girl, solo",
        "invariant": {"hair": "red hair"}, "seeds": [{"file": "seed.png", "view": "front", "framing": "upper body"}],
    }  # fmt: skip
    (folder / "character.json").write_text(json.dumps(character))
    given = [folder / "seed.png", folder / "character.json", "--backend", "fake", "--out", folder / "run"]
    said = io.StringIO()
    with pytest.raises(SystemExit) as ended, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        main(["run", *map(str, given), *(part for text in SMALL for part in ("--set", text))])
    assert not ended.value.code
    return folder / "run"


def redness(images, shots):
    """A truth that the fake panel can nearly measure."""
    return images[..., 0].mean(axis=(1, 2)).astype(np.float32) / 255


def test_kept_frames_are_held_against_cuts_fixed_beforehand(run):
    with Store.open(run, exclusive=False) as store:
        strict = kept_and_true(store, redness, dict.fromkeys(ALL_VIEW_FAMILIES, 1.1))
        lenient = kept_and_true(store, redness, dict.fromkeys(ALL_VIEW_FAMILIES, -1.0))
    assert sum(one["kept"] for one in strict.values()) > 0
    assert not any(one["true"] or one["kept_true"] for one in strict.values())
    assert all(one["true"] == one["candidates"] and one["kept_true"] == one["kept"] for one in lenient.values())
    assert sum(one["places"] for one in lenient.values()) == 6


def test_the_audit_cuts_at_the_run_s_own_lookalikes(run):
    audit = open_audit(run, redness)
    for view_family in ALL_VIEW_FAMILIES:
        values = [audit.likeness[f.job.id] for f in audit.of(JobKind.LOOKALIKE, view_family)]
        assert sum(value > audit.cuts[view_family] for value in values) <= 1
    audit.store.close()


def test_leaving_a_scorer_out_changes_the_gate_s_score(run):
    audit = open_audit(run, redness)
    name, *_ = audit.judges.identity
    assert audit.scores()
    assert audit.scores(name) != audit.scores()
    audit.store.close()


def test_the_tables_name_every_scorer_and_family(run):
    audit = open_audit(run, redness)
    text = markdown_of(audit)
    audit.store.close()
    assert text.count("### ") == 5
    assert all(f"without {name}" in text for name in audit.judges.identity)
    assert all(f"| {view_family} |" in text for view_family in ALL_VIEW_FAMILIES)


def test_calibration_rises_with_the_stated_rate_and_is_drawn(run):
    audit = open_audit(run, redness)
    curves = calibration(audit)
    image = plot([audit, audit])
    audit.store.close()
    assert curves
    for points in curves.values():
        assert [rate for rate, _ in points] == sorted(rate for rate, _ in points)
        assert [real for _, real in points] == sorted(real for _, real in points)
    panels = 1 + len(audit.judges.identity)
    assert image.width == 400 * panels


def bright(images):
    """The truth as vectors: a product with the seed's rises with the red of a picture."""
    return np.stack([redness(images, []), np.ones(len(images), np.float32)], axis=1)


def test_all_runs_together_beside_the_judge_who_sees_the_seed_alone(run):
    audit = open_audit(run, redness)
    by_judge = pooled.judged_by_seeds(audit, bright)
    known = {f.job.id: by_judge.instead[f.job.id] for f in audit.of(JobKind.CANDIDATE, "front")}
    text = pooled.markdown_of([audit, audit], [by_judge, by_judge])
    image = pooled.roc([audit], [by_judge])
    rank = pooled.quality(by_judge, "front", known)[-1]
    audit.store.close()
    assert text.count("### ") == 3
    assert text.count(f"| {pooled.JUDGE} |") == 2
    assert rank is None or rank > 0.99, "what it sees from the seed is here the truth itself"
    assert image.width == 400 * (2 + len(audit.judges.identity))


def test_what_passes_of_the_true_lies_on_the_line_between_the_steps():
    perfect, blind = ([3.0, 4.0], [1.0, 2.0]), ([1.0, 2.0], [1.0, 2.0])
    assert [pooled.passed(*perfect, rate) for rate in (0.0, 0.5, 1.0)] == [1.0, 1.0, 1.0]
    assert [pooled.passed(*blind, rate) for rate in (0.0, 0.25, 0.5, 1.0)] == [0.0, 0.25, 0.5, 1.0]


def test_what_is_let_in_without_a_scorer_is_told(run):
    audit = open_audit(run, redness)
    admitted = audit.admitted()
    name, *_ = audit.judges.identity
    nobody = audit.admitted(name)
    audit.store.close()
    kept = {frame.job.id for frame in audit.frames if frame.job.id in admitted}
    assert admitted == kept
    assert admitted
    assert not nobody, "the only scorer is silent: nothing can be ranked"
