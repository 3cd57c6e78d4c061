"""``bootstrap demo``: the example character grown on this machine; or, with ``--show``, a run that ended already."""

from __future__ import annotations

from pathlib import Path

import typer

from bootstrap.cli.options import Options
from bootstrap.cli.review import review_command
from bootstrap.cli.run import run_command
from bootstrap.cli.status import status_command
from bootstrap.config import configs_dir
from bootstrap.machine.browser import open_in_browser
from bootstrap.review.serve import address_of
from bootstrap.runs.shipped_run import unpack_shipped_run

__all__ = ["demo_command"]

EXAMPLE = "characters/ruby"
LOOPBACK = "127.0.0.1"


def demo_command(out: Path | None, *, show: bool, port: int, opening: bool) -> None:
    """Run the example in ``out``, and tell where it stands; or ``show`` the shipped run: its report, then its review
    page on ``port`` until Ctrl-C, both in a browser where ``opening`` and there is one."""
    if show:
        _show(out or Path("runs/finished-demo"), port, opening)
        return
    folder, example = out or Path("runs/demo"), configs_dir() / EXAMPLE
    run_command([example / "seed.png", example / "character.json"], Options(out=folder))
    status_command(folder, as_json=False)


def _show(folder: Path, port: int, opening: bool) -> None:
    unpacked = unpack_shipped_run(folder)
    typer.echo(f"run     {folder}{'' if unpacked else '  (was there already)'}; `bootstrap demo` runs the same here")
    report = (folder / "report.html").absolute()
    typer.echo(f"report  {report.as_uri()}")
    typer.echo("        what its numbers mean: bootstrap docs report")
    if opening:
        open_in_browser(report.as_uri())
        open_in_browser(address_of(LOOPBACK, port).url)
    review_command(folder, host=LOOPBACK, port=port)
