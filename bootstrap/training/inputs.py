"""What a training works on, handed in whole: fresh adapter weights, cached latents, and functions that guess noise.

Knows no model, no file and no order of steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from bootstrap.records import TrainItem

__all__ = ["Guess", "TrainingInputs"]

Guess = Callable[[torch.Tensor, torch.Tensor, Sequence[str], Sequence[int]], torch.Tensor]


@dataclass(frozen=True)
class TrainingInputs:
    """What a training works on.

    ``weights`` are the UNet's LoRA weights, ``text_weights`` the text encoder's (none: it is not trained). ``latents``
    are entries (c, h, w), scaled, of several shapes perhaps: ``crops`` for each item, one after another, then one for
    each of the ``regular`` pictures. ``guess`` predicts from noised latents (n, c, h, w), timesteps (n,), n captions
    and the numbers of their entries what ``prediction_type`` names, with gradients. ``content`` names the base's
    weights and the pictures' pixels. ``loss_scale`` lifts the gradients on their way back, where half precision would
    round them to zero.
    """

    weights: Sequence[torch.nn.Parameter]
    text_weights: Sequence[torch.nn.Parameter]
    latents: Sequence[torch.Tensor]
    guess: Guess
    alphas_cumprod: torch.Tensor
    prediction_type: str
    device: str
    content: str = ""
    loss_scale: float = 1.0
    crops: int = 1
    deviations: Sequence[torch.Tensor] = ()
    """Of the latents, entry by entry, where they are drawn anew each time; none: the latents are what they are."""
    masks: Sequence[torch.Tensor] = ()
    """Weight of each place of the latents, (1, h, w) in 0..1, entry by entry; none: all count alike."""
    regular: Sequence[TrainItem] = ()
    """Regularisation pictures with their captions."""
    base_guess: Guess | None = None
    """What the base alone predicts, without gradients; needed to keep to the base's own output."""
