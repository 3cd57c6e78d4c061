"""``bootstrap audit``: what in a folder of captioned pictures would teach a LoRA something unintended."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bootstrap.character import Character, load_character
from bootstrap.config import PanelConfig, ViewsConfig, known, load_panel, shipped_views
from bootstrap.config.scorers import FaceConfig
from bootstrap.dataset.caption_audit import CaptionAudit, Intent, audit, read_set
from bootstrap.dataset.findings import Finding
from bootstrap.errors import ConfigError, UsageError
from bootstrap.pictures import PictureFile

__all__ = ["Wanted", "audit_command"]

FILES = 3
"""File names that a line of the table shows."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line says of the set."""

    trigger: str | None = None
    character: Path | None = None
    intended: Sequence[str] = ()
    panel: str | None = None


def audit_command(folder: Path, wanted: Wanted, *, as_json: bool) -> None:
    """Print the findings. Exits with 1 when one of them is an error; raises UsageError for what is no such folder."""
    if not folder.is_dir():
        raise UsageError(f'no such folder "{folder}"', "give a folder with pictures and their captions")
    panel = _panel(wanted.panel) if wanted.panel else None
    pictures = read_set(folder)
    if not pictures:
        raise UsageError(f'"{folder}" holds no picture', "give the folder of a dataset, or one above it")
    found = audit(folder, pictures, _intent(wanted))
    if panel:
        found = replace(found, findings=(*found.findings, *_seen(folder, pictures, panel)))
    if as_json:
        typer.echo(json.dumps(_plain(found), indent=2, ensure_ascii=False))
    else:
        _show(found)
    if not found.sound:
        raise typer.Exit(1)


def _panel(name: str) -> PanelConfig:
    """The panel that is to look, if it can be loaded here. Raises ConfigError naming what it lacks."""
    from bootstrap.panel.availability import missing_models

    panel = load_panel(name)
    if panel.clip.model == "fake":
        raise ConfigError(f'the panel "{name}" sees nothing', f"choose one of: {', '.join(known('scoring'))}")
    if missing := missing_models(panel, comparing=False):
        raise ConfigError(f'the panel "{name}" cannot look: {missing[0][0]}', missing[0][1])
    return panel.model_copy(update={"face": FaceConfig(pack="")})


def _intent(wanted: Wanted) -> Intent:
    """What is meant to be in every caption, and what the trigger should absorb."""
    told = load_character(wanted.character) if wanted.character else None
    tags = [tag.strip() for text in wanted.intended for tag in text.split(",") if tag.strip()]
    if told is None:
        return Intent(wanted.trigger or "", frozenset(tags))
    constant = _constant(told)
    return Intent(wanted.trigger or told.trigger, frozenset((*tags, *constant)), frozenset(told.identity))


def _constant(character: Character) -> list[str]:
    """What a character has in every caption: its core, its only outfit, place, style, and each outfit's own word."""
    outfits = list(character.wardrobe.values())
    single = [axis[0] for axis in (character.styles, character.backgrounds, character.poses) if len(axis) == 1]
    worn = outfits[0].tags if len(outfits) == 1 else ()
    return [*character.core, *single, *worn, *(outfit.trigger for outfit in outfits if outfit.trigger)]


def _seen(folder: Path, pictures: Sequence[PictureFile], panel: PanelConfig) -> list[Finding]:
    from bootstrap.dataset.caption_check import contradicted
    from bootstrap.machine.device import pick_device
    from bootstrap.machine.inventory import cache_folder
    from bootstrap.panel.judges import open_eyes

    eyes = open_eyes(panel, cache_folder() / "features", pick_device(), comparing=False)
    return contradicted(folder, pictures, eyes, panel, _views(panel, shipped_views("standard")))


def _views(panel: PanelConfig, views: ViewsConfig) -> dict[str, str]:
    """Tags that say a view → its view_family: those of the grid, of the panel's phrases and of its tagger."""
    said = {tags: view_family for view_family, plan in views.families.items() for tags in plan.views.values()}
    said |= {phrase: view_family for view_family, phrases in panel.view_phrases.items() for phrase in phrases}
    return said | {tag: view_family for view_family, rule in panel.tagger.views.items() for tag in rule.shows}


def _plain(found: CaptionAudit) -> dict[str, object]:
    return {
        "folder": str(found.folder),
        "sound": found.sound,
        "pictures": found.pictures,
        "captions": found.captions,
        "triggers": list(found.triggers),
        "findings": [one.plain() for one in found.findings],
        "tags": {tag: round(share, 4) for tag, share in found.shares.items()},
    }


def _show(found: CaptionAudit) -> None:
    """A table on a terminal, tab-separated lines elsewhere; then what to do, each once."""
    named = ", ".join(found.triggers) or "none"
    typer.echo(f"{found.folder}: {found.pictures} pictures, {found.captions} captions, trigger {named}")
    rows = [_row(one) for one in found.findings]
    out = Console(highlight=False)
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
    errors = sum(one.severity == "error" for one in found.findings)
    others = len(found.findings) - errors
    typer.echo(f"{errors} errors, {others} warnings" if found.findings else "nothing to mend")


def _row(one: Finding) -> tuple[str, str, str, str]:
    more = f" and {len(one.files) - FILES} more" if len(one.files) > FILES else ""
    return one.severity, f"{one.kind}: {one.message}", str(len(one.files) or "-"), ", ".join(one.files[:FILES]) + more
