"""A view family that nothing comes of: the run ends well all the same, and says what is missing."""

import pytest

from bootstrap.events import Noted, RunEnded
from bootstrap.panel.judges import Judges
from bootstrap.records import JobKind, VerdictKind
from bootstrap.store.store import Store
from scoring.measurement import Measurement

BROKEN = "front"


@pytest.fixture
def answering(monkeypatch):
    """Let a scorer give one answer for every picture of the broken view_family."""

    def answer(scorer, measurement):
        measure = Judges.measure

        def changed(self, frames, store):
            found = measure(self, frames, store)
            for frame in frames:
                if frame.job.shot.view_family == BROKEN and frame.job.kind is JobKind.CANDIDATE:
                    found[frame.job.id][scorer] = measurement
            return found

        monkeypatch.setattr(Judges, "measure", changed)

    return answer


def ended(call, arguments, out):
    """A run that must end well: kept, provisional, notes, verdicts of the broken view_family."""
    done = call("run", *arguments, "--out", out)
    assert done.code == 0, done.err
    with Store.open(out, exclusive=False) as store:
        events, verdicts = store.events(), store.verdicts()
        assert isinstance(events[-1], RunEnded)
        notes = [event.text for event in events if isinstance(event, Noted)]
        broken = [f for f in store.frames(kind=JobKind.CANDIDATE) if f.job.shot.view_family == BROKEN]
        assert broken
        kept = [f.job.shot.view_family for f in store.kept()]
        return kept, [verdicts[f.job.id] for f in broken], notes


def test_where_every_candidate_fails_a_check_the_empty_places_are_named(tiny, call, tmp_path, answering):
    answering("view", Measurement(-1.0, "seen from behind"))
    kept, verdicts, notes = ended(call, tiny, tmp_path / "run")
    assert kept
    assert BROKEN not in kept
    assert {verdict.kind for verdict in verdicts} == {VerdictKind.REJECT}  # never provisional: the view is wrong
    said = next(text for text in notes if text.startswith("places that stay empty: "))
    assert f"{BROKEN}/" in said
    assert "(view)" in said
    assert list((tmp_path / "run" / "lora").glob("*.safetensors"))
    assert len(list((tmp_path / "run" / "dataset").rglob("*.png"))) == len(kept)


def test_where_every_candidate_fails_the_gate_the_best_ones_are_provisional(tiny, call, tmp_path, answering):
    answering("clip", Measurement(-1.0))
    kept, verdicts, _ = ended(call, tiny, tmp_path / "run")
    assert BROKEN not in kept
    taken = [verdict for verdict in verdicts if verdict.kind is VerdictKind.PROVISIONAL]
    assert 0 < len(taken) <= len(kept) / 3  # a quarter of the set
    assert taken[0].reasons[0].startswith(f"provisional: fills {BROKEN}/")
    assert len(list((tmp_path / "run" / "dataset").rglob("*.png"))) == len(kept) + len(taken)
