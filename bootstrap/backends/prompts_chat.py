"""Prompts as text states of a language model that is asked in its chat template: the text encoder of newer bases.

States are cached in main memory: one prompt takes up to 8 MB. Knows no picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from bootstrap.backends.prompts import ESCAPED, PromptEncoder, PromptStates, TextStates

__all__ = ["ChatEncoder"]

LONGEST = 512
"""Tokens of a prompt with its template; what is beyond is cut off, as the models' own pipelines do."""


class ChatEncoder(PromptEncoder):
    """Encodes prompts with a language model; ``layers`` are those whose hidden states are joined, (tokens, layers · d).

    ``thinks`` is the template's switch. ``padded`` keeps the states of the padding up to `LONGEST` tokens, for models
    that were trained with them; else a prompt has as many states as tokens.
    """

    kept = 128

    def __init__(
        self,
        tokenizer: Any,
        encoder: Any,
        device: str,
        encodes_on: str,
        *,
        layers: Sequence[int],
        thinks: bool,
        padded: bool,
    ) -> None:
        super().__init__(tokenizer, encoder, None, "cpu", encodes_on)
        self._used_on, self._layers, self._thinks, self._keeps_padding = device, layers, thinks, padded

    def encode(self, prompts: Sequence[str]) -> TextStates:
        """Text states of prompts, cached."""
        found = super().encode(prompts)
        mask = None if found.mask is None else found.mask.to(self._used_on)
        return replace(found, states=found.states.to(self._used_on), mask=mask)

    def _encoded(self, prompts: Sequence[str]) -> list[PromptStates]:
        tokens = self.tokenizer(
            [self._asked(prompt) for prompt in prompts],
            padding="max_length",
            max_length=LONGEST,
            truncation=True,
            return_tensors="pt",
        ).to(self._encodes_on)
        output = self.encoder(
            input_ids=tokens.input_ids,
            attention_mask=tokens.attention_mask,
            output_hidden_states=True,
            use_cache=False,
        )
        states = torch.cat([output.hidden_states[layer] for layer in self._layers], dim=-1).to(self._device)
        if self._keeps_padding:
            return [(one, None) for one in states]
        masks = tokens.attention_mask.bool().to(self._device)
        return [(one[mask], None) for one, mask in zip(states, masks, strict=True)]

    def _asked(self, prompt: str) -> str:
        """A prompt as a person's question."""
        text: str = self.tokenizer.apply_chat_template(
            [{"role": "user", "content": ESCAPED.sub(r"\1", prompt)}],
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=self._thinks,
        )
        return text
