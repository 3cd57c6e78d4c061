"""Prompts as text states from text encoders that are on the device only while they encode. Knows no picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scoring.offloaded import Offloaded

if TYPE_CHECKING:
    from bootstrap.backends.architectures.architecture import TextEncoding
    from bootstrap.backends.prompts import TextStates

__all__ = ["PromptsInTurn"]


class PromptsInTurn:
    """Another `TextEncoding` whose text encoders are offloaded after each call."""

    def __init__(self, prompts: TextEncoding, text_encoders: Offloaded) -> None:
        self._prompts, self._text_encoders = prompts, text_encoders

    def encode(self, prompts: Sequence[str]) -> TextStates:
        """Text states of prompts, cached."""
        with self._text_encoders:
            return self._prompts.encode(prompts)

    def encode_with_gradients(self, prompts: Sequence[str]) -> TextStates:
        """Text states of prompts; the text encoders stay on the device for the way back, until a call offloads them."""
        return self._prompts.encode_with_gradients(prompts)

    def preload(self, prompts: Sequence[str]) -> None:
        """Encode prompts now, and cache them."""
        with self._text_encoders:
            self._prompts.preload(prompts)

    def clear(self) -> None:
        """Drop the cached states: the text encoders have changed."""
        self._prompts.clear()
