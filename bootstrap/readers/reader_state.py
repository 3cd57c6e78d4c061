"""What a reader is and lacks on this machine. Loads no model, and asks no server but whether it listens."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bootstrap.errors import BackendError
from bootstrap.machine.inventory import Accelerator
from bootstrap.readers.local_model import CONFIG, MOST_OF_CARD, find_model
from bootstrap.readers.reader_settings import LocalReaderSettings, ReaderSettings, ServerReaderSettings
from bootstrap.readers.server_model import require_package

__all__ = ["ReaderState", "reader_state"]

LONGEST_WAIT = 0.5
"""Seconds in which a server of this machine must take a connection."""
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class ReaderState:
    """``why`` it cannot be asked, "" where it can; and what it is, in a few words."""

    why: str = ""
    about: str = ""


def reader_state(settings: ReaderSettings, device: Accelerator | None = None) -> ReaderState:
    """The state of a reader on a device (None: not known)."""
    try:
        if isinstance(settings, LocalReaderSettings):
            return _local(settings, find_model(settings.model), device)
        if isinstance(settings, ServerReaderSettings):
            require_package(settings)
            return _server(settings)
    except BackendError as error:
        return ReaderState(str(error))
    return ReaderState("it is of no kind that can be asked")


def _local(settings: LocalReaderSettings, folder: Path, device: Accelerator | None) -> ReaderState:
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES as CLASSES

    try:
        kind = str(json.loads((folder / CONFIG).read_text(encoding="utf-8")).get("model_type", ""))
    except (OSError, ValueError, AttributeError):
        return ReaderState(f'"{folder / CONFIG}" cannot be read: fetch the model again')
    if kind not in CLASSES:
        return ReaderState(f'transformers reads no pictures with a model of type "{kind}": choose another')
    size = sum(path.stat().st_size for path in folder.glob("*.safetensors")) / 1e9
    card = device.memory if device is not None and device.kind == "cuda" else 0.0
    four = settings.bits == "4bit" or (settings.bits == "auto" and 0 < MOST_OF_CARD * card < size)
    return ReaderState(about=f"{CLASSES[kind]}, {size:.1f} GB of weights{', loaded in four bits' * four}")


def _server(settings: ServerReaderSettings) -> ReaderState:
    address = urlsplit(settings.url)
    if settings.away:
        return ReaderState(about=f"{settings.away} is asked only with --allow-upload")
    port = address.port or PORTS[address.scheme]
    try:
        socket.create_connection((address.hostname or "", port), timeout=LONGEST_WAIT).close()
    except OSError:
        return ReaderState(f"no server listens at {settings.url}: start it")
    return ReaderState(about=f"a server listens at {settings.url}")
