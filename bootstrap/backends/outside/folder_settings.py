"""A folder into which pictures are put, as a drawer: validated data."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bootstrap.backends.outside.drawer_settings import DrawerSettings

__all__ = ["FolderSettings"]


class FolderSettings(DrawerSettings):
    """Pictures that come from anywhere: a person draws them, or another program."""

    kind: Literal["folder"] = "folder"
    """Which kind of drawer."""
    name: str = "folder"
    path: str = Field(min_length=1)
    """The folder; its pictures are read and never changed, moved or deleted."""
    levels: int = Field(3, ge=0)
    """Levels of folders below it that are looked into too."""
    smallest: int = Field(64, ge=16)
    """Pixels that the shorter side of a picture must have."""
    most: int = Field(0, ge=0, le=0)
    """It is shown no references."""
