"""Which base, when nobody named one: asked on a terminal, demanded elsewhere, never guessed.

A base is proposed by what this machine can hold; one that only draws a demonstration is never the proposal.
"""

from __future__ import annotations

import sys

import typer

from bootstrap.config import BaseConfig, embedded, known, shipped_base
from bootstrap.errors import ConfigError

__all__ = ["choose_base", "proposed"]


def choose_base(command: str, why: str) -> str:
    """The name of a base, typed on the terminal. ``command`` is the full command, without --base.

    Raises ConfigError with ``why`` and the command to use where nobody can be asked, or where nobody answers.
    """
    bases = [shipped_base(name) for name in known("base")]
    here = [base for base in bases if embedded(base.path).exists()]
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise _unchosen(here, command, why)
    room = _room()
    typer.echo(f"{why}. Bases, and what they need of this machine's {room:.0f} GB:", err=True)
    for base in bases:
        fits = "" if base.memory <= room else "  (too large for this machine)"
        there = fits if base in here else "  (not on this machine)"
        typer.echo(f"  {base.name:<12} {base.memory:>3.0f} GB  {base.about}{there}", err=True)
    typer.echo("  or the path of a .safetensors checkpoint or a diffusers folder", err=True)
    try:
        answer = typer.prompt("Which base", default=proposed(here, room), err=True)
    except typer.Abort:
        raise _unchosen(here, command, why) from None
    return str(answer).strip()


def proposed(bases: list[BaseConfig], room: float | None) -> str | None:
    """The most demanding base that fits into ``room`` GiB (None: any); None when only demonstrations do."""
    real = [base for base in bases if not base.demonstration and (room is None or base.memory <= room)]
    return max(real, key=lambda base: base.memory).name if real else None


def _unchosen(bases: list[BaseConfig], command: str, why: str) -> ConfigError:
    """What to say where nobody can be asked: the bases on this machine, and a command that runs."""
    there = ", ".join(f"{base.name} ({base.about})" if base.about else base.name for base in bases)
    example = proposed(bases, room=None) or bases[0].name
    own = "or a .safetensors checkpoint of yours"
    return ConfigError(f"no base model: {why}", f"bases here: {there}, {own}; for example: {command} --base {example}")


def _room() -> float:
    """Memory of the device that would draw and train, in GiB."""
    from bootstrap.machine.inventory import accelerator

    return accelerator().memory
