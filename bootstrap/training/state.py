"""What changes while a LoRA is trained, as one thing to move, keep and restore: weights, optimizer, average, losses.

Knows no picture and no caption: gradients are there when a step is taken.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from bootstrap.training.optimizers import optimizer_for
from bootstrap.training.recipe import TrainRecipe
from bootstrap.training.schedule import learning_rate

__all__ = ["TrainingState"]

Tensors = list[torch.Tensor]


class TrainingState:
    """The weights in training after ``step`` steps, and everything that a killed training needs to continue exactly.

    Data order, noise, dropout and rate are functions of random seed and step, so no generator and no schedule is kept.
    ``losses`` holds one mean loss a step; ``weights`` are the denoiser's, then the text encoders'.
    """

    def __init__(
        self,
        weights: Sequence[torch.nn.Parameter],
        text_weights: Sequence[torch.nn.Parameter],
        recipe: TrainRecipe,
        scales_loss: bool = False,
    ) -> None:
        self.recipe = recipe
        self.step = 0
        self.losses: Tensors = []
        self.weights = [*weights, *text_weights]
        self._optimizer = optimizer_for(recipe, weights, text_weights)
        self._optimizer.zero_grad(set_to_none=True)
        self._scaler = torch.amp.GradScaler(self.weights[0].device.type, enabled=scales_loss)
        self._average: Tensors = []
        if recipe.ema_decay:
            self._average = [weight.detach().clone() for weight in self.weights]
        self._good: dict[str, Any] | None = None

    def advance(self, loss: torch.Tensor) -> None:
        """Move the weights along their gradients and clear these; ``loss`` is the step's mean loss.

        A step whose scaled gradients overflow moves nothing; the scale of the loss is lower from then on.
        """
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(self.recipe, self.step, group["peak"])
        self._scaler.unscale_(self._optimizer)
        torch.nn.utils.clip_grad_norm_(self.weights, self.recipe.max_grad_norm)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.losses.append(loss.detach())
        if self._average:
            self._update_average()

    def scaled(self, loss: torch.Tensor) -> torch.Tensor:
        """A loss times the scale that its gradients are computed with; itself, where losses are not scaled."""
        found: torch.Tensor = self._scaler.scale(loss)
        return found

    def finite(self) -> bool:
        """Whether every loss and every weight is a finite number; one read of the device.

        A loss scale below 1 says that gradients overflow whatever it is.
        """
        if self._scaler.get_scale() < 1:
            return False
        values = [torch.stack(self.losses), *(weight.detach() for weight in self.weights)]
        return bool(torch.stack([torch.isfinite(value).all().to(values[0].device) for value in values]).all())

    def mark_good(self) -> None:
        """Remember the present weights as the ones that `fall_back` returns to."""
        self._good = {"step": self.step, "weights": _copies(self._average or self.weights)}

    def fall_back(self) -> bool:
        """Return to the weights that were last marked good; False if there are none."""
        if self._good is None:
            return False
        _copy_into(self.weights, self._good["weights"])
        self.step, self._average = int(self._good["step"]), []
        self.losses = self.losses[: self.step]
        return True

    @contextlib.contextmanager
    def as_finished(self) -> Iterator[None]:
        """The weights as they would be if the training ended now: the average, where the recipe asks for it."""
        present: Tensors = []
        if self._average:
            present = [weight.detach().clone() for weight in self.weights]
        _copy_into(self.weights, self._average)
        try:
            yield
        finally:
            _copy_into(self.weights, present)

    def finish(self) -> float:
        """Leave the trained weights (or their average) in place; returns the mean loss of the last tenth."""
        _copy_into(self.weights, self._average or self.weights)
        return self.loss_at(len(self.losses))

    def loss_at(self, step: int) -> float:
        """The mean loss of the last tenth of a training, up to this step."""
        tenth = max(1, self.recipe.steps // 10)
        return float(torch.stack(self.losses[max(0, step - tenth) : step]).mean())

    def state(self) -> dict[str, Any]:
        """Everything as plain tensors and numbers, for `restore`."""
        present_is_good = self._good is not None and self._good["step"] == self.step
        return {
            "step": self.step,
            "weights": [weight.detach().cpu() for weight in self.weights],
            "average": [mean.cpu() for mean in self._average],
            "optimizer": self._optimizer.state_dict(),
            "scale": self._scaler.state_dict(),
            "losses": torch.stack(self.losses).cpu(),
            "good": None if present_is_good else self._good,
            "sound": present_is_good,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue where `state` was taken."""
        _copy_into(self.weights, state["weights"])
        _copy_into(self._average, state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        if state.get("scale"):  # checkpoints of earlier versions have none
            self._scaler.load_state_dict(state["scale"])
        self.step, self.losses = int(state["step"]), list(state["losses"].to(self.weights[0].device))
        self._good = state["good"]
        if state["sound"]:
            self.mark_good()

    def _update_average(self) -> None:
        """Move the average toward the weights; early on faster, so that it does not remember the beginning."""
        decay = min(self.recipe.ema_decay or 0.0, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mean, weight in zip(self._average, self.weights, strict=True):
                mean.lerp_(weight, 1 - decay)


def _copies(tensors: Sequence[torch.Tensor]) -> Tensors:
    return [tensor.detach().cpu().clone() for tensor in tensors]


def _copy_into(tensors: Sequence[torch.Tensor], values: Sequence[torch.Tensor]) -> None:
    """Copy values into the tensors, all of them or (no values) none."""
    if not values:
        return
    with torch.no_grad():
        for tensor, value in zip(tensors, values, strict=True):
            tensor.copy_(value)
