"""Power cuts and full disks: whatever was lost, the same command goes on to the same end."""

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap.store import journal
from bootstrap.store.files import sha256_of
from bootstrap.store.store import Store
from scoring.measurement import digest_of

ROOT = Path(__file__).parent.parent.parent
ENVIRONMENT = {**os.environ, "NO_COLOR": "1", "PYTHONPATH": str(ROOT)}
EVERY = int(os.environ.get("POWER_CUT_EVERY", "60"))
"""A cut after every so many syncs; 1 for all of them, which takes minutes."""


def ending(folder):
    """What must be equal however often the power went: pixels, verdicts, kept set, adapters, events, captions.

    On the way, every file must be what its row describes.
    """
    with Store.open(folder, exclusive=False) as store:
        assert all(digest_of(store.frame_image(frame)) == frame.digest for frame in store.frames())
        assert all(sha256_of(folder / adapter.path) == adapter.sha256 for adapter in store.adapters())
        return {
            "frames": [(frame.job, frame.digest, frame.adapter) for frame in store.frames()],
            "verdicts": store.verdicts(),
            "kept": store.kept(),
            "adapters": [(adapter.id, adapter.steps) for adapter in store.adapters()],
            "events": [{k: v for k, v in row.items() if k not in ("at", "seconds")} for row in store.log()],
            "captions": sorted((path.name, path.read_text()) for path in folder.glob("dataset/*/*.txt")),
        }


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_after_every_power_cut_the_run_goes_on_to_the_same_end(grown, tiny, tmp_path):
    script = Path(__file__).with_name("power.py")
    command = [sys.executable, str(script), str(tmp_path), str(EVERY), "run", *tiny]
    done = subprocess.run(command, env=ENVIRONMENT, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    wanted, cuts = ending(grown), sorted(tmp_path.glob("cut*"))
    assert len(cuts) >= 8
    for folder in cuts:
        assert ending(folder) == wanted, folder.name


@pytest.mark.parametrize("write", [3, 9, 30, 80, 160])
def test_a_disk_that_is_full_at_any_write_loses_nothing(grown, tiny, call, tmp_path, monkeypatch, write):
    calls, sync = [0], os.fsync

    def full(descriptor):
        calls[0] += 1
        if calls[0] >= write:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        done = call("run", *tiny, "--out", tmp_path / "run")
    assert done.code == 2
    assert "No space left on device" in done.line
    assert "free some disk space" in done.err
    assert call("run", *tiny, "--out", tmp_path / "run").code == 0
    assert ending(tmp_path / "run") == ending(grown)


@pytest.mark.parametrize("pages", [25, 40])
def test_a_disk_that_has_no_room_for_a_row_loses_nothing(grown, tiny, call, tmp_path, monkeypatch, pages):
    connect = journal.connect

    def small(path) -> sqlite3.Connection:
        db = connect(path)
        db.execute(f"PRAGMA max_page_count = {pages}")
        return db

    with monkeypatch.context() as patch:
        patch.setattr(journal, "connect", small)
        done = call("run", *tiny, "--out", tmp_path / "run")
    assert done.code == 2
    assert "run.db': database or disk is full" in done.line
    assert "free some disk space" in done.err
    assert call("run", *tiny, "--out", tmp_path / "run").code == 0
    assert ending(tmp_path / "run") == ending(grown)


ON_A_SMALL_DISK = """
disk=$1; python=$2; shift 2
mount -t tmpfs -o size=600k none "$disk"
set +e
"$python" -m bootstrap "$@" --out "$disk/run"; echo "first $?"
mount -o remount,size=100m "$disk"
"$python" -m bootstrap "$@" --out "$disk/run"; echo "second $?"
"$python" -m bootstrap status "$disk/run" --json
"""


@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("unshare"), reason="needs mount namespaces")
def test_a_real_disk_that_is_full_and_then_is_not(tiny, tmp_path):
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("mount namespaces are not allowed here")
    (tmp_path / "disk").mkdir()
    command = ["unshare", "-rm", "bash", "-ceu", ON_A_SMALL_DISK, "bash", str(tmp_path / "disk"), sys.executable]
    done = subprocess.run(
        [*command, "run", *tiny], env=ENVIRONMENT, cwd=ROOT, text=True, capture_output=True, check=False
    )
    assert "first 2" in done.stdout, done.stderr
    assert "second 0" in done.stdout, done.stderr
    assert "free some disk space" in done.stderr
    assert "Traceback" not in done.stderr
    assert '"finished": true' in done.stdout
