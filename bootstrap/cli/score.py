"""``bootstrap score``: measure the pictures of any folder against one to four seeds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.table import Table
from rich.text import Text

from bootstrap.cli.check_many import panel_models_of
from bootstrap.config import load_panel, shipped_base
from bootstrap.errors import UsageError
from bootstrap.listeners.waiting import waiting
from bootstrap.machine.plain_console import PlainConsole
from bootstrap.panel.rating import Rated, Rater, as_plain, pictures_in
from bootstrap.pictures import open_picture
from bootstrap.pictures.sheets import contact_sheet
from bootstrap.seeds import MOST_SEEDS, gather
from bootstrap.store.files import write_image

__all__ = ["score_command"]

DEFAULT = "puppet"
COLUMNS = 8


def score_command(
    folder: Path,
    against: Sequence[Path],
    *,
    base: str | None,
    config: str | None,
    as_json: bool,
    sheet: Path | None,
) -> None:
    """Print the pictures, most alike first, as a table, plain lines or JSON. Raises UsageError."""
    if base and config:
        raise UsageError(f'--base "{base}" and --config "{config}" both name a panel', "give one of them")
    seeds, pictures = gather(against, MOST_SEEDS), [path for path in pictures_in(folder) if path not in against]
    name = config or shipped_base(base or DEFAULT).scoring
    panel = load_panel(name)
    if not (base or config):
        typer.echo(f"note: judged by '{name}', which knows puppets; --config names another panel", err=True)
    with waiting(f"loading the panel, which measures {len(pictures)} pictures"):
        rater = Rater(panel_models_of(panel), panel, seeds)
        rated = rater.rate(pictures)
    if as_json:
        plain = {
            "folder": str(folder),
            "against": [str(path) for path in seeds],
            "panel": name,
            "sorted_by": rater.deciding,
            "unknown_words": _unknown(rated),
            "pictures": [as_plain(one, folder) for one in rated],
        }
        typer.echo(json.dumps(plain, indent=2, ensure_ascii=False))
    else:
        _show(rated, rater, folder)
    if sheet:
        _write_sheet(sheet, rated)


def _show(rated: Sequence[Rated], rater: Rater, folder: Path) -> None:
    """A table on a terminal, tab-separated lines elsewhere; reasons below, each once."""
    names = rater.panel.names()
    heads = ["picture", "view family", *names, "fails"]
    rows = [_row(one, names, folder) for one in rated]
    out = PlainConsole()
    if out.is_terminal:
        table = Table(*heads, box=None, title=f"most alike first ({rater.deciding})", title_justify="left")
        for row, one in zip(rows, rated, strict=True):
            table.add_row(*map(Text, row), style=_style(one))
        out.print(table)
    else:
        for row in (heads, *rows):
            typer.echo("\t".join(row))
    for reason, count in _reasons(rated).items():
        typer.echo(f"not applicable {count}x: {reason}")
    if unknown := _unknown(rated):
        typer.echo(f"no scorer can check: {', '.join(unknown)}")


def _style(one: Rated) -> str:
    """The colour of a picture's line."""
    if one.unreadable:
        return "dim"
    return "yellow" if one.failures else ""


def _row(one: Rated, names: Sequence[str], folder: Path) -> list[str]:
    """A picture's line: its path, its view family, a value of each scorer, and what it fails."""
    path = one.path.relative_to(folder).as_posix()
    if one.unreadable:
        return [path, "", *[""] * len(names), one.unreadable]
    cells = [path, one.view_family or "?"]
    answers = one.answers or {}
    for name in names:
        value = answers[name].value
        cells.append("-" if value is None else f"{value:.3f}")
    return [*cells, "; ".join(one.failures)]


def _reasons(rated: Sequence[Rated]) -> dict[str, int]:
    """Why scorers were not applicable, each reason with how often it was given."""
    counts: Counter[str] = Counter()
    for one in rated:
        for name, answer in (one.answers or {}).items():
            if not answer.applicable:
                counts[f"{name}: {answer.why}"] += 1
    return counts


def _unknown(rated: Sequence[Rated]) -> list[str]:
    """The words that no scorer can check, each once."""
    return list(dict.fromkeys(word for one in rated for word in one.unknown))


def _write_sheet(path: Path, rated: Sequence[Rated]) -> None:
    """The readable pictures in the order of the table, each with its score and name under it."""
    images, labels = [], []
    for one in rated:
        if not one.unreadable:
            score = "?" if one.score is None else f"{one.score:.2f}"
            images.append(open_picture(one.path, 1)[0])
            labels.append(f"{score} {one.path.stem}")
    write_image(path, contact_sheet(images, COLUMNS, labels))
    typer.echo(f"sheet {path}", err=True)
