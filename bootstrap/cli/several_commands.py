"""The commands that bring several subjects into one LoRA. Imports neither torch nor the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bootstrap.cli.help_pages import GroupedCommands

__all__ = ["several_app"]

several_app = typer.Typer(cls=GroupedCommands)


@several_app.command()
def bundle(
    members: Annotated[
        list[str],
        typer.Argument(metavar="MEMBER[=TRIGGER]...", help="Finished runs, and folders of pictures with captions."),
    ],
    out: Annotated[Path | None, typer.Option(help="Folder of the bundle [runs/<triggers>].")] = None,
    name: Annotated[str, typer.Option(help="What people call it [the names of its members].")] = "",
    base: Annotated[str | None, typer.Option(help="A preset or a checkpoint, where no member is a run.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="A.B=C", help="Override a setting, where no member is a run.")
    ] = None,
    backend: Annotated[str | None, typer.Option(help="diffusers, or fake (paints without a model).")] = None,
) -> None:
    """Train one LoRA of several characters, outfits or places, each with its trigger; measure what bleeds.

    bootstrap bundle runs/mika runs/nox --out runs/both

    bootstrap bundle sets/10_zetadef sets/20_zetasummer --base sdxl --name Zeta

    bootstrap bundle runs/mika pictures/kitchen=mikakitchen
    """
    from bootstrap.cli.bundle import bundle_command

    bundle_command(members, out=out, name=name, base=base, settings=settings or (), backend=backend)


@several_app.command()
def marry(
    runs: Annotated[list[str], typer.Argument(metavar="RUN[=TRIGGER]...", help="Two to four finished runs.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the new run [runs/<triggers>-together].")] = None,
    name: Annotated[str, typer.Option(help="What people call them together [their names].")] = "",
    target: Annotated[int, typer.Option(min=4, help="Pictures of everyone in the set.")] = 24,
    relation: Annotated[
        list[str] | None, typer.Option(help="How they stand: side by side, hugging, words of yours [eight of them].")
    ] = None,
    core: Annotated[str, typer.Option(help="One tag for all of them together, in every joint caption.")] = "",
) -> None:
    """Draw characters of finished runs together in one picture, and train one LoRA that draws them so by words.

    bootstrap marry runs/mika runs/nox --out runs/mika-and-nox

    bootstrap marry runs/mika runs/nox --relation "side by side" --relation hugging --target 32
    """
    from bootstrap.cli.marry import marry_command

    marry_command(runs, out=out, name=name, target=target, relations=relation or (), core=core)
