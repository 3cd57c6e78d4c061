"""Prompts as text states: encoded once and cached, however long, or encoded with gradients for training.

A prompt longer than the tokenizer's limit is cut into chunks at its commas; each is encoded alone and their states are
joined, as user interfaces do, so that no word is lost. Knows no picture.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

__all__ = ["CACHED", "ESCAPED", "PromptEncoder", "PromptPairEncoder", "PromptStates", "TextStates"]

ESCAPED = re.compile(r"\\([()\[\]])")
"""Brackets as people write them for user interfaces, where a plain one means emphasis: ``saber \\(fate\\)``."""
CACHED = 1024
"""Prompts whose text states are cached; about 240 MB for Stable Diffusion 1.5, 320 MB for SDXL in half precision."""

PromptStates = tuple[torch.Tensor, torch.Tensor | None]
"""The states of one prompt, (tokens, d), and its pooled state, (p,), where the architecture has one."""


@dataclass(frozen=True)
class TextStates:
    """Text states (n, tokens, d), and which of them are valid, (n, tokens) of 1 and 0; ``mask`` None means all are.

    ``pooled`` is one vector a prompt, (n, p), where the architecture has one. ``references`` are the features of the
    reference pictures beside each prompt, (n, r, ...), where there are any. ``reference_latents`` are such pictures as
    latents, each (n, c, h, w), for bases that see them beside what they draw; ``reference_strength`` is how much.
    """

    states: torch.Tensor
    mask: torch.Tensor | None
    pooled: torch.Tensor | None = None
    references: torch.Tensor | None = None
    reference_latents: tuple[torch.Tensor, ...] = ()
    reference_strength: float = 1.0


class PromptEncoder:
    """Encodes prompts with one CLIP tokenizer and text encoder; ``clip_skip`` layers are left out from the end.

    States are on ``device``; the text encoder may be on another, ``encodes_on``.
    """

    kept = CACHED
    """Prompts that are cached besides those of the last `preload`."""

    def __init__(
        self, tokenizer: Any, encoder: Any, clip_skip: int | None, device: str, encodes_on: str | None = None
    ) -> None:
        self.tokenizer, self.encoder = tokenizer, encoder
        self._skip, self._device, self._encodes_on = clip_skip, device, encodes_on or device
        self._limit = min(int(tokenizer.model_max_length), int(encoder.config.max_position_embeddings))
        self._cache: dict[str, PromptStates] = {}
        self._capacity = self.kept

    def encode(self, prompts: Sequence[str]) -> TextStates:
        """Text states of prompts, cached.

        Each is encoded alone, so that its last bits never depend on its neighbours or on what was encoded before.
        """
        return _batched([self._cached(prompt) for prompt in prompts])

    def encode_with_gradients(self, prompts: Sequence[str]) -> TextStates:
        """Text states of prompts in one pass through a text encoder that is being trained."""
        return _batched(self._encoded(prompts))

    def preload(self, prompts: Sequence[str]) -> None:
        """Encode all of these now and cache them beside the others: the text encoder may then be offloaded."""
        self._capacity = max(self._capacity, self.kept + len(prompts))
        for prompt in prompts:
            self._cached(prompt)
            self._cache[prompt] = self._cache.pop(prompt)  # the last to be dropped

    def clear(self) -> None:
        """Drop the cached states: the text encoder has changed."""
        self._cache.clear()
        self._capacity = self.kept

    def chunks(self, prompt: str) -> torch.Tensor:
        """Token ids of a prompt, (chunks, limit): one chunk where it fits, else as many as it takes."""
        prompt = ESCAPED.sub(r"\1", prompt)
        tokens, room = self._tokens(prompt), self._limit - 2
        if len(tokens) <= room:
            return torch.stack([self._padded(tokens)])
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
        return torch.stack([self._padded(tokens) for tokens in packed])

    def _cached(self, prompt: str) -> PromptStates:
        """One prompt, from the cache or encoded into it."""
        if (cached := self._cache.get(prompt)) is not None:
            return cached
        if len(self._cache) >= self._capacity:
            del self._cache[next(iter(self._cache))]
        with torch.no_grad(), torch.autocast(self._encodes_on, enabled=False):
            (encoded,) = self._encoded([prompt])
        self._cache[prompt] = encoded
        return encoded

    def _encoded(self, prompts: Sequence[str]) -> list[PromptStates]:
        """Prompts in one pass."""
        chunks = [self.chunks(prompt) for prompt in prompts]
        parts = torch.split(self._states(torch.cat(chunks)), [len(each) for each in chunks])
        return [(part.flatten(0, 1).to(self._device), None) for part in parts]

    def _states(self, ids: torch.Tensor) -> torch.Tensor:
        output = self.encoder(ids.to(self._encodes_on), output_hidden_states=self._skip is not None)
        if self._skip is None:
            states: torch.Tensor = output.last_hidden_state
            return states
        # transformers before 5.6 keeps the layers one module deeper
        text_model = getattr(self.encoder, "text_model", self.encoder)
        states = text_model.final_layer_norm(output.hidden_states[-(self._skip + 1)])
        return states

    def _tokens(self, text: str) -> list[int]:
        found: list[int] = self.tokenizer(text, add_special_tokens=False, verbose=False).input_ids
        return found

    def _padded(self, tokens: list[int]) -> torch.Tensor:
        """Begin, tokens, end, and padding up to the limit."""
        ids = [self.tokenizer.bos_token_id, *tokens, self.tokenizer.eos_token_id]
        return torch.tensor(ids + [self.tokenizer.pad_token_id] * (self._limit - len(ids)))


class PromptPairEncoder(PromptEncoder):
    """Encodes prompts as SDXL does: the states of two text encoders side by side, and the second's pooled one.

    ``pairs`` are the two tokenizers with their text encoders. States are those before the last layer, without a final
    norm; ``clip_skip`` leaves out further layers. The pooled state is that of a prompt's first chunk.
    """

    def __init__(
        self, pairs: Sequence[tuple[Any, Any]], clip_skip: int | None, device: str, encodes_on: str | None = None
    ) -> None:
        (tokenizer, encoder), second = pairs
        super().__init__(tokenizer, encoder, clip_skip, device, encodes_on)
        self.second = PromptEncoder(*second, clip_skip, device, encodes_on)

    def _encoded(self, prompts: Sequence[str]) -> list[PromptStates]:
        chunks = [self.chunks(prompt) for prompt in prompts]
        counts = [len(each) for each in chunks]
        ids = torch.cat([self.second.chunks(prompt) for prompt in prompts])
        first = self.encoder(torch.cat(chunks).to(self._encodes_on), output_hidden_states=True)
        second = self.second.encoder(ids.to(self._encodes_on), output_hidden_states=True)
        layer = -(2 + (self._skip or 0))
        states = torch.cat([output.hidden_states[layer] for output in (first, second)], dim=-1).to(self._device)
        pooled = torch.split(second.text_embeds.to(self._device), counts)
        parts = torch.split(states, counts)
        return [(part.flatten(0, 1), pool[0]) for part, pool in zip(parts, pooled, strict=True)]


def _batched(rows: Sequence[PromptStates]) -> TextStates:
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
