"""Prompts as text states: encoded once and remembered, however long, or encoded with gradients for training.

A prompt longer than the tokenizer's limit is cut into chunks at its commas; each is encoded alone and their states are
joined, as user interfaces do, so that no word is lost. Knows no picture.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

__all__ = ["PromptEncoder", "PromptPairEncoder", "TextStates"]

ESCAPED = re.compile(r"\\([()\[\]])")
"""Brackets as people write them for user interfaces, where a plain one means emphasis: ``saber \\(fate\\)``."""
REMEMBERED = 1024
"""Prompts whose text states are kept; about 240 MB for Stable Diffusion 1.5, 320 MB for SDXL in half precision."""

Coded = tuple[torch.Tensor, torch.Tensor | None]
"""The states of one prompt, (tokens, d), and its pooled state, (p,), where the architecture has one."""


@dataclass(frozen=True)
class TextStates:
    """Text states (n, tokens, d), and which of them are there, (n, tokens) of 1 and 0; ``mask`` None means all are.

    ``pooled`` is one vector a prompt, (n, p), where the architecture asks for it.
    """

    states: torch.Tensor
    mask: torch.Tensor | None
    pooled: torch.Tensor | None = None


class PromptEncoder:
    """Encodes prompts with one tokenizer and text encoder; ``clip_skip`` layers are left out from the end.

    States are on ``device``; the encoder itself may be on another, ``encodes_on``.
    """

    def __init__(
        self, tokenizer: Any, encoder: Any, clip_skip: int | None, device: str, encodes_on: str | None = None
    ) -> None:
        self._tokenizer, self._encoder, self._skip, self._device = tokenizer, encoder, clip_skip, device
        self._there = encodes_on or device
        self._limit = min(int(tokenizer.model_max_length), int(encoder.config.max_position_embeddings))
        self._remembered: dict[str, Coded] = {}
        self._most = REMEMBERED

    def encode(self, prompts: Sequence[str]) -> TextStates:
        """Text states of prompts, remembered.

        Each is encoded alone, so that its last bits never depend on its neighbours or on what was encoded before.
        """
        return _together([self._known(prompt) for prompt in prompts])

    def encode_with_gradients(self, prompts: Sequence[str]) -> TextStates:
        """Text states of prompts in one pass through a text encoder that is being trained."""
        return _together(self._coded(prompts))

    def remember(self, prompts: Sequence[str]) -> None:
        """Encode all of these now, and keep them beside what else is remembered: the encoder may then rest."""
        self._most = max(self._most, REMEMBERED + len(prompts))
        for prompt in prompts:
            self._known(prompt)
            self._remembered[prompt] = self._remembered.pop(prompt)  # the last to be dropped

    def forget(self) -> None:
        """Drop what is remembered: the text encoder has changed."""
        self._remembered.clear()
        self._most = REMEMBERED

    def chunks(self, prompt: str) -> torch.Tensor:
        """Token ids of a prompt, (chunks, limit): one chunk where it fits, else as many as it takes."""
        prompt = ESCAPED.sub(r"\1", prompt)
        plain = self._tokens(prompt)
        room = self._limit - 2
        if len(plain) <= room:
            return torch.stack([self._framed(plain)])
        packed: list[list[int]] = [[]]
        tags = prompt.split(",")
        for tag in (*(f"{tag}," for tag in tags[:-1]), tags[-1]):
            tokens = self._tokens(tag)
            if len(packed[-1]) + len(tokens) > room and packed[-1]:
                packed.append([])
            for start in range(0, len(tokens), room):
                packed[-1] += tokens[start : start + room]
                if start + room < len(tokens):
                    packed.append([])
        return torch.stack([self._framed(tokens) for tokens in packed])

    def _known(self, prompt: str) -> Coded:
        """One prompt, remembered."""
        if (known := self._remembered.get(prompt)) is not None:
            return known
        if len(self._remembered) >= self._most:
            del self._remembered[next(iter(self._remembered))]
        with torch.no_grad(), torch.autocast(self._there, enabled=False):
            (coded,) = self._coded([prompt])
        self._remembered[prompt] = coded
        return coded

    def _coded(self, prompts: Sequence[str]) -> list[Coded]:
        """Prompts in one pass."""
        chunks = [self.chunks(prompt) for prompt in prompts]
        parts = torch.split(self._states(torch.cat(chunks)), [len(each) for each in chunks])
        return [(part.flatten(0, 1).to(self._device), None) for part in parts]

    def _states(self, ids: torch.Tensor) -> torch.Tensor:
        coded = self._encoder(ids.to(self._there), output_hidden_states=self._skip is not None)
        if self._skip is None:
            states: torch.Tensor = coded.last_hidden_state
            return states
        # transformers before 5.6 keeps the layers one module deeper
        text_model = getattr(self._encoder, "text_model", self._encoder)
        states = text_model.final_layer_norm(coded.hidden_states[-(self._skip + 1)])
        return states

    def _tokens(self, text: str) -> list[int]:
        found: list[int] = self._tokenizer(text, add_special_tokens=False, verbose=False).input_ids
        return found

    def _framed(self, tokens: list[int]) -> torch.Tensor:
        """Begin, tokens, end, and padding up to the limit."""
        made = self._tokenizer
        ids = [made.bos_token_id, *tokens, made.eos_token_id]
        return torch.tensor(ids + [made.pad_token_id] * (self._limit - len(ids)))


class PromptPairEncoder(PromptEncoder):
    """Encodes prompts as SDXL wants them: the states of two text encoders side by side, and the second's pooled one.

    ``pairs`` are the two tokenizers with their text encoders. States are those before the last layer, without a final
    norm; ``clip_skip`` leaves out further layers. The pooled state is that of a prompt's first chunk.
    """

    def __init__(
        self, pairs: Sequence[tuple[Any, Any]], clip_skip: int | None, device: str, encodes_on: str | None = None
    ) -> None:
        (tokenizer, encoder), second = pairs
        super().__init__(tokenizer, encoder, clip_skip, device, encodes_on)
        self._second = PromptEncoder(*second, clip_skip, device, encodes_on)

    def _coded(self, prompts: Sequence[str]) -> list[Coded]:
        chunks = [self.chunks(prompt) for prompt in prompts]
        counts = [len(each) for each in chunks]
        first = self._encoder(torch.cat(chunks).to(self._there), output_hidden_states=True)
        ids = torch.cat([self._second.chunks(prompt) for prompt in prompts])
        second = self._second._encoder(ids.to(self._there), output_hidden_states=True)
        layer = -(2 + (self._skip or 0))
        states = torch.cat([coded.hidden_states[layer] for coded in (first, second)], dim=-1).to(self._device)
        pooled = torch.split(second.text_embeds.to(self._device), counts)
        parts = torch.split(states, counts)
        return [(part.flatten(0, 1), pool[0]) for part, pool in zip(parts, pooled, strict=True)]


def _together(rows: Sequence[Coded]) -> TextStates:
    """Prompts as one block; the shorter ones are filled with zeros that the mask hides."""
    lengths = [len(states) for states, _ in rows]
    longest = max(lengths)
    pools = [pool for _, pool in rows if pool is not None]
    pooled = torch.stack(pools) if pools else None
    if min(lengths) == longest:
        return TextStates(torch.stack([states for states, _ in rows]), None, pooled)
    filled = torch.stack([torch.nn.functional.pad(states, (0, 0, 0, longest - len(states))) for states, _ in rows])
    places = torch.arange(longest, device=filled.device)
    mask = (places < torch.tensor(lengths, device=filled.device)[:, None]).float()
    return TextStates(filled, mask, pooled)
