"""Plays a run on a disk that forgets what was not synced, and cuts the power: a script, for `test_power.py`.

    python power.py FOLDER EVERY run ARGUMENTS...

The run writes to a real folder while this layer keeps what a disk must still know after a power cut: the bytes of a
file as of its last fsync, the names in a directory as of its last fsync, and what SQLite synced at its last commit
(WAL, synchronous=FULL). After every EVERY-th of these moments it lays down what would be left, in two ways:

    FOLDER/cut012-forgotten   neither bytes nor names that were not synced
    FOLDER/cut012-hollow      every name that existed, but bytes only as far as they were synced

Then each is continued by the same command; the exit code is 0 when all of them could be.
"""

import os
import stat
import sys
from contextlib import contextmanager
from pathlib import Path

import loops.run  # noqa: F401  (imported before the forks)
from bootstrap.cli import main
from bootstrap.panel.color_models import fake_panel_models  # noqa: F401
from bootstrap.store.journal import Journal
from tests.unsynced import without_syncs


class ForgetfulDisk:
    """What of ``root`` survives a power cut; `cut` is called after every ``every``-th sync."""

    def __init__(self, root, every):
        self.root, self.every, self.syncs, self.cuts = root, every, 0, []
        self.bytes, self.names = {}, {}

    def fsync(self, descriptor):
        """Stands in for os.fsync."""
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path.is_relative_to(self.root):
            self.synced(path, os.fstat(descriptor))

    def synced(self, path, facts):
        if stat.S_ISDIR(facts.st_mode):
            self.names[facts.st_ino] = {entry.name: entry.inode() for entry in os.scandir(path)}
        else:
            self.bytes[facts.st_ino] = path.read_bytes()
        self.syncs += 1
        if self.syncs % self.every == 0:
            self.cut()

    def committed(self):
        """SQLite has synced its log, and the folder when it made the log."""
        files = [self.root / f"run.db{ending}" for ending in ("", "-wal")]
        there = {path: path.stat() for path in files if path.exists()}
        root = self.names.setdefault(self.root.stat().st_ino, {})
        root.update({path.name: facts.st_ino for path, facts in there.items()})
        for path, facts in list(there.items())[:-1]:
            self.bytes[facts.st_ino] = path.read_bytes()
        for path, facts in list(there.items())[-1:]:
            self.synced(path, facts)

    def cut(self):
        for kind in ("forgotten", "hollow"):
            self.cuts.append(self.root.parent / f"cut{self.syncs:03d}-{kind}")
            self.lay_down(self.root, self.cuts[-1], hollow=kind == "hollow")

    def lay_down(self, source, target, hollow):
        target.mkdir()
        known = self.names.get(source.stat().st_ino, {})
        for entry in os.scandir(source):
            if not hollow and known.get(entry.name) != entry.inode():
                continue
            if entry.is_dir():
                self.lay_down(source / entry.name, target / entry.name, hollow)
            else:
                (target / entry.name).write_bytes(self.bytes.get(entry.inode(), b""))
        lost = {} if hollow else {name: node for name, node in known.items() if not (source / name).exists()}
        for name, node in lost.items():  # removed or renamed since, but nobody synced that
            (target / name).write_bytes(self.bytes.get(node, b""))


def watch(disk):
    """Put the disk between the run and its files."""
    os.fsync = disk.fsync
    change = Journal.change

    @contextmanager
    def changing(self, event):
        with change(self, event) as db:
            yield db
        disk.committed()

    Journal.change = changing


def play(arguments, disk=None):
    """Exit status of a child that runs the command, and the folders that its power cuts left."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if disk:
            watch(disk)
        code = 1
        try:
            main(arguments)
        except SystemExit as ended:
            code = ended.code or 0
        os.write(writer, "\n".join(path.name for path in disk.cuts).encode() if disk else b"")
        os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as file:
        left = file.read().split()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), left


def cut_everywhere(folder, every, arguments):
    """What went wrong, or ""."""
    whole = folder / "whole"
    code, left = play([*arguments, "--out", str(whole)], ForgetfulDisk(whole, every))
    if code or not left:
        return f"the undisturbed run ended with {code} and {len(left)} cuts"
    for name in left:
        if code := play([*arguments, "--out", str(folder / name)])[0]:
            return f"{name} ended with {code}"
    return ""


if __name__ == "__main__":
    without_syncs(setattr)
    where, every, *arguments = sys.argv[1:]
    sys.exit(cut_everywhere(Path(where).resolve(), int(every), arguments) or 0)
