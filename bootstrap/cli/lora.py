"""``bootstrap lora``: what a LoRA file is, the same weights in the other grammar, how two files differ."""

from __future__ import annotations

import json as plain
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bootstrap.lora import Lora
    from bootstrap.lora.foreign import LoraFile
    from bootstrap.lora.kinds import Weights

    Scaled = tuple[Mapping[str, Weights], float]

__all__ = ["lora_app"]

lora_app = typer.Typer(no_args_is_help=True, help="Look into LoRA files of any trainer, convert and compare them.")
FEW = 3
NETWORKS = {"lora": "LoRA", "locon": "LoCon", "dora": "DoRA", "loha": "LoHa", "lokr": "LoKr"}
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
        "unknown keys": _some(found.unknown),
    }
    if json:
        typer.echo(plain.dumps(facts, indent=2, ensure_ascii=False))
        return
    for name, value in facts.items():
        if value:
            typer.echo(f"{name:<13}{value}")


@lora_app.command()
def convert(
    file: File,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write; it must not exist.")],
    to: Annotated[str, typer.Option(help="kohya (A1111, ComfyUI, InvokeAI, sd-scripts) or diffusers.")] = "kohya",
) -> None:
    """Write the same weights in the other grammar, with the file's metadata.

    bootstrap lora convert pytorch_lora_weights.safetensors mika.safetensors --to kohya
    """
    from bootstrap.errors import BackendError, UsageError
    from bootstrap.lora import save_diffusers, save_kohya

    if to not in ("kohya", "diffusers"):
        raise UsageError(f'"{to}" is no grammar', "--to kohya or --to diffusers")
    if out.exists():
        raise UsageError(f'"{out}" exists already', "choose another name: nothing is overwritten")
    found = _read(file)
    if to == "diffusers":
        try:
            save_diffusers(out, found.lora)
        except BackendError as error:
            raise UsageError(f'"{file}": {error.message}', error.hint) from error
        if found.lora.kind in ("loha", "lokr"):
            typer.echo(f"note: diffusers has no {NETWORKS[found.lora.kind]}: multiplied out, exactly", err=True)
    else:
        metadata = {"ss_output_name": out.stem}
        metadata |= {key: value for key, value in found.metadata.items() if key.startswith(("ss_", "modelspec."))}
        metadata |= {"ss_network_dim": str(found.lora.rank), "ss_network_alpha": str(found.lora.network_alpha)}
        save_kohya(out, found.lora, metadata)
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


def _network(lora: Lora) -> str:
    """What people call the kind of network; plain LoRA with convolutions is LoCon."""
    if lora.kind == "lora" and lora.conv_rank is not None:
        return NETWORKS["locon"]
    if lora.is_over_inputs:
        return f"{NETWORKS['dora']} over the inputs"
    return NETWORKS[lora.kind]


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
        difference += float(((change - other_change) ** 2).sum())
        length += float((change**2).sum())
    if not length:
        return "only in the other"
    return f"{100 * (difference / length) ** 0.5:.4g} %"


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
        difference += float(((one.magnitude - other.magnitude) ** 2).sum())
        length += float((one.magnitude**2).sum())
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
