"""The shape of an adapter: which kind of network, of what ranks. Plain data; knows no tensor."""

from __future__ import annotations

from dataclasses import dataclass

from bootstrap.training.recipe import Kind, TrainRecipe

__all__ = ["Network"]


@dataclass(frozen=True)
class Network:
    """One network: every module's change is scaled by ``network_alpha / rank``.

    ``conv_rank`` is that of the convolutions of k x k, None where they are not trained; ``conv_alpha`` is theirs, None
    where they are scaled like the rest; ``factor`` is LoKr's.
    """

    kind: Kind
    rank: int
    network_alpha: float
    conv_rank: int | None = None
    factor: int = 8
    conv_alpha: float | None = None

    @classmethod
    def of(cls, recipe: TrainRecipe) -> Network:
        """The network that a recipe trains."""
        conv = recipe.conv_rank or (recipe.rank if recipe.network == "locon" else None)
        return cls(recipe.network, recipe.rank, recipe.network_alpha, conv, recipe.lokr_factor, recipe.conv_alpha)

    @property
    def scale(self) -> float:
        """The factor of every module's change."""
        return self.network_alpha / self.rank
