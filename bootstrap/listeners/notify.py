"""Messages to a person who is not at the terminal: a round is done, it waits for approval, the run is over or failed.

Through Apprise, which knows the addresses of some hundred services; it is an extra (``pip install
"lora-bootstrap[notify]"``) and imported only when an address is given. Messages are sent from a thread of their own: a
service that hangs costs that message, never the run. Knows nothing of what a run decides.
"""

from __future__ import annotations

import contextlib
import io
import math
import queue
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bootstrap.errors import BootstrapError, ConfigError, Interrupted, Paused
from bootstrap.events import Event, Incident, RoundEnded, RunEnded, WaitingForPerson
from bootstrap.pictures.sheets import contact_sheet
from bootstrap.records import TAKEN
from bootstrap.runs.incidents import UNDELIVERED
from bootstrap.runs.sentences import sentence
from bootstrap.store.store import Store

__all__ = ["Message", "Notifier", "notifying"]

PATIENCE = 15.0
"""Seconds that the end of a run waits for messages that are still being sent."""
ON_SHEET = 24
"""Pictures on the attached contact sheet: the latest that were taken."""
URGENT = ("disk",)
"""Kinds of incidents that are reported at once."""
TITLES = {RunEnded: "finished", WaitingForPerson: "waiting for you"}


@dataclass(frozen=True, slots=True)
class Message:
    """A title, a text, and a contact sheet as PNG, empty for none."""

    title: str
    body: str
    sheet: bytes = b""


class Notifier:
    """Sends messages to Apprise addresses, in order, from one thread. Without an address it does nothing."""

    def __init__(self, addresses: Sequence[str] = (), patience: float = PATIENCE) -> None:
        """Raises ConfigError when Apprise is missing or does not know an address; nothing is sent yet."""
        self._service = _service(addresses) if addresses else None
        self._patience = patience
        self._waiting: queue.Queue[Message | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name="notify", daemon=True)
        self._failed, self._sending_since = 0, math.inf

    @property
    def on(self) -> bool:
        """Whether there is an address."""
        return self._service is not None

    def send(self, message: Message) -> None:
        """Hand a message to the thread; returns at once."""
        if self.on:
            if not self._thread.is_alive():
                self._thread.start()
            self._waiting.put(message)

    @property
    def trouble(self) -> str:
        """What went wrong so far, in words: messages that a service refused, or one that hangs; "" for nothing."""
        parts = []
        if self._failed:
            parts.append(f"{self._failed} could not be sent")
        if time.monotonic() - self._sending_since > self._patience:
            parts.append(f"a service has not answered for more than {self._patience:.0f} s")
        return ", ".join(parts)

    def close(self, patience: float | None = None) -> bool:
        """Wait for messages that are being sent, ``patience`` seconds at most; whether all were.

        A thread that hangs is left behind.
        """
        if self._thread.is_alive():
            self._waiting.put(None)
            self._thread.join(self._patience if patience is None else patience)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (message := self._waiting.get()) is not None:
            self._sending_since = time.monotonic()
            self._failed += not self._sent(message)
            self._sending_since = math.inf

    def _sent(self, message: Message) -> bool:
        """Whether every service took the message; Apprise returns False where one did not."""
        with contextlib.suppress(Exception), _attached(message.sheet) as paths:  # a service is foreign code
            assert self._service is not None
            return self._service.notify(title=message.title, body=message.body, attach=paths or None) is not False
        return False


@contextlib.contextmanager
def notifying(store: Store, notifier: Notifier, name: str) -> Iterator[None]:
    """Send a message about each round and about the end of a run, however it ends."""
    if not notifier.on:
        yield
        return

    def on_event(event: Event) -> None:
        _remember_trouble(store, notifier)
        if isinstance(event, RoundEnded | RunEnded | WaitingForPerson):
            notifier.send(Message(f"{name}: {_title(event)}", sentence(event), _sheet(store)))
        if isinstance(event, Incident) and event.what in URGENT:
            notifier.send(Message(f"{name}: needs your attention", sentence(event)))

    store.listen(on_event)
    try:
        yield
    except Paused as pause:
        text = f"{pause.reason}; then run: {pause.then_run}"
        notifier.send(Message(f"{name}: waiting for you", text, _sheet(store)))
        raise
    except (Interrupted, KeyboardInterrupt):
        notifier.send(Message(f"{name}: stopped", "nothing finished is lost; the same command continues"))
        raise
    except Exception as error:
        notifier.send(Message(f"{name}: failed", _reason(error)))
        raise
    finally:
        notifier.close()
        _remember_trouble(store, notifier)


def _remember_trouble(store: Store, notifier: Notifier) -> None:
    """Store what could not be delivered, for the report; a full disk is reported elsewhere."""
    if notifier.trouble:
        with contextlib.suppress(BootstrapError):
            store.remember(UNDELIVERED, notifier.trouble)


def _reason(error: Exception) -> str:
    if isinstance(error, BootstrapError):
        return str(error)
    return f"{type(error).__name__}: {error}"


def _title(event: RoundEnded | RunEnded | WaitingForPerson) -> str:
    if isinstance(event, RoundEnded):
        return f"round {event.round} done"
    return TITLES[type(event)]


def _sheet(store: Store) -> bytes:
    """The latest frames that were taken, as one PNG; empty when there are none or they cannot be read."""
    taken = [id for id, verdict in store.verdicts().items() if verdict.kind in TAKEN]
    frames = store.frames(ids=taken)[-ON_SHEET:]
    buffer = io.BytesIO()
    with contextlib.suppress(BootstrapError):
        pictures = [store.frame_image(frame) for frame in frames]
        labels = [f"{frame.job.shot.view_family}, {frame.job.shot.framing}" for frame in frames]
        if pictures:
            contact_sheet(pictures, 6, labels).save(buffer, format="PNG")
    return buffer.getvalue()


@contextlib.contextmanager
def _attached(sheet: bytes) -> Iterator[list[str]]:
    """The sheet as a file for as long as it is being sent."""
    if not sheet:
        yield []
        return
    with tempfile.TemporaryDirectory(prefix="bootstrap-") as folder:
        path = Path(folder) / "sheet.png"
        path.write_bytes(sheet)
        yield [str(path)]


def _service(addresses: Sequence[str]) -> Any:
    """Apprise with these addresses. Raises ConfigError."""
    try:
        import apprise
    except ImportError:
        raise ConfigError(
            f'--notify "{addresses[0]}" needs the package apprise, which is not installed',
            'pip install "lora-bootstrap[notify]"',
        ) from None
    service = apprise.Apprise()
    for address in addresses:
        if not service.add(address):
            hint = "for example ntfy://my-topic or mailto://…"
            raise ConfigError(f'--notify "{address}" is not an address that Apprise knows', hint)
    return service
