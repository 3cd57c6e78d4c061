"""Regularisation pictures: what a LoRA trains on beside the character, so that the rest of the base stays as it was.

They are a person's own folder, or drawn by the base alone (DreamBooth, arXiv 2208.12242). Knows no model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from PIL import Image

from bootstrap.errors import BackendError
from bootstrap.pictures.caption_text import caption_parts
from bootstrap.pictures.folders import PictureFile, pictures_in, read_picture
from bootstrap.records import Job, JobKind, Shot, TrainItem, random_seed_of
from bootstrap.store.files import write_image
from bootstrap.training.recipe import TrainRecipe

__all__ = ["NO_SHOT", "Draw", "regularisation_items"]

Draw = Callable[[Sequence[Job]], Iterator[list[tuple[Job, Image.Image]]]]
REG = "reg"
NO_SHOT = Shot("", "", "")
"""The shot of a job that is no picture of the plan: only its words count."""
DRAWN_AT_ONCE = 64
"""Jobs that are handed to the drawer together."""


def regularisation_items(items: Sequence[TrainItem], recipe: TrainRecipe, workdir: Path, draw: Draw) -> list[TrainItem]:
    """The regularisation pictures that a recipe asks for; what the base draws is kept in the workdir.

    Raises BackendError where there is no such folder, or nothing in it.
    """
    found: list[TrainItem] = []
    if recipe.reg_data_dir is not None:
        found += _from_folder(Path(recipe.reg_data_dir).expanduser())
    if recipe.prior_pictures:
        found += _drawn(items, recipe, workdir / REG, draw)
    return found


def _from_folder(folder: Path) -> list[TrainItem]:
    """Pictures with their captions, in the folder and one level below, as sd-scripts reads a ``reg_data_dir``."""
    pictures = pictures_in(folder, levels=1)
    if not pictures:
        raise BackendError(f'reg_data_dir "{folder}" holds no picture', "name a folder of pictures, or null")
    found = []
    for path in pictures:
        found.append(TrainItem(str(path.resolve()), _tags(read_picture(path)), REG))
    return found


def _tags(picture: PictureFile) -> tuple[str, ...]:
    """The caption beside a picture, else the class in its folder's name, ``<repeats>_<class>``."""
    if picture.error is not None:
        reason = f'caption "{picture.source}" cannot be read ({picture.error})'
        raise BackendError(reason, "write it as plain text, UTF-8") from picture.error
    if picture.caption is not None:
        return picture.tags
    named = re.fullmatch(r"\d+_(.+)", picture.path.parent.name)
    return caption_parts(named[1]) if named else ()


def _drawn(items: Sequence[TrainItem], recipe: TrainRecipe, folder: Path, draw: Draw) -> list[TrainItem]:
    """What the base draws of the captions without their trigger, in turn; existing pictures are not drawn again."""
    captions = list(dict.fromkeys(item.tags[recipe.keep_tokens :] for item in items))
    found: list[TrainItem] = []
    missing: dict[str, tuple[Job, Path]] = {}
    for number in range(recipe.prior_pictures):
        tags = captions[number % len(captions)]
        seed = random_seed_of(recipe.random_seed, REG, number)
        job = Job(f"{REG}{number:04d}", JobKind.PROBE, 0, 0, NO_SHOT, ", ".join(tags), "", seed, {})
        path = (folder / f"{job.id}-{seed:x}.png").resolve()
        found.append(TrainItem(str(path), tags, REG))
        if not path.is_file():
            missing[job.id] = (job, path)
    jobs = [job for job, _ in missing.values()]
    for start in range(0, len(jobs), DRAWN_AT_ONCE):
        for batch in draw(jobs[start : start + DRAWN_AT_ONCE]):
            for job, picture in batch:
                write_image(missing[job.id][1], picture, {})
    return found
