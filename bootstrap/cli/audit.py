"""``bootstrap audit``: what in a folder of captioned pictures would teach a LoRA something unintended."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.table import Table
from rich.text import Text

from bootstrap.character import load_character
from bootstrap.config import PanelConfig, load, load_panel, shipped_names
from bootstrap.dataset.caption_audit import CaptionAudit, audit, read_set
from bootstrap.dataset.findings import Finding
from bootstrap.dataset.intent import Intent, intent_of
from bootstrap.errors import BootstrapError, ConfigError, UsageError
from bootstrap.export.release import run_settings
from bootstrap.listeners.waiting import waiting
from bootstrap.machine.plain_console import PlainConsole
from bootstrap.pictures import PictureFile
from bootstrap.pictures.caption_text import caption_parts, folded
from bootstrap.runs.open_to_read import open_to_read
from bootstrap.store.near_files import or_near
from bootstrap.store.run_folder import holds_database

if TYPE_CHECKING:
    from bootstrap.dataset.closer_look import CloserLook

__all__ = ["AuditOptions", "audit_command"]

FILES = 3
"""File names that a line of the table shows."""


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """What the author means the set to be, the panel that is to look at its pictures, and whether warnings count."""

    trigger: str | None = None
    character: Path | None = None
    intended: Sequence[str] = ()
    panel: str | None = None
    strict: bool = False


def audit_command(folder: Path, options: AuditOptions, *, as_json: bool) -> None:
    """Print the findings. Exits with 1 when one is an error, or a warning where ``options`` are strict.

    Raises UsageError for a folder without pictures.
    """
    if not folder.is_dir():
        raise UsageError(
            f'no such folder "{folder}"', or_near(folder, "give a folder with pictures and their captions")
        )
    panel = _panel(options.panel) if options.panel else None
    pictures = read_set(folder)
    if not pictures:
        raise UsageError(f'"{folder}" holds no picture', "give the folder of a dataset, or one above it")
    found = audit(folder, pictures, _intent(folder, options))
    if panel:
        seen = _seen(folder, pictures, panel)
        found = replace(found, findings=(*found.findings, *seen.findings), unread=seen.unread)
    if as_json:
        typer.echo(json.dumps(_plain(found), indent=2, ensure_ascii=False))
    else:
        _show(found)
    if not found.sound or (options.strict and found.findings):
        raise typer.Exit(1)


def _panel(name: str) -> PanelConfig:
    """A panel that can look at pictures without seeds. Raises ConfigError naming what it lacks."""
    from bootstrap.panel.availability import missing_parts_of, smaller

    panel = load_panel(name)
    if panel.fake:
        raise ConfigError(f'the panel "{name}" sees nothing', f"choose one of: {', '.join(shipped_names('scoring'))}")
    for part in missing_parts_of(panel, comparing=False):
        raise ConfigError(f'the panel "{name}" cannot look: {part.said}', f"{part.fetch}, or leave --panel out")
    return smaller(panel)


def _intent(folder: Path, options: AuditOptions) -> Intent:
    """What the set is meant to say: as the run planned that it lies in, or as the character has it; and what is typed.

    Raises CharacterError or ConfigError for a character that cannot be read.
    """
    intent = _of_run(folder)
    if options.character:
        character = load_character(options.character)
        intent = intent_of(character, load("puppet", views=character.views, subject=character.kind))
        intent = replace(intent, asks_core=True)
    typed = [folded(tag) for text in options.intended for tag in caption_parts(text)]
    return replace(intent, trigger=options.trigger or intent.trigger, everywhere=intent.everywhere | {*typed})


def _of_run(folder: Path) -> Intent:
    """What the run planned whose dataset a folder is, or lies in; nothing of any other folder and of a damaged run."""
    for run in folder.absolute().parents[:2]:
        if holds_database(run):
            with contextlib.suppress(BootstrapError), open_to_read(run) as store:
                config, character = run_settings(store)
                return intent_of(character, config, store.seeds())
    return Intent()


def _seen(folder: Path, pictures: Sequence[PictureFile], panel: PanelConfig) -> CloserLook:
    """What the panel sees in the pictures that their captions do not say."""
    from bootstrap.dataset.caption_check import tags_of_views
    from bootstrap.dataset.closer_look import closer_look
    from bootstrap.machine.device import pick_device
    from bootstrap.machine.inventory import cache_folder
    from bootstrap.panel.models import open_panel_models

    with waiting(f"loading the panel, which reads {len(pictures)} pictures"):
        panel_models = open_panel_models(panel, cache_folder() / "features", pick_device())
        return closer_look(folder, pictures, panel_models, panel, tags_of_views(panel))


def _plain(found: CaptionAudit) -> dict[str, object]:
    """The audit as plain data."""
    return {
        "folder": str(found.folder),
        "sound": found.sound,
        "pictures": found.pictures,
        "captions": found.captions,
        "triggers": list(found.triggers),
        "not read": list(found.unread),
        "findings": [one.plain() for one in found.findings],
        "tags": {tag: round(share, 4) for tag, share in found.shares.items()},
    }


def _show(found: CaptionAudit) -> None:
    """A table on a terminal, tab-separated lines elsewhere; then what to do, each once."""
    triggers = ", ".join(found.triggers) or "none"
    typer.echo(f"{found.folder}: {found.pictures} pictures, {found.captions} captions, trigger {triggers}")
    if found.unread:
        typer.echo(f"the panel reads these badly here, and says nothing of them: {', '.join(found.unread)}")
    rows = [_row(one) for one in found.findings]
    out = PlainConsole()
    if rows and out.is_terminal:
        table = Table("", "what", "pictures", "where", box=None)
        for row, one in zip(rows, found.findings, strict=True):
            table.add_row(*map(Text, row), style="red" if one.severity == "error" else "yellow")
        out.print(table)
    else:
        for row in rows:
            typer.echo("\t".join(row))
    for kind, hint in {one.kind: one.hint for one in found.findings}.items():
        typer.echo(f"{kind}: {hint}")
    if not found.findings:
        typer.echo("nothing to mend")
        return
    errors = sum(one.severity == "error" for one in found.findings)
    typer.echo(f"{errors} errors, {len(found.findings) - errors} warnings")


def _row(one: Finding) -> tuple[str, str, str, str]:
    """A finding as a line of the table: severity, what, how many pictures, the first of them."""
    files = ", ".join(one.files[:FILES])
    if len(one.files) > FILES:
        files += f" and {len(one.files) - FILES} more"
    return one.severity, f"{one.kind}: {one.message}", str(len(one.files) or "-"), files
