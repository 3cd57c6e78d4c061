"""Opening the drawer of a run that is not the base, and checking beforehand that it can be opened."""

from __future__ import annotations

from bootstrap.backends.base import Drawer
from bootstrap.backends.comfyui_settings import ComfyUiSettings
from bootstrap.backends.folder_settings import FolderSettings
from bootstrap.config import RunConfig
from bootstrap.errors import BackendError
from bootstrap.store.store import Store

__all__ = ["check_drawer", "open_drawer"]


def check_drawer(config: RunConfig) -> None:
    """Raise BackendError where the run's drawer could not be opened; nothing where the base draws. Loads no model."""
    drawer = config.drawer
    if isinstance(drawer, FolderSettings):
        from bootstrap.backends.inbox import check_inbox

        check_inbox(drawer)
    elif isinstance(drawer, ComfyUiSettings):
        from bootstrap.backends.comfyui import check_comfyui

        check_comfyui(drawer)


def open_drawer(config: RunConfig, store: Store) -> Drawer | None:
    """The run's drawer; None where the base draws. Raises BackendError where it cannot be used."""
    drawer, sampling = config.drawer, config.base.sampling
    if drawer is None:
        return None
    if isinstance(drawer, FolderSettings):
        from bootstrap.backends.inbox import InboxDrawer

        return InboxDrawer(drawer, (sampling.width, sampling.height))
    if isinstance(drawer, ComfyUiSettings):
        from bootstrap.backends.comfyui import ComfyUiDrawer

        return ComfyUiDrawer(drawer, (sampling.width, sampling.height), store.directory)
    raise BackendError(f'the drawer "{drawer.name}" cannot be opened', "choose another with --drawer")
