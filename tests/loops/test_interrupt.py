"""Ctrl-C: the first stops at the next safe point, the second at once; the same command goes on to the same end."""

import os
import signal

import pytest

from bootstrap.store.store import Store


def ending(folder):
    with Store.open(folder, exclusive=False) as store:
        frames = [(frame.job, frame.digest, frame.adapter) for frame in store.frames()]
        return frames, store.verdicts(), [adapter.id for adapter in store.adapters()]


@pytest.mark.parametrize(("presses", "at"), [(1, 10), (1, 70), (2, 10)])
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_asked_to_stop_loses_nothing(grown, tiny, call, tmp_path, before_picture, presses, at, kind):
    def press(picture):
        if picture == at:
            for _ in range(presses):
                os.kill(os.getpid(), kind)

    with before_picture(press):
        done = call("run", *tiny, "--out", tmp_path / "run")
    assert done.code == 130
    assert "stopping at the next safe point" in done.err
    assert "Run the same command again to go on." in done.err
    assert "Traceback" not in done.err
    with Store.open(tmp_path / "run") as store:  # the lock is free
        drawn = len(store.frames())
    assert (drawn >= at) == (presses == 1), "the first press waits for the batch, the second does not"
    assert call("run", *tiny, "--out", tmp_path / "run").code == 0
    assert ending(tmp_path / "run") == ending(grown)
