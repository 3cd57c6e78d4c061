from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest
from PIL import Image

from bootstrap.errors import OutputError
from bootstrap.store.files import TEMPORARY, sha256_of, sweep_temporaries, write_atomic, write_image
from bootstrap.store.store import Store
from scoring.measurement import digest_of


def test_a_file_is_written_with_its_folders_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "note.txt"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert sha256_of(path) == hashlib.sha256(b"two").hexdigest()
    assert list(path.parent.iterdir()) == [path]


def test_a_picture_keeps_its_pixels_and_its_text(tmp_path: Path) -> None:
    image = Image.new("RGB", (5, 3), (1, 2, 3))
    digest = write_image(tmp_path / "a.png", image, {"parameters": "a cat\nSteps: 20", "title": "Mëka"})
    with Image.open(tmp_path / "a.png") as read:
        assert digest_of(read) == digest == digest_of(image)
        assert (read.text["parameters"], read.text["title"]) == ("a cat\nSteps: 20", "Mëka")


@pytest.mark.parametrize(
    ("code", "advice"),
    [(errno.ENOSPC, "free some disk space"), (errno.EROFS, "you may write to"), (errno.EIO, "check the")],
)
def test_a_disk_that_refuses_becomes_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, advice: str
) -> None:
    path = tmp_path / "note.txt"
    write_atomic(path, b"old")

    def refuse(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OutputError, match=rf"cannot write '.*note\.txt': .*{advice}"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_written_becomes_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="choose another folder"):
        write_atomic(tmp_path / "file" / "note.txt", b"")
    with pytest.raises(OutputError, match="choose another folder"):
        Store.open(tmp_path / "file" / "run", create=True)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="you may write to"):
            Store.open(tmp_path / "run", create=True)
    finally:
        tmp_path.chmod(0o700)


def test_only_our_unfinished_files_are_swept(tmp_path: Path) -> None:
    mine, theirs = tmp_path / "frames" / f".a.png.1234{TEMPORARY}", tmp_path / "frames" / "b.png"
    spared = tmp_path / "review" / f".c.png.1234{TEMPORARY}"
    for path in (mine, theirs, spared):
        write_atomic(path, b"")
    assert sweep_temporaries(tmp_path, spare=("review",)) == [mine]
    assert theirs.exists()
    assert spared.exists()
