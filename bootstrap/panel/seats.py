"""Scorers made from the settings of a panel, its models and references. Knows no run and lists no scorer by name."""

from __future__ import annotations

from collections.abc import Sequence

from bootstrap.config import PanelConfig
from bootstrap.panel.axes import captioned_axes, checked_axes
from bootstrap.panel.models import PanelModels
from scoring import SCORERS
from scoring.axis import AxisSettings
from scoring.materials import Materials
from scoring.measurement import Picture
from scoring.panel import Panel, Seat
from scoring.settings import Reader, ScorerSettings, in_use
from scoring.tags import TagAbsenceSettings

__all__ = ["caption_panel", "materials_of", "panel_for"]

VIEW = "view"
"""Name of the scorer that reads the view."""
SEEN = "seen "
"""How the names of scorers begin that hold a caption against its picture, one an axis."""


def materials_of(
    models: PanelModels,
    config: PanelConfig,
    references: Sequence[Picture] = (),
    approved: Sequence[Picture] = (),
    identity: Sequence[str] | None = None,
) -> Materials:
    """What scorers are made from. ``identity`` are the axes of the subject's traits; None: no subject is described."""
    return Materials(
        clip=models.clip,
        features=models.features,
        crops=models.crops(config),
        references=references,
        approved=approved,
        faces=models.faces,
        tagger=models.tagger,
        own=models.own,
        vocabulary=config.vocabulary,
        view_phrases=config.view_phrases,
        identity=identity,
    )


def panel_for(
    models: PanelModels,
    config: PanelConfig,
    references: Sequence[Picture],
    approved: Sequence[Picture] = (),
    identity: Sequence[str] | None = None,
) -> Panel:
    """The panel's scorers, in order, for these references; see `materials_of`.

    Without ``identity`` no caption is made from a shot, so the scorers of captions are left out.
    """
    materials = materials_of(models, config, references, approved, identity)
    wanted = in_use(config.scorers, models.serve)
    if identity is None:
        wanted = {name: settings for name, settings in wanted.items() if settings.role != "caption"}
    return Panel([_seat(name, settings, materials) for name, settings in wanted.items()])


def caption_panel(models: PanelModels, config: PanelConfig) -> Panel:
    """Checks against no seed: the view and every axis that the panel reads well, as captions say; and marks."""
    materials = materials_of(models, config)
    reader: Reader = "tagger" if models.tagger else "clip"
    words = materials.words(reader)
    wanted: dict[str, ScorerSettings] = {
        name: settings
        for name, settings in in_use(config.scorers, models.serve).items()
        if name == VIEW or isinstance(settings, TagAbsenceSettings)
    }
    for axis in (*captioned_axes(config, reader), *(checked_axes(config, reader) or ())):
        if axis in words:
            wanted[f"{SEEN}{axis}"] = AxisSettings(axis=axis, reader=reader, margin=-config.read_margin)
    return Panel([_seat(name, settings, materials) for name, settings in wanted.items()])


def _seat(name: str, settings: ScorerSettings, materials: Materials) -> Seat:
    return Seat(SCORERS[settings.kind].make(name, settings, materials), settings.role, settings.about)
