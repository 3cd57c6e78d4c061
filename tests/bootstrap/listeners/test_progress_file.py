"""How far a stage is, as another process reads it."""

from bootstrap.events import Noted, Progress
from bootstrap.listeners.progress_file import ProgressFile
from bootstrap.runs.present_stage import PROGRESS, present_stage, with_progress
from bootstrap.runs.standing import Standing

TRAINING = Standing(2, "training")


def test_a_training_has_steps_and_time_left(tmp_path, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("time.time", lambda: now[0])
    listener = ProgressFile(tmp_path, lambda: now[0])
    assert with_progress(tmp_path, TRAINING) == TRAINING
    listener(Noted("not of interest"))
    assert not (tmp_path / PROGRESS).exists()
    for done, seconds in ((100, 0), (101, 10), (102, 10.1), (150, 250)):
        now[0] = 1000.0 + seconds
        listener(Progress("training", done, 300, "loss 0.1"))
    now[0] += 50
    assert with_progress(tmp_path, TRAINING) == Standing(2, "training", 150, 300, 700.0)
    assert with_progress(tmp_path, Standing(2, "finished")) == Standing(2, "finished")
    now[0] += 5000
    assert with_progress(tmp_path, TRAINING) == TRAINING, "a killed process leaves its file"
    listener.close()
    listener.close()
    assert present_stage(tmp_path) is None


def test_a_stage_that_is_done_or_unreadable_is_counted_by_the_store(tmp_path):
    listener = ProgressFile(tmp_path)
    listener(Progress("loading the weights", 0, 1))
    assert with_progress(tmp_path, TRAINING).stage == "loading the weights"
    listener(Progress("loading the weights", 1, 1))
    assert with_progress(tmp_path, TRAINING) == TRAINING
    for text in ("{", "[]", '{"stage": 1}'):
        (tmp_path / PROGRESS).write_text(text)
        assert with_progress(tmp_path, TRAINING) == TRAINING
