"""Whether the settings of a base suit its architecture, before anything is loaded. Imports no model library."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable

from bootstrap.backends.architectures import Architecture
from bootstrap.backends.reference_settings import ReferenceSettings
from bootstrap.backends.sampling import Quantised, SamplingSettings
from bootstrap.errors import BackendError
from bootstrap.training.recipe import TrainRecipe

__all__ = ["check_drawn_from", "check_quantising", "check_recipe", "check_sampling"]

PACKAGE = "bitsandbytes"
WHOLE_ONLY = ("loha", "lokr")
"""Networks that peft computes from the shape of the base's weights, which four bits do not keep."""


def check_sampling(architecture: Architecture, settings: SamplingSettings) -> None:
    """Raise BackendError, in one line, where pictures of this architecture cannot be drawn so."""
    limits, title = architecture.limits, architecture.title
    if limits.schedulers and settings.scheduler not in limits.schedulers:
        raise BackendError(
            f'{title} is not drawn with the scheduler "{settings.scheduler}"',
            f"set base.sampling.scheduler to {' or '.join(limits.schedulers)}",
        )
    for name in ("width", "height"):
        _check_side(architecture, f"base.sampling.{name}", getattr(settings, name))
    for name in limits.without:
        if getattr(settings, name) not in (None, ""):
            text = f'base.sampling.{name} "{getattr(settings, name)}" means nothing to {title}'
            raise BackendError(text, f"leave base.sampling.{name} out")


def check_quantising(bits: Quantised, networks: Iterable[str] = ()) -> None:
    """Raise BackendError, in one line, where weights of so many bits cannot be loaded, or carry no such network.

    Loads nothing, and asks for no base.
    """
    if bits == "none":
        return
    if importlib.util.find_spec(PACKAGE) is None:
        raise BackendError(
            f'base.sampling.quantise "{bits}" needs the package {PACKAGE} (not installed)',
            'pip install "lora-bootstrap[quantised]", or leave the weights as they are: '
            "--set base.sampling.quantise=none",
        )
    for network in networks:
        if bits == "4bit" and network in WHOLE_ONLY:
            raise BackendError(
                f'network "{network}" does not go with base.sampling.quantise "{bits}"',
                "choose 8bit, or the network lora or dora",
            )


def check_recipe(architecture: Architecture, recipe: TrainRecipe) -> None:
    """Raise BackendError, in one line, where no LoRA for this architecture can be trained so."""
    if recipe.text_encoder and not architecture.limits.trains_text:
        raise BackendError(
            f"the text encoder of {architecture.title} is a language model, which is not trained here",
            "set the recipe's text_encoder to false",
        )
    if recipe.enable_bucket:
        _check_side(architecture, "the recipe's bucket_reso_steps", recipe.bucket_reso_steps)


def check_drawn_from(architecture: Architecture, reference: ReferenceSettings | None, *, has_control: bool) -> None:
    """Raise BackendError, in one line, where the architecture cannot draw from references, or be steered, so."""
    limits, title = architecture.limits, architecture.title
    if has_control and not limits.has_control:
        raise BackendError(f"{title} is not steered by a ControlNet here", "leave --control out")
    for name in _means(reference) if reference else ():
        if name not in limits.references:
            way = "--reference native" if "native" in limits.references else "--reference none"
            raise BackendError(f"{title} does not draw from references by base.reference.{name}", f"give {way}")


def _means(reference: ReferenceSettings) -> Iterable[str]:
    """The settings by which references are shown."""
    return [name for name in ("path", "attention", "native") if getattr(reference, name)]


def _check_side(architecture: Architecture, name: str, value: int) -> None:
    side = architecture.limits.side
    if value % side:
        raise BackendError(
            f'{name} "{value}" does not suit {architecture.title}, whose pictures have sides of multiples of {side}',
            f"choose {round(value / side) * side or side}",
        )
