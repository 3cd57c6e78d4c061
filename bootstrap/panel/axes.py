"""Which axes of the vocabulary a panel reads well, and with which of its models. Loads nothing."""

from __future__ import annotations

from collections.abc import Iterator

from bootstrap.config import PanelConfig
from scoring.axis import AxisSettings
from scoring.settings import Reader
from scoring.zeroshot import TraitSettings

__all__ = ["captioned_axes", "checked_axes", "read_on_heads"]


def checked_axes(config: PanelConfig, reader: Reader) -> tuple[str, ...] | None:
    """Axes that a reader checks on every frame; None: all of the vocabulary."""
    found = [settings.axes for settings in _traits(config, reader)]
    return found[0] if found else ()


def captioned_axes(config: PanelConfig, reader: Reader) -> tuple[str, ...]:
    """Axes that a reader reads well enough to drop a caption's tag when the picture shows another word."""
    scorers = [settings for _, settings in config.every_scorer if isinstance(settings, AxisSettings)]
    axes = [one.axis for one in scorers if one.role == "caption" and one.reader == reader]
    return tuple(dict.fromkeys(axes))


def read_on_heads(config: PanelConfig, reader: Reader) -> bool:
    """Whether a reader reads traits on head crops instead of whole pictures."""
    return any(settings.heads for settings in _traits(config, reader))


def _traits(config: PanelConfig, reader: Reader) -> Iterator[TraitSettings]:
    for _, settings in config.every_scorer:
        if isinstance(settings, TraitSettings) and settings.reader == reader:
            yield settings
