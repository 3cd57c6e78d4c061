"""The settings of a run: shipped YAML files, an own file, and --set, merged and validated into one frozen RunConfig.

A run names one file of each kind (base, views, subject, loop, scoring). An own file has the same sections, each the
name of a shipped file or settings that replace those of the shipped one; then come overrides by dotted path. There is
no interpolation and no code in a config. Knows no torch, no run directory.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator

from bootstrap.backends.settings import SamplingSettings
from bootstrap.errors import BackendError, ConfigError
from bootstrap.hub import HUB_ID, cached
from bootstrap.scorers import ClipConfig, FaceConfig, IdentityConfig, TaggerConfig
from bootstrap.settings import Frozen, LoopConfig, SubjectConfig
from bootstrap.training.recipe import TrainRecipe
from scoring.base import FAMILIES

Model = TypeVar("Model", bound=BaseModel)
EMBEDDED = "embedded:"
SECTIONS = {"base": "base", "views": "views", "subject": "subjects", "loop": "loops", "panel": "scoring"}
"""Section of a RunConfig → the folder of configs/ with its shipped files."""


class BaseConfig(Frozen):
    """A base model and how it likes to be used (configs/base/)."""

    name: str
    """What character.json and --base call it."""
    path: str
    """A diffusers folder, a .safetensors checkpoint, or the id of a model in the Hugging Face cache.

    ``embedded:base`` is the one this package ships.
    """
    about: str = ""
    """What it draws, in a few words, for a person who must choose."""
    memory: float = Field(8, gt=0)
    """GiB that drawing and training take on the device."""
    demonstration: bool = False
    """Draws only the demonstration's world: never proposed for a picture of a person's own."""
    quality: str = ""
    """Quality tags appended to every prompt."""
    negative: str = ""
    """Negative prompt placed before the character's own."""
    dialect: Literal["tags", "prose"] = "tags"
    """Whether prompts and captions are tags or the clauses of a sentence."""
    enlarged: str = ""
    """Tag of a seed, or a crop of one, that had to be enlarged to the base's size ("lowres"); empty: none."""
    sampling: SamplingSettings
    """How pictures are sampled."""
    style: TrainRecipe
    """Training of the style phase."""
    character: TrainRecipe
    """Training of the character phase."""
    steps_per_picture: float = Field(8, gt=0)
    """Optimiser steps a picture of the training set; the recipe's ``steps`` is the cap."""
    minimum_steps: int = Field(100, ge=1)
    """Fewest optimiser steps."""
    scoring: str = "puppet"
    """Which file of configs/scoring/ can see this base's pictures."""

    @model_validator(mode="after")
    def _counted(self) -> BaseConfig:
        if self.dialect == "prose" and self.character.rare_tag_floor:
            raise ValueError("character.rare_tag_floor counts tags: set dialect to tags, or the floor to 0")
        return self


class FamilyPlan(Frozen):
    """What a view family asks of the dataset."""

    share: float = Field(gt=0, le=1)
    """Share of the dataset."""
    views: Mapping[str, str] = Field(min_length=1)
    """Name of each view → the tags that ask for it; they are drawn in turn."""
    hides: tuple[str, ...] = ()
    """Axes that cannot be seen from there ("eyes", "expression"): left out of prompts and captions."""


class ViewsConfig(Frozen):
    """The grid of views and framings (configs/views/)."""

    families: Mapping[str, FamilyPlan]
    """One plan for each of the six view families."""
    framings: Mapping[str, float]
    """Share of each framing."""
    framing_hides: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """Axes that a framing cannot show."""

    @model_validator(mode="after")
    def _complete(self) -> ViewsConfig:
        if set(self.families) != set(FAMILIES):
            raise ValueError(f"families must be exactly {', '.join(FAMILIES)}")
        for name, total in (
            ("families", sum(f.share for f in self.families.values())),
            ("framings", sum(self.framings.values())),
        ):
            if abs(total - 1) > 0.01:
                raise ValueError(f"shares of {name} add up to {total:.2f}, not 1")
        return self

    def hidden(self, family: str, framing: str) -> frozenset[str]:
        """The axes that this view family or this framing cannot show."""
        return frozenset(self.families[family].hides) | frozenset(self.framing_hides.get(framing, ()))


class PanelConfig(Frozen):
    """Who judges (configs/scoring/)."""

    clip: ClipConfig
    """Identity, views and traits."""
    face: FaceConfig
    """Identity of faces."""
    tagger: TaggerConfig = TaggerConfig()
    """Views, framings, traits and the number of subjects, instead of CLIP."""
    ccip: IdentityConfig = IdentityConfig()
    """Identity of drawn characters."""
    dino: IdentityConfig = IdentityConfig()
    """Identity of subject crops by shape and texture."""
    held_out: str = ""
    """An ONNX identity encoder, or an OpenCLIP model of another family; read only to stop and roll back."""
    qualified: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """Scorer → view families in which it was shown, here or by its authors, to tell what it is asked."""
    composition: Mapping[str, Mapping[str, tuple[float, float, float, float]]]
    """Framing → head and body boxes as fractions (left, top, right, bottom), where no detector sees the subject."""
    view_phrases: Mapping[str, tuple[str, ...]]
    """View family → phrases that name it to CLIP."""
    vocabulary: Mapping[str, tuple[str, ...]]
    """Axis → the words CLIP can tell apart; other words are not applicable."""
    identity: tuple[str, ...]
    """Axes of the vocabulary that an exchanged decoy may change; the first is always changed."""
    checked: tuple[str, ...] | None = None
    """Identity axes that CLIP reads well enough to check on every frame; null checks all of the vocabulary."""
    drafted: tuple[str, ...] = ()
    """Further axes that are read well enough off a seed to be filled in by ``bootstrap init``, where they lead."""
    traits_from_head: bool = False
    """Read the checked axes on head crops instead of whole pictures."""
    heads: Literal["composition", "face"] = "composition"
    """Where frames' heads are cut: by ``composition``, right for a base that keeps to its framings, or by the
    ``face`` where one is found, right for one that does not."""
    identity_crops: tuple[Literal["head", "body"], ...] = ("head", "body")
    """Crops whose CLIP embedding tells individuals apart; empty: only where no other scorer of identity is set."""
    captioned: tuple[str, ...] = ()
    """Axes that are read well enough to drop a caption's tag when the picture shows another word of the axis."""
    view_margin: float = 0.0
    """Log-probability by which the asked view must lead."""
    trait_margin: float = -0.5
    """Log-probability by which a visible trait may trail at most."""
    trait_failures: float = Field(0.1, ge=0, lt=1)
    """Share of the base's own look-alikes, who were asked for every trait, that may fail the trait check."""
    on_error: Literal["go on", "stop"] = "go on"
    """When a scorer breaks: judge the pictures that it could not measure without it, or stop the run."""
    read_margin: float = 0.7
    """Log-probability by which a seed's view or background must lead to be believed."""
    copy_cosine: float = Field(0.98, gt=0, le=1)
    """Whole-picture similarity to a seed above which a frame is a copy of it."""
    duplicate_cosine: float = Field(0.985, gt=0, le=1)
    """Similarity of two frames above which one is a near-duplicate."""
    duplicate_bits: int = Field(3, ge=0, le=64)
    """Bits of a 64-bit perceptual hash in which near-duplicates differ at most."""


class RunConfig(Frozen):
    """Everything a run is made of, besides the character and its seeds."""

    base: BaseConfig
    views: ViewsConfig
    subject: SubjectConfig
    loop: LoopConfig
    panel: PanelConfig
    seed: int = Field(0, ge=0)
    """Random seed of the whole run."""
    profile: str = ""
    """The profile of configs/machines/ that was taken; "" for none."""
    backend: Literal["diffusers", "fake"] = "diffusers"
    """What generates and trains; ``fake`` paints without a model, for tests and for trying the commands."""


def configs_dir() -> Path:
    """Where the shipped configs lie: inside the package in a wheel, beside it in a checkout."""
    inside = Path(__file__).parent / "_configs"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "configs"


def known(kind: str) -> list[str]:
    """The names of the shipped configs of a kind, sorted."""
    return sorted(path.stem for path in (configs_dir() / kind).glob("*.yaml"))


def embedded(path: str) -> Path:
    """A path in a config as a real one: ``embedded:base`` lies in this package, others are the user's.

    ``owner/name`` that is no path is looked for in the Hugging Face cache.
    """
    if path.startswith(EMBEDDED):
        return Path(__file__).parent / "puppets" / "weights" / path.removeprefix(EMBEDDED)
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
    ``profile`` see `bootstrap.machines`. Raises ConfigError with every problem at once.
    """
    from bootstrap.machines import with_profile

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
