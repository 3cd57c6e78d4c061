"""The commands that need no run: before one, and beside it. Imports neither torch nor the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bootstrap.cli.reading import AuthorNotes, ReaderModel, ReaderName, ReaderUpload

__all__ = ["tools_app"]

tools_app = typer.Typer()


@tools_app.command()
def init(
    sources: Annotated[
        list[Path] | None, typer.Argument(metavar="SEED...", help="1 to 1000 pictures or a folder.")
    ] = None,
    base: Annotated[str | None, typer.Option(help="A preset or a checkpoint; its panel reads the seeds.")] = None,
    out: Annotated[Path, typer.Option(help="The file to write; only the page replaces one, and asks.")] = Path(
        "character.json"
    ),
    name: Annotated[str | None, typer.Option(help="What people call the character.")] = None,
    kind: Annotated[
        str | None,
        typer.Option(help="character, outfit, style, concept, background, asset or a YAML file of your own."),
    ] = None,
    description: Annotated[
        Path | None,
        typer.Option("--description", "--from", help="A description by a vision-language model, to be corrected."),
    ] = None,
    reader: ReaderName = None,
    model: ReaderModel = None,
    notes: AuthorNotes = None,
    allow_upload: ReaderUpload = False,
    page: Annotated[bool, typer.Option("--page", help="Fill it in on a page, beside the seeds.")] = False,
    edit: Annotated[
        Path | None, typer.Option(help="Open this character.json on the page; without SEED with the pictures it names.")
    ] = None,
    opening: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = True,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the page is served.")] = 8385,
    host: Annotated[str, typer.Option(help="An address that other machines can reach; the link then has a token.")] = (
        "127.0.0.1"
    ),
) -> None:
    """Write a first character.json: what can be read from the seeds is filled in, the rest is left for you.

    bootstrap init seed.png --base puppet --name Mika

    bootstrap init seed.png --base puppet --page

    bootstrap init seed.png --base illustrious --reader ollama

    bootstrap init *.png --base illustrious --kind style

    bootstrap init --edit character.json
    """
    from bootstrap.cli.choosing import choose_kind
    from bootstrap.cli.describe import read_by
    from bootstrap.config.kind_files import CHARACTER

    chosen = read_by(reader, model, notes, allow_upload=allow_upload)
    kind = kind or (CHARACTER if edit or description else choose_kind())
    if page or edit:
        from bootstrap.cli.init_page import init_page_command, open_draft

        draft = open_draft(
            sources or (), base=base, out=out, name=name, description=description, edit=edit, read_by=chosen, kind=kind
        )
        init_page_command(draft, host=host, port=port, opening=opening)
        return
    from bootstrap.cli.init import init_command

    init_command(sources or (), base=base, out=out, name=name, description=description, read_by=chosen, kind=kind)


@tools_app.command()
def settings(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A part of a name, such as target or sampling.")] = "",
    base: Annotated[str | None, typer.Option(help="Show the values of this preset or checkpoint.")] = None,
    profile: Annotated[str | None, typer.Option(help="With those of a card's profile: 8gb, 12gb, 16gb, 24gb.")] = None,
    kind: Annotated[
        str | None, typer.Option(help="Show what this kind of subject sets; with --base, every value with it.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Plain data for scripts.")] = False,
) -> None:
    """Show every setting: type, default, meaning; with --base its value, why, and the file it comes from.

    bootstrap settings target

    bootstrap settings --kind background

    bootstrap settings sampling --base sdxl --profile 12gb
    """
    from bootstrap.cli.settings import settings_command

    settings_command(name, base, profile, kind, as_json=json)


@tools_app.command()
def schema(
    description: Annotated[
        bool, typer.Option("--description", help="The schema of vision-language models' descriptions instead.")
    ] = False,
    kind: Annotated[
        str, typer.Option(help="The kind of subject, couple, group, or a YAML file of your own.")
    ] = "character",
) -> None:
    """Print the JSON Schema of character.json.

    bootstrap schema > character.schema.json

    bootstrap schema --kind background > place.schema.json

    bootstrap schema --kind couple > couple.schema.json
    """
    from bootstrap.cli.schema import schema_command

    schema_command(description=description, kind=kind)


@tools_app.command()
def score(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Any folder with pictures.")],
    against: Annotated[list[Path], typer.Option(help="A seed picture to compare with; 1 to 4 times.")],
    base: Annotated[str | None, typer.Option(help="A preset or a checkpoint; its panel measures.")] = None,
    config: Annotated[str | None, typer.Option(help="A panel of configs/scoring/, or a YAML file of your own.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Plain data for scripts.")] = False,
    sheet: Annotated[Path | None, typer.Option(help="Also write a contact sheet (PNG), sorted by score.")] = None,
) -> None:
    """Measure the pictures of any folder against seeds: identity, view, traits, defects, copies.

    bootstrap score pictures/ --against seed.png --sheet sheet.png
    """
    from bootstrap.cli.score import score_command

    score_command(folder, against, base=base, config=config, as_json=json, sheet=sheet)


@tools_app.command()
def setup(
    base: Annotated[str | None, typer.Option(help="A preset or a checkpoint [asked for].")] = None,
    preset: Annotated[str | None, typer.Option(help="The preset for a checkpoint of yours [by its name].")] = None,
    reference: Annotated[str | None, typer.Option(help="A reference adapter to fetch too: a preset.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="A.B=C", help="Override a setting, as for run.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Accept every licence and download unasked.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Download nothing: tell the panel of what is here.")] = (
        False
    ),
) -> None:
    """Fetch everything that judges the pictures of a base, after one question; say what a run takes then.

    bootstrap setup --base illustrious

    bootstrap setup --base my-checkpoint.safetensors --reference sdxl-plus --yes

    bootstrap setup --base illustrious --offline
    """
    from bootstrap.cli.options import Options
    from bootstrap.cli.setup import setup_command

    options = Options(base=base, preset=preset, reference=reference, settings=settings or [])
    setup_command(options, yes=yes, offline=offline)


@tools_app.command()
def doctor(
    json: Annotated[bool, typer.Option("--json", help="Plain data for scripts.")] = False,
    fetch: Annotated[
        str | None,
        typer.Option("--fetch", "--fetch-face", metavar="NAME", help="Download a model, once you accept its licence."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Accept the licence without being asked.")] = False,
) -> None:
    """Show what this machine can do: device, memory, disk, packages, usable bases and scorers.

    bootstrap doctor --fetch wd-swinv2-tagger-v3
    """
    from bootstrap.cli.doctor import doctor_command

    doctor_command(as_json=json, fetching=fetch, yes=yes)


@tools_app.command()
def audit(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of pictures with captions beside them.")],
    trigger: Annotated[str | None, typer.Option(help="The first tag of every caption [of 10_mikachr].")] = None,
    character: Annotated[Path | None, typer.Option(help="A character.json: its trigger, core and identity.")] = None,
    intended: Annotated[list[str] | None, typer.Option(help="Tags that every caption should have.")] = None,
    panel: Annotated[str | None, typer.Option(help="A panel of configs/scoring/ that checks the pictures too.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 for warnings too.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Plain data for scripts.")] = False,
) -> None:
    """Find what a LoRA would learn by mistake from a captioned folder, of any trainer; exits 1 for an error.

    bootstrap audit dataset/10_mikachr --intended "anime screencap"

    bootstrap audit pictures/ --trigger mikachr --panel drawn --json
    """
    from bootstrap.cli.audit import AuditOptions, audit_command

    options = AuditOptions(trigger, character, intended or (), panel, strict)
    audit_command(folder, options, as_json=json)


@tools_app.command()
def tags(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of pictures, with captions or without.")],
    character: Annotated[
        Path | None, typer.Option(help="A character.json: its trigger and core go first, its identity goes.")
    ] = None,
    keep_identity: Annotated[bool, typer.Option("--keep-identity", help="Leave the identity named.")] = False,
    add: Annotated[list[str] | None, typer.Option(help="Tags at the head of every caption.")] = None,
    replace: Annotated[list[str] | None, typer.Option(metavar="OLD=NEW", help="A tag in place of another.")] = None,
    drop: Annotated[list[str] | None, typer.Option(help="Tags to leave out.")] = None,
    rare: Annotated[int, typer.Option(min=0, help="Leave out tags that fewer captions have than this.")] = 0,
    panel: Annotated[str | None, typer.Option(help="A panel whose tagger reads the pictures: drawn.")] = None,
    threshold: Annotated[float, typer.Option(min=0.01, max=0.99, help="From which the tagger's tags count.")] = 0.35,
    write: Annotated[bool, typer.Option("--write", help="Write the captions; else they are only shown.")] = False,
) -> None:
    """Show the tags of a folder by frequency, and clean, replace, prune and sort them over the whole set.

    bootstrap tags pictures/ --panel drawn --character character.json --rare 2 --write

    bootstrap tags dataset/10_mikachr --replace "blue_skirt=navy skirt" --drop "bad anatomy"
    """
    from bootstrap.cli.tags import TagsOptions, tags_command

    options = TagsOptions(character, keep_identity, add or (), replace or (), drop or (), rare, panel, threshold, write)
    tags_command(folder, options)


@tools_app.command()
def upscale(
    sources: Annotated[list[Path], typer.Argument(metavar="[FOLDER|FILE]...", help="Pictures, or folders of them.")],
    out: Annotated[Path, typer.Option(help="An empty or new folder for the copies, with the captions.")],
    model: Annotated[
        str, typer.Option(help="A file, the name of one in ComfyUI's models/upscale_models, or lanczos.")
    ] = "lanczos",
    side: Annotated[
        int, typer.Option(min=0, max=8192, help="Pixels that the shorter side gets; 0: as many as the model makes.")
    ] = 0,
    base: Annotated[
        str | None, typer.Option(help="A preset or a checkpoint: its panel looks for what was invented.")
    ] = None,
    sheet: Annotated[Path | None, typer.Option(help="Also write a contact sheet (PNG), each before and after.")] = None,
) -> None:
    """Write enlarged or sharpened copies of pictures; what no longer shows its original is enlarged by Lanczos.

    bootstrap upscale screencaps/ --out large/ --model 4x-AnimeSharp.pth --side 1024 --base illustrious

    bootstrap upscale a.png b.png --out sharp/ --model 1x-deblur.pth --sheet sharp.png
    """
    from bootstrap.cli.upscale import UpscaleOptions, upscale_command

    upscale_command(sources, UpscaleOptions(out, model, side, base, sheet))


@tools_app.command()
def repair(
    sources: Annotated[list[Path], typer.Argument(metavar="[FOLDER|FILE]...", help="Pictures, or folders of them.")],
    out: Annotated[Path, typer.Option(help="An empty or new folder for the repaired copies, with their captions.")],
    region: Annotated[
        list[str] | None,
        typer.Option(metavar="L,T,R,B", help="A region to paint over too, in percent of each picture: 70,80,100,100."),
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="A preset or a checkpoint that draws regions anew [they are filled smoothly].")
    ] = None,
    crop: Annotated[bool, typer.Option("--crop/--no-crop", help="Crop bars, cut-offs and plain ground away.")] = True,
    sheet: Annotated[
        Path | None, typer.Option(help="The contact sheet (PNG), each before and after [OUT/before-and-after.png].")
    ] = None,
) -> None:
    """Write repaired copies of pictures: lettering and marked regions painted over, bars and empty ground cropped.

    bootstrap repair pictures/ --out repaired/

    bootstrap repair seed.png --out repaired/ --region 0,60,30,100 --base illustrious
    """
    from bootstrap.cli.repair import RepairOptions, repair_command

    repair_command(sources, RepairOptions(out, region or (), base, crop, sheet))


@tools_app.command()
def docs(
    page: Annotated[str | None, typer.Argument(metavar="PAGE", help="Its name: night, sdxl, drawers.")] = None,
    path: Annotated[bool, typer.Option("--path", help="Print where it lies instead.")] = False,
) -> None:
    """List the guides and the pages of presets, or show one of them.

    bootstrap docs first-lora

    bootstrap docs troubleshooting --path
    """
    from bootstrap.cli.docs import docs_command

    docs_command(page, path=path)


@tools_app.command()
def demo(
    show: Annotated[bool, typer.Option("--show", help="Open the report and review of a run that ended.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder of the run [runs/demo, runs/finished-demo].")] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where --show serves the review page.")] = 8384,
    opening: Annotated[bool, typer.Option("--open/--no-open", help="Open pages in a browser.")] = True,
) -> None:
    """Grow the example character on the embedded base; or look at such a run at once, without training.

    bootstrap demo --show

    bootstrap demo --out runs/demo
    """
    from bootstrap.cli.demo import demo_command

    demo_command(out, show=show, port=port, opening=opening)


@tools_app.command()
def version() -> None:
    """Print the version."""
    from bootstrap import __version__

    typer.echo(__version__)
