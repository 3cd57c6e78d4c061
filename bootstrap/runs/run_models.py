"""The models that a run works with: its drawer, its trainer, and the models of its panel. Loads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.backends.architectures import grammar_of_preset
from bootstrap.backends.base import Drawer, Trainer
from bootstrap.backends.bases import check_base
from bootstrap.backends.control_files import check_control
from bootstrap.backends.control_settings import ControlSettings
from bootstrap.backends.fitting_settings import check_drawn_from, check_recipe, check_sampling
from bootstrap.backends.reference_files import check_reference
from bootstrap.backends.reference_settings import ReferenceSettings
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.config import RunConfig, embedded, place_of
from bootstrap.config.run_settings import BaseConfig
from bootstrap.errors import BackendError
from bootstrap.panel.downloads import fetched_by
from bootstrap.panel.models import PanelModels, open_panel_models

if TYPE_CHECKING:
    from bootstrap.backends.diffusers import LoadControl, LoadReferences

__all__ = ["RunModels", "check_base_files", "open_base", "open_models", "open_panel"]


@dataclass(frozen=True, slots=True)
class RunModels:
    """A run's drawer and its trainer, which may be one object, and the models of its panel.

    ``notes`` say what was found out when they were loaded; ``sampling`` is what the drawer draws with, None where that
    is what the configuration says.
    """

    drawer: Drawer
    trainer: Trainer
    panel_models: PanelModels
    notes: Sequence[str] = ()
    sampling: SamplingSettings | None = None


def check_base_files(config: BaseConfig) -> None:
    """Raise BackendError where a base, its VAE, reference adapter or ControlNet is not here, or does not fit."""
    architecture = check_base(embedded(config.path), config.sampling.vae)
    check_sampling(architecture, config.sampling)
    for recipe in config.recipes.values():
        check_recipe(architecture, recipe)
    check_drawn_from(architecture, config.reference, has_control=config.control is not None)
    if config.reference is not None:
        _reference_folder(config.reference, config)
    if config.control is not None:
        _control_folder(config.control, config)


def open_models(config: RunConfig, run: Path) -> RunModels:
    """Load the base and the panel; embeddings are cached in the run. Raises BackendError naming what is missing."""
    return open_base(config, run, open_panel(config, run))


def open_panel(config: RunConfig, run: Path) -> PanelModels:
    """Load the panel; embeddings are cached in the run. Raises BackendError naming what is missing."""
    if config.backend == "fake":
        from bootstrap.panel.color_models import fake_panel_models

        return fake_panel_models()
    from bootstrap.machine.device import pick_device

    return open_panel_models(config.panel, run / "features", pick_device())


def open_base(config: RunConfig, run: Path, panel_models: PanelModels) -> RunModels:
    """Load the base beside a panel that is loaded already. Raises BackendError naming what is missing."""
    if config.backend == "fake":
        from bootstrap.backends.fake import FakeBackend

        grammar = grammar_of_preset(config.base.short_name)
        fake = FakeBackend(config.base.sampling, pictures=run, grammar=grammar)
        return RunModels(fake, fake, panel_models)
    from bootstrap.backends.diffusers import DiffusersBackend
    from bootstrap.backends.tested_prediction import lines_by_test

    references = reference_loader(config.base, run)
    control = control_loader(config.base, run)
    path, sampling = embedded(config.base.path), config.base.sampling
    base = DiffusersBackend(path, sampling, references=references, control=control, pictures=run)
    notes = lines_by_test(config.base.name, config.base.sampling, base.base.settings)
    return RunModels(base, base, panel_models, notes, base.base.drawn_with)


def reference_loader(config: BaseConfig, run: Path) -> LoadReferences | None:
    """What lets a base draw from references, which lie in the run. None where it draws from words.

    Raises BackendError where the adapter is not on this machine, or made for another base.
    """
    settings = config.reference
    if settings is None:
        return None
    if settings.native:
        from bootstrap.backends.native_references import NativeReferences

        return lambda base: NativeReferences(base, run)
    from bootstrap.backends.loaded_references import LoadedReferences

    folder = _reference_folder(settings, config)
    return lambda base: LoadedReferences(base, folder, settings, run)


def _reference_folder(settings: ReferenceSettings, config: BaseConfig) -> Path | None:
    """The folder of an adapter that fits the base, None where references need none.

    Raises BackendError, with what fetches it, when it is not there.
    """
    if not settings.path:
        return None
    fetching = fetched_by(settings.path, settings.file)
    return check_reference(settings, place_of(settings.path), embedded(config.path), fetching)


def control_loader(config: BaseConfig, run: Path) -> LoadControl | None:
    """What loads a base's ControlNet; control pictures lie in the run. None where there is none.

    Raises BackendError where it is not on this machine, or made for another base.
    """
    settings = config.control
    if settings is None:
        return None
    from bootstrap.backends.loaded_control import LoadedControl

    folder = _control_folder(settings, config)
    return lambda base: LoadedControl(base, folder, settings, run)


def _control_folder(settings: ControlSettings, config: BaseConfig) -> Path:
    """The folder of a ControlNet that fits the base. Raises BackendError when there is none."""
    if config.demonstration:
        raise BackendError(f'the embedded base "{config.name}" has no ControlNet', "leave --control out")
    return check_control(place_of(settings.path), embedded(config.path))
