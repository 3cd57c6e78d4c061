"""The commands about runs with their options; each calls a file of its own. Imports neither torch nor the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bootstrap.cli.help_pages import GroupedCommands, GroupedOptions
from bootstrap.cli.lora import lora_app
from bootstrap.cli.options import Options, with_options
from bootstrap.cli.queue import queue_app
from bootstrap.cli.reading import reading_app
from bootstrap.cli.several_commands import several_app
from bootstrap.cli.tools import tools_app

__all__ = ["app"]

app = typer.Typer(
    cls=GroupedCommands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(tools_app)
app.add_typer(reading_app)
app.add_typer(queue_app, name="queue")
app.add_typer(lora_app, name="lora")
app.add_typer(several_app)
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")]


def _print_version(wanted: bool) -> None:
    """Print the version and end, where it was asked for."""
    if wanted:
        from bootstrap import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def every_command(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Grow a character LoRA out of one picture, or out of up to a hundred."""


@app.command(cls=GroupedOptions)
@with_options
def run(sources: list[Path], options: Options) -> None:
    """Begin a run, or continue it: the same command does both.

    bootstrap run seed.png character.json

    bootstrap run front.png back.png character.json --base puppet --target 40 --out runs/mika

    bootstrap run seed.png character.json --until 07:30 --notify ntfy://my-topic

    bootstrap run couple.json --out runs/mika-and-nox
    """
    from bootstrap.cli.run import run_command
    from bootstrap.cli.together import run_together

    if not run_together(sources, options, run_command):
        run_command(sources, options)


@app.command()
def status(
    run: Annotated[Path | None, typer.Argument(metavar="RUN", help="Folder of a run, or of runs [runs].")] = None,
    json: Annotated[bool, typer.Option("--json", help="Plain data for scripts.")] = False,
) -> None:
    """Show where a run stands; without one, list the runs with the next command of each.

    bootstrap status

    bootstrap status runs/mika --json
    """
    from bootstrap.cli.status import status_command

    status_command(run, as_json=json)


@app.command()
def report(
    run: RunFolder,
    out: Annotated[Path | None, typer.Option(help="The page [RUN/report.html].")] = None,
    showcase: Annotated[
        Path | None, typer.Option(help="Write only the picture that the page leads with: a .png, .jpg or .webp file.")
    ] = None,
    side: Annotated[int, typer.Option(min=32, max=2048, help="Pixels of each picture in that file.")] = 160,
) -> None:
    """Write the report page of a run again, also of an unfinished one.

    bootstrap report runs/mika

    bootstrap report runs/mika --showcase mika.jpg --side 128
    """
    from bootstrap.cli.report import report_command

    report_command(run, out, showcase, side)


@app.command()
def watch(
    run: Annotated[Path | None, typer.Argument(metavar="RUN", help="Folder of a run; none with --all.")] = None,
    all: Annotated[bool, typer.Option("--all", help="Every run of this folder, or of a queue.")] = False,
    file: Annotated[Path | None, typer.Option("--file", help="The queue whose runs --all shows.")] = None,
    page: Annotated[
        bool, typer.Option("--open", help="Also serve a live page: the pictures as they come. Opens it if it can.")
    ] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the page is served.")] = 8386,
    host: Annotated[str, typer.Option(help="An address that other machines can reach; the link then has a token.")] = (
        "127.0.0.1"
    ),
) -> None:
    """Follow a run that another process works on, until it ends: live on a terminal, plain lines elsewhere.

    bootstrap watch runs/mika

    bootstrap watch runs/mika --open

    bootstrap watch --all
    """
    from bootstrap.errors import UsageError

    if all and run is None:
        from bootstrap.cli.watch_all import watch_all_command

        watch_all_command(file, page=page, host=host, port=port)
        return
    if run is None or all or file is not None:
        raise UsageError("name one run, or --all (a queue with --file)", "bootstrap watch runs/mika")
    from bootstrap.cli.watch import watch_command

    watch_command(run, page=page, host=host, port=port)


@app.command()
def export(
    run: RunFolder,
    format: Annotated[str, typer.Option(help="kohya (ComfyUI, A1111, Forge), diffusers, or dataset.")] = "kohya",
    round: Annotated[int | None, typer.Option(min=1, help="The LoRA of this round, or what was kept up to it.")] = None,
    out: Annotated[Path | None, typer.Option(help="An empty or new folder [RUN/export/<format>].")] = None,
    precision: Annotated[str, typer.Option(help="Of the LoRA's weights: fp16, or fp32.")] = "fp16",
    captions: Annotated[
        str, typer.Option(help="Of a dataset: txt (TagGUI, kohya), or kohya: meta_cap.json beside them too.")
    ] = "txt",
    upscale: Annotated[
        str, typer.Option(metavar="MODEL", help="Of a dataset: enlarge it by this model or by lanczos.")
    ] = "",
) -> None:
    """Write the LoRA or the dataset of a run, finished or not, for other programs, with its model card.

    bootstrap export runs/mika --format diffusers

    bootstrap export runs/mika --format dataset --round 2 --out mika-dataset

    bootstrap export runs/mika --format dataset --captions kohya --upscale lanczos
    """
    from bootstrap.cli.export import export_command

    export_command(run, format=format, round=round, out=out, precision=precision, captions=captions, upscale=upscale)


@app.command()
def compare(
    run: RunFolder,
    checkpoints: Annotated[
        list[str] | None, typer.Option(help="LoRAs of the run by name, files, or all [the final training's].")
    ] = None,
    weights: Annotated[list[str] | None, typer.Option(help="Weights to try, with commas [1.0,0.8,0.6,0.5].")] = None,
    beside: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="FILE[:WEIGHT][=WORDS]",
            help="Another LoRA beside it; without a weight the best is looked for.",
        ),
    ] = None,
    pose: Annotated[str, typer.Option(help="A pose that the training set does not have.")] = "",
    outfit: Annotated[str, typer.Option(help="Clothes that the training set does not have, as tags.")] = "",
    each: Annotated[int, typer.Option(min=1, max=20, help="Pictures of each view family.")] = 2,
    also: Annotated[
        list[str] | None,
        typer.Option(metavar="BASE", help="Another base of the same architecture: a preset or a file."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the page [RUN/compare].")] = None,
    json: Annotated[bool, typer.Option("--json", help="Plain data for scripts.")] = False,
) -> None:
    """Try a run's LoRA: checkpoints x weights, unseen pose and outfit, other LoRAs; recommend, name what is missing.

    bootstrap compare runs/mika --weights 1.0,0.8,0.6 --with watercolor.safetensors:0.7

    bootstrap compare runs/mika --checkpoints all --weights 1 --json

    bootstrap compare runs/mika --also my-anime-mix.safetensors
    """
    from bootstrap.cli.compare import CompareOptions, compare_command

    options = CompareOptions(checkpoints or (), weights or (), beside or (), pose, outfit, each, also or ())
    compare_command(run, options, out=out, as_json=json)


@app.command(cls=GroupedOptions)
@with_options
def check(sources: list[Path], options: Options) -> None:
    """Print what a run would do and cost, and every reason why it could not begin; loads no model.

    bootstrap check seed.png character.json
    """
    from bootstrap.cli.check import check_command
    from bootstrap.cli.together import check_together

    if not check_together(sources, options, check_command):
        check_command(sources, options)


FrameIds = Annotated[
    list[str], typer.Argument(metavar="ID...", help="Ids of candidates, or the last characters of them.")
]
Reasons = Annotated[
    list[str] | None, typer.Option("--reason", help="face, outfit, hands, view, duplicate or style (of characters).")
]
AsJson = Annotated[bool, typer.Option("--json", help="Plain data for scripts.")]


@app.command()
def approve(run: RunFolder, ids: FrameIds, reason: Reasons = None, json: AsJson = False) -> None:
    """Keep frames, whatever the gate decided; a run that is at work reads it at its next round.

    bootstrap approve runs/mika 3fa29c01de 77b0c4f2aa
    """
    from bootstrap.cli.verdicts import judge_command
    from bootstrap.records import VerdictKind

    judge_command(run, ids, VerdictKind.KEEP, reason or (), as_json=json)


@app.command()
def reject(run: RunFolder, ids: FrameIds, reason: Reasons = None, json: AsJson = False) -> None:
    """Reject frames, whatever the gate decided; their files stay.

    bootstrap reject runs/mika 3fa29c01de --reason hands
    """
    from bootstrap.cli.verdicts import judge_command
    from bootstrap.records import VerdictKind

    judge_command(run, ids, VerdictKind.REJECT, reason or (), as_json=json)


@app.command()
def undo(
    run: RunFolder,
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID...", help="Frames [those judged last, together].")
    ] = None,
    json: AsJson = False,
) -> None:
    """Take back your last verdicts, of one or of many at once, or the last on each frame; what was before counts again.

    bootstrap undo runs/mika

    bootstrap undo runs/mika 3fa29c01de
    """
    from bootstrap.cli.verdicts import undo_command

    undo_command(run, ids or (), as_json=json)


@app.command()
def approval(
    run: RunFolder,
    setting: Annotated[str, typer.Argument(help="auto, human, timed:2h, or open: let the round that waits go on.")],
) -> None:
    """Set who approves rounds, also while a run works; or let the round that waits go on.

    bootstrap approval runs/mika timed:90m
    """
    from bootstrap.cli.verdicts import approval_command

    approval_command(run, setting)


@app.command()
def gc(
    run: RunFolder,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be removed.")] = False,
) -> None:
    """Free what can be made again: checkpoints, LoRAs of earlier rounds, cached embeddings.

    bootstrap gc runs/mika --dry-run
    """
    from bootstrap.cli.upkeep import gc_command

    gc_command(run, dry_run=dry_run)


@app.command()
def verify(run: RunFolder) -> None:
    """Hash every picture and every LoRA of a run anew; exits 1 and names what is not as it was stored.

    bootstrap verify runs/mika
    """
    from bootstrap.cli.upkeep import verify_command

    verify_command(run)


@app.command()
def review(
    run: RunFolder,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the page is served.")] = 8384,
    host: Annotated[str, typer.Option(help="An address that other machines can reach; the link then has a token.")] = (
        "127.0.0.1"
    ),
    audit: Annotated[
        bool, typer.Option("--audit", help="Judge 20 random frames of a round blind; the report compares.")
    ] = False,
    round: Annotated[int | None, typer.Option(min=1, help="The round to audit [the last that has ended].")] = None,
) -> None:
    """Judge the pictures of a run on a page of this machine, also while the run works.

    bootstrap review runs/mika

    bootstrap review runs/mika --audit
    """
    from bootstrap.cli.review import review_command

    review_command(run, host=host, port=port, audit=audit, number=round)
