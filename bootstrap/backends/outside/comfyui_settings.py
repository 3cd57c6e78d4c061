"""A workflow on a ComfyUI server, as a drawer: validated data."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from bootstrap.backends.outside.drawer_settings import DrawerSettings
from bootstrap.machine.addresses import is_own_machine

__all__ = ["ComfyUiSettings"]


class ComfyUiSettings(DrawerSettings):
    """A workflow in API format, and the server that runs it."""

    kind: Literal["comfyui"] = "comfyui"
    """Which kind of drawer."""
    name: str = "comfyui"
    workflow: str = ""
    """The file: what ComfyUI's "Export (API)" writes."""
    server: str = "http://127.0.0.1:8188"
    """Address of the server."""
    width: int = Field(0, ge=0)
    """Pixels of a picture; 0: as the base draws."""
    height: int = Field(0, ge=0)
    """Pixels of a picture; 0: as the base draws."""
    other_size: Literal["fit", "refuse"] = "fit"
    """What becomes of a picture of another size: scaled and cut in the middle to fit, or refused."""
    seconds_a_picture: float = Field(900.0, gt=0)
    """Seconds after which a picture is given up."""
    seconds_away: float = Field(300.0, ge=0)
    """Seconds for which a server that does not answer is waited for: it may be restarting."""
    lora_folder: str = ""
    """Where the server's LoRAs lie, for a workflow that loads the LoRA of the round."""

    @field_validator("server")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("write an address such as http://127.0.0.1:8188")
        return value.rstrip("/")

    @property
    def title(self) -> str:
        """The workflow."""
        return f"{self.name} ({Path(self.workflow).name})" if self.workflow else self.name

    @property
    def away(self) -> str:
        """The server's host, unless it is this machine."""
        host = urlsplit(self.server).hostname or ""
        return "" if is_own_machine(host) else host
