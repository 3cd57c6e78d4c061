"""Notifications: their texts and pictures, and that a service never holds a run."""

import sys
import threading
import time
from pathlib import Path
from types import ModuleType

import pytest

from bootstrap.errors import BackendError, ConfigError, Paused
from bootstrap.events import RoundEnded, RunEnded
from bootstrap.listeners.notify import Message, Notifier, notifying
from bootstrap.report import write_report
from bootstrap.runs.incidents import UNDELIVERED


class Service:
    """Stands in for apprise.Apprise."""

    sent: list  # of (title, body, first bytes of the attachment)
    hold = None

    def add(self, address):
        return address.startswith("ntfy://")

    def notify(self, title, body, attach):
        if self.hold:
            self.hold.wait(300)
        if title.startswith("broken"):
            raise RuntimeError("the service is down")
        Service.sent.append((title, body, Path(attach[0]).read_bytes()[:4] if attach else b""))


@pytest.fixture(autouse=True)
def apprise(monkeypatch):
    module = ModuleType("apprise")
    module.Apprise = Service
    Service.sent, Service.hold = [], None
    monkeypatch.setitem(sys.modules, "apprise", module)


def test_rounds_and_the_end_are_sent_with_a_sheet(store):
    with notifying(store, Notifier(["ntfy://night"]), "Mika"):
        store.append_event(RoundEnded(1, 3, None))
        store.append_event(RunEnded(3, 1, "final-r02", "report.html"))
    assert [title for title, _, _ in Service.sent] == ["Mika: round 1 done", "Mika: finished"]
    assert all(sheet == b"\x89PNG" for _, _, sheet in Service.sent)


@pytest.mark.parametrize(
    ("failure", "title"),
    [
        (BackendError("memory ran out", "lower it"), "Mika: failed"),
        (ZeroDivisionError("by zero"), "Mika: failed"),
        (Paused("round 1 waits", "bootstrap run x"), "Mika: waiting for you"),
        (KeyboardInterrupt(), "Mika: stopped"),
    ],
)
def test_every_other_end_is_sent_too(store, failure, title):
    with pytest.raises(type(failure)), notifying(store, Notifier(["ntfy://night"]), "Mika"):
        raise failure
    assert [sent for sent, _, _ in Service.sent] == [title]


def test_a_service_that_hangs_never_holds_the_run(store):
    Service.hold = threading.Event()
    notifier = Notifier(["ntfy://night"], patience=0.2)
    with notifying(store, notifier, "Mika"):
        for _ in range(20):
            store.append_event(RoundEnded(1, 3, None))
    assert not Service.sent, "every event was stored and the run is over, while the first message still hangs"
    assert not notifier.close()
    Service.hold.set()
    assert notifier.close(patience=60)  # the thread that hung must not reach the next test


def test_a_service_that_fails_costs_its_message_only():
    notifier = Notifier(["ntfy://night"])
    notifier.send(Message("broken", ""))
    notifier.send(Message("whole", ""))
    assert notifier.close()
    assert [title for title, _, _ in Service.sent] == ["whole"]


def test_what_did_not_leave_is_in_the_report(store, tmp_path):
    Service.hold = threading.Event()
    notifier = Notifier(["ntfy://night"], patience=0.05)
    with notifying(store, notifier, "Mika"):
        store.append_event(RoundEnded(1, 3, None))
        time.sleep(0.2)
        store.append_event(RunEnded(3, 1, "final-r02", "report.html"))
        text = write_report(store, tmp_path / "report.html", "Mika").read_text()
    assert "a service has not answered for more than 0 s; the run went on without them" in text
    Service.hold.set()
    assert notifier.close(patience=60)


def test_messages_that_a_service_refuses_are_counted(store):
    notifier = Notifier(["ntfy://night"])
    with notifying(store, notifier, "broken"):
        store.append_event(RoundEnded(1, 3, None))
        store.append_event(RunEnded(3, 1, "final-r02", "report.html"))
    assert store.recall(UNDELIVERED) == "2 could not be sent"


def test_a_wrong_address_and_a_missing_package_are_one_line_at_the_start(monkeypatch, call, tmp_path):
    with pytest.raises(ConfigError, match="not an address that Apprise knows"):
        Notifier(["somewhere"])
    monkeypatch.setitem(sys.modules, "apprise", None)
    done = call("run", tmp_path, "--notify", "ntfy://night")
    assert done.code == 2
    assert "needs the package apprise" in done.line
    assert 'pip install "lora-bootstrap[notify]"' in done.err


def test_without_an_address_nothing_is_started(store):
    before = threading.active_count()
    with notifying(store, Notifier(), "Mika"):
        store.append_event(RoundEnded(1, 3, None))
    assert threading.active_count() == before
