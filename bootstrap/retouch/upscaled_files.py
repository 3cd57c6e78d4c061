"""Files of pictures that were enlarged: how one is made, what is remembered of it, and whole folders of them.

The files that were given stay as they are. Knows no command and no loop.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath

from bootstrap.errors import PictureError
from bootstrap.pictures import open_picture
from bootstrap.pictures.caption_text import caption_parts, folded
from bootstrap.retouch.upscale_models import LANCZOS, Upscaler
from bootstrap.retouch.upscaling import upscale
from bootstrap.seeds.views import View, enlarged_view
from bootstrap.store.files import read_given, write_atomic
from bootstrap.store.store import Store
from scoring.features import Encoder

__all__ = [
    "UpscaledFile",
    "copy_captions",
    "remember_upscaled",
    "tagged",
    "upscaled_copies",
    "upscaled_seeds",
    "upscaled_view",
]

FACT = "upscaled"
CAPTIONS = (".txt", ".caption")


@dataclass(frozen=True)
class UpscaledFile:
    """The enlarged copy of a picture, or why a copy was ``refused``: then Lanczos enlarged it.

    ``path`` and ``sha256`` are of the copy, ``model`` and ``digest`` of what was to enlarge it; sizes are in pixels.
    """

    path: str
    sha256: str
    model: str
    digest: str
    size: tuple[int, int]
    made: tuple[int, int]
    refused: str = ""

    @property
    def by_model(self) -> bool:
        """Whether a model made its pixels."""
        return not self.refused and self.model != LANCZOS

    @property
    def sentence(self) -> str:
        """What a person should know of it."""
        name, size = PurePosixPath(self.path).name, f"{self.size[0]}x{self.size[1]}"
        if self.refused:
            return f'"{name}" is not upscaled by "{self.model}": {self.refused}; Lanczos enlarges it instead'
        return f'"{name}" was upscaled from {size} to {self.made[0]}x{self.made[1]} by "{self.model}"'

    @property
    def told(self) -> str:
        """The same for provenance: what changed its pixels."""
        by = f"{self.model} ({self.digest[:16]})" if self.by_model else LANCZOS
        return f"upscaled from {self.size[0]}x{self.size[1]} by {by}"


def upscaled_view(
    view: View, upscaler: Upscaler, encoders: Mapping[str, Encoder], side: int
) -> tuple[View, UpscaledFile]:
    """A copy of a view, enlarged as `bootstrap.retouch.upscaling.upscale` does, and what is remembered of it."""
    done = upscale(view.image, upscaler, encoders, side)
    made, size = enlarged_view(view, done.image), view.image.size
    digest = hashlib.sha256(made.data).hexdigest()
    return made, UpscaledFile(made.name, digest, upscaler.name, upscaler.digest, size, done.image.size, done.refused)


def upscaled_seeds(store: Store) -> dict[str, UpscaledFile]:
    """The seeds of a run that were to be enlarged: path of the copy → what is remembered of it."""
    found = {}
    for row in json.loads(store.recall(FACT) or "[]"):
        one = UpscaledFile(**{**row, "size": tuple(row["size"]), "made": tuple(row["made"])})
        found[one.path] = one
    return found


def remember_upscaled(store: Store, one: UpscaledFile) -> None:
    """Add a seed to what a run remembers, or replace what it did."""
    rows = {**upscaled_seeds(store), one.path: one}
    store.remember(FACT, json.dumps([asdict(row) for row in rows.values()]))


def upscaled_copies(
    pictures: Sequence[tuple[Path, Path]],
    upscaler: Upscaler,
    encoders: Mapping[str, Encoder],
    side: int = 0,
    tag: str = "",
) -> Iterator[tuple[Path, UpscaledFile | PictureError]]:
    """Write an enlarged copy of each picture and of the captions beside it; ``pictures`` are pairs of file and copy.

    A copy may stand in the place of its file. ``side`` and the rest: see `bootstrap.retouch.upscaling.upscale`; ``tag``
    is added to captions of what a model made. Yields each copy as it is written, or why a file cannot be read.
    """
    for source, copy in pictures:
        try:
            image, data = open_picture(source, 1)
        except PictureError as error:
            yield copy, error
            continue
        made, done = upscaled_view(View(source.name, image, data, 0), upscaler, encoders, side)
        write_atomic(copy, made.data)
        copy_captions(source, copy, tag if done.by_model else "")
        yield copy, replace(done, path=copy.name)


def copy_captions(source: Path, copy: Path, tag: str = "") -> None:
    """Write the captions beside a picture beside its copy, with a tag at their ends where one is given."""
    for ending in CAPTIONS:
        beside = source.with_suffix(ending)
        if beside.is_file():
            text = read_given(beside)
            if tag:
                text = f"{tagged(text.decode('utf-8-sig', errors='replace').strip(), tag)}\n".encode()
            write_atomic(copy.with_suffix(ending), text)


def tagged(caption: str, tag: str) -> str:
    """A caption with a tag at its end, once."""
    parts = caption_parts(caption)
    if folded(tag) in map(folded, parts):
        return caption
    return ", ".join([*filter(None, [caption]), tag])
