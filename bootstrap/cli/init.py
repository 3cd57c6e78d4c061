"""``bootstrap init``: a first character.json out of the seeds, with what could be read in it and the rest explained."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from PIL import Image

from bootstrap.captions.wording import Wording
from bootstrap.character import Character, load_character
from bootstrap.character.description import made_up_trigger
from bootstrap.character.of_kind import needs_of
from bootstrap.cli.check_many import panel_models_of
from bootstrap.cli.choosing import choose_base
from bootstrap.cli.described_draft import DescribedDraft, ReadBy
from bootstrap.cli.which_base import settle_base
from bootstrap.config import RunConfig, load
from bootstrap.config.kind_files import CHARACTER
from bootstrap.config.training_pixels import side_of
from bootstrap.dataset.seed_tags import seed_tagging
from bootstrap.errors import ConfigError, OutputError
from bootstrap.listeners.waiting import waiting
from bootstrap.panel.availability import missing_models, setup_command_for, smaller
from bootstrap.panel.domain import foreign_pictures
from bootstrap.panel.draft import Draft, PhraseReader, Reading, draft_text, read_traits, reader_of, unread_traits
from bootstrap.panel.gathered_seeds import gathered_seeds, sifting_sentences
from bootstrap.panel.second_opinions import second_opinions
from bootstrap.pictures import open_picture, read_picture
from bootstrap.readers.axis_reading import AxisReading
from bootstrap.seeds import MOST_SEEDS, Read, SeedCaptioner, View, gather, unread, views_in
from bootstrap.seeds.checks import crowds, empty_seeds, passed_over
from bootstrap.seeds.gathering import are_compared
from bootstrap.store.files import write_atomic

if TYPE_CHECKING:
    from scoring.faces_found import FaceFinder
    from scoring.tagger import Tagger

__all__ = ["Begun", "begin_draft", "config_to_read", "init_command", "named_draft"]

MOST_NAMED = 4
"""Pictures that a sentence names."""
PLAIN = ("seed", "front", "image", "picture", "character", "img", "portrait", "reference", "sheet")
"""File names that are no character's name."""


def init_command(
    sources: Sequence[Path],
    *,
    base: str | None,
    out: Path,
    name: str | None,
    description: Path | None,
    read_by: ReadBy | None = None,
    kind: str = CHARACTER,
) -> None:
    """Write ``out``, which must not exist, and print what was read and what was not, by the panel and by a reader."""
    if out.exists():
        edit = shlex.join(["bootstrap", "init", "--edit", str(out)])
        raise OutputError(f'"{out}" exists already', f"choose another file with --out, or change it on a page: {edit}")
    pictures = gather(sources)
    command = shlex.join(["bootstrap", "init", *map(str, sources), "--out", str(out)])
    config, missing = config_to_read(base, command, kind=kind)
    for note in missing:
        typer.echo(f"note: {note}")
    describing = None if read_by is None or description else DescribedDraft(read_by, config)
    begun = begin_draft(pictures, config, name, description, describing, kind)
    write_atomic(out, draft_text(begun.draft, config).encode())
    for note in begun.notes:
        typer.echo(f"note: {note}")
    if describing and describing.found:
        describing.write(out)
        typer.echo("what the panel reads itself, for comparison:")
    _print(begun.draft, sources, out)


def config_to_read(
    base: str | None, command: str, views: str = "", kind: str = CHARACTER
) -> tuple[RunConfig, list[str]]:
    """The settings of a base whose panel reads pictures, and a note where models are missing, of which its panel then
    has none. A base is asked for where none is named."""
    chosen = base or choose_base(command, "its panel reads the pictures")
    with contextlib.suppress(ConfigError):  # only its panel is needed: the plain preset's will do
        settle_base(chosen, ())
    return _with_what_is_here(load(chosen, views=views, subject=kind), chosen)


Foreign = Callable[[Sequence[Image.Image]], list[str]]
"""What each picture is instead of one that the panel knows, in words; "" for one that it knows."""
Opinion = Callable[[Sequence[Image.Image]], Mapping[str, AxisReading]]
"""What a panel reads of a character to tell the errors of a reader."""


@dataclass(frozen=True)
class Begun:
    """A draft with what was read in it, the pictures that it describes (file, number in a sheet, picture), what to
    note, and what each picture is instead of one that the panel knows."""

    draft: Draft
    shown: Sequence[tuple[Path, int, Image.Image]]
    notes: Sequence[str]
    foreign: Sequence[str]


def begin_draft(
    pictures: Sequence[Path],
    config: RunConfig,
    name: str | None,
    description: Path | None,
    describing: DescribedDraft | None = None,
    kind: str = CHARACTER,
) -> Begun:
    """Load the panel, and read what pictures show; of a ``description`` the character is taken as it says.

    With ``describing`` a reader is asked too, and what it says is taken.
    """
    described = load_character(description) if description else None
    draft = replace(named_draft(described, name or "", pictures, config), kind=kind)
    if needs_of(kind)["trigger"].rule == "optional":
        draft = replace(draft, trigger="")
    with waiting(f"loading the panel, which reads {len(pictures)} picture{'' if len(pictures) == 1 else 's'}"):
        if are_compared(pictures, lambda path: not config.subject.figures or _captioned(path)):
            looked = _looked_at_many(pictures, draft, described, config)
        else:
            looked = _looked_at(pictures, config)
        if described is None:
            draft = replace(draft, traits=_traits(looked, config, kind))
    notes = [*_foreign_notes(looked, config), *looked.notes, *passed_over(pictures)]
    if described:
        notes = [*described.notes, *notes]
    elif describing and (described := describing.character(draft, looked.shown, looked.opinions())):
        draft = replace(draft, given=describing.given(draft.trigger))
    captioner = _captioner(draft, described, config, looked.read, looked.tagger)
    blind = _captioner(draft, described, config, lambda image, phrases: "", None)
    seeds = []
    for (path, number, image), kind in zip(looked.shown, looked.foreign, strict=True):
        seeds.append((blind if kind else captioner).caption(path, "", "", image, number))
    return Begun(replace(draft, seeds=seeds), looked.shown, notes, looked.foreign)


def _traits(looked: _Looked, config: RunConfig, kind: str) -> list[Reading]:
    """What the panel reads of the character in the pictures that it knows; of another kind, of its ``parts``."""
    if kind != CHARACTER:
        return [one for one in _traits(looked, config, CHARACTER) if one.axis in config.subject.parts]
    has_reader = "clip" in config.panel.models.present
    if looked.known and has_reader:
        return read_traits(config.panel, looked.known, looked.reader)
    why = "the panel does not know such pictures" if has_reader else "its model is not on this machine"
    return unread_traits(config.panel, why)


def _with_what_is_here(config: RunConfig, base: str) -> tuple[RunConfig, list[str]]:
    """The configuration with the models that are on this machine, and a note that others would read."""
    panel, notes = smaller(config.panel), []
    if missing_models(config.panel, comparing=False):
        read = "little is read" if panel.models.present else "nothing is read"
        notes = [f"{read} off the pictures: models are missing; {setup_command_for(base)} fetches them"]
    return config.model_copy(update={"panel": panel}), notes


@dataclass(frozen=True)
class _Looked:
    """The pictures that are described, each with its file and its number in a sheet; what reads and tags them; what
    each is instead of a picture that the panel knows, "" for one that it knows; what to note."""

    shown: Sequence[tuple[Path, int, Image.Image]]
    reader: PhraseReader
    read: Read
    tagger: Tagger | None
    foreign: Sequence[str]
    notes: Sequence[str]
    opinion: Opinion

    @property
    def known(self) -> list[Image.Image]:
        """The pictures that the panel knows."""
        return [image for (*_, image), kind in zip(self.shown, self.foreign, strict=True) if not kind]

    def opinions(self) -> Mapping[str, AxisReading]:
        """What is read beside the draft, of the pictures that the panel knows."""
        return self.opinion(self.known)


def _looked_at(pictures: Sequence[Path], config: RunConfig) -> _Looked:
    """A few pictures without a sheet: all are described."""
    reader, read, faces, tagger, foreign, opinion = open_readers(config)
    shown = [
        (path, view.number, view.image) for path in pictures for view in _views(path, figures=config.subject.figures)
    ]
    notes: list[str] = []
    if faces and config.subject.figures:
        named = {path.name: image for path, _, image in shown}
        notes = crowds(named, faces, config.panel.models.face.min_det_score)
    empty = empty_seeds({path.name: image for path, _, image in shown})
    notes += [f'"{name}" {why}: give a picture of the character' for name, why in empty.items()]
    return _Looked(shown, reader, read, tagger, foreign([image for *_, image in shown]), notes, opinion)


def _looked_at_many(pictures: Sequence[Path], draft: Draft, described: Character | None, config: RunConfig) -> _Looked:
    """Many pictures, or a sheet: what a run would take, the anchors first."""
    models = panel_models_of(config.panel)
    captioner = _captioner(draft, described, config, models.read, models.tagger)
    gathered = gathered_seeds(pictures, captioner, models, config, side_of(config.base))
    shown = [(one.path, one.number, one.image) for one, _ in gathered.taken if one.image is not None]
    notes = sifting_sentences(gathered.rows, gathered.seeds)
    foreign = foreign_pictures([image for *_, image in shown], models, config.panel)
    return _Looked(
        shown,
        reader_of(models, config.panel),
        models.read,
        models.tagger,
        foreign,
        notes,
        lambda images: second_opinions(images, models, config.panel),
    )


def _foreign_notes(looked: _Looked, config: RunConfig) -> list[str]:
    """A sentence for each kind of picture that the panel does not know, with the pictures."""
    named = dict[str, list[str]]()
    for (path, number, _), kind in zip(looked.shown, looked.foreign, strict=True):
        if kind:
            named.setdefault(kind, []).append(f'"{path.name}#{number}"' if number else f'"{path.name}"')
    notes = []
    for kind, names in named.items():
        listed = ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more" * (len(names) > MOST_NAMED))
        look = "looks" if len(names) == 1 else "look"
        advice = "write what they show, or choose a base that draws such pictures with --base"
        notes.append(f"{listed} {look} like {kind}: the panel of {config.base.name} does not know such pictures, and")
        notes[-1] += f" nothing was read off them; {advice}"
    return notes


def _views(path: Path, *, figures: bool) -> list[View]:
    """The view in a picture that is no sheet."""
    image, data = open_picture(path)
    return views_in(image, data, path.stem, path.suffix, whole=True, figures=figures)


def _captioned(path: Path) -> bool:
    """Whether a picture has a caption file: then it is one view, and no sheet."""
    return read_picture(path).origin == "sidecar"


def named_draft(described: Character | None, name: str, pictures: Sequence[Path], config: RunConfig) -> Draft:
    """A draft with a name, made up of the pictures' where none is given, a trigger, and what a description says."""
    if described is None:
        name = name or _name_from(pictures)
        return Draft(name, made_up_trigger(name), config.base.name)
    trigger = made_up_trigger(name) if name else described.trigger
    return Draft(name or described.name, trigger, config.base.name, given=_given(described))


def _name_from(pictures: Sequence[Path]) -> str:
    """A name for the character: that of the picture, or of the folder where there are several, or it is no name."""
    name = re.sub(r"[\d_\- ]+$", "", _printable(pictures[0].stem))
    if name.lower() in (*PLAIN, "") or len(pictures) > MOST_SEEDS:
        name = _printable(pictures[0].resolve().parent.name)
    return (name or "character").capitalize()


def _printable(name: str) -> str:
    """A name without control characters and bytes that are no UTF-8."""
    return "".join(filter(str.isprintable, name))


def _given(described: Character) -> dict[str, object]:
    """What a description says already, as character.json has it."""
    return {
        "core": ", ".join(described.core),
        "invariant": {part: ", ".join(tags) for part, tags in described.invariant.items()},
        "outfits": {key: {"tags": ", ".join(outfit.tags)} for key, outfit in described.wardrobe.items()},
    }


def open_readers(config: RunConfig) -> tuple[PhraseReader, Read, FaceFinder | None, Tagger | None, Foreign, Opinion]:
    """Load the panel: what reads traits over all seeds, what reads one seed's caption, face detector and tagger, what
    tells pictures that the panel does not know, and what it reads to tell a reader's errors."""
    models = panel_models_of(config.panel, comparing=False)
    reader = reader_of(models, config.panel)
    return (
        reader,
        models.read,
        models.faces,
        models.tagger,
        lambda images: foreign_pictures(images, models, config.panel),
        lambda images: second_opinions(images, models, config.panel),
    )


def _captioner(
    draft: Draft, described: Character | None, config: RunConfig, read: Read, tagger: Tagger | None
) -> SeedCaptioner:
    """What says what seeds show besides the character that was read or described."""
    if described:
        invariant, outfits = dict(described.invariant), dict(described.outfits)
    else:
        invariant, outfits = {r.axis: (r.word,) for r in draft.traits if r.word}, {}
    character = Character(name=draft.name, trigger=draft.trigger, invariant=invariant or {"hair": ()}, outfits=outfits)
    return SeedCaptioner(Wording.of(character, config), read, seed_tagging(tagger, character, config.panel))


def _print(draft: Draft, sources: Sequence[Path], out: Path) -> None:
    """What was read of the character and of each seed, and the next command."""
    for reading in draft.traits:
        result = reading.certainty
        if reading.word:
            result = f"{reading.word} ({reading.certainty.partition(', ')[2]})"
        typer.echo(f"{reading.axis:<12} {result}")
    for seed in draft.seeds:
        name = Path(seed.source).name
        tags = [seed.view, seed.framing, *(tag.partition("=")[2] for tag in seed.tags)]
        typer.echo(f"{name}: {', '.join(filter(None, tags)) or 'nothing read'}")
        if missing := unread(seed):
            typer.echo(f"{name}: could not read {', '.join(missing)}")
    typer.echo(
        f"wrote {out}: correct it, then check it; its run will lie in {Path('runs') / (draft.trigger or draft.name)}"
    )
    typer.echo(shlex.join(["bootstrap", "check", *map(str, sources), str(out)]))
