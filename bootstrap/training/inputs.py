"""What a training works on, handed in whole: fresh adapter weights, cached latents, and functions that predict.

Knows no model, no file and no order of steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from bootstrap.records import TrainItem
from bootstrap.training.objective import Objective

__all__ = ["Predict", "TrainingInputs"]

Predict = Callable[[torch.Tensor, torch.Tensor, Sequence[str], Sequence[int]], torch.Tensor]
"""Predicts from noised latents (n, c, h, w), times (n,), n captions, and the numbers of the latents' entries."""


@dataclass(frozen=True)
class TrainingInputs:
    """What a training works on.

    ``weights`` are the denoiser's LoRA weights, ``text_weights`` the text encoders' (none: they are not trained).
    ``latents`` are entries (c, h, w), scaled, possibly of several shapes: ``crops`` for each item, one after another,
    then one for each of the ``regularisation`` pictures. ``predict`` has gradients. ``content`` names the base's
    weights and the pictures' pixels.
    """

    weights: Sequence[torch.nn.Parameter]
    text_weights: Sequence[torch.nn.Parameter]
    latents: Sequence[torch.Tensor]
    predict: Predict
    objective: Objective
    device: str
    content: str = ""
    scales_loss: bool = False
    """Whether the loss is scaled, because gradients are computed in float16, whose smallest number is 6e-8."""
    crops: int = 1
    deviations: Sequence[torch.Tensor] = ()
    """Of the latents, entry by entry, where they are sampled anew each time; none: the means are used."""
    masks: Sequence[torch.Tensor] = ()
    """Weight of each place of the latents, (1, h, w) in 0..1, entry by entry; none: all count alike."""
    regularisation: Sequence[TrainItem] = ()
    """Regularisation pictures with their captions."""
    predict_base: Predict | None = None
    """The prediction of the base without the adapter, without gradients; for ``output_preservation``."""
    predict_shown: Predict | None = None
    """What drew pictures from references predicts of them, shown these; for ``reference_distillation``."""
