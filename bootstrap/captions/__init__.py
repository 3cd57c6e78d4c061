"""Captions: prompts and captions from shots and seeds, the text of captions of other tools, contradictions in tags."""

from __future__ import annotations

from bootstrap.captions.wording import Wording

__all__ = ["Wording"]
