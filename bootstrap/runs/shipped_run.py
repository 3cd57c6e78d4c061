"""The finished run that ships with the package: one archive, unpacked once, so that people can look before they train.

It is the demonstration's run with a part of its drawings: all that were kept, some of the others of each view family,
and the decoys nearest to both. Its report is that of the whole run. Loads no model.
"""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

from bootstrap.config.shipped_files import configs_dir
from bootstrap.errors import OutputError
from bootstrap.store.files import make_folder
from bootstrap.store.run_folder import holds_database

__all__ = ["shipped_run", "unpack_shipped_run"]

ARCHIVE = "gallery/ruby-run.zip"


def shipped_run() -> Path:
    """The archive."""
    return configs_dir() / ARCHIVE


def unpack_shipped_run(folder: Path) -> bool:
    """Put the run into ``folder``, as a whole or not at all; False if a run lies there already, which stays as it is.

    Raises OutputError when something else lies there, or it cannot be written.
    """
    if holds_database(folder):
        return False
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f'"{folder}" exists and is no run', "choose another folder with --out")
    make_folder(folder.parent)
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)  # of an earlier attempt that was killed
        with zipfile.ZipFile(shipped_run()) as archive:
            archive.extractall(partial)
        if folder.is_dir():
            folder.rmdir()
        partial.rename(folder)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise OutputError(f'"{folder}" cannot be written ({error.strerror})', "choose another with --out") from error
    return True
