"""Reading settings: shipped YAML files, an own file, and --set, merged and validated into one frozen RunConfig.

A run names one file of each kind (base, views, subject, loop, scoring). An own file has the same sections, each the
name of a shipped file, the path of an own one, or settings that replace those of the shipped one; then come overrides
by dotted path. There is no interpolation and no code in a config. Knows no torch, no run directory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bootstrap.backends.control_settings import ControlSettings
from bootstrap.backends.presets import Identity, identify
from bootstrap.backends.reference_settings import ReferenceSettings
from bootstrap.config.kind_files import CHARACTER, Kind, kind_named
from bootstrap.config.merging import merged, override
from bootstrap.config.named_drawers import complete_drawer, drawer_named
from bootstrap.config.panel_settings import PanelConfig
from bootstrap.config.problems import checked, validated
from bootstrap.config.profiles import with_profile
from bootstrap.config.recipes import with_recipe
from bootstrap.config.renamed import refuse_renamed_keys, refuse_renamed_paths
from bootstrap.config.run_settings import BASE, BaseConfig, RunConfig, ViewsConfig
from bootstrap.config.shipped_files import embedded, read_section, shipped_names
from bootstrap.errors import BackendError, ConfigError
from bootstrap.store.near_files import near_names

__all__ = [
    "control_named", "identity_of", "load", "load_panel", "reference_named", "shipped_base", "shipped_views",
]  # fmt: skip

SCORING = "base.scoring"
STANDARD = "standard"
"""The loop, and the views, where neither a person nor the kind of subject names any."""
SECTIONS = {"base": "base", "views": "views", "subject": "subjects", "loop": "loops", "panel": "scoring"}
"""Section of a RunConfig → the folder of configs/ with its shipped files."""
NAMED = {
    "base.reference": "give --reference",
    "base.control": "give --control",
    "base": "give --base",
    "loop": "give --loop",
    "panel": "give --set base.scoring=NAME",
    "views": 'write "views" into character.json',
    "subject": 'write "kind" into character.json',
}
"""Section that a person may want to name → how it is named."""
ALL = "bootstrap settings shows every setting"
KINDS = {"openpose": "pose", "depth": "depth", "lineart": "lineart"}
"""Kind of control pictures → what the name of its ControlNet has in it."""


def load(
    base: str,
    *,
    views: str = "",
    subject: str = CHARACTER,
    loop: str = STANDARD,
    own: Mapping[str, Any] | None = None,
    overrides: Sequence[str] = (),
    profile: str = "none",
    preset: str = "",
    recipe: str = "",
    **top: Any,
) -> RunConfig:
    """The RunConfig of a base with the named views ("": those of its kind of subject), subject and loop.

    ``own`` are the sections of an own file (see `bootstrap.config.read_own`), ``overrides`` are ``a.b=c`` texts, which
    win; for ``profile`` see `bootstrap.config.profiles`; ``preset`` is that of a file or folder of the user's ("": the
    one that fits it); ``recipe`` names how the finished LoRA is trained ("": as the base has it). Raises ConfigError
    with every problem at once.
    """
    own = {**(own or {}), **top}
    if isinstance(own.get("drawer"), str):
        own["drawer"] = drawer_named(own["drawer"], {})
    if isinstance(own.get("second"), str):
        own["second"] = drawer_named(own["second"], {}) or BASE
    refuse_renamed_keys(own)
    refuse_renamed_paths(overrides)
    named = {"base": base, "views": views, "subject": subject, "loop": loop}
    named |= {name: part for name, part in own.items() if _is_name(name, part)}
    kind = kind_named(named["subject"])
    sections = _sections(named, own, preset, [text for text in overrides if text.strip().startswith(SCORING)], kind)
    sections["base"] = with_recipe(sections["base"], sections["subject"], recipe)
    data = with_profile(sections, profile)
    for name, part in own.items():
        if _is_name(name, part):
            continue
        data[name] = merged(data[name], part) if name in data and isinstance(part, dict) else part
    for text in overrides:
        _refuse_unused_recipe(data, text)
        override(data, text)
    _refuse_names(data)
    if data.get("drawer") is not None:
        data["drawer"] = complete_drawer(data["drawer"])
    if data.get("second") not in (None, BASE):
        data["second"] = complete_drawer(data["second"])
    config, problems = checked(RunConfig, data)
    if config is None or kind.problems:
        raise ConfigError(f"configuration: {'; '.join((*kind.problems, *problems))}", ALL)
    return config


def identity_of(base: str, *, by_hash: bool = True) -> Identity | None:
    """What a file or folder of the user's is; None for a preset's name. Raises ConfigError where it cannot be used.

    See `bootstrap.backends.presets.identify` for ``by_hash``.
    """
    real = embedded(base)
    if base in shipped_names("base") or not (real.is_file() or (real / "model_index.json").is_file()):
        return None
    try:
        return identify(real, by_hash=by_hash)
    except BackendError as error:
        raise ConfigError(error.message, error.hint) from error


def reference_named(text: str) -> dict[str, Any] | None:
    """The settings of a reference adapter; None for ``none``. Raises ConfigError.

    ``text`` is the name of a file of configs/references/, an own YAML file, or an IP-Adapter's .safetensors file with
    its ``image_encoder`` beside it.
    """
    if text == "none":
        return None
    path = Path(text).expanduser()
    if path.suffix == ".safetensors":
        return ReferenceSettings(path=str(path.parent.absolute()), file=path.name).model_dump()
    settings = read_section("references", text)
    return validated(ReferenceSettings, settings, text, ConfigError).model_dump()


def control_named(text: str) -> dict[str, Any] | None:
    """The settings of a ControlNet; None for ``none``. Raises ConfigError.

    ``text`` is the name of a file of configs/controls/, an own YAML file, or the folder of a ControlNet whose name says
    what its control pictures are.
    """
    if text == "none":
        return None
    path = Path(text).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            hint = f"a folder of control pictures is given beside it: --set base.control.pictures='{text}'"
            raise ConfigError(f'"{text}" holds no ControlNet (no config.json)', hint)
        name = path.absolute().name.lower()
        kind = next((kind for kind, mark in KINDS.items() if mark in name.replace("_", "")), None)
        if kind is None:
            hint = "write path: and kind: (openpose, depth or lineart) into a YAML file, and give that"
            raise ConfigError(f'the name of "{text}" does not say what its control pictures are', hint)
        settings: dict[str, Any] = {"path": str(path.absolute()), "kind": kind}
        if kind != "openpose":
            hint = f"write path:, kind: {kind} and pictures: into a YAML file, and give that"
            raise ConfigError(f'"{text}" needs a folder of control pictures: none are drawn for {kind}', hint)
    else:
        settings = read_section("controls", text)
    return validated(ControlSettings, settings, text, ConfigError).model_dump()


def shipped_base(name: str) -> BaseConfig:
    """The settings of a base of configs/base/. Raises ConfigError."""
    return validated(BaseConfig, read_section("base", name), f"configs/base/{name}.yaml", ConfigError)


def shipped_views(name: str) -> ViewsConfig:
    """A grid of configs/views/, or of an own file. Raises ConfigError."""
    return validated(ViewsConfig, read_section("views", name), f"configs/views/{name}.yaml", ConfigError)


def load_panel(name: str) -> PanelConfig:
    """A panel: the name of a file of configs/scoring/, or the path of an own YAML file. Raises ConfigError."""
    settings = read_section("scoring", name)
    refuse_renamed_keys({"panel": settings})
    return validated(PanelConfig, settings, name, ConfigError)


def _refuse_unused_recipe(data: Mapping[str, Any], text: str) -> None:
    """Raise ConfigError for a setting of a recipe that the base does not have and no phase takes."""
    above, _, rest = text.partition("=")[0].strip().partition("recipes.")
    recipes = _part(data, "base.recipes")
    if above != "base." or not isinstance(recipes, Mapping):
        return
    name, phases = rest.partition(".")[0], _part(data, "subject.phases")
    if name not in recipes and f"'{name}'" not in repr(phases):
        close = near_names(name, recipes) or list(recipes)
        raise ConfigError(f'--set "{text}": base.recipes has no "{name}"', f"did you mean {' or '.join(close)}?")


def _refuse_names(data: Mapping[str, Any]) -> None:
    """Raise ConfigError where a section with settings of its own was set to a name."""
    for path, instead in NAMED.items():
        part = _part(data, path)
        if isinstance(part, str):
            raise ConfigError(f'{path} "{part}": {path} has settings of its own', f"to name one, {instead}")


def _part(data: Mapping[str, Any], path: str) -> Any:
    """What stands at a dotted path of plain settings; None where nothing does."""
    part: Any = data
    for key in path.split("."):
        part = part.get(key) if isinstance(part, Mapping) else None
    return part


def _is_name(section: str, part: object) -> bool:
    """Whether a part of an own file names a file instead of giving settings."""
    return section in SECTIONS and isinstance(part, str)


def _sections(
    named: Mapping[str, str], own: Mapping[str, Any], preset: str, scoring: Sequence[str], kind: Kind
) -> dict[str, Any]:
    """The plain settings of every section, with what the kind of subject changes.

    The base says which panel judges it unless one is named; ``scoring`` are overrides of what the base says.
    """
    views = named["views"] or kind.views or STANDARD
    data = {"subject": kind.subject, "loop": read_section(SECTIONS["loop"], named["loop"])}
    data["views"] = read_section(SECTIONS["views"], views) if isinstance(views, str) else dict(views)
    data["base"] = _base(named["base"], preset)
    chosen = {"base": merged(data["base"], own["base"] if isinstance(own.get("base"), dict) else {})}
    for text in scoring:
        override(chosen, text)
    panel = str(chosen["base"].get("scoring", "puppet"))
    if own.get("backend") == "fake":  # without a model there is none to score
        panel = "fake"
    if own.get("backend") == "fake" or own.get("drawer"):  # none to look at references, or another that draws
        for name in ("reference", "control"):
            if name == "control" or own.get("backend") == "fake" or own.get("second") != BASE:
                data["base"].pop(name, None)
    data["panel"] = read_section("scoring", named.get("panel", panel))
    return kind.over(data, named_loop=named["loop"] != STANDARD)


def _base(name: str, preset: str) -> dict[str, Any]:
    """The settings of a shipped base, or those of the preset that fits a file or folder of the user's.

    Raises ConfigError.
    """
    identity = identity_of(name)
    if identity is None:
        if preset:
            raise ConfigError(f'--preset "{preset}" needs a file of yours, "{name}" is a preset', "leave --preset out")
        return read_section("base", name)
    real = embedded(name)
    path = str(real.absolute()) if real == Path(name).expanduser() else name
    settings = {"sampling": identity.settings["sampling"]} if preset else identity.settings
    own = {"name": name, "path": path, "license": "", "license_link": "", **settings}  # a finetune has its own licence
    return merged(read_section("base", preset or identity.preset), own)
