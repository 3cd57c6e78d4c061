"""Opening the drawers of a run that are not the base, and checking beforehand that they can be opened."""

from __future__ import annotations

from typing import Any

from bootstrap.backends.base import Drawer
from bootstrap.backends.outside.comfyui_settings import ComfyUiSettings
from bootstrap.backends.outside.drawer_settings import DrawerSettings
from bootstrap.backends.outside.edit_files import find_edit_files
from bootstrap.backends.outside.edit_settings import EditSettings
from bootstrap.backends.outside.folder_settings import FolderSettings
from bootstrap.backends.outside.images_api_settings import ImagesApiSettings
from bootstrap.config import RunConfig
from bootstrap.errors import BackendError
from bootstrap.runs.spending import Spending
from bootstrap.store.store import Store

__all__ = ["check_drawers", "open_drawers", "purse_of"]


def check_drawers(config: RunConfig) -> None:
    """Raise BackendError where a drawer of the run other than the base could not be opened. Loads no model."""
    for drawer in config.drawers:
        _check_drawer(drawer)


def _check_drawer(drawer: DrawerSettings) -> None:
    if isinstance(drawer, EditSettings):
        find_edit_files(drawer)
    elif isinstance(drawer, FolderSettings):
        from bootstrap.backends.outside.inbox import check_inbox

        check_inbox(drawer)
    elif isinstance(drawer, ComfyUiSettings):
        from bootstrap.backends.outside.comfyui import check_comfyui

        check_comfyui(drawer)
    elif isinstance(drawer, ImagesApiSettings):
        from bootstrap.backends.outside.images_api import check_images_api

        check_images_api(drawer)


def purse_of(config: RunConfig, store: Store) -> Spending | None:
    """What a paid drawer of the run may spend; None where none is paid."""
    for drawer in config.drawers:
        if isinstance(drawer, ImagesApiSettings):
            return Spending(store, drawer.spend, drawer.currency)
    return None


def open_drawers(
    config: RunConfig, store: Store, base: Drawer | None = None, purse: Spending | None = None
) -> dict[str, Drawer]:
    """The run's drawers that are not the base, by name; they share the device with ``base``. Raises BackendError."""
    return {drawer.name: _open_drawer(drawer, config, store, base, purse) for drawer in config.drawers}


def _open_drawer(
    drawer: DrawerSettings, config: RunConfig, store: Store, base: Drawer | None, purse: Spending | None
) -> Drawer:
    sampling = config.base.sampling
    if isinstance(drawer, FolderSettings):
        from bootstrap.backends.outside.inbox import InboxDrawer

        return InboxDrawer(drawer, (sampling.width, sampling.height))
    if isinstance(drawer, ComfyUiSettings):
        from bootstrap.backends.outside.comfyui import ComfyUiDrawer

        return ComfyUiDrawer(drawer, (sampling.width, sampling.height), store.directory)
    if isinstance(drawer, ImagesApiSettings):
        from bootstrap.backends.outside.images_api import ImagesApiDrawer

        return ImagesApiDrawer(drawer, store.directory, purse or Spending(store, drawer.spend, drawer.currency))
    if isinstance(drawer, EditSettings):
        from bootstrap.backends.outside.edit_drawer import EditDrawer

        return EditDrawer(drawer, find_edit_files(drawer), store.directory, instead_of=lambda: _on_device(base))
    raise BackendError(f'the drawer "{drawer.name}" cannot be opened', "choose another with --drawer")


def _on_device(base: Drawer | None) -> list[Any]:
    """The models of a base that are on the device while it neither draws nor trains; none where it has no model."""
    loaded = getattr(base, "base", None)
    return [loaded.denoiser, *loaded.beside_denoiser] if loaded is not None else []
