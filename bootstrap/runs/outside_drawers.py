"""Opening the drawer of a run that is not the base, and checking beforehand that it can be opened."""

from __future__ import annotations

from typing import Any

from bootstrap.backends.base import Drawer
from bootstrap.backends.outside.comfyui_settings import ComfyUiSettings
from bootstrap.backends.outside.edit_files import find_edit_files
from bootstrap.backends.outside.edit_settings import EditSettings
from bootstrap.backends.outside.folder_settings import FolderSettings
from bootstrap.backends.outside.images_api_settings import ImagesApiSettings
from bootstrap.config import RunConfig
from bootstrap.errors import BackendError
from bootstrap.runs.spending import Spending
from bootstrap.store.store import Store

__all__ = ["check_drawer", "open_drawer", "purse_of"]


def check_drawer(config: RunConfig) -> None:
    """Raise BackendError where the run's drawer could not be opened; nothing where the base draws. Loads no model."""
    drawer = config.drawer
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
    drawer = config.drawer
    return Spending(store, drawer.spend, drawer.currency) if isinstance(drawer, ImagesApiSettings) else None


def open_drawer(
    config: RunConfig, store: Store, base: Drawer | None = None, purse: Spending | None = None
) -> Drawer | None:
    """The run's drawer, which shares the device with ``base``; None where the base draws. Raises BackendError."""
    drawer, sampling = config.drawer, config.base.sampling
    if drawer is None:
        return None
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
