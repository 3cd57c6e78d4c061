"""Pictures that lie in a folder, as a drawer: each job stands for one of them, and is "drawn" by opening its file.

A picture is known by its pixels, whatever its file is called. Nothing in the folder is changed, moved or deleted.
Knows no shot and no verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from PIL import Image

from bootstrap.backends.outside.folder_settings import FolderSettings
from bootstrap.backends.outside.refusals import refusal_card
from bootstrap.errors import BackendError, BootstrapError
from bootstrap.pictures import open_picture, pictures_in
from bootstrap.records import Job
from bootstrap.store.files import sha256_of
from scoring.measurement import digest_of

__all__ = ["Inbox", "InboxDrawer", "InboxFile", "check_inbox", "mark_of"]

MARK = 16
"""Hexadecimal digits of a picture's digest that tell it apart: the end of its job's id."""
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class InboxFile:
    """A file of the folder: its path, its name in the folder, and the mark of its picture.

    Where it cannot be taken, ``why`` says so in a sentence, and the mark is that of its bytes, or of its name beside
    the same picture.
    """

    path: Path
    name: str
    mark: str
    why: str = ""


def mark_of(job: Job) -> str:
    """The mark of the picture that a job stands for."""
    return job.id.rpartition("-")[2]


def check_inbox(settings: FolderSettings) -> None:
    """Raise BackendError where the folder is not there or cannot be read."""
    Inbox(settings).paths()


class Inbox:
    """The folder; a file that has not changed since the last look is not opened again."""

    def __init__(self, settings: FolderSettings) -> None:
        """Nothing is read yet."""
        self.settings = settings
        self.folder = Path(settings.path)
        self._known: dict[tuple[Path, int, int], InboxFile] = {}

    def paths(self) -> list[Path]:
        """The picture files, sorted. Raises BackendError where the folder cannot be read."""
        if not self.folder.is_dir():
            raise BackendError(f'the folder "{self.folder}" is not there', "make it, or name another with --drawer")
        try:
            return pictures_in(self.folder, self.settings.levels)
        except BootstrapError as error:
            raise BackendError(error.message, error.hint) from error

    def look(self) -> list[InboxFile]:
        """What lies there now; of equal pictures the first one is taken. Raises BackendError."""
        found: list[InboxFile] = []
        first: dict[str, str] = {}
        for path in self.paths():
            file = self._looked_at(path)
            if file is None:
                continue
            if not file.why and file.mark in first:
                again = f'"{file.name}" is the same picture as "{first[file.mark]}"'
                mark = sha256(f"{file.mark}|{file.name}".encode()).hexdigest()[:MARK]
                file = InboxFile(path, file.name, mark, again)
            elif not file.why:
                first[file.mark] = file.name
            found.append(file)
        return found

    def image(self, file: InboxFile) -> Image.Image:
        """The picture, upright RGB on white. Raises PictureError where the file has become unreadable."""
        return open_picture(file.path, self.settings.smallest)[0]

    def _looked_at(self, path: Path) -> InboxFile | None:
        """A file as it is now; None where it has just gone."""
        try:
            stat = path.stat()
        except OSError:
            return None
        key = path, stat.st_mtime_ns, stat.st_size
        if key not in self._known:
            self._known[key] = self._opened(path)
        return self._known[key]

    def _opened(self, path: Path) -> InboxFile:
        name = path.relative_to(self.folder).as_posix()
        try:
            return InboxFile(path, name, digest_of(open_picture(path, self.settings.smallest)[0])[:MARK])
        except BootstrapError as error:
            return InboxFile(path, name, _digest_of_file(path)[:MARK], str(error))


class InboxDrawer:
    """Hands over the pictures of the folder, each to the job with its mark."""

    def __init__(self, settings: FolderSettings, size: tuple[int, int]) -> None:
        """``size`` in pixels is that of the card that stands for a file which is gone."""
        self.inbox = Inbox(settings)
        self.resolution = size
        self.name = settings.name
        self.fingerprint = "folder"
        self.batch_size = AT_ONCE

    def draw(self, jobs: Sequence[Job], adapter: Path | None) -> Iterator[list[tuple[Job, Image.Image]]]:
        """Open the pictures of the jobs; see `bootstrap.backends.base`. One that is gone is refused."""
        files = {file.mark: file for file in self.inbox.look() if not file.why}
        for start in range(0, len(jobs), self.batch_size):
            yield [(job, self._picture(files.get(mark_of(job)))) for job in jobs[start : start + self.batch_size]]

    def use_tiles(self) -> bool:
        """There is no VAE."""
        return False

    def close(self) -> None:
        """There is nothing to free."""

    def _picture(self, file: InboxFile | None) -> Image.Image:
        if file is None:
            return refusal_card(self.resolution, "its file is no longer in the folder")
        try:
            return self.inbox.image(file)
        except BootstrapError as error:
            return refusal_card(self.resolution, error.message)


def _digest_of_file(path: Path) -> str:
    """The digest of a file that is no picture, or of its name where it cannot be read at all."""
    try:
        return sha256_of(path)
    except BootstrapError:
        return sha256(path.name.encode()).hexdigest()
