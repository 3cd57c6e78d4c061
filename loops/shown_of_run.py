"""The references of a run: its seeds, and portraits of others, as its settings show them. Knows no drawer."""

from __future__ import annotations

from collections.abc import Sequence

from bootstrap.backends.outside.drawer_settings import ShownSettings
from bootstrap.backends.reference_settings import ReferenceSettings
from bootstrap.panel.head_references import head_of_reference, heads_of_seeds
from bootstrap.records import Frame, Reference, Seed
from loops.engine import Engine
from loops.shown import Shown

__all__ = ["shown_of"]


def shown_of(engine: Engine, settings: ShownSettings, seeds: Sequence[Seed], portraits: Sequence[Frame]) -> Shown:
    """Seeds and portraits as references; their heads, where an adapter is shown heads."""
    shown = [Reference(frame.path, frame.digest, settings.strength) for frame in portraits]
    if isinstance(settings, ReferenceSettings) and settings.crop == "head":
        given = engine.store.directory, engine.panel_models, engine.config.panel
        seeds = heads_of_seeds(seeds, *given)
        shown = [
            head_of_reference(one, frame.job.shot.framing, *given) for one, frame in zip(shown, portraits, strict=True)
        ]
    return Shown(settings, seeds, shown)
