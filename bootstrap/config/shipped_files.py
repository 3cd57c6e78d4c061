"""Where configs lie, and YAML files as plain mappings. Validates nothing; knows no torch, no run directory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bootstrap.config.plain_yaml import PlainYamlError, read_plain
from bootstrap.errors import ConfigError
from bootstrap.machine.hub import HUB_ID, cached, kept
from bootstrap.store.files import read_given
from bootstrap.store.near_files import is_like_a_path, near_files, near_names, or_near

__all__ = [
    "EMBEDDED", "configs_dir", "embedded", "place_of", "read_own", "read_section", "read_yaml", "shipped_names",
]  # fmt: skip

EMBEDDED = "embedded:"
ENDINGS = (".yaml", ".yml")
LONGEST = 1 << 20
"""Bytes of a YAML file; shipped ones have some thousand."""
CHECKPOINT = "give the path of a .safetensors checkpoint or of a diffusers folder"
YAML = "give the path of a YAML file"


def configs_dir() -> Path:
    """Where the shipped configs lie: inside the package in a wheel, beside it in a checkout."""
    inside = Path(__file__).parent.parent / "_configs"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "configs"


def shipped_names(kind: str) -> list[str]:
    """The names of the shipped configs of a kind (a folder of configs/), sorted."""
    return sorted(path.stem for path in (configs_dir() / kind).glob("*.yaml"))


def embedded(path: str) -> Path:
    """A path in a config as a real one: ``embedded:base`` lies in this package, others are the user's.

    ``owner/name`` that is no path is looked for in the Hugging Face cache, as a base or a model of a panel, and among
    what ``bootstrap setup`` fetched.
    """
    own = place_of(path)
    if not own.exists() and HUB_ID.fullmatch(path):
        return cached(path) or kept(path) or own
    return own


def place_of(path: str) -> Path:
    """A path in a config as a real one; the id of a model stays as it is."""
    if path.startswith(EMBEDDED):
        return Path(__file__).parent.parent / "puppets" / "weights" / path.removeprefix(EMBEDDED)
    return Path(path).expanduser()


def read_own(path: Path) -> dict[str, Any]:
    """A configuration file of a person's own. Raises ConfigError."""
    if not path.exists():
        hint = or_near(path, "give a YAML file with sections such as loop: {target: 24}")
        raise ConfigError(f'no such file "{path}"', hint)
    return read_yaml(path)


def read_section(kind: str, name: str) -> dict[str, Any]:
    """A section by the name of a shipped file of its kind, or by the path of an own YAML file. Raises ConfigError."""
    if name.endswith(ENDINGS):
        return read_own(Path(name).expanduser())
    path = configs_dir() / kind / f"{name}.yaml"
    if path.is_file():
        return read_yaml(path)
    raise _not_found(kind, name)


def _not_found(kind: str, name: str) -> ConfigError:
    """The error for a name that no shipped file has: a path is told from a misspelt preset."""
    real, wanted = Path(name).expanduser(), CHECKPOINT if kind == "base" else YAML
    if kind == "base" and real.is_dir():
        files = sorted(str(Path(name, file.name)) for file in real.glob("*.safetensors"))
        hint = f"give one of its files: --base {files[0]}" if files else wanted
        return ConfigError(f'"{name}" is a folder without model_index.json', hint)
    if is_like_a_path(name):
        if real.exists():
            return ConfigError(f'"{name}" is no YAML file', wanted)
        if kind == "base" and HUB_ID.fullmatch(name):
            wanted = f"{wanted}; hf download {name} fetches a model of that name"
        return ConfigError(f'no such file "{name}"', or_near(name, wanted))
    names = shipped_names(kind)
    close = near_names(name, names)
    if kind == "base" and not close:
        close = [file for file in near_files(name) if file.endswith(".safetensors")]
    hint = f'did you mean "{close[0]}"?' if close else f"choose one of: {', '.join(names)}"
    return ConfigError(f'configs/{kind} has no "{name}"', hint)


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file as a mapping; raises ConfigError if it is none."""
    try:
        data = read_plain(read_given(path, LONGEST).decode("utf-8-sig"))
    except PlainYamlError as error:
        raise ConfigError(f"{path} cannot be read: {error}", "mend the file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {' '.join(str(error).split())}", "mend the file") from error
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise ConfigError(f"{path} holds no mapping", "write it as `key: value` lines")
    return data
