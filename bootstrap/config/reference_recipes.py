"""Which recipes can be trained with references: beside them, and by what drew from them. Knows no model."""

from __future__ import annotations

from collections.abc import Mapping

from bootstrap.backends.reference_settings import ReferenceSettings
from bootstrap.training.recipe import TrainRecipe

__all__ = ["check_recipes"]

FACTORED = ("loha", "lokr")
"""Networks whose weights have no place in another's."""


def check_recipes(
    recipes: Mapping[str, TrainRecipe],
    growing: TrainRecipe | None,
    finishing: TrainRecipe,
    reference: ReferenceSettings | None,
) -> None:
    """Raise ValueError for settings that cannot go together.

    ``growing`` trains what draws from references (None: the base draws alone), whose predictions ``finishing`` may
    learn from; then the weights of both must have places in one network.
    """
    for phase, recipe in recipes.items():
        if recipe.beside_references:
            raise ValueError(f"base.recipes.{phase}.beside_references: set base.reference.beside_steps instead")
    if reference is None or growing is None:
        return
    if reference.beside_steps:
        _check_beside(growing, reference)
    if finishing.reference_distillation:
        _check_distilled(growing, finishing)


def _check_beside(growing: TrainRecipe, reference: ReferenceSettings) -> None:
    if growing.gradient_checkpointing and reference.attention:
        raise ValueError("beside_steps: beside attention to references, gradient_checkpointing must be false")
    if growing.reg_data_dir or growing.prior_pictures:
        raise ValueError("beside_steps: references of others are not known; leave out reg_data_dir and prior_pictures")


def _check_distilled(growing: TrainRecipe, finishing: TrainRecipe) -> None:
    if growing.text_encoder:
        raise ValueError("reference_distillation: what draws may not train text_encoder; set it to false, or this to 0")
    networks = (growing.network, finishing.network)
    alike = networks[0] == networks[1] or "dora" not in networks
    if any(one in FACTORED for one in networks) or not alike:
        raise ValueError(
            f"reference_distillation: {' and '.join(networks)} do not fit; use lora in both, or set it to 0"
        )
    if _convolutions(growing) and not _convolutions(finishing):
        raise ValueError("reference_distillation: the LoRA that draws has a conv_rank, this has none; give it one")


def _convolutions(recipe: TrainRecipe) -> bool:
    return recipe.network == "locon" or recipe.conv_rank is not None
