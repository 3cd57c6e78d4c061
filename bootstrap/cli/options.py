"""The options that `run`, `check` and `queue add` share, declared once: a record whose fields are the options.

Knows what can be typed, not what it does.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

__all__ = ["Options", "Sources", "parse_run", "with_options"]

Sources = Annotated[
    list[Path],
    typer.Argument(metavar="SEED... CHARACTER.json", help="1 to 1000 pictures or a folder, then the description."),
]
SETTING_OPTIONS = {"settings": "--set", "beside": "--with"}
"""Fields whose option has another name than the field."""
HEADINGS = {
    "What is made": ("base", "target", "rounds", "loop", "recipe", "random_seed", "out"),
    "When, and who decides": ("approval", "budget", "until", "notify"),
    "A checkpoint of yours": ("preset", "vae", "profile"),
    "What you give": ("upscale",),
    "What judges": ("judge",),
    "What draws": (
        "reference", "control", "drawer", "workflow", "server", "spend", "allow_upload", "accept_licence"
    ),
    "Several cards": ("workers", "ray", "train_together"),
    "Further": ("config", "settings", "beside", "also", "backend"),
}  # fmt: skip
"""Heading of the help → the options below it; each option stands below one."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a run. None, or an empty list, where the command line does not set one."""

    base: Annotated[str | None, typer.Option(help="A preset or a checkpoint; overrides character.json.")] = None
    target: Annotated[int | None, typer.Option(min=1, help="Generated pictures in the finished set [48].")] = None
    rounds: Annotated[int | None, typer.Option(min=1, help="Highest number of rounds [6].")] = None
    random_seed: Annotated[int | None, typer.Option(min=0, help="Random seed of the whole run [0].")] = None
    out: Annotated[Path | None, typer.Option(help="Folder of the run [runs/<trigger>].")] = None
    config: Annotated[Path | None, typer.Option(help="A YAML file with your own settings.")] = None
    settings: Annotated[list[str], typer.Option("--set", metavar="A.B=C", help="Override a setting.")] = field(
        default_factory=list
    )
    backend: Annotated[str | None, typer.Option(help="diffusers, or fake (paints without a model).")] = None
    approval: Annotated[str | None, typer.Option(help="Between rounds: auto, human, or timed:2h [auto].")] = None
    budget: Annotated[str | None, typer.Option(help="Hours of work, spent on rounds: 8h, 90min, 1h30m.")] = None
    until: Annotated[str | None, typer.Option(help="The time of day at which the run must end: 07:30.")] = None
    notify: Annotated[list[str], typer.Option(metavar="URL", help="An Apprise address to send messages to.")] = field(
        default_factory=list
    )
    preset: Annotated[str | None, typer.Option(help="The preset for a checkpoint of yours [by its name].")] = None
    vae: Annotated[Path | None, typer.Option(help="A .safetensors VAE in place of the checkpoint's.")] = None
    reference: Annotated[str | None, typer.Option(help="none, a preset, or an IP-Adapter's file [the base's].")] = None
    control: Annotated[str | None, typer.Option(help="none, a preset, or a ControlNet's folder [none].")] = None
    drawer: Annotated[
        list[str], typer.Option(help="What draws the set: base, a preset, folder:PATH [base]. Two share the work.")
    ] = field(default_factory=list)
    workflow: Annotated[Path | None, typer.Option(help="A ComfyUI workflow in API format, for that drawer.")] = None
    server: Annotated[str | None, typer.Option(help="Address of its ComfyUI server [http://127.0.0.1:8188].")] = None
    spend: Annotated[float | None, typer.Option(min=0, help="What a paid drawer may spend [5].")] = None
    allow_upload: Annotated[bool, typer.Option("--allow-upload", help="Let the drawer send your pictures away.")] = (
        False
    )
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="Accept that the drawer's licence is not for commercial use.")
    ] = False
    recipe: Annotated[
        str | None, typer.Option(help="How the finished LoRA is trained: levels, holo and others [the base's].")
    ] = None
    beside: Annotated[
        list[str],
        typer.Option(
            "--with",
            metavar="FILE[:WEIGHT][=WORDS]",
            help="A LoRA to try the finished beside; its weight is looked for.",
        ),
    ] = field(default_factory=list)
    also: Annotated[list[str], typer.Option(metavar="BASE", help="Another checkpoint to try the finished LoRA on.")] = (
        field(default_factory=list)
    )
    loop: Annotated[str | None, typer.Option(help="How the set grows: standard, one-picture, a file [standard].")] = (
        None
    )
    upscale: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Enlarges small seeds: a file, a name, or lanczos [nothing].")
    ] = None
    judge: Annotated[
        str | None,
        typer.Option(metavar="READER", help="A reader that looks at undecided pictures beside a seed [none]."),
    ] = None
    profile: Annotated[str | None, typer.Option(help="8gb, 12gb, 16gb, 24gb, none [by the card].")] = None
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that draw and score together [1].")] = None
    ray: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Their Ray cluster: auto, local, HOST:PORT [auto].")
    ] = None
    train_together: Annotated[
        bool, typer.Option("--train-together", help="Let the workers share each training step that has several passes.")
    ] = False

    def words(self) -> list[str]:
        """The options as they would be typed."""
        words: list[str] = []
        for one in fields(self):
            value = getattr(self, one.name)
            option = SETTING_OPTIONS.get(one.name, f"--{one.name.replace('_', '-')}")
            if isinstance(value, list | tuple):
                for text in value:
                    words += [option, str(text)]
            elif value is True:
                words.append(option)
            elif value is not None and value is not False:
                words += [option, str(value)]
        return words


def with_options(command: Callable[[list[Path], Options], None]) -> Callable[..., None]:
    """A command with the arguments and options of a run on its command line, which ``command`` gets as one record."""

    def parsed(sources: list[Path], **values: Any) -> None:
        command(sources, Options(**values))

    parameters = [inspect.Parameter("sources", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Sources)]
    hints, declared = get_type_hints(Options, include_extras=True), {one.name: one for one in fields(Options)}
    headings = {name: heading for heading, names in HEADINGS.items() for name in names}
    for name in [*headings, *(name for name in declared if name not in headings)]:
        one = declared[name]
        default = one.default if one.default_factory is MISSING else one.default_factory()
        hints[name].__metadata__[0].rich_help_panel = headings.get(name, list(HEADINGS)[-1])
        kind = inspect.Parameter.KEYWORD_ONLY
        parameters.append(inspect.Parameter(name, kind, default=default, annotation=hints[name]))
    parsed.__name__, parsed.__doc__ = command.__name__, command.__doc__
    parsed.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    parsed.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return parsed


def parse_run(words: Sequence[str], command: str) -> tuple[list[Path], Options]:
    """The words of a run as its pictures, description and options; ``command`` is named where they are wrong.

    Raises what the command library raises for unusable words.
    """
    parser = typer.Typer(add_completion=False, rich_markup_mode=None)
    parser.command()(with_options(lambda sources, options: None))
    values = typer.main.get_command(parser).make_context(command, [*words]).params
    return values.pop("sources"), Options(**values)
