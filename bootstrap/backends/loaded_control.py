"""Drawing along control pictures: a ControlNet beside a loaded base's UNet, which gets its residuals.

It sees what the UNet sees: latents, text states, added conditions (Zhang et al., arXiv 2302.05543). Where a base
offloads, it is on the device only while it draws. Knows no prompt, no LoRA and no reference.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps

from bootstrap.backends.control_settings import ControlSettings
from bootstrap.backends.folder import digest_of_weights, variant_of
from bootstrap.backends.loaded import LoadedBase
from bootstrap.backends.saving_memory import moved
from bootstrap.backends.shapes import Size
from bootstrap.backends.shown_pictures import open_shown
from bootstrap.errors import BackendError
from bootstrap.machine.device import reporting_memory
from bootstrap.records import Reference

__all__ = ["ControlledBatch", "LoadedControl"]


@dataclass(frozen=True)
class ControlledBatch:
    """A UNet with a ControlNet and the control pictures of a batch, (n, 3, h, w) in 0..1."""

    net: Any
    unet: Any
    pictures: torch.Tensor
    scale: float
    settings: ControlSettings

    def at(self, step: int, steps: int) -> Any:
        """What predicts at a step, from 0, of so many: the UNet alone where the ControlNet is not heeded.

        The rule is that of diffusers' pipelines.
        """
        if step / steps < self.settings.start or (step + 1) / steps > self.settings.end:
            return self.unet
        return self._predict

    def _predict(
        self,
        latents: torch.Tensor,
        timesteps: torch.Tensor,
        encoder_hidden_states: torch.Tensor,
        encoder_attention_mask: torch.Tensor | None,
        added_cond_kwargs: Mapping[str, Any] | None,
    ) -> Any:
        residuals = self._residuals(
            latents, timesteps, encoder_hidden_states, encoder_attention_mask, added_cond_kwargs or {}
        )
        return self.unet(
            latents,
            timesteps,
            encoder_hidden_states=encoder_hidden_states,
            encoder_attention_mask=encoder_attention_mask,
            added_cond_kwargs=added_cond_kwargs,
            down_block_additional_residuals=residuals[:-1],
            mid_block_additional_residual=residuals[-1],
        )

    def _residuals(
        self,
        latents: torch.Tensor,
        timesteps: torch.Tensor,
        states: torch.Tensor,
        mask: torch.Tensor | None,
        added: Mapping[str, Any],
    ) -> Sequence[torch.Tensor]:
        """What the ControlNet adds to each level of the UNet on the way down, and in its middle."""
        pictures = self.pictures.repeat(len(latents) // len(self.pictures), 1, 1, 1)  # both halves see them
        parts, order = [], []
        for rows, tokens in _of_one_length(states, mask):
            down, middle = self.net(
                latents[rows],
                timesteps,
                encoder_hidden_states=states[rows, :tokens],
                controlnet_cond=pictures[rows],
                conditioning_scale=self.scale,
                added_cond_kwargs={name: value[rows] for name, value in added.items() if torch.is_tensor(value)},
                return_dict=False,
            )
            parts.append((*down, middle))
            order.append(rows)
        if len(parts) == 1:
            return parts[0]
        back = torch.cat(order).argsort()
        return [torch.cat(level)[back] for level in zip(*parts, strict=True)]


class LoadedControl:
    """A ControlNet, loaded for one base. Raises BackendError when it cannot be used."""

    def __init__(self, base: LoadedBase, folder: Path, settings: ControlSettings, pictures: Path) -> None:
        """``folder`` holds the ControlNet; ``pictures`` is what the paths of control pictures are relative to.

        ``fingerprint`` identifies its weights.
        """
        self._base, self._settings, self._pictures = base, settings, pictures
        self._net = _load(base, folder)
        self.fingerprint = digest_of_weights(folder)[:16]
        if not base.settings.offload:
            with reporting_memory("choose --control none"):
                self._net.to(base.device)

    @contextlib.contextmanager
    def attached(self, controls: Sequence[Reference], size: Size) -> Iterator[ControlledBatch]:
        """A batch of pictures of this size, along these control pictures of one strength.

        Raises BackendError for one that is lost or altered.
        """
        pictures = torch.stack([self._read(control, size) for control in controls])
        in_turn = [self._net] if self._base.settings.offload else []
        with moved(in_turn, self._base.device, back="cpu"):
            placed = pictures.to(self._base.device, self._net.dtype)
            yield ControlledBatch(self._net, self._base.denoiser, placed, controls[0].strength, self._settings)

    def _read(self, control: Reference, size: Size) -> torch.Tensor:
        """A control picture as (3, h, w) in 0..1, of this size, with black borders where it has another shape."""
        image = open_shown(self._pictures, control, "control picture", smallest=8)
        fitted = ImageOps.pad(image, size, Image.Resampling.LANCZOS, color="black")
        return torch.from_numpy(np.asarray(fitted, np.float32) / 255).permute(2, 0, 1)


def _load(base: LoadedBase, folder: Path) -> Any:
    from diffusers import ControlNetModel

    try:
        net = ControlNetModel.from_pretrained(
            folder, local_files_only=True, variant=variant_of(folder), dtype=base.denoiser.dtype
        )
    except Exception as error:  # damaged weights make the libraries raise anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        hint = "fetch the ControlNet again, or choose --control none"
        raise BackendError(f'"{folder}" does not load: {reason}', hint) from error
    return net.requires_grad_(False).eval()


def _of_one_length(states: torch.Tensor, mask: torch.Tensor | None) -> Iterator[tuple[torch.Tensor, int]]:
    """The rows of text states that have equally many valid tokens, and how many: a ControlNet takes no mask."""
    if mask is None:
        yield torch.arange(len(states), device=states.device), states.shape[1]
        return
    lengths = mask.sum(1).long()
    for tokens in sorted(set(lengths.tolist())):
        yield (lengths == tokens).nonzero().flatten(), tokens
