"""Rows of files that were lost or altered and then made again. Knows no model and no rule by which anything is made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from bootstrap.errors import OutputError, StoreError
from bootstrap.records import Adapter, Frame, Verdict
from bootstrap.store import rows
from bootstrap.store.decisions import FinalCandidates, key_of
from bootstrap.store.files import sha256_of, write_image
from bootstrap.store.journal import Journal, now

__all__ = ["ALTERED", "Replacing", "is_whole", "require_whole", "set_aside"]

ALTERED = "altered"
"""What the name of a file says that was kept aside."""


class Replacing:
    """The part of an open run that puts things made again into their places."""

    def __init__(self, directory: Path, journal: Journal) -> None:
        """Write files below ``directory`` and rows through ``journal``."""
        self._directory, self._journal = directory, journal

    def restore_frame(self, frame: Frame, image: Image.Image, parameters: str) -> None:
        """Write the picture of a frame again, whose pixels are the stored ones."""
        write_image(self._directory / frame.path, image, {"parameters": parameters} if parameters else {})

    def replace_frame(self, frame: Frame, image: Image.Image, parameters: str, verdict: Verdict | None) -> None:
        """Put another picture in the place of a frame: what was measured of the earlier one is forgotten.

        ``verdict`` is the gate's on the new picture, None where none is given.
        """
        text = {"parameters": parameters} if parameters else {}
        digest = write_image(self._directory / frame.path, image, text)
        with self._journal.change(None) as db:
            db.execute("UPDATE frames SET digest = ? WHERE id = ?", (digest, frame.job.id))
            db.execute("DELETE FROM measurements WHERE frame = ?", (frame.job.id,))
            if verdict is not None:
                columns = "(frame, kind, by, reasons, p, score, round, wave, at)"
                reasons, job = rows.text_of(verdict.reasons), frame.job
                values = (job.id, verdict.kind.value, verdict.by, reasons, None, None, job.round, job.wave, now())
                db.execute(f"INSERT INTO verdicts {columns} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)

    def replace_adapters(self, adapters: Sequence[Adapter]) -> None:
        """Put the weights of a training that was repeated in the places of those with their ids."""
        with self._journal.change(None) as db:
            for adapter in adapters:
                db.execute("UPDATE adapters SET record = ? WHERE id = ?", (rows.text_of(adapter), adapter.id))

    def replace_candidates(self, candidates: FinalCandidates) -> None:
        """The weights that the repeated final training of a round left."""
        key = key_of(FinalCandidates, {"round": candidates.round})
        with self._journal.change(None) as db:
            query = "UPDATE decisions SET record = ? WHERE kind = ? AND key = ?"
            db.execute(query, (rows.text_of(candidates), FinalCandidates.__name__, key))


def is_whole(path: Path, sha256: str) -> bool:
    """Whether a file can be read and has this sha256."""
    try:
        return sha256_of(path) == sha256
    except OutputError:
        return False


def require_whole(path: Path, sha256: str, what: str) -> None:
    """Raise StoreError unless a file is the one that was stored; ``what`` it is, in words."""
    if not path.is_file():
        raise StoreError(f"the {what} '{path}' are missing", "run the same `bootstrap run` again: it makes them again")
    if not is_whole(path, sha256):
        hint = "run the same `bootstrap run` again: it keeps the altered file aside and makes them again"
        raise StoreError(f"the {what} '{path}' are not those that were stored", hint)


def set_aside(path: Path) -> Path | None:
    """Rename an altered file to the first free ``<stem>.altered-<n>``; None where there is no file."""
    if not path.is_file():
        return None
    number = 1
    while (aside := path.with_name(f"{path.stem}.{ALTERED}-{number}{path.suffix}")).exists():
        number += 1
    try:
        return path.rename(aside)
    except OSError as error:
        raise OutputError(f"cannot rename '{path}': {error.strerror}", "check who may write there") from error
