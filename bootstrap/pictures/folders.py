"""Folders of pictures with their captions: the one reader of every command that takes a folder.

A caption stands in a sidecar file beside its picture, or is the prompt that a generator wrote into the picture. Knows
no character and opens no picture to look at it.
"""

from __future__ import annotations

import contextlib
import os
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from PIL import Image

from bootstrap.errors import PictureError
from bootstrap.pictures.caption_text import caption_parts, decoded
from bootstrap.pictures.file_names import comparable
from bootstrap.pictures.opening import SUFFIXES
from bootstrap.store.files import read_given

__all__ = [
    "SIDECARS",
    "Origin",
    "PictureFile",
    "orphans",
    "pictures_in",
    "read_picture",
    "read_pictures",
    "sharing",
    "unread_beside",
    "unread_pictures",
    "unread_sentence",
]

SIDECARS = (".txt", ".caption")
"""Ends of the names of captions, the usual one first."""
UNREAD = (".json", ".tags", ".tag", ".cap", ".text", ".md", ".xml", ".xmp", ".yaml", ".yml", ".csv", *SIDECARS)
"""Ends of the names of files that may be meant as captions; ``.txt`` where its name has other capitals."""
NO_PICTURE = (
    ".psd", ".psb", ".kra", ".xcf", ".clip", ".ora", ".sai", ".sai2", ".procreate", ".mdp", ".afphoto", ".ai", ".eps",
    ".svg", ".svgz", ".pdf", ".jp2", ".j2k", ".jpx", ".jpf", ".apng", ".tga", ".dds", ".ico", ".pcx", ".qoi", ".exr",
    ".hdr", ".ppm", ".pgm", ".pnm", ".dng", ".raw", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf",
)  # fmt: skip
"""Ends of the names of files that people take for pictures, and that are not read: of programs, cameras and print."""
OF_SETS = ("metadata.jsonl", "metadata.csv", "meta_cap.json", "meta_clean.json", "meta_lat.json")
"""Captions of a whole folder, as datasets and sd-scripts have them."""
MOST_NAMED = 4
"""Files that a sentence names."""
MOST_BYTES = 1 << 20
"""Of a caption; longer texts are logs and lists."""
LABELS = ("-masklabel", "-condlabel")
"""Ends of the stems of what OneTrainer lays beside a picture: where its subject is, and what guides it."""
MASK = "_mask"
"""End of the stem of our own masks; a picture of a mask is called so too, but lies beside no picture of its stem."""
OF_PROGRAMS = frozenset({"__macosx", "@eadir", "$recycle.bin", "#recycle", "lost+found", "system volume information"})
"""Folders of systems and network disks: thumbnails, copies, what was deleted."""
Origin = Literal["", "sidecar", "prompt"]
"""Where a caption stands: nowhere, in a file beside the picture, in the picture's own text."""


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture and the caption that goes with it.

    ``caption`` is None where there is none; what is no text in it is replaced, and ``error`` says so. ``source`` is the
    caption's own file.
    """

    path: Path
    caption: str | None = None
    origin: Origin = ""
    source: Path | None = None
    error: OSError | UnicodeDecodeError | None = None

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags and sentences of the caption, in order; none without a caption."""
        return _tags_of(self.caption or "")


@lru_cache(maxsize=4096)
def _tags_of(caption: str) -> tuple[str, ...]:
    """The parts of a caption; a whole set is gone through again and again."""
    return tuple(" ".join(part.split()) for part in caption_parts(caption))


def pictures_in(folder: Path, levels: int | None = 0) -> list[Path]:
    """The picture files of a folder, sorted; ``levels`` of folders below it too, None for all.

    Masks of trainers are left out, and what systems and programs put beside the files of a person. Raises PictureError
    for a folder that cannot be read.
    """
    _require_readable(folder, levels)
    patterns = ["**/*"]
    if levels is not None:
        patterns = ["/".join(["*"] * (level + 1)) for level in range(levels + 1)]
    found = []
    for pattern in patterns:
        found += [path for path in folder.glob(pattern) if _is_visible(path, SUFFIXES) and not _of_others(path, folder)]
    return sorted(found)


def unread_pictures(folder: Path) -> list[Path]:
    """The files of a folder that are pictures to a person and are not read, sorted.

    Not the working files of pictures that are read: ``a.psd`` beside ``a.png``.
    """
    paths: list[Path] = []
    with contextlib.suppress(OSError):  # who reads its pictures says so
        paths = sorted(folder.iterdir())
    read = {comparable(path.stem) for path in paths if _is_visible(path, SUFFIXES)}
    return [path for path in paths if _is_visible(path, NO_PICTURE) and comparable(path.stem) not in read]


def unread_sentence(unread: Sequence[Path]) -> str:
    """What is passed over, by name, as the begin of a sentence."""
    names = ", ".join(f'"{path.name}"' for path in unread[:MOST_NAMED])
    more = f" and {len(unread) - MOST_NAMED} more" if len(unread) > MOST_NAMED else ""
    verb = "is" if len(unread) == 1 else "are"
    return f"{names}{more} {verb} passed over, of a kind that is not read"


def read_pictures(pictures: Iterable[Path], *, prompts: bool = False) -> list[PictureFile]:
    """Each picture with its caption; see `read_picture`."""
    return [read_picture(path, prompts=prompts) for path in pictures]


def read_picture(path: Path, *, prompts: bool = False) -> PictureFile:
    """A picture with its caption.

    Args:
        path: the picture; it is not opened unless its prompt is read.
        prompts: whether the prompt in a PNG's text stands for a caption where there is no sidecar.
    """
    for sidecar in _sidecars_of(path):
        if _is_file(sidecar):
            return _with_sidecar(path, sidecar)
    if prompts and (prompt := _prompt_in(path)):
        return PictureFile(path, prompt, "prompt", path)
    return PictureFile(path)


def orphans(folder: Path, pictures: Iterable[Path]) -> list[Path]:
    """Captions below a folder that have no picture, in the folders that hold pictures; sorted."""
    paths = list(pictures)
    stems = {comparable(str(stem)) for path in paths for stem in (path, path.with_suffix(""))}
    homes = {path.parent for path in paths}
    found = []
    for path in sorted(folder.rglob("*")):
        known = path.parent not in homes or comparable(str(path.with_suffix(""))) in stems
        if not known and _is_visible(path, SIDECARS) and not _of_others(path, folder):
            found.append(path)
    return found


def sharing(pictures: Iterable[PictureFile]) -> list[tuple[Path, list[Path]]]:
    """Captions that stand for more than one of the pictures, with them: ``a.txt`` for ``a.png`` and ``a.jpg``."""
    by_source: dict[Path, list[Path]] = {}
    for picture in pictures:
        if picture.origin == "sidecar" and picture.source is not None:
            by_source.setdefault(picture.source, []).append(picture.path)
    return [(source, paths) for source, paths in by_source.items() if len(paths) > 1]


def unread_beside(pictures: Iterable[PictureFile]) -> list[tuple[Path, list[Path]]]:
    """Files that may be meant as captions of pictures without one, and are not read, each with those pictures."""
    found: dict[Path, list[Path]] = {}
    texts: dict[Path, dict[str, list[Path]]] = {}
    files = list(pictures)
    read = {one.source for one in files}
    for picture in files:
        if picture.caption is not None:
            continue
        folder = picture.path.parent
        if folder not in texts:
            texts[folder] = _texts_in(folder)
        for stem in dict.fromkeys((picture.path.stem, picture.path.name, "")):
            for text in texts[folder].get(comparable(stem).casefold(), ()):
                if text not in read:
                    found.setdefault(text, []).append(picture.path)
    return list(found.items())


def _texts_in(folder: Path) -> dict[str, list[Path]]:
    """The files of a folder that may be captions, by their stem; under "" those of all its pictures."""
    found: dict[str, list[Path]] = {}
    paths: list[Path] = []
    with contextlib.suppress(OSError):  # its pictures can be read all the same
        paths = sorted(folder.iterdir())
    for path in paths:
        if path.name.lower() in OF_SETS:
            found.setdefault("", []).append(path)
        elif _is_visible(path, UNREAD) and not _is_description(path):
            found.setdefault(comparable(path.stem).casefold(), []).append(path)
    return found


def _is_description(path: Path) -> bool:
    """Whether a file describes a character, and no picture."""
    if path.suffix.lower() != ".json":
        return False
    with contextlib.suppress(OSError), path.open("rb") as file:
        return b'"trigger"' in file.read(1 << 16)
    return False


def _require_readable(folder: Path, levels: int | None) -> None:
    """Raise PictureError where a folder, or one of a person's below it, cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            below = [Path(entry) for entry in entries if entry.is_dir(follow_symlinks=False)]
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise PictureError(f'cannot read "{folder}": {error.strerror}', "check that you may read it") from error
    for one in below:
        own = not one.name.startswith(".") and one.name.lower() not in OF_PROGRAMS
        if own and levels != 0:
            _require_readable(one, None if levels is None else levels - 1)


def _of_others(path: Path, folder: Path) -> bool:
    """Whether a file below a folder is a mask, or lies where programs keep files of their own."""
    stem = path.stem.lower()
    if stem.endswith(LABELS):
        return True
    if stem.endswith(MASK) and any(_is_file(path.with_name(path.stem[: -len(MASK)] + suffix)) for suffix in SUFFIXES):
        return True
    return any(part.startswith(".") or part.lower() in OF_PROGRAMS for part in path.relative_to(folder).parts[:-1])


def _is_visible(path: Path, suffixes: Sequence[str]) -> bool:
    """Whether a path is a file with one of these endings, and not hidden."""
    return path.suffix.lower() in suffixes and not path.name.startswith(".") and path.is_file()


def _sidecars_of(path: Path) -> Iterator[Path]:
    """Where the caption of a picture may stand, the usual place first: ``a.txt``, ``a.caption``, ``a.png.txt``."""
    for stem in (path.stem, path.name):
        for suffix in SIDECARS:
            for written in (suffix, suffix.upper(), suffix.title()):
                for form in dict.fromkeys([stem, *(unicodedata.normalize(form, stem) for form in ("NFC", "NFD"))]):
                    yield path.with_name(form + written)


def _is_file(path: Path) -> bool:
    """Whether there is such a file; a name that is too long for the system is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def _with_sidecar(path: Path, sidecar: Path) -> PictureFile:
    try:
        data = read_given(sidecar, MOST_BYTES)
    except OSError as error:
        return PictureFile(path, "", "sidecar", sidecar, error)
    try:
        return PictureFile(path, decoded(data), "sidecar", sidecar)
    except UnicodeDecodeError as error:
        return PictureFile(path, data.decode("utf-8-sig", "replace"), "sidecar", sidecar, error)


def _prompt_in(path: Path) -> str:
    """The prompt of a generated PNG (the text chunk "parameters", above its negative prompt); "" if there is none."""
    try:
        with Image.open(path) as image:
            text = str(image.info.get("parameters", ""))
    except (OSError, SyntaxError, ValueError):
        return ""
    return text.split("\nNegative prompt:")[0].split("\nSteps:")[0]
