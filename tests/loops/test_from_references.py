"""Runs of the fake backend that draw from the seed: with a LoRA and without, cut off anywhere, and compared."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from bootstrap.backends.fake import FakeBackend
from bootstrap.cli import app as commands
from bootstrap.cli import main
from bootstrap.config import load
from bootstrap.errors import BackendError
from bootstrap.records import JobKind
from bootstrap.report.showcase_rows import showcase_of
from bootstrap.store.decisions import StrengthsChosen
from bootstrap.store.store import Store
from tests.loops.conftest import TINY, described

VIEWS = load("puppet").views
SHOWN = ["base.reference.strengths=[0.5,1.0]", "base.reference.trial_pictures=1"]


def arguments(tiny, *settings):
    words = [word for setting in (*SHOWN, *settings) for word in ("--set", setting)]
    return [*tiny, "--reference", "attention", *words]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The folder of a finished run, made once, and the arguments that made it; copy it before you touch it."""
    folder = tmp_path_factory.mktemp("shown")
    given = arguments(described(folder, TINY), "base.reference.with_lora=true", "loop.rounds=2")
    with pytest.raises(SystemExit) as ended:
        main(["run", *given, "--out", str(folder / "run")])
    assert not ended.value.code
    return folder / "run", given


def made(run):
    with Store.open(run, exclusive=False) as store:
        frames = {frame.job.id: (frame.digest, frame.job.references) for frame in store.frames()}
        verdicts = {id: (one.kind, one.p) for id, one in store.verdicts().items()}
        return frames, verdicts, store.decided(StrengthsChosen)


def test_cut_off_anywhere_it_ends_as_undisturbed(undisturbed, call, tmp_path, before_picture):
    folder, given = undisturbed
    whole = made(folder)
    assert whole[2] is not None
    for cut in (20, 33):

        def cut_off(number, cut=cut):
            if number == cut:
                raise BackendError("the card fell out")

        with before_picture(cut_off):
            call("run", *given, "--out", str(tmp_path / "cut off"))
    assert made(tmp_path / "cut off") != whole
    call("run", *given, "--out", str(tmp_path / "cut off"))
    assert made(tmp_path / "cut off") == whole


def test_a_backend_without_a_control_net_says_so_before_anything_begins(tiny, call):
    done = call("check", *tiny, "--control", "sd15-openpose")
    assert done.code == 2
    assert "the fake backend draws along no control picture" in done.line


def test_strengths_are_tried_on_the_same_shots_shown_the_seed_and_somebody_else(undisturbed):
    with Store.open(undisturbed[0], exclusive=False) as store:
        tried, measured = store.jobs(1, 1, JobKind.TRIAL), store.measurements()
    assert len(tried) == 6 * 2 * 2, "view families, strengths, and the seed or somebody else"
    by_shot = {}
    for job in tried:
        by_shot.setdefault(job.shot.key, set()).add((job.prompt, job.random_seed))
    assert all(len(found) == 1 for found in by_shot.values())
    assert all(measured[job.id] for job in tried)


def test_strangers_are_shown_portraits_and_drawn_with_the_strength_of_their_view(undisturbed):
    with Store.open(undisturbed[0], exclusive=False) as store:
        chosen, (seed,) = store.decided(StrengthsChosen).strengths, store.seeds()
        frames = {kind: store.frames(kind=kind) for kind in JobKind}
    portraits = {frame.path for frame in frames[JobKind.LOOKALIKE]}
    for kind, allowed in ((JobKind.CANDIDATE, {seed.path}), (JobKind.STRANGER, portraits)):
        assert frames[kind]
        for frame in frames[kind]:
            assert {one.path for one in frame.job.references} <= allowed
            assert {one.strength for one in frame.job.references} == {chosen[frame.job.shot.view_family]}


def test_a_comparison_shows_the_best_of_it_your_picture_too(undisturbed, tmp_path):
    shutil.copytree(undisturbed[0], tmp_path / "run")
    options = ["--weights", "1.0", "--each", "1", "--json"]
    result = CliRunner().invoke(commands.app, ["compare", str(tmp_path / "run"), *options])
    assert result.exit_code == 0, result.exception
    plain = json.loads(result.stdout)
    (shown,) = plain["shown"]
    assert shown["checkpoint"] == plain["recommended"]["checkpoint"]
    assert shown["identity"] is not None
    page = (tmp_path / "run/compare/compare.html").read_text()
    assert "Shown your picture" in page
    assert "your picture as reference" in page


def test_an_adapter_of_faces_is_shown_heads_of_seed_and_portraits(tiny, call, tmp_path):
    settings = (
        "base.reference.crop=head",
        "base.reference.strengths=[]",
        "loop.rounds=1",
        "loop.acceptance.weights=[]",
    )
    given = [word for setting in settings for word in ("--set", setting)]
    done = call("run", *tiny, "--reference", "attention", *given, "--out", tmp_path / "run")
    assert done.code == 0, done.err
    with Store.open(tmp_path / "run", exclusive=False) as store:
        frames = {kind: store.frames(kind=kind) for kind in (JobKind.CANDIDATE, JobKind.STRANGER)}
    shown = {kind: {one.path for frame in found for one in frame.job.references} for kind, found in frames.items()}
    assert all(path.startswith("references/") for paths in shown.values() for path in paths)
    assert len(shown[JobKind.CANDIDATE]) == 1
    assert len(shown[JobKind.STRANGER]) > 1
    assert not shown[JobKind.CANDIDATE] & shown[JobKind.STRANGER]


def test_a_seed_whose_framing_nobody_can_read_is_shown_as_any_other(tmp_path, call):
    arguments = described(tmp_path, TINY)
    character = json.loads((tmp_path / "character.json").read_text())
    del character["seeds"]
    (tmp_path / "character.json").write_text(json.dumps(character))
    given = ("base.reference.strengths=[]", "loop.rounds=1", "loop.acceptance.weights=[]", "panel.read_margin=99")
    settings = [word for setting in given for word in ("--set", setting)]
    done = call("run", *arguments, "--reference", "attention", *settings, "--out", tmp_path / "run")
    assert done.code == 0, done.err
    with Store.open(tmp_path / "run", exclusive=False) as store:
        (seed,) = store.seeds()
        assert not seed.framing
        portraits = [job.shot for job in store.jobs(kind=JobKind.LOOKALIKE) if job.wave == 0]
        assert portraits
        assert all(shot.view and shot.framing in VIEWS.framings for shot in portraits)
        assert store.frames(kind=JobKind.STRANGER)


def trained(monkeypatch):
    """The items and recipes of every training of the fake backend from now on."""
    found, train = [], FakeBackend.train

    def noted(self, items, recipe, *others, **named):
        found.append((items, recipe))
        return train(self, items, recipe, *others, **named)

    monkeypatch.setattr(FakeBackend, "train", noted)
    return found


def test_rounds_train_beside_what_is_shown_and_the_last_training_asks_what_drew(tiny, call, tmp_path, monkeypatch):
    made, out = trained(monkeypatch), tmp_path / "run"
    settings = (
        "base.reference.with_lora=true",
        "base.reference.strengths=[]",
        "base.reference.beside_steps=3",
        "loop.candidates_a_place=1",
        "loop.waves=1",
        "loop.target=48",
        "loop.showcase=2",
    )
    given = [word for setting in (*settings, "loop.rounds=2") for word in ("--set", setting)]
    asked = ("--set", "base.recipes.character.reference_distillation=1")
    command = ["run", *tiny, "--reference", "attention", *given, *asked, "--out", str(out)]
    assert call(*command).code == 0
    with Store.open(out, exclusive=False) as store:
        (seed,), rounds = store.seeds(), store.rounds()
        assert [one.phase for one in rounds] == ["style"] * 2
        lora = next(one for one in store.adapters() if not one.is_final)
        shown = showcase_of(store).rows[1]
    assert shown.label.startswith("LoRA beside your picture")
    assert all(one.adapter == lora.id and one.job.references for one in shown.frames)
    (first, _), (last, recipe) = made[0], made[-1]
    assert all([one.path for one in item.beside] == [seed.path] for item in first)
    assert recipe.reference_distillation
    assert {item.drawn_with for item in last if item.job} == {str(out / lora.path)}
    assert not any(item.beside for item in last)
    for path in [out / lora.path, *out.glob("adapters/final*/*.safetensors"), *out.glob("*.safetensors")]:
        path.unlink()
    done = call(*command)
    assert done.code == 0, done.err
    assert f"the LoRA '{lora.path}' is lost; it is trained again" in done.err
    assert (out / lora.path).is_file()
