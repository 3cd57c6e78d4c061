"""Config: the settings of a run as validated data, and how they are read from files and options."""

from __future__ import annotations

from bootstrap.config.frozen import Frozen
from bootstrap.config.loop import APPROVAL_SETTING, LoopConfig
from bootstrap.config.panel import PanelConfig
from bootstrap.config.reading import (
    EMBEDDED,
    configs_dir,
    embedded,
    known,
    load,
    load_panel,
    read_own,
    read_yaml,
    shipped_base,
    shipped_views,
    validated,
)
from bootstrap.config.run import BaseConfig, RunConfig, ViewFamilyPlan, ViewsConfig
from bootstrap.config.subject import IDENTITY, OUTFITS, AxisConfig, PhaseConfig, SubjectConfig

__all__ = [
    "EMBEDDED",
    "IDENTITY",
    "OUTFITS",
    "APPROVAL_SETTING",
    "AxisConfig",
    "BaseConfig",
    "Frozen",
    "LoopConfig",
    "PanelConfig",
    "PhaseConfig",
    "RunConfig",
    "SubjectConfig",
    "ViewFamilyPlan",
    "ViewsConfig",
    "configs_dir",
    "embedded",
    "known",
    "load",
    "load_panel",
    "read_own",
    "read_yaml",
    "shipped_base",
    "shipped_views",
    "validated",
]
