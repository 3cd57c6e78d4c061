"""Words to somebody who is not at the terminal: a round is done, a person is asked, the run is over or has failed.

Through Apprise, which knows the addresses of some hundred services; it is an extra (``pip install
"lora-bootstrap[notify]"``) and imported only when an address is given. Messages leave from a thread of their own: a
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
from bootstrap.records import Frame, VerdictKind
from bootstrap.runs.incidents import UNDELIVERED
from bootstrap.runs.sentences import sentence
from bootstrap.store.store import Store

__all__ = ["Message", "Notifier", "notifying"]

PATIENCE = 15.0
"""Seconds that the end of a run waits for messages that are still on their way."""
ON_SHEET = 24
"""Pictures on the sheet that is attached: the latest that were taken."""
URGENT = ("disk",)
"""Incidents that somebody should hear of at once."""
TAKEN = (VerdictKind.KEEP, VerdictKind.PROVISIONAL)


@dataclass(frozen=True, slots=True)
class Message:
    """What is told; ``sheet`` is a PNG, empty for none."""

    title: str
    body: str
    sheet: bytes = b""


class Notifier:
    """Sends messages to Apprise addresses, in order, from one thread. Without an address it does nothing."""

    def __init__(self, addresses: Sequence[str] = (), patience: float = PATIENCE) -> None:
        """Raises ConfigError when Apprise is missing or an address is none that it knows; nothing is sent yet."""
        self._service = _service(addresses) if addresses else None
        self._patience = patience
        self._waiting: queue.Queue[Message | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name="notify", daemon=True)
        self._failed, self._sending_since = 0, math.inf

    @property
    def on(self) -> bool:
        """Whether anybody is told."""
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
        said = [f"{self._failed} could not be sent"] if self._failed else []
        if time.monotonic() - self._sending_since > self._patience:
            said.append(f"a service has not answered for more than {self._patience:.0f} s")
        return ", ".join(said)

    def close(self) -> bool:
        """Wait a little for what is on its way; whether everything had left. A thread that hangs is left behind."""
        if self._thread.is_alive():
            self._waiting.put(None)
            self._thread.join(self._patience)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (message := self._waiting.get()) is not None:
            self._sending_since = time.monotonic()
            self._failed += not self._sent(message)
            self._sending_since = math.inf

    def _sent(self, message: Message) -> bool:
        """Whether every service took the message; Apprise says False where one did not."""
        with contextlib.suppress(Exception), _attached(message.sheet) as paths:  # a service is foreign code
            assert self._service is not None
            return self._service.notify(title=message.title, body=message.body, attach=paths or None) is not False
        return False


@contextlib.contextmanager
def notifying(store: Store, notifier: Notifier, name: str) -> Iterator[None]:
    """Tell the rounds and the end of a run, however it ends, to whoever the notifier speaks to."""
    if not notifier.on:
        yield
        return

    def look() -> None:
        if notifier.trouble:
            with contextlib.suppress(BootstrapError):
                store.remember(UNDELIVERED, notifier.trouble)

    def hear(event: Event) -> None:
        look()
        if isinstance(event, RoundEnded | RunEnded | WaitingForPerson):
            notifier.send(Message(f"{name}: {_heading(event)}", sentence(event), _sheet(store)))
        if isinstance(event, Incident) and event.what in URGENT:
            notifier.send(Message(f"{name}: look at it", sentence(event)))

    store.listen(hear)
    try:
        yield
    except Paused as pause:
        notifier.send(Message(f"{name}: waiting for you", f"{pause.reason}; then run: {pause.then_run}", _sheet(store)))
        raise
    except (Interrupted, KeyboardInterrupt):
        notifier.send(Message(f"{name}: stopped", "nothing finished is lost; the same command goes on"))
        raise
    except Exception as error:
        said = str(error) if isinstance(error, BootstrapError) else f"{type(error).__name__}: {error}"
        notifier.send(Message(f"{name}: failed", said))
        raise
    finally:
        notifier.close()
        look()


def _heading(event: RoundEnded | RunEnded | WaitingForPerson) -> str:
    match event:
        case RoundEnded():
            return f"round {event.round} done"
        case RunEnded():
            return "finished"
        case WaitingForPerson():
            return "waiting for you"


def _sheet(store: Store) -> bytes:
    """The latest frames that were taken, as one PNG; empty when there are none or they cannot be read."""
    verdicts = store.verdicts()
    taken = store.frames(ids=[id for id, verdict in verdicts.items() if verdict.kind in TAKEN])[-ON_SHEET:]
    buffer = io.BytesIO()
    with contextlib.suppress(BootstrapError):
        pictures = [store.frame_image(frame) for frame in taken]
        if pictures:
            contact_sheet(pictures, 6, [_label(frame) for frame in taken]).save(buffer, format="PNG")
    return buffer.getvalue()


def _label(frame: Frame) -> str:
    return f"{frame.job.shot.view_family}, {frame.job.shot.framing}"


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
            raise ConfigError(
                f'--notify "{address}" is no address that Apprise knows', "for example ntfy://my-topic or mailto://…"
            )
    return service
