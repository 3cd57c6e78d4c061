"""Attention to reference pictures: the self-attentions of a UNet that draws also see those of the references.

Before each step the references, noised as much as the pictures are by then, go through the UNet, and what each
self-attention takes in is recorded; in the step it joins the keys and values of the pictures' own. Nothing is trained
and no file is needed, so any base with a UNet can draw so. Both halves of the guidance see the references: where only
the prompted one does, obedience falls (LOG "Attention to the seed"). Knows no prompt, no LoRA and no adapter.

Source: "reference-only" of the extension sd-webui-controlnet (lllyasviel, 2023).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch.nn import functional

from bootstrap.backends.framing import cut_of
from bootstrap.backends.loaded import LoadedBase

__all__ = ["ReferenceAttention"]

SELF = "attn1.processor"
"""End of the names of the self-attentions' processors."""


@dataclass
class _Shown:
    """What the self-attentions are told: whether to record, and what a batch sees.

    ``rows`` are the recorded references of each picture, (n, r); ``weight`` multiplies the attention they get.
    """

    recording: bool = False
    rows: torch.Tensor = field(default_factory=lambda: torch.zeros(0))
    weight: float = 1.0


class ReferenceAttention:
    """The self-attentions of a loaded base's UNet, for drawing from references."""

    def __init__(self, base: LoadedBase) -> None:
        self._base, self._shown = base, _Shown()
        self._latents = torch.zeros(0)
        self._features: torch.Tensor | None = None

    def processors(self, plain: Mapping[str, Any]) -> dict[str, Any]:
        """The processors of a UNet with those of the self-attentions replaced."""
        shared = {name: _SharedAttention(self._shown) for name in plain if name.endswith(SELF)}
        return {**plain, **shared}

    def encoded(self, pixels: torch.Tensor) -> torch.Tensor:
        """The latents (1, c, h, w) of one picture, (1, 3, h, w) in -1..1."""
        with torch.inference_mode():
            latents: torch.Tensor = self._base.architecture.latents.encode(self._base.pipe, pixels)[0]
        return latents

    def show(
        self,
        latents: Sequence[torch.Tensor],
        rows: Sequence[Sequence[int]],
        weight: float,
        features: torch.Tensor | None = None,
    ) -> None:
        """What the next batch sees: the latents of all references, and which of them each picture sees, (n, r).

        ``features`` are what an attached adapter needs of each reference, (references, 1, ...).
        """
        self._latents, self._features = torch.cat(list(latents)), features
        self._shown.rows = torch.tensor(rows, device=self._latents.device)
        self._shown.weight = weight

    def look(self, timestep: torch.Tensor) -> None:
        """Record the references as noised as the pictures are at this step; their noise is always the same."""
        base, latents = self._base, self._latents
        schedule = base.pipe.scheduler.alphas_cumprod
        signal = float(schedule[min(round(float(timestep)), len(schedule) - 1)])
        noise = torch.randn(latents[:1].shape, generator=torch.Generator("cpu").manual_seed(0)).to(latents)
        noised = math.sqrt(signal) * latents + math.sqrt(1 - signal) * noise
        text = base.prompts.encode([""] * len(latents))
        if self._features is not None:
            text = replace(text, references=self._features)
        self._shown.recording = True
        try:
            base.predict(noised, timestep, text, [cut_of(base.resolution, base.resolution)] * len(latents))
        finally:
            self._shown.recording = False


class _SharedAttention:
    """A self-attention that records what it takes in, or whose pictures attend to what was recorded as well."""

    def __init__(self, shown: _Shown) -> None:
        self._shown, self._recorded = shown, torch.zeros(0)

    def __call__(
        self,
        attn: Any,
        hidden_states: torch.Tensor,
        encoder_hidden_states: None = None,
        attention_mask: None = None,
        temb: None = None,
    ) -> torch.Tensor:
        """States (n, tokens, d) to states of the same shape, as diffusers' own processor computes them."""
        shown, seen, own = self._shown, hidden_states, hidden_states.shape[1]
        if shown.recording:
            self._recorded = hidden_states
        else:
            halves = len(hidden_states) // len(shown.rows)
            references = self._recorded[shown.rows].flatten(1, 2).repeat(halves, 1, 1)
            seen = torch.cat([hidden_states, references], dim=1)
        query, key, value = (
            self._heads(attn, part) for part in (attn.to_q(hidden_states), attn.to_k(seen), attn.to_v(seen))
        )
        mask = None
        if seen.shape[1] > own and shown.weight != 1:
            mask = query.new_zeros((1, 1, 1, seen.shape[1]))
            mask[..., own:] = math.log(shown.weight)
        found = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        joined = found.transpose(1, 2).flatten(2).to(hidden_states.dtype)
        result: torch.Tensor = attn.to_out[1](attn.to_out[0](joined))
        return result

    @staticmethod
    def _heads(attn: Any, states: torch.Tensor) -> torch.Tensor:
        """States (n, tokens, d) as (n, heads, tokens, d / heads)."""
        pictures, tokens, width = states.shape
        return states.view(pictures, tokens, attn.heads, width // attn.heads).transpose(1, 2)
