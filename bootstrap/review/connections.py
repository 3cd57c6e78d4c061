"""Connections that are cut when they only wait: for a request that never ends, for an answer to be taken; too many.

Whoever opens many such connections would keep the page from everybody else. Knows no page and no run.
"""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["BoundedConnection"]


class BoundedConnection(H11Protocol):
    """HTTP as uvicorn speaks it, with limits: how long either side may keep the other waiting, how many are open."""

    most = 64
    """Open connections; a browser keeps six. One more cuts the one that has waited longest."""
    patience = 60.0
    """Seconds in which a request must be complete, the largest upload included, and in which an answer must move on."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to look, and make room."""
        super().connection_made(transport)
        self._begun, self._unsent = self.loop.time(), 0
        self._timer = self.loop.call_later(self.patience, self._look)
        if len(self.connections) > self.most:
            open_ones = [one for one in self.connections if isinstance(one, BoundedConnection)]
            min(open_ones, key=BoundedConnection.usefulness).cut()

    def usefulness(self) -> tuple[bool, float]:
        """Smallest for what is cut first: one that waits before one that is answered, the one that began earliest."""
        waits = self._lacks_request() or self.transport.get_write_buffer_size() > 0
        return not waits, self._begun

    def cut(self) -> None:
        """End the connection now; it counts no more."""
        self.connections.discard(self)
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """End looking."""
        self._timer.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """The next request has its own time."""
        super().on_response_complete()
        self._begun = self.loop.time()

    def _lacks_request(self) -> bool:
        return self.conn.their_state in (h11.IDLE, h11.SEND_BODY)

    def _look(self) -> None:
        """Cut the connection if nothing comes of it; look again later if something does."""
        unsent = self.transport.get_write_buffer_size()
        has_moved = unsent == 0 or unsent != self._unsent
        self._unsent = unsent
        is_late = self.loop.time() - self._begun >= self.patience
        if not has_moved or (self._lacks_request() and is_late):
            self.cut()
        else:
            self._timer = self.loop.call_later(self.patience, self._look)
