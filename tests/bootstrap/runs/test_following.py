"""Following a run of another process: every event once, and its end."""

from __future__ import annotations

from bootstrap.events import Noted, RunEnded
from bootstrap.runs.following import engine_is_running, follow
from bootstrap.store.lock import ProcessLock
from bootstrap.store.store import Store

ENDED = RunEnded(3, 1, "final-r02", "report.html")


def test_new_events_are_given_once_until_the_run_ends(store: Store) -> None:
    rest = [Noted("one"), Noted("two"), ENDED]
    updates = list(follow(store, lambda: True, sleep=lambda seconds: store.append_event(rest.pop(0))))
    assert [event for update in updates[1:] for event in update.new_events] == [Noted("one"), Noted("two"), ENDED]
    assert [update.standing.stage for update in updates][-1] == "finished"


def test_it_ends_with_the_engine_but_not_before_the_last_events(store: Store) -> None:
    answers = iter([True, False])

    def running() -> bool:
        answer = next(answers)
        if not answer:  # the engine wrote its last event and went, just before
            store.append_event(Noted("last words"))
        return answer

    updates = list(follow(store, running, sleep=lambda seconds: None))
    assert updates[-1].new_events == [Noted("last words")]
    assert not updates[-1].running


def test_an_engine_is_running_while_the_lock_is_held(store: Store) -> None:
    assert engine_is_running(store.directory)  # the fixture's own store holds it
    folder = store.directory / "other"
    folder.mkdir()
    assert not engine_is_running(folder)
    lock = ProcessLock(folder / "run.lock")
    assert engine_is_running(folder)
    lock.release()
    assert not engine_is_running(folder)
    ProcessLock(folder / "run.lock").release()  # the test kept nobody out
