"""A later round is drawn by its own LoRA only if that draws no worse than the one before; the choice is stored."""

import pytest

from bootstrap.cli import main
from bootstrap.errors import BackendError
from bootstrap.records import JobKind
from bootstrap.store.decisions import DrawerChosen
from bootstrap.store.store import Store
from scoring import SCORERS
from tests.loops.test_own_scorer import Warmth


@pytest.fixture
def play_with(tiny, tmp_path, monkeypatch, capsys):
    """Play a tiny run whose panel has a held-out scorer; ``best`` is the place of the better trial. Its folder."""
    monkeypatch.setitem(SCORERS, "warmth", Warmth)
    held_out = "panel.scorers.held-out={kind: warmth, role: held-out}"

    def run(best, *settings, name="run", interrupted=False):
        monkeypatch.setattr("loops.drawer.best_of", lambda trials: best)
        words = [word for setting in (held_out, "loop.rounds=2", *settings) for word in ("--set", setting)]
        with pytest.raises(SystemExit) as ended:
            main(["run", *tiny, *words, "--out", str(tmp_path / name)])
        assert bool(ended.value.code) is interrupted, capsys.readouterr().err
        return tmp_path / name

    return run


def drawers(run):
    """Round → the LoRAs that drew its candidates; and the decisions."""
    with Store.open(run, exclusive=False) as store:
        found = {}
        for frame in store.frames(kind=JobKind.CANDIDATE):
            found.setdefault(frame.job.round, set()).add(frame.adapter)
        return found, store.decisions(DrawerChosen), store.frames(kind=JobKind.TRIAL)


def test_the_earlier_lora_draws_where_it_draws_better(play_with):
    found, decided, tried = drawers(play_with(0))
    assert found[2] == found[1] == {"r01-style"}
    assert decided[0] == DrawerChosen(2, 1)
    assert {frame.adapter for frame in tried if frame.job.round == 2} == {"r01-style", "r02-character"}
    shots = [
        [frame.job.shot.key for frame in tried if frame.adapter == name] for name in ("r01-style", "r02-character")
    ]
    assert shots[0] == shots[1]
    assert len(shots[0]) >= 12


def test_its_own_lora_draws_where_it_is_no_worse(play_with):
    found, decided, _ = drawers(play_with(1))
    assert found[2] == {"r02-character"}
    assert decided[0] == DrawerChosen(2, 2)


def test_where_the_newest_is_wanted_nothing_is_tried(play_with):
    found, decided, tried = drawers(play_with(0, "loop.drawer=newest"))
    assert found[2] == {"r02-character"}
    assert (decided, tried) == ([], [])


def test_cut_off_within_a_probe_it_ends_with_the_same_choice_and_pictures(play_with, before_picture):
    whole = play_with(0)
    with Store.open(whole, exclusive=False) as store:
        drawn = [frame.job.kind for frame in store.frames()]
        digests = {frame.job.id: frame.digest for frame in store.frames()}
    first = drawn.index(JobKind.TRIAL)

    def cut_off(number):
        if number == first + 15:
            raise BackendError("the card fell out")

    with before_picture(cut_off):
        play_with(0, name="cut off", interrupted=True)
    again = play_with(0, name="cut off")
    with Store.open(again, exclusive=False) as store:
        assert {frame.job.id: frame.digest for frame in store.frames()} == digests
    assert drawers(again)[1] == drawers(whole)[1]
