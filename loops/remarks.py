"""What a person should know or correct when a run opens: each remark is a sentence.

How the description was read, its triggers, troubles of the seeds, how each seed was understood, and which words no
scorer can check. Pure but for the pictures it is given; nothing here is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from bootstrap.captions.vocabulary import crowded_axes
from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.character.triggers import word_warnings
from bootstrap.config import RunConfig
from bootstrap.panel.availability import known_characters
from bootstrap.panel.models import PanelModels
from bootstrap.pictures import open_picture
from bootstrap.records import Seed
from bootstrap.seeds import MOST_SEEDS, SUBJECT, SeedCaptioner, named_in_words, unread
from bootstrap.seeds.checks import caption_warnings, crowds, names_of, notes_without_picture, passed_over, seed_warnings

__all__ = ["input_warnings", "seed_notes"]


def input_warnings(
    character: Character,
    config: RunConfig,
    panel_models: PanelModels,
    side: int,
    pictures: Sequence[Path],
    seeds: Sequence[Seed],
    run: Path,
    upscale: str = "",
) -> list[str]:
    """What may spoil the run: in the description, its triggers, the given ``pictures`` and the ``seeds`` made of them.

    ``side`` is that of training pictures in pixels; ``run`` is the folder that the seeds lie in; ``upscale``
    enlarges small ones. Many pictures were looked at when they were taken in (`loops.intake_many`).
    """
    panel = config.panel
    remarks = [
        *character.notes,
        *word_warnings(character, chain.from_iterable(panel.vocabulary.values()), known_characters(panel)),
    ]
    remarks += [*caption_warnings(pictures), *passed_over(pictures)]
    if len(pictures) > MOST_SEEDS:
        return [*remarks, *notes_without_picture(character, names_of(pictures))]
    given = {}
    for name, path in zip(names_of(pictures), pictures, strict=True):
        given[name] = open_picture(path)[0]
    views = {}
    for name, seed in zip(names_of([Path(seed.source) for seed in seeds]), seeds, strict=True):
        views[name] = seed
    remarks += seed_warnings(given, side, panel.duplicate_bits, character, upscale)
    for name in given:
        figures = [view for view in views if view.startswith(f"{name}#")]
        if figures:
            remarks.append(_sheet(name, figures))
    for name, seed in views.items():
        if seed.path.endswith(SUBJECT):
            remarks.append(f'"{name}" is mostly ground: it was cropped to what is drawn')
    if panel_models.faces and config.subject.figures:
        images = {name: open_picture(run / seed.path)[0] for name, seed in views.items()}
        remarks += crowds(images, panel_models.faces, panel.models.face.min_det_score)
    return remarks


def seed_notes(seeds: Sequence[Seed], captioner: SeedCaptioner, wording: Wording) -> list[str]:
    """How each seed was understood, what could not be read in it, and which words no scorer can check."""
    notes = []
    for seed in seeds:
        name = Path(seed.source).name
        shown = ", ".join(captioner.shown(seed).values())
        origin = "read from the picture" if seed.caption_from == "read" else f"from {seed.caption_from}"
        notes.append(f"{name}: {shown} ({origin})")
        if named := captioner.left_named(seed):
            notes.append(f"{name}: {named_in_words(named)}")
        if missing := unread(seed):
            notes.append(f"{name}: could not read {', '.join(missing)}; write it into character.json")
    notes += crowded_axes(wording.character, wording.vocabulary)
    if wording.unknown:
        notes.append(f"no scorer can check: {', '.join(wording.unknown)}")
    return notes


def _sheet(name: str, figures: Sequence[str]) -> str:
    """How a sheet was taken apart, and how to correct it."""
    return (
        f'"{name}" is a sheet: {len(figures)} figures are taken, each as a view of the character; describe them as '
        f'{", ".join(figures)} in "seeds", or crop the picture if they are not the same character'
    )
