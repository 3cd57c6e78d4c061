"""``bootstrap lora``: what a LoRA file is, the same weights in the other grammar, how two files differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from json import dumps, loads
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bootstrap.cli.help_pages import GroupedCommands

if TYPE_CHECKING:
    from bootstrap.lora import Lora
    from bootstrap.lora.foreign import LoraFile
    from bootstrap.lora.kinds import Array, Weights
    from bootstrap.lora.plain import PlainLora

    Scaled = tuple[Mapping[str, Weights], float]

__all__ = ["lora_app"]

lora_app = typer.Typer(
    cls=GroupedCommands, no_args_is_help=True, help="Look into LoRA files of any trainer, convert and compare them."
)
FEW = 3
File = Annotated[Path, typer.Argument(metavar="FILE", help="A LoRA as .safetensors.")]


@lora_app.command()
def inspect(file: File, json: Annotated[bool, typer.Option("--json", help="Plain data for scripts.")] = False) -> None:
    """Print what a LoRA file is: architecture, grammar, rank and alpha, the modules it changes, its metadata.

    bootstrap lora inspect mika.safetensors
    """

    found = _read(file)
    lora, metadata = found.lora, found.metadata
    unet, *text = (len(part) for part in lora.parts)
    facts = {
        "architecture": lora.grammar.interface,
        "grammar": found.form,
        "network": _network(lora),
        "rank": ", ".join(map(str, found.ranks)),
        "alpha": f"{lora.network_alpha:g}",
        "modules": f"{unet} of the UNet, {sum(text)} of the text encoders",
        "trigger": metadata.get("modelspec.trigger_phrase", ""),
        "title": metadata.get("modelspec.title", metadata.get("ss_output_name", "")),
        "base": metadata.get("ss_sd_model_name", ""),
        "prediction": metadata.get("modelspec.prediction_type", ""),
        "steps": metadata.get("ss_steps", ""),
        "made from": _origin(metadata),
        "unknown keys": _some(found.unknown),
    }
    if json:
        typer.echo(dumps(facts, indent=2, ensure_ascii=False))
        return
    for name, value in facts.items():
        if value:
            typer.echo(f"{name:<13}{value}")


@lora_app.command()
def convert(
    file: File,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write; it must not exist.")],
    to: Annotated[str, typer.Option(help="kohya (A1111, ComfyUI, InvokeAI, sd-scripts) or diffusers.")] = "kohya",
    plain: Annotated[bool, typer.Option("--plain", help="Make a plain LoRA of a DoRA, LoHa or LoKr, by SVD.")] = False,
    base: Annotated[str | None, typer.Option(help="With --plain: a DoRA's base, a preset or checkpoint.")] = None,
    rank: Annotated[int | None, typer.Option(min=1, help="With --plain: its rank [twice the file's, 32-128].")] = None,
) -> None:
    """Write the same weights in the other grammar, with the file's metadata.

    --plain makes a plain LoRA, which every program reads in the same way, and prints how far its change to the base is
    from that of the file.

    bootstrap lora convert pytorch_lora_weights.safetensors mika.safetensors --to kohya

    bootstrap lora convert dora.safetensors mika.safetensors --plain --base illustrious --rank 64
    """
    from bootstrap.errors import UsageError
    from bootstrap.lora.plain import metadata_of_plain, share_in_words

    if to not in ("kohya", "diffusers"):
        raise UsageError(f'"{to}" is no grammar', "--to kohya or --to diffusers")
    for option, value in (("--base", base), ("--rank", rank)):
        if value is not None and not plain:
            raise UsageError(f'{option} "{value}" is for --plain', f"add --plain, or leave {option} out")
    if out.exists():
        raise UsageError(f'"{out}" exists already', "choose another name: nothing is overwritten")
    found = _read(file)
    lora, metadata = found.lora, {"ss_output_name": out.stem}
    metadata |= {key: value for key, value in found.metadata.items() if key.startswith(("ss_", "modelspec."))}
    if plain:
        made = _plain(file, found.lora, base, rank)
        typer.echo(f"{'plain':<13}{made.about}")
        if lora.kind == "dora":
            said = "is the relative error of the DoRA itself in ComfyUI and Forge, which divide by the base's lengths"
            typer.echo(f"{'':<13}{share_in_words(made.misread)} {said}")
        lora, metadata = made.lora, metadata_of_plain(made, {**metadata, "ss_output_name": out.stem})
    _write(file, out, lora, metadata, to=to, half=plain)
    typer.echo(f"{to:<13}{out}")
    if found.unknown:
        typer.echo(f"note: keys of no known module were left out: {_some(found.unknown)}", err=True)


@lora_app.command()
def diff(one: File, other: Annotated[Path, typer.Argument(metavar="OTHER", help="Another LoRA.")]) -> None:
    """Print how far the changes that two LoRAs make to the base differ, part by part; 0 % is the same.

    bootstrap lora diff mika.safetensors pytorch_lora_weights.safetensors
    """
    from bootstrap.errors import UsageError

    first, second = _read(one).lora, _read(other).lora
    if first.grammar != second.grammar:
        message = f'"{one}" and "{other}" are for bases of two architectures'
        raise UsageError(message, "compare LoRAs of one architecture")
    for name, weights, others in zip(("UNet", "text 1", "text 2"), first.parts, second.parts, strict=True):
        if not (weights or others):
            continue
        share = _distance((weights, first.scale), (others, second.scale))
        both, alone = len({*weights} & {*others}), len({*weights} ^ {*others})
        typer.echo(f"{name:<13}{share} over {both} modules in both, {alone} in one")
        _print_lengths(weights, others)


def _plain(file: Path, lora: Lora, base: str | None, rank: int | None) -> PlainLora:
    """The plain LoRA of a person's file. Raises UsageError where the file or the base cannot be used for it."""
    from bootstrap.backends.base_weights import BaseWeights
    from bootstrap.config import embedded, shipped_base, shipped_names
    from bootstrap.errors import BackendError, UsageError
    from bootstrap.lora.plain import as_plain, rank_for

    try:
        read = None
        if base is not None:
            path = shipped_base(base).path if base in shipped_names("base") else base
            weights = BaseWeights(embedded(path))
            if weights.architecture.grammar != lora.grammar:
                message = f'"{file}" is a LoRA for {lora.grammar.title}, "{base}" is {weights.architecture.title}'
                raise UsageError(message, "--base takes the base that it was trained on")
            read = weights.read
        return as_plain(lora, rank or rank_for(lora), read)
    except BackendError as error:
        message = error.message if base and base in error.message else f'"{file}": {error.message}'
        raise UsageError(message, error.hint) from error


def _write(file: Path, out: Path, lora: Lora, metadata: dict[str, str], *, to: str, half: bool) -> None:
    """Write a LoRA in a grammar. Raises UsageError where the grammar does not have its kind."""
    from bootstrap.errors import BackendError, UsageError
    from bootstrap.lora import kohya_names, save_diffusers, save_kohya
    from bootstrap.lora.kinds import TITLES
    from bootstrap.lora.plain import PLAIN_KEY

    if to == "kohya":
        metadata |= {"ss_network_dim": str(lora.rank), "ss_network_alpha": str(lora.network_alpha)}
        metadata["bootstrap.modules"] = dumps(kohya_names(lora.grammar, *lora.parts))
        save_kohya(out, lora, metadata, half=half)
        return
    try:
        save_diffusers(out, lora, {key: metadata[key] for key in (PLAIN_KEY,) if key in metadata}, half=half)
    except BackendError as error:
        raise UsageError(f'"{file}": {error.message}', error.hint) from error
    if lora.kind in ("loha", "lokr"):
        typer.echo(f"note: diffusers has no {TITLES[lora.kind]}: multiplied out, exactly", err=True)


def _network(lora: Lora) -> str:
    """What people call the kind of network; plain LoRA with convolutions is LoCon."""
    from bootstrap.lora.kinds import TITLES

    if lora.kind == "lora" and lora.conv_rank is not None:
        return "LoCon"
    if lora.is_over_inputs:
        return f"{TITLES['dora']} over the inputs"
    return TITLES[lora.kind]


def _origin(metadata: Mapping[str, str]) -> str:
    """What a plain LoRA was made from, and how far it is from that; "" for any other file."""
    from bootstrap.lora.plain import PLAIN_KEY, share_in_words

    try:
        facts = loads(metadata.get(PLAIN_KEY, "{}"))
        error, worst = (share_in_words(float(facts[name])) for name in ("relative_error", "worst_relative_error"))
        return f"a {facts['made_from']} by SVD, relative error {error} (worst module {worst})"
    except (KeyError, TypeError, ValueError):
        return ""


def _distance(first: Scaled, second: Scaled) -> str:
    """The length of the difference between two changes, as a share of the first's length."""
    import numpy as np

    from bootstrap.errors import UsageError
    from bootstrap.lora.kinds import change as change_of

    (weights, scale), (others, other_scale) = first, second
    nothing = np.zeros(1, np.float32)
    difference = length = 0.0
    for module in {*weights, *others}:
        change = change_of(weights[module], scale) if module in weights else nothing
        other_change = change_of(others[module], other_scale) if module in others else nothing
        if module in weights and module in others and change.shape != other_change.shape:
            shapes = [" x ".join(map(str, one.shape)) for one in (change, other_change)]
            raise UsageError(
                f'"{module}" is {shapes[0]} in one, {shapes[1]} in the other', "compare LoRAs for one base"
            )
        difference += _square(change - other_change)
        length += _square(change)
    if not length:
        return "only in the other"
    return f"{100 * (difference / length) ** 0.5:.4g} %"


def _square(array: Array) -> float:
    """The square of an array's length; of large values more than its own numbers can hold."""
    return float((array.astype(float) ** 2).sum())


def _read(file: Path) -> LoraFile:
    """A person's file. Raises UsageError where it cannot be used."""
    from bootstrap.backends.architectures import grammars
    from bootstrap.errors import BackendError, UsageError
    from bootstrap.lora.foreign import read_any

    try:
        return read_any(file, grammars())
    except BackendError as error:
        raise UsageError(error.message, error.hint) from error


def _print_lengths(weights: Mapping[str, Weights], others: Mapping[str, Weights]) -> None:
    """DoRA's lengths apart from its directions: without the base they cannot be compared as one change."""
    from bootstrap.lora.kinds import Dora

    difference = length = 0.0
    modules = unlike = 0
    lines = "rows"
    for module in {*weights, *others}:
        one, other = weights.get(module), others.get(module)
        if not (isinstance(one, Dora) and isinstance(other, Dora)) or one.over_inputs != other.over_inputs:
            unlike += isinstance(one, Dora) or isinstance(other, Dora)
            continue
        difference += _square(one.magnitude - other.magnitude)
        length += _square(one.magnitude)
        modules += 1
        lines = "columns" if one.over_inputs else "rows"
    if modules:
        share = 100 * (difference / (length or 1.0)) ** 0.5
        typer.echo(f"{'':<13}{share:.4g} % of the {lines}' lengths, over {modules} modules")
    if unlike:
        typer.echo(f"{'':<13}the lengths of {unlike} modules are set by one of the two only, or not on the same axis")


def _some(keys: Sequence[str]) -> str:
    """The first few of many keys."""
    listed = ", ".join(keys[:FEW])
    if len(keys) > FEW:
        listed += f" and {len(keys) - FEW} more"
    return listed
