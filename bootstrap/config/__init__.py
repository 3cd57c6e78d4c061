"""Config: the settings of a run as validated data, and how they are read from files and options."""

from __future__ import annotations

from bootstrap.config.frozen import Frozen
from bootstrap.config.loop import APPROVAL_SETTING, LoopConfig
from bootstrap.config.named_drawers import drawer_named, two_drawers
from bootstrap.config.panel_settings import PanelConfig
from bootstrap.config.problems import checked, validated
from bootstrap.config.reading import (
    control_named,
    identity_of,
    load,
    load_panel,
    reference_named,
    shipped_base,
    shipped_views,
)
from bootstrap.config.run_settings import BaseConfig, RunConfig, ViewFamilyPlan, ViewsConfig
from bootstrap.config.shipped_files import EMBEDDED, configs_dir, embedded, place_of, read_own, shipped_names
from bootstrap.config.stored import stored_config, stored_settings
from bootstrap.config.subject import IDENTITY, OUTFITS, AxisConfig, NeedConfig, PhaseConfig, SubjectConfig

__all__ = [
    "APPROVAL_SETTING",
    "EMBEDDED",
    "IDENTITY",
    "OUTFITS",
    "AxisConfig",
    "BaseConfig",
    "Frozen",
    "LoopConfig",
    "NeedConfig",
    "PanelConfig",
    "PhaseConfig",
    "RunConfig",
    "SubjectConfig",
    "ViewFamilyPlan",
    "ViewsConfig",
    "checked",
    "configs_dir",
    "control_named",
    "drawer_named",
    "embedded",
    "identity_of",
    "load",
    "load_panel",
    "place_of",
    "read_own",
    "reference_named",
    "shipped_base",
    "shipped_names",
    "shipped_views",
    "stored_config",
    "stored_settings",
    "two_drawers",
    "validated",
]
