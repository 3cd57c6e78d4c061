"""A new user's first hour, by the README alone: its commands as they are written, on a terminal, then its pages.

    python -m tests.benchmarks.first_hour --axe axe.min.js --out pictures

To be run with the interpreter of a fresh clone's own environment (`make demo` makes it; the pages need playwright,
which `make test` installs). The folder is called ruby, because `init` takes the character's name from it. `watch` and
`review` run beside `run`, and end with it. Prints what each command ended with and how long it took; exits 1 at a
command that failed, a traceback, or what `tests/benchmarks/pages.py` finds. A quarter of an hour on two quiet cores.
"""

from __future__ import annotations

import argparse
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import typer

ROOT = Path(__file__).parents[2]
BESIDE = ("watch", "review")
"""Commands that go on until another one ends."""
FIRST = ("demo --show --no-open --port 8395", "docs", "docs first-lora", "settings gate", "doctor", "--version")
"""What the README and its guides name besides, that needs no run."""
AFTER = (
    "status",
    "status runs/rubychr",
    "report runs/rubychr",
    "export runs/rubychr --format diffusers",
    "docs report",
)


@dataclass
class Call:
    """A command on a terminal of its own; ``ended`` is its exit code, ``said`` what it wrote."""

    words: str
    ended: int = -1
    said: str = ""
    seconds: float = 0.0

    def run(self, folder: Path, limit: float) -> None:
        """Run it in a folder; after ``limit`` seconds it is asked to stop, as by Ctrl-C."""
        ours, theirs = pty.openpty()
        command = [str(Path(sys.executable).parent / "bootstrap"), *shlex.split(self.words)]
        began = time.monotonic()
        running = subprocess.Popen(command, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        timer = threading.Timer(limit, running.send_signal, (2,))
        timer.start()
        try:
            while chunk := os.read(ours, 4096):
                self.said += chunk.decode("utf-8", "replace")
        except OSError:  # the other end is closed
            pass
        self.ended = running.wait()
        timer.cancel()
        self.seconds = time.monotonic() - began

    @property
    def fault(self) -> str:
        """What is wrong with how it ended; "" for nothing."""
        if "Traceback" in self.said or "not foreseen" in self.said:
            return "a traceback"
        stopped = self.words.startswith(("watch", "review", "demo --show")) and self.ended in (0, 130, -2)
        return "" if stopped or self.ended == 0 else f"exit code {self.ended}: {self.said[-300:]}"


def readme_session() -> list[str]:
    """The commands of the README's session, without their first word and comment."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## Use it")[1].split("\n## ")[0]
    return [line.partition("#")[0].strip() for line in re.findall(r"^ {4}bootstrap (.+)$", section, re.M)]


def hour(folder: Path) -> list[Call]:
    """Every command, in order; those that go on beside the run are begun with it."""
    shutil.copy(ROOT / "configs" / "characters" / "ruby" / "seed.png", folder / "seed.png")
    session = readme_session()
    calls = [Call(words) for words in (*FIRST, *(one for one in session if one.split()[0] not in BESIDE))]
    beside = [Call(one) for one in session if one.split()[0] in BESIDE]
    for call in calls:
        if call.words.startswith("run"):
            threads = [threading.Thread(target=_later, args=(one, folder)) for one in beside]
            for thread in threads:
                thread.start()
        call.run(folder, 40 if "--show" in call.words else 3600)
        typer.echo(f"{call.seconds:7.1f} s  {call.words}  {call.fault or 'ok'}")
    for call in beside:
        typer.echo(f"{call.seconds:7.1f} s  {call.words}  {call.fault or 'ok'}")
    after = [Call(words) for words in AFTER]
    for call in after:
        call.run(folder, 600)
        typer.echo(f"{call.seconds:7.1f} s  {call.words}  {call.fault or 'ok'}")
    return [*calls, *beside, *after]


def _later(call: Call, folder: Path) -> None:
    """Begin once the run has begun; the review page is left after a minute."""
    while not (folder / "runs" / "rubychr" / "run.db").is_file():
        time.sleep(1)
    time.sleep(5)
    call.run(folder, 60 if call.words.startswith("review") else 3600)


def main() -> None:
    """Do everything, then look at the pages of the run."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--axe", required=True)
    arguments.add_argument("--out", default="first-hour")
    given = arguments.parse_args()
    folder = Path(tempfile.mkdtemp()) / "ruby"
    folder.mkdir()
    calls = hour(folder)
    looking = [sys.executable, str(ROOT / "tests" / "benchmarks" / "pages.py"), str(folder / "runs" / "rubychr")]
    pages = subprocess.run([*looking, "--axe", given.axe, "--shots", given.out], cwd=ROOT, check=False)
    faults = [call.words for call in calls if call.fault]
    typer.echo(
        f"{len(calls)} commands, {len(faults)} faults; pages {'ok' if pages.returncode == 0 else 'with findings'}"
    )
    sys.exit(bool(faults) or pages.returncode)


if __name__ == "__main__":
    main()
