"""Serving the review page of one run, on this machine only unless another address is asked for.

Knows addresses, ports and the token; what is served is `bootstrap.review.web_app`.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bootstrap.errors import UsageError
from bootstrap.machine.addresses import is_own_machine
from bootstrap.store.store import Store

if TYPE_CHECKING:
    import uvicorn
    from starlette.applications import Starlette

__all__ = ["Address", "address_of", "listen", "serve", "serve_app", "served_beside", "stopping_server"]

USUAL_PORT = 80
LONGEST_STOP = 5.0
"""Seconds that a server in a thread has to end."""
HINT = "choose another --port (above 1023 without special rights), or a --host of this machine"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the page is served. ``token`` is "" on loopback, else 32 random characters that are part of the address."""

    host: str
    port: int
    token: str = ""

    @property
    def url(self) -> str:
        """What to open in a browser."""
        return self.url_of("/")

    def url_of(self, path: str) -> str:
        """The same for another page, by its path; the token leads to the first page, which has a link."""
        query = f"?token={self.token}" if self.token else ""
        return f"http://{self._in_url}:{self.port}{path}{query}"

    @property
    def hosts(self) -> frozenset[str]:
        """The Host headers that a browser on this machine sends; it leaves out the port that is usual for HTTP."""
        names = {"127.0.0.1", "localhost", "[::1]", self._in_url.lower()}
        found = {f"{name}:{self.port}" for name in names}
        return frozenset(found | names if self.port == USUAL_PORT else found)

    @property
    def _in_url(self) -> str:
        """The host as URLs have it: addresses of IPv6 in brackets."""
        return f"[{self.host}]" if ":" in self.host else self.host


def address_of(host: str, port: int) -> Address:
    """An address with a token where other machines can reach it."""
    return Address(host, port, "" if is_own_machine(host) else secrets.token_urlsafe(24))


def serve(store: Store, address: Address, listening: socket.socket | None = None, audit: int | None = None) -> None:
    """Serve until Ctrl-C, as a blind audit of a round if one is given. Raises UsageError if the address is taken."""
    from bootstrap.review.web_app import build

    serve_app(build(store, address.hosts, address.token, audit), listening or listen(address))


@contextlib.contextmanager
def served_beside(store: Store, address: Address) -> Iterator[None]:
    """Serve a run's pages in a thread for as long as the block lasts. Raises UsageError if the address is taken."""
    from bootstrap.review.web_app import build

    server, listening = stopping_server(build(store, address.hosts, address.token)), listen(address)
    listening.listen()  # a browser that is quicker than the thread waits
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(LONGEST_STOP)
        listening.close()


def serve_app(app: Starlette, listening: socket.socket) -> None:
    """Serve a page at a socket until Ctrl-C."""
    stopping_server(app).run(sockets=[listening])


def stopping_server(app: Starlette) -> uvicorn.Server:
    """A server of a page; it runs until Ctrl-C, or in a thread until its ``should_exit`` is set."""
    import uvicorn

    from bootstrap.review.connections import BoundedConnection

    config = uvicorn.Config(
        app,
        http=BoundedConnection,
        ws="none",
        log_level="warning",
        server_header=False,
        access_log=False,
        lifespan="off",
    )
    return uvicorn.Server(config)


def listen(address: Address) -> socket.socket:
    """A socket at the address. Raises UsageError."""
    listening = socket.socket(socket.AF_INET6 if ":" in address.host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address.host, address.port))
    except (OSError, OverflowError, ValueError, TypeError) as error:
        listening.close()
        reason = getattr(error, "strerror", None) or str(error)
        place = f"{address.host}:{address.port}"
        raise UsageError(f'cannot serve at "{place}" ({reason})', HINT) from error
    return listening
