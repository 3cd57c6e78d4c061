"""Models that read pictures: one door to them, whether they run on this machine or behind a server."""

from __future__ import annotations

from bootstrap.readers.question import Question, Reader, Reply

__all__ = ["Question", "Reader", "Reply"]
