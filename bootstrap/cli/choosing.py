"""Which base and which kind of subject, when nobody named one: asked on a terminal; elsewhere a base is demanded, and
the subject is a character.

A base is proposed by what this machine can hold; one that only draws a demonstration is never proposed.
"""

from __future__ import annotations

import sys

import typer

from bootstrap.config import BaseConfig, embedded, shipped_base, shipped_names
from bootstrap.config.kind_files import CHARACTER, kind_named
from bootstrap.errors import ConfigError

__all__ = ["choose_base", "choose_kind", "proposed"]


def choose_base(command: str, why: str) -> str:
    """The name of a base, typed on the terminal. ``command`` is the full command, without --base.

    Raises ConfigError with ``why`` and the command to use where nobody can be asked, or where nobody answers.
    """
    bases = [shipped_base(name) for name in shipped_names("base")]
    present = [base for base in bases if embedded(base.path).exists()]
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise _unchosen(present, command, why)
    memory = _device_memory()
    typer.echo(f"{why}. Bases, and what they need of this machine's {memory:.0f} GB:", err=True)
    for base in bases:
        remark = ""
        if base not in present:
            remark = "  (not on this machine)"
        elif base.memory > memory:
            remark = "  (too large for this machine)"
        typer.echo(f"  {base.name:<12} {base.memory:>3.0f} GB  {base.about}{remark}", err=True)
    typer.echo("  or the path of a .safetensors checkpoint or a diffusers folder", err=True)
    try:
        answer = typer.prompt("Which base", default=proposed(present, memory), err=True)
    except typer.Abort:
        raise _unchosen(present, command, why) from None
    return str(answer).strip()


def choose_kind() -> str:
    """The kind of subject, typed on the terminal; a character where nobody can be asked. Raises ConfigError."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return CHARACTER
    typer.echo("What the pictures show decides what varies and who judges. Kinds:", err=True)
    for name in (CHARACTER, *(one for one in shipped_names("subjects") if one != CHARACTER)):
        about = kind_named(name).changes.about or "one individual"
        typer.echo(f"  {name:<12} {about}", err=True)
    typer.echo("  or the path of a YAML file of your own; several together: bootstrap docs several", err=True)
    try:
        answer = str(typer.prompt("Which kind", default=CHARACTER, err=True)).strip()
    except typer.Abort:
        raise ConfigError("no kind of subject was chosen", f"name one: --kind {CHARACTER}") from None
    kind_named(answer)
    return answer


def proposed(bases: list[BaseConfig], memory: float | None) -> str | None:
    """The most demanding base that fits into ``memory`` GiB (None: any); None when only demonstrations do."""
    fitting = [base for base in bases if not base.demonstration and (memory is None or base.memory <= memory)]
    if not fitting:
        return None
    return max(fitting, key=lambda base: base.memory).name


def _unchosen(bases: list[BaseConfig], command: str, why: str) -> ConfigError:
    """The error where nobody can be asked: the bases on this machine, and a command that runs."""
    listed: list[str] = []
    for base in bases:
        listed.append(f"{base.name} ({base.about})" if base.about else base.name)
    example = proposed(bases, memory=None) or bases[0].name
    choice = f"bases here: {', '.join(listed)}, or a .safetensors checkpoint of yours"
    return ConfigError(f"no base model: {why}", f"{choice}; for example: {command} --base {example}")


def _device_memory() -> float:
    """Memory of the device that would draw and train, in GiB."""
    from bootstrap.machine.inventory import accelerator

    return accelerator().memory
