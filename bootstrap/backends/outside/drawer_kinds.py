"""The kinds of drawers other than the base, by name. Imports no model library."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bootstrap.backends.outside.comfyui_settings import ComfyUiSettings
from bootstrap.backends.outside.drawer_settings import DrawerSettings
from bootstrap.backends.outside.edit_settings import EditSettings
from bootstrap.backends.outside.folder_settings import FolderSettings
from bootstrap.backends.outside.images_api_settings import ImagesApiSettings

__all__ = ["DRAWER_KINDS", "AnyDrawerSettings"]

DRAWER_KINDS: dict[str, type[DrawerSettings]] = {
    "edit": EditSettings,
    "folder": FolderSettings,
    "comfyui": ComfyUiSettings,
    "openai": ImagesApiSettings,
}
"""Kind → its settings."""
AnyDrawerSettings = Annotated[
    EditSettings | FolderSettings | ComfyUiSettings | ImagesApiSettings, Field(discriminator="kind")
]
