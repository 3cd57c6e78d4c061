"""What a ComfyUI server is asked: uploads, the queue, progress, results, cancelling.

A server that does not answer is waited for: it may be restarting. Progress comes over a websocket where that can be
had (the package ``websockets``), else the history is asked again and again. Knows no job.
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from typing import Any, Literal

from bootstrap.errors import BackendError
from bootstrap.machine.addresses import is_own_machine

__all__ = ["ComfyUiServer", "ServerBusy"]

ANSWER = 60.0
"""Seconds in which a server answers a request."""
EVERY = 1.0
"""Seconds between two looks at the history where there is no websocket, and between two tries."""
LONGEST_LINE = 300


class ServerBusy(Exception):
    """The server does not answer, or answers with a failure that may pass."""


class ComfyUiServer:
    """A server at an address such as http://127.0.0.1:8188."""

    def __init__(self, address: str, seconds_away: float) -> None:
        """``seconds_away``: how long one that does not answer is waited for."""
        self.address = address
        self._seconds_away = seconds_away
        self._client = uuid.uuid4().hex
        self._proxy = not is_own_machine(urllib.parse.urlsplit(address).hostname or "")
        handlers = [] if self._proxy else [urllib.request.ProxyHandler({})]  # what is sent stays on this machine
        self._opener = urllib.request.build_opener(*handlers)

    def require(self) -> None:
        """Raise BackendError where no server answers now."""
        self._json("/system_stats", patience=0.0)

    def upload(self, name: str, data: bytes) -> str:
        """Put a picture into the server's input folder; returns what workflows call it there."""
        body, kind = _form({"overwrite": "true", "type": "input"}, name, data)
        answer = self._json("/upload/image", body, kind)
        folder = f"{answer['subfolder']}/" if answer.get("subfolder") else ""
        return f"{folder}{answer['name']}"

    def submit(self, graph: Mapping[str, Any], id: str) -> dict[str, Any]:
        """Queue a graph under an id; returns the answer: ``prompt_id``, or ``error`` and ``node_errors``."""
        plain = {"prompt": graph, "client_id": self._client, "prompt_id": id}
        return self._json("/prompt", json.dumps(plain).encode(), "application/json")

    def history(self, id: str) -> dict[str, Any] | None:
        """What became of a prompt; None while it is not done, or is not known."""
        found = self._json(f"/history/{id}").get(id)
        return found if isinstance(found, dict) else None

    def is_queued(self, id: str) -> bool:
        """Whether a prompt waits or is worked on."""
        queue = self._json("/queue")
        return _holds(queue.get("queue_running"), id) or _holds(queue.get("queue_pending"), id)

    def cancel(self, id: str) -> None:
        """Take a prompt out of the queue, or interrupt it; silent where the server does not answer.

        Earlier servers interrupt whatever they work on: so only where it is this prompt.
        """
        with suppress(ServerBusy, BackendError, ValueError):
            self._once("/queue", json.dumps({"delete": [id]}).encode(), "application/json")
            if _holds(json.loads(self._once("/queue")).get("queue_running"), id):
                self._once("/interrupt", json.dumps({"prompt_id": id}).encode(), "application/json")

    def picture(self, place: Mapping[str, str]) -> bytes:
        """The bytes of a result. Raises ServerBusy where they do not arrive whole."""
        names = {name: place.get(name, "") for name in ("filename", "subfolder", "type")}
        return self._once(f"/view?{urllib.parse.urlencode(names)}")

    def wait(self, id: str, seconds: float) -> dict[str, Any] | None:
        """What became of a prompt, once it is done; None where the server has lost it (it was started anew).

        Raises BackendError where nothing was heard of it for so many ``seconds``.
        """
        heard = time.monotonic()
        with ExitStack() as stack:
            socket = self._socket(stack)
            while True:
                found = self.history(id)
                if found is not None:
                    return found
                if not self.is_queued(id):
                    return self.history(id)  # it may have ended in between
                heard_of = told(socket) if socket is not None else None
                if heard_of is None:
                    socket = None
                    pause(EVERY)
                elif heard_of:
                    heard = time.monotonic()
                if time.monotonic() - heard > seconds:
                    raise BackendError(
                        f"{self.address} was busy with one picture for more than {seconds:g} seconds",
                        "look at the server, or raise drawer.seconds_a_picture",
                    )

    def _socket(self, stack: ExitStack) -> Any:
        """A websocket that tells of progress; None where there is none to be had."""
        try:
            from websockets.exceptions import WebSocketException
            from websockets.sync.client import connect
        except ImportError:
            return None
        address = self.address.replace("http", "ws", 1)
        with suppress(OSError, WebSocketException):
            address = f"{address}/ws?clientId={self._client}"
            proxy: Literal[True] | None = True if self._proxy else None
            return stack.enter_context(
                connect(address, open_timeout=ANSWER, close_timeout=1, max_size=None, proxy=proxy)
            )
        return None

    def _json(
        self, path: str, data: bytes | None = None, kind: str = "", patience: float | None = None
    ) -> dict[str, Any]:
        """An answer in JSON; a server that does not answer is waited for, ``patience`` seconds. Raises BackendError."""
        began, patience = time.monotonic(), self._seconds_away if patience is None else patience
        while True:
            try:
                answer = json.loads(self._once(path, data, kind))
                if isinstance(answer, dict):
                    return answer
                why = "its answer is no object"
            except (ServerBusy, ValueError) as error:
                why = str(error)
            if time.monotonic() - began >= patience:
                raise BackendError(
                    f"no ComfyUI server answers at {self.address} ({_line(why)})",
                    "start it, or give its address with --server, and the same command again; nothing finished is lost",
                )
            pause(EVERY)

    def _once(self, path: str, data: bytes | None = None, kind: str = "") -> bytes:
        """The body of an answer, also where a workflow is refused. Raises ServerBusy, BackendError for what stays."""
        request = urllib.request.Request(f"{self.address}{path}", data=data)
        if kind:
            request.add_header("Content-Type", kind)
        try:
            with self._opener.open(request, timeout=ANSWER) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                body = error.read()
            if error.code == 400 and path == "/prompt":
                return bytes(body)
            if error.code >= 500 or error.code in (404, 408, 429):
                raise ServerBusy(f"{path.partition('?')[0]}: {error.code} {error.reason}") from error
            where = f"{self.address}{path.partition('?')[0]}"
            raise BackendError(f"{where} answers {error.code} {error.reason}", "is it a ComfyUI server?") from error
        except (OSError, http.client.HTTPException) as error:
            raise ServerBusy(_line(error)) from error


def pause(seconds: float) -> None:
    """Wait; a function of its own, so that tests need not."""
    time.sleep(seconds)


def told(socket: Any) -> bool | None:
    """Whether the queue or a step has told of itself within a moment; None where the connection has ended."""
    from websockets.exceptions import ConnectionClosed

    try:
        socket.recv(timeout=EVERY)
    except TimeoutError:
        return False
    except (ConnectionClosed, OSError):
        return None
    return True


def _holds(items: Any, id: str) -> bool:
    """Whether a prompt is among the items of a queue: number, id, graph …"""
    return any(isinstance(item, list) and id in item[1:2] for item in items or ())


def _form(fields: Mapping[str, str], name: str, data: bytes) -> tuple[bytes, str]:
    """A form with a file, and its content type."""
    border = uuid.uuid4().hex
    parts = []
    for key, value in fields.items():
        parts.append(f'--{border}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode())
    head = f'--{border}\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n'
    parts += [f"{head}Content-Type: image/png\r\n\r\n".encode(), data, f"\r\n--{border}--\r\n".encode()]
    return b"".join(parts), f"multipart/form-data; boundary={border}"


def _line(error: object) -> str:
    return " ".join(str(error).split())[:LONGEST_LINE]
