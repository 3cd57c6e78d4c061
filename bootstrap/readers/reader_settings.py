"""Which model reads pictures and where it runs, as validated data, by what a person types. Imports no model library."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from bootstrap.config import Frozen, validated
from bootstrap.config.shipped_files import read_section, shipped_names
from bootstrap.errors import ConfigError
from bootstrap.machine.addresses import is_own_machine
from bootstrap.machine.hub import HUB_ID

__all__ = [
    "CHOSEN", "LocalReaderSettings", "ReaderSettings", "ServerReaderSettings", "chosen_reader", "reader_named",
]  # fmt: skip

CHOSEN = "BOOTSTRAP_READER"
"""The environment variable that names the reader of commands that are given none."""
PRESETS = "readers"
CLOUD = ("-cloud", ":cloud")
"""Ends of the names of models that an Ollama server on this machine runs at its maker's (docs.ollama.com/cloud)."""


class ReaderSettings(Frozen):
    """What readers have in common."""

    name: str = Field(min_length=1)
    """What answers, provenance and messages call it."""
    about: str = ""
    """What it is, in a few words."""
    license: str = ""
    """Of its weights, or the terms of the service; empty: not known."""
    license_link: str = ""
    """Where these stand."""
    longest_side: int = Field(1024, ge=64, le=8192)
    """Pixels to which the longer side of a larger picture is scaled down before the model is shown it."""
    most_tokens: int = Field(1500, ge=1)
    """Tokens of an answer."""

    @property
    def away(self) -> str:
        """Where it sends pictures that leave this machine; "" where none do."""
        return ""


class LocalReaderSettings(ReaderSettings):
    """A model of transformers' image-text-to-text classes on this machine."""

    kind: Literal["local"] = "local"
    """Which kind of reader."""
    model: str
    """A folder, or a model of the Hugging Face hub that this machine holds (``owner/name``)."""
    device: str = "auto"
    """auto, cuda, mps or cpu."""
    bits: Literal["auto", "none", "4bit"] = "auto"
    """Whether its weights are quantised; auto: where they do not fit the card as they are."""


class ServerReaderSettings(ReaderSettings):
    """A server that speaks OpenAI's protocol for chats with pictures."""

    kind: Literal["server"] = "server"
    """Which kind of reader."""
    url: str
    """Its address, up to and with "/v1"."""
    model: str = ""
    """The model's name there; empty: the only one that the server has."""
    key: str = Field("READER_API_KEY", pattern=r"[A-Za-z_]\w*")
    """The environment variable that holds the key, where the server asks for one."""
    seconds: float = Field(300.0, gt=0)
    """Seconds after which an answer is given up."""
    tries: int = Field(3, ge=1, le=20)
    """How often a server that is busy, or does not answer, is asked."""

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("is no address such as http://localhost:11434/v1")
        if parts.username or parts.password or parts.query:
            raise ValueError("must hold no user, password or key: put the key into the variable that `key` names")
        return url.rstrip("/")

    @property
    def away(self) -> str:
        """The host, unless it is this machine and runs the model itself."""
        host = urlsplit(self.url).hostname or ""
        if is_own_machine(host):
            return f"the cloud of {host}, by the model's name" if self.model.endswith(CLOUD) else ""
        return host


KINDS: dict[str, type[ReaderSettings]] = {"local": LocalReaderSettings, "server": ServerReaderSettings}
"""Kind → its settings."""


def chosen_reader(typed: str | None, model: str | None = None) -> ReaderSettings | None:
    """The settings of the reader that was typed, else of the one that the environment names; None for neither.

    ``none`` is no reader, whatever the environment says. Raises ConfigError.
    """
    name = typed if typed is not None else os.environ.get(CHOSEN, "").strip()
    if not name or name == "none":
        return None
    return reader_named(name, model)


def reader_named(text: str, model: str | None = None) -> ReaderSettings:
    """The settings of a reader. Raises ConfigError.

    Args:
        text: a preset of configs/readers/, an own YAML file, the address of a server, the folder of a model, or its
            name at the Hugging Face hub.
        model: the model of a server, in place of the preset's.
    """
    plain = _plain(text)
    if model:
        plain = {**plain, "model": model}
    kind = plain.get("kind")
    if kind not in KINDS:
        raise ConfigError(f'{text}: kind "{kind}" is no kind of reader', f"choose one of: {', '.join(KINDS)}")
    return validated(KINDS[kind], plain, text, ConfigError)


def _plain(text: str) -> Mapping[str, Any]:
    """The settings as they are written, or as they follow from an address or a folder."""
    if "://" in text:
        return {"kind": "server", "name": urlsplit(text).netloc or text, "url": text}
    if Path(text).expanduser().is_dir():
        return {"kind": "local", "name": Path(text).resolve().name, "model": text}
    if HUB_ID.fullmatch(text) and not text.endswith((".yaml", ".yml")):
        return {"kind": "local", "name": text, "model": text}
    try:
        return read_section(PRESETS, text)
    except ConfigError as error:
        listed = ", ".join(shipped_names(PRESETS))
        hint = f"choose one of: {listed}; or give an address, a folder, or a name of the Hugging Face hub"
        raise ConfigError(f'--reader "{text}": {error.message}', hint) from None
