"""`bootstrap approve`, `reject`, `undo`: what they change, what they refuse, and beside whom they work."""

import json

from bootstrap.records import JobKind, VerdictKind


def ids(store):
    return [frame.job.id for frame in store.frames(kind=JobKind.CANDIDATE)]


def test_a_verdict_beside_the_engine_counts_and_is_taken_back(store, call):
    first, second, *_ = ids(store)  # `store` holds the lock, as an engine does
    done = call("reject", store.directory, first, second, "--reason", "hands", "--reason", "face")
    assert done.out.splitlines()[0] == f"{first}: reject by you, was keep by the gate"
    verdict = store.verdicts()[first]
    assert (verdict.kind, verdict.by, verdict.reasons) == (VerdictKind.REJECT, "person", ("face", "hands"))
    assert first not in {frame.job.id for frame in store.kept()}
    done = call("undo", store.directory, first)
    assert done.out.splitlines() == [f"{first}: keep by the gate, was reject by you"]
    assert "nothing of yours to take back; keep by the gate" in call("undo", store.directory, first).out
    assert len(store.verdict_history(first)) == 3


def test_the_end_of_an_id_is_enough_and_scripts_get_data(store, call):
    told = json.loads(call("approve", store.directory, ids(store)[2][-6:], "--json").out)
    assert told == [
        {"id": ids(store)[2], "verdict": "keep", "by": "person", "reasons": [], "was": "provisional", "was_by": "gate"}
    ]


def test_names_that_are_not_clear_change_nothing(store, call):
    good = ids(store)[0]
    probe = next(frame.job.id for frame in store.frames(kind=JobKind.PROBE))
    for bad, said in (
        ("nobody", 'has no candidate "nobody"'),
        ("../../etc/passwd", "has no candidate"),
        (probe, f'"{probe}" is a probe; only candidates are judged'),
    ):
        done = call("reject", store.directory, good, bad)
        line = " ".join(done.err.splitlines())
        assert done.code == 2
        assert said.partition(";")[0] in line
    done = call("reject", store.directory, good, "--reason", "hand")
    assert 'did you mean "hands"?' in done.err
    assert all(one.by == "gate" for one in store.verdicts().values())


def test_undo_without_an_id_takes_back_the_last_verdict(store, call):
    first, second, *_ = ids(store)
    for frame in (first, second, first):
        call("reject" if frame == second else "approve", store.directory, frame)
    call("reject", store.directory, first)
    for frame, said in (
        (first, "keep by you, was reject by you"),
        (second, "was reject by you"),
        (first, "keep by the gate"),
    ):
        line = call("undo", store.directory).out.splitlines()[0]
        assert line.startswith(frame)
        assert said in line
    done = call("undo", store.directory)
    assert (done.code, done.line) == (2, f'error: no verdict in "{store.directory}" is yours')


def test_undo_takes_back_all_that_one_command_judged(store, call):
    first, second, third, *_ = ids(store)
    call("approve", store.directory, first)
    call("reject", store.directory, first, second, third)
    call("approve", store.directory, second)
    assert [line.split(":")[0] for line in call("undo", store.directory).out.splitlines()] == [second]
    lines = call("undo", store.directory).out.splitlines()
    assert [line.split(":")[0] for line in lines] == [first, second, third]
    assert "keep by you, was reject by you" in lines[0]
    assert [line.split(":")[0] for line in call("undo", store.directory).out.splitlines()] == [first]
