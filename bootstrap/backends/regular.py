"""Regularisation pictures: what a LoRA trains on beside the character, so that the rest of the base stays as it was.

They are a person's own folder, or drawn by the base alone (DreamBooth, arXiv 2208.12242). Knows no model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from PIL import Image

from bootstrap.errors import BackendError
from bootstrap.pictures import PictureFile, pictures_in, read_pictures
from bootstrap.records import Job, JobKind, Shot, TrainItem, random_seed_of
from bootstrap.store.files import write_image
from bootstrap.training.recipe import TrainRecipe

__all__ = ["Draw", "regular_items"]

Draw = Callable[[Sequence[Job]], Iterator[list[tuple[Job, Image.Image]]]]
REG = "reg"
NOWHERE = Shot("", "", "")
"""No picture of the plan: only its words count."""


def regular_items(items: Sequence[TrainItem], recipe: TrainRecipe, workdir: Path, draw: Draw) -> list[TrainItem]:
    """The regularisation pictures that a recipe asks for; what the base draws is kept in the workdir.

    Raises BackendError where there is no such folder, or nothing in it.
    """
    found = _from_folder(Path(recipe.reg_data_dir).expanduser()) if recipe.reg_data_dir is not None else []
    return [*found, *(_drawn(items, recipe, workdir / REG, draw) if recipe.prior_pictures else ())]


def _from_folder(folder: Path) -> list[TrainItem]:
    """Pictures with their captions, in the folder and one level below, as sd-scripts reads a ``reg_data_dir``."""
    pictures = read_pictures(pictures_in(folder, levels=1))
    if not pictures:
        raise BackendError(f'reg_data_dir "{folder}" holds no picture', "name a folder of pictures, or null")
    drawings = [picture for picture in pictures if not picture.path.stem.endswith("_mask")]
    return [TrainItem(str(picture.path.resolve()), _tags(picture), REG) for picture in drawings]


def _tags(picture: PictureFile) -> tuple[str, ...]:
    """The caption beside a picture, else the class in its folder's name, ``<repeats>_<class>``."""
    if picture.error is not None:
        message = f'caption "{picture.source}" cannot be read ({picture.error})'
        raise BackendError(message, "write it as plain text, UTF-8")
    if picture.caption is None and (named := re.fullmatch(r"\d+_(.+)", picture.path.parent.name)):
        return tuple(tag.strip() for tag in named[1].split(",") if tag.strip())
    return picture.tags


def _drawn(items: Sequence[TrainItem], recipe: TrainRecipe, folder: Path, draw: Draw) -> list[TrainItem]:
    """What the base draws of the captions without their trigger, in turn; what is there is not drawn again."""
    said = list(dict.fromkeys(item.tags[recipe.keep_tokens :] for item in items))
    wanted = []
    for number in range(recipe.prior_pictures):
        tags = said[number % len(said)]
        seed = random_seed_of(recipe.random_seed, REG, number)
        job = Job(f"{REG}{number:04d}", JobKind.PROBE, 0, 0, NOWHERE, ", ".join(tags), "", seed, {})
        wanted.append((TrainItem(str((folder / f"{job.id}-{seed:x}.png").resolve()), tags, REG), job))
    missing = iter([one for one in wanted if not Path(one[0].path).is_file()])
    while some := list(islice(missing, 64)):
        paths = {job.id: Path(item.path) for item, job in some}
        for batch in draw([job for _, job in some]):
            for job, picture in batch:
                write_image(paths[job.id], picture, {})
    return [item for item, _ in wanted]
