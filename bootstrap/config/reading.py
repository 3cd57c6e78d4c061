"""Reading settings: shipped YAML files, an own file, and --set, merged and validated into one frozen RunConfig.

A run names one file of each kind (base, views, subject, loop, scoring). An own file has the same sections, each the
name of a shipped file or settings that replace those of the shipped one; then come overrides by dotted path. There is
no interpolation and no code in a config. Knows no torch, no run directory.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from bootstrap.config.panel import PanelConfig
from bootstrap.config.run import BaseConfig, RunConfig, ViewsConfig
from bootstrap.errors import BackendError, ConfigError
from bootstrap.machine.hub import HUB_ID, cached

Model = TypeVar("Model", bound=BaseModel)
EMBEDDED = "embedded:"
SECTIONS = {"base": "base", "views": "views", "subject": "subjects", "loop": "loops", "panel": "scoring"}
"""Section of a RunConfig → the folder of configs/ with its shipped files."""


def configs_dir() -> Path:
    """Where the shipped configs lie: inside the package in a wheel, beside it in a checkout."""
    inside = Path(__file__).parent.parent / "_configs"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "configs"


def known(kind: str) -> list[str]:
    """The names of the shipped configs of a kind, sorted."""
    return sorted(path.stem for path in (configs_dir() / kind).glob("*.yaml"))


def embedded(path: str) -> Path:
    """A path in a config as a real one: ``embedded:base`` lies in this package, others are the user's.

    ``owner/name`` that is no path is looked for in the Hugging Face cache.
    """
    if path.startswith(EMBEDDED):
        return Path(__file__).parent.parent / "puppets" / "weights" / path.removeprefix(EMBEDDED)
    own = Path(path).expanduser()
    return (not own.exists() and HUB_ID.fullmatch(path) and cached(path)) or own


def load(
    base: str,
    *,
    views: str = "standard",
    subject: str = "character",
    loop: str = "standard",
    own: Mapping[str, Any] | None = None,
    overrides: Sequence[str] = (),
    profile: str = "none",
    **top: Any,
) -> RunConfig:
    """The RunConfig of a base with the named views, subject and loop.

    ``own`` are the sections of an own file (see `read_own`), ``overrides`` are ``a.b=c`` texts, which win; for
    ``profile`` see `bootstrap.config.profiles`. Raises ConfigError with every problem at once.
    """
    from bootstrap.config.profiles import with_profile

    own = {**(own or {}), **top}
    named = {"base": base, "views": views, "subject": subject, "loop": loop}
    named |= {name: part for name, part in own.items() if name in SECTIONS and isinstance(part, str)}
    plain = {section: name for section, name in named.items() if section not in ("base", "panel")}
    data = {section: _shipped(SECTIONS[section], name) for section, name in plain.items()}
    data["base"] = _base(named["base"])
    judged_by = "fake" if own.get("backend") == "fake" else str(data["base"].get("scoring", "puppet"))
    data["panel"] = _shipped("scoring", named.get("panel", judged_by))
    data = with_profile(data, profile)
    for name, part in own.items():
        if not (name in SECTIONS and isinstance(part, str)):
            data[name] = _merged(data[name], part) if name in data and isinstance(part, dict) else part
    for text in overrides:
        _override(data, text)
    return validated(RunConfig, data, "configuration", ConfigError)


def read_own(path: Path) -> dict[str, Any]:
    """An own configuration file: sections of a RunConfig, and ``seed`` or ``backend``. Raises ConfigError."""
    if not path.is_file():
        raise ConfigError(f'no such file "{path}"', "give a YAML file with sections such as loop: {target: 24}")
    return read_yaml(path)


def _base(name: str) -> dict[str, Any]:
    """The settings of a shipped base, or those of the preset that fits a file or folder of the user's.

    Raises ConfigError.
    """
    from bootstrap.backends.presets import preset_for

    real = embedded(name)
    if name in known("base") or not (real.is_file() or (real / "model_index.json").is_file()):
        return _shipped("base", name)
    try:
        preset, sampling = preset_for(real)
    except BackendError as error:
        raise ConfigError(error.message, error.hint) from error
    path = str(real.absolute()) if real == Path(name).expanduser() else name
    about = {"name": name, "path": path, "sampling": sampling}
    return _merged(_shipped("base", preset), about)


def shipped_base(name: str) -> BaseConfig:
    """The settings of a base of configs/base/. Raises ConfigError."""
    return validated(BaseConfig, _shipped("base", name), f"configs/base/{name}.yaml", ConfigError)


def shipped_views(name: str) -> ViewsConfig:
    """A grid of configs/views/. Raises ConfigError."""
    return validated(ViewsConfig, _shipped("views", name), f"configs/views/{name}.yaml", ConfigError)


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file as a mapping; raises ConfigError if it is none."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} cannot be read: {' '.join(str(error).split())}", "mend the file") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path} holds no mapping", "write it as `key: value` lines")
    return data


def validated(model: type[Model], data: Mapping[str, Any], where: str, error: type[ConfigError] | Any) -> Model:
    """``data`` as ``model``; all problems in one message, with their paths and a suggestion for misspelt keys."""
    try:
        return model.model_validate(data)
    except ValidationError as failure:
        problems = [_problem(model, item) for item in failure.errors()]
        raise error(f"{where}: {'; '.join(problems)}") from None


def _shipped(kind: str, name: str) -> dict[str, Any]:
    path = configs_dir() / kind / f"{name}.yaml"
    if not path.is_file():
        close = difflib.get_close_matches(name, known(kind), 1)
        hint = f'did you mean "{close[0]}"?' if close else f"choose one of: {', '.join(known(kind))}"
        raise ConfigError(f'configs/{kind} has no "{name}"', hint)
    return read_yaml(path)


def load_panel(name: str) -> PanelConfig:
    """A panel: the name of a file of configs/scoring/, or the path of an own YAML file. Raises ConfigError."""
    data = read_own(Path(name)) if name.endswith((".yaml", ".yml")) else _shipped("scoring", name)
    return validated(PanelConfig, data, name, ConfigError)


def _merged(shipped: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Settings over settings, mapping by mapping; anything else is replaced whole."""
    both = {key for key in own if isinstance(own[key], dict) and isinstance(shipped.get(key), dict)}
    return {**shipped, **own, **{key: _merged(shipped[key], own[key]) for key in both}}


def _override(data: dict[str, Any], text: str) -> None:
    path, separator, value = text.partition("=")
    keys = path.strip().split(".")
    if not separator or not all(keys):
        raise ConfigError(f'--set "{text}" is not of the form a.b=c', "for example --set loop.target=24")
    for key in keys[:-1]:
        data = data.setdefault(key, {})
        if not isinstance(data, dict):
            raise ConfigError(f'--set "{text}": "{key}" has no parts', "see configs/ for the names")
    try:
        data[keys[-1]] = yaml.safe_load(value) if value.strip() else ""
    except yaml.YAMLError:
        raise ConfigError(f'--set "{text}": "{value}" is no YAML value', "put texts with signs into quotes") from None


WORDED = {
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    **dict.fromkeys(("tuple_type", "list_type"), "write a list"),
    **dict.fromkeys(("dict_type", "mapping_type", "model_type", "model_attributes_type"), "write named parts, { ... }"),
}
"""Kind of a validation error → what to do, where the library speaks of its own types."""


def _problem(model: type[BaseModel], item: Any) -> str:
    path = ".".join(str(part) for part in item["loc"]) or "top level"
    if not item["loc"] and item["type"] == "value_error":
        return str(item["msg"].removeprefix("Value error, "))  # names its own path
    if item["type"] != "extra_forbidden":
        whole = item["type"] == "missing" or isinstance(item.get("input"), dict | BaseModel)
        value = "" if whole else f' "{str(item.get("input"))[:60]}"'
        said = WORDED.get(item["type"]) or item["msg"].removeprefix("Value error, ")
        return f"{path}{value}: {said[0].lower()}{said[1:]}"
    *above, wrong = (str(part) for part in item["loc"])
    close = difflib.get_close_matches(wrong, _part_at(model, above).model_fields, 1)
    close = close or difflib.get_close_matches(wrong, _field_names(model), 1)
    return f"{path}: unknown field{f' (did you mean {close[0]!r}?)' if close else ''}"


def _part_at(model: type[BaseModel], path: Sequence[str]) -> type[BaseModel]:
    """The config that holds the field at a path; indices and names of a mapping lead nowhere else."""
    for key in path:
        field = model.model_fields.get(key)
        model = next(iter(_models_in(field.annotation)), model) if field else model
    return model


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """The configs that a type is made of: ``Mapping[str, Outfit]`` gives Outfit."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _models_in(part)]


def _field_names(model: type[BaseModel]) -> list[str]:
    inner = [part for field in model.model_fields.values() for part in _models_in(field.annotation)]
    return [*model.model_fields, *(name for part in inner for name in _field_names(part))]
