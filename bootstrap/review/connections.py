"""A connection that is cut when it only waits: a request that never ends, an answer that nobody takes.

Whoever opens many such connections would keep the page from everybody else. Knows no page and no run.
"""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["BoundedConnection"]


class BoundedConnection(H11Protocol):
    """HTTP as uvicorn speaks it, with a limit on how long either side may keep the other waiting."""

    patience = 60.0
    """Seconds in which a request must be complete, the largest upload included, and in which an answer must move on."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to look."""
        super().connection_made(transport)
        self._begun, self._unsent = self.loop.time(), 0
        self._timer = self.loop.call_later(self.patience, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """End looking."""
        self._timer.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """The next request has its own time."""
        super().on_response_complete()
        self._begun = self.loop.time()

    def _look(self) -> None:
        """Cut the connection if nothing comes of it; look again later if something does."""
        unsent = self.transport.get_write_buffer_size()
        has_moved = unsent == 0 or unsent != self._unsent
        self._unsent = unsent
        is_waited_for = self.conn.their_state in (h11.IDLE, h11.SEND_BODY)
        if not has_moved or (is_waited_for and self.loop.time() - self._begun >= self.patience):
            self.transport.abort()
        else:
            self._timer = self.loop.call_later(self.patience, self._look)
