"""``bootstrap lora``: what a LoRA file is, the same weights in the other grammar, how two files differ."""

from __future__ import annotations

import json as plain
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bootstrap.lora.foreign import LoraFile
    from bootstrap.lora.kinds import Weights

__all__ = ["lora_app"]

lora_app = typer.Typer(no_args_is_help=True, help="Look into LoRA files of any trainer, convert and compare them.")
FEW = 3
NETWORKS = {"lora": "LoRA", "locon": "LoCon", "dora": "DoRA", "loha": "LoHa", "lokr": "LoKr"}
File = Annotated[Path, typer.Argument(metavar="FILE", help="A LoRA as .safetensors.")]


@lora_app.command()
def inspect(file: File, json: Annotated[bool, typer.Option("--json", help="Plain data for scripts.")] = False) -> None:
    """Say what a LoRA file is: architecture, grammar, rank and alpha, what it reaches, what it says of itself.

    bootstrap lora inspect mika.safetensors
    """
    from bootstrap.lora.grammar import GRAMMARS

    found = _read(file)
    lora, facts, said = found.lora, found.metadata, GRAMMARS[found.lora.architecture]
    counts = [len(part) for part in lora.parts]
    told = {
        "architecture": said.interface,
        "grammar": found.grammar,
        "network": NETWORKS[lora.kind if lora.conv_rank is None or lora.kind != "lora" else "locon"],
        "rank": ", ".join(map(str, found.ranks)),
        "alpha": f"{lora.network_alpha:g}",
        "modules": f"{counts[0]} of the UNet, {sum(counts[1:])} of the text encoders",
        "trigger": facts.get("modelspec.trigger_phrase", ""),
        "title": facts.get("modelspec.title", facts.get("ss_output_name", "")),
        "base": facts.get("ss_sd_model_name", ""),
        "prediction": facts.get("modelspec.prediction_type", ""),
        "steps": facts.get("ss_steps", ""),
        "unknown keys": _some(found.unknown),
    }
    if json:
        typer.echo(plain.dumps(told, indent=2, ensure_ascii=False))
        return
    for name, value in told.items():
        if value:
            typer.echo(f"{name:<13}{value}")


@lora_app.command()
def convert(
    file: File,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write; it must not exist.")],
    to: Annotated[str, typer.Option(help="kohya (A1111, ComfyUI, InvokeAI, sd-scripts) or diffusers.")] = "kohya",
) -> None:
    """Write the same weights in the other grammar; what the file says of itself goes along.

    bootstrap lora convert pytorch_lora_weights.safetensors mika.safetensors --to kohya
    """
    from bootstrap.errors import UsageError
    from bootstrap.lora import save_diffusers, save_kohya

    if to not in ("kohya", "diffusers"):
        raise UsageError(f'"{to}" is no grammar', "--to kohya or --to diffusers")
    if out.exists():
        raise UsageError(f'"{out}" exists already', "choose another name: nothing is overwritten")
    found = _read(file)
    if to == "diffusers":
        save_diffusers(out, found.lora)
        if found.lora.kind in ("loha", "lokr"):
            typer.echo(f"note: diffusers has no {NETWORKS[found.lora.kind]}: multiplied out, exactly", err=True)
    else:
        named = {key: value for key, value in found.metadata.items() if key.startswith(("ss_", "modelspec."))}
        shape = {"ss_network_dim": str(found.lora.rank), "ss_network_alpha": str(found.lora.network_alpha)}
        save_kohya(out, found.lora, {"ss_output_name": out.stem, **named, **shape})
    typer.echo(f"{to:<13}{out}")
    if found.unknown:
        typer.echo(f"note: keys of no known module stayed behind: {_some(found.unknown)}", err=True)


@lora_app.command()
def diff(one: File, other: Annotated[Path, typer.Argument(metavar="OTHER", help="Another LoRA.")]) -> None:
    """Say how far the change that two LoRAs make to the base differs, part by part; 0 % is the same.

    bootstrap lora diff mika.safetensors pytorch_lora_weights.safetensors
    """
    import numpy as np

    from bootstrap.errors import UsageError
    from bootstrap.lora.foreign import delta

    first, second = _read(one).lora, _read(other).lora
    if first.architecture != second.architecture:
        raise UsageError(
            f'"{one}" and "{other}" are for bases of two architectures', "compare LoRAs of one architecture"
        )
    for name, mine, theirs in zip(("UNet", "text 1", "text 2"), first.parts, second.parts, strict=True):
        gone = total = 0.0
        for module in {*mine, *theirs}:
            changes = [
                delta(pairs[module], lora.scale) if module in pairs else np.zeros(1, np.float32)
                for lora, pairs in ((first, mine), (second, theirs))
            ]
            gone += float(((changes[0] - changes[1]) ** 2).sum())
            total += float((changes[0] ** 2).sum())
        if mine or theirs:
            share = f"{100 * (gone / total) ** 0.5:.4g} %" if total else "only in the other"
            both, alone = len({*mine} & {*theirs}), len({*mine} ^ {*theirs})
            typer.echo(f"{name:<13}{share} over {both} modules in both, {alone} in one")
            _say_lengths(mine, theirs)


def _read(file: Path) -> LoraFile:
    """A person's file. Raises UsageError where it is none of theirs to use."""
    from bootstrap.errors import BackendError, UsageError
    from bootstrap.lora.foreign import read_any

    try:
        return read_any(file)
    except BackendError as error:
        raise UsageError(error.message, error.hint) from error


def _say_lengths(mine: Mapping[str, Weights], theirs: Mapping[str, Weights]) -> None:
    """DoRA's lengths apart from its directions: without the base they cannot be told as one change."""
    from bootstrap.lora.kinds import Dora

    found = [
        (one.magnitude, other.magnitude)
        for module, one in mine.items()
        if isinstance(one, Dora) and isinstance(other := theirs.get(module), Dora)
    ]
    if found:
        gone = sum(float(((one - other) ** 2).sum()) for one, other in found)
        total = sum(float((one**2).sum()) for one, _ in found)
        typer.echo(f"{'':<13}{100 * (gone / total) ** 0.5:.4g} % of the rows' lengths, over {len(found)} modules")


def _some(keys: Sequence[str]) -> str:
    """The first few of many keys."""
    more = f" and {len(keys) - FEW} more" if len(keys) > FEW else ""
    return ", ".join(keys[:FEW]) + more
