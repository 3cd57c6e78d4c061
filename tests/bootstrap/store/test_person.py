"""A person's verdicts beside the engine: never overridden, never lost, counted once, read up to a boundary."""

import pytest
from PIL import Image

from bootstrap.events import CaptionWritten, PersonJudged
from bootstrap.records import Verdict, VerdictKind
from bootstrap.store.store import PERSON, Store

KEEP, REJECT = VerdictKind.KEEP, VerdictKind.REJECT


@pytest.fixture
def judged(store, jobs):
    """A store with one frame that the gate rejected."""
    store.plan(jobs[:1])
    store.add_frames([(jobs[0], Image.new("RGB", (8, 6)), "")], "", "fake")
    store.set_verdicts([Verdict("job-0", REJECT, "gate", ("view",), 0.4, 0.1)], 1, 1)
    return store


def says(store, kind, *reasons, **more):
    return store.person.judge(Verdict("job-0", kind, PERSON, reasons), 1, 1, **more)


def force(store):
    one = store.verdicts()["job-0"]
    return one.kind, one.by


def test_undo_uncovers_verdict_by_verdict_down_to_the_gates(judged):
    says(judged, KEEP)
    says(judged, REJECT, "hands")
    assert force(judged) == (REJECT, "person")
    undone = [judged.person.take_back("job-0", 1, 1).verdict for _ in range(2)]
    assert [one and one.kind for one in undone] == [KEEP, None]
    assert force(judged) == (REJECT, "gate")
    assert judged.person.take_back("job-0", 1, 1).taken is False
    kinds = [one.kind.value for one in judged.verdict_history("job-0")]
    assert kinds == ["reject", "keep", "reject", "withdrawn", "withdrawn"]


def test_a_new_word_after_an_undo_counts(judged):
    says(judged, KEEP)
    judged.person.take_back("job-0", 1, 1)
    says(judged, KEEP)
    assert force(judged) == (KEEP, "person")


def test_a_word_that_is_sent_again_counts_once(judged):
    says(judged, KEEP, key="a")
    says(judged, REJECT, key="b")
    again = says(judged, KEEP, key="a")
    assert again.verdict.kind is REJECT
    assert force(judged) == (REJECT, "person")
    assert [e.verdict for e in judged.events() if isinstance(e, PersonJudged)] == ["keep", "reject"]


def test_two_windows_never_lose_a_verdict(judged):
    with Store.open(judged.directory, exclusive=False) as other:
        first = says(judged, KEEP, seen=0)
        second = says(other, REJECT, "face", seen=0)
        assert first.other is None
        assert second.other.kind is KEEP
        assert judged.person.take_back("job-0", 1, 1, seen=first.seq).taken is False, "it would undo the other's word"
        assert force(judged) == (REJECT, "person")
    assert [one.kind for one in judged.verdict_history("job-0")] == [REJECT, KEEP, REJECT]


def test_a_store_up_to_a_boundary_reads_no_further(judged):
    before = judged.up_to(judged.person.last())
    says(judged, KEEP)
    judged.person.write_caption("job-0", "mine", CaptionWritten("job-0", "mine"))
    assert force(before) == (REJECT, "gate")
    assert (before.person.captions(), before.approved()) == ({}, [])
    now = before.up_to(judged.person.last())
    assert force(now) == (KEEP, "person")
    assert now.person.captions() == {"job-0": "mine"}
    assert [frame.job.id for frame in now.approved()] == ["job-0"]
    judged.person.write_caption("job-0", "", CaptionWritten("job-0", ""))
    assert now.person.captions() == {"job-0": "mine"}
    assert now.up_to(None).person.captions() == {}


def test_a_word_before_the_gates_can_be_taken_back(store, jobs):
    store.plan(jobs[:1])
    store.add_frames([(jobs[0], Image.new("RGB", (8, 6)), "")], "", "fake")
    says(store, KEEP)
    store.person.take_back("job-0", 1, 1)
    assert store.verdicts() == {}
