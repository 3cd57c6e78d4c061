"""Runs whose candidates an edit model draws: the real pipelines, tiny; the fake backend trains and is the base."""

import pytest

from bootstrap.backends.outside.loaded_editor import LoadedEditor
from bootstrap.errors import BackendError
from bootstrap.records import JobKind
from bootstrap.store.store import Store
from tests.tiny_edit_models import build_klein, build_qwen

SMALL = (
    "drawer.width=64", "drawer.height=96", "drawer.steps=1", "drawer.decoys=1", "drawer.shapes={}", "loop.rounds=1",
    "loop.waves=1", "loop.candidates_a_place=2", "loop.most_decoys=1", "base.sampling.width=64",
    "base.sampling.height=64",
)  # fmt: skip


@pytest.fixture
def go(call, tiny, tmp_path, monkeypatch):
    name = "diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus"
    for size in ("VAE_IMAGE_SIZE", "CONDITION_IMAGE_SIZE"):
        monkeypatch.setattr(f"{name}.{size}", 64 * 64)

    def start(drawer, model, *more, command="run"):
        settings = [part for text in [*SMALL, f"drawer.path={model}"] for part in ("--set", text)]
        return call(command, *tiny, "--drawer", drawer, *settings, *more, "--out", tmp_path / "run")

    return start


@pytest.mark.parametrize(("drawer", "build"), [("klein", build_klein), ("qwen-edit", build_qwen)])
def test_a_run_that_failed_goes_on_and_ends_with_pictures_of_an_edit_model(go, tmp_path, monkeypatch, drawer, build):
    model, draw, asked = build(tmp_path / "model"), LoadedEditor.draw, []

    def counted(editor, job, text):
        asked.append(job.job.id)
        if len(asked) == 5:
            raise BackendError("the card fell out")
        return draw(editor, job, text)

    monkeypatch.setattr(LoadedEditor, "draw", counted)
    assert go(drawer, model).code == 1
    done = go(drawer, model)
    assert done.code == 0, done.err
    assert len(asked) == len(set(asked)) + 1, "only what failed is drawn again"
    with Store.open(tmp_path / "run", exclusive=False) as store:
        frames = store.frames()
        drawn = {kind: {one.drawer for one in frames if one.job.kind is kind} for kind in JobKind}
        candidates = [one.job for one in frames if one.job.kind is JobKind.CANDIDATE]
    assert drawn[JobKind.CANDIDATE] == drawn[JobKind.STRANGER] == {drawer}
    assert drawn[JobKind.LOOKALIKE] <= {"fake"}
    assert all(job.references and job.prompt.startswith("Draw a new picture of the girl") for job in candidates)
    assert all("redchr" not in job.prompt for job in candidates)
    assert list((tmp_path / "run").rglob("*.safetensors"))


def test_a_model_that_is_not_here_ends_check_and_run_with_the_command_that_fetches_it(go, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    for command in ("check", "run"):
        ended = go("klein", "someone/klein", command=command)
        assert ended.code in (1, 2)
        assert "hf download someone/klein fetches it" in ended.err
    assert not (tmp_path / "run").exists()
