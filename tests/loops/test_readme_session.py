"""The README's session, as it is written there: the embedded panel reads the seed, a fake drawer paints the set."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from bootstrap.cli import resolve, review
from bootstrap.config import load
from bootstrap.runs.fakes import FAKE
from tests.loops.conftest import TINY

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"(?:^ {4}\S.*\n)+", re.MULTILINE)


def session():
    """The commands of the README's first block that begins with `bootstrap init`, as words without comments."""
    blocks = BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    block = next(one for one in blocks if one.startswith("    bootstrap init"))
    return [shlex.split(line, comments=True) for line in block.splitlines()]


def quick(base, *, own, **rest):
    """The configuration of a small run that is painted without a model."""
    return load(base, own={**own, "backend": "fake"}, **{**rest, "overrides": TINY})


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_command_of_the_session_works_in_turn(call, tmp_path, monkeypatch):
    """In a folder that is called as the character is, with one picture in it."""
    monkeypatch.setattr(resolve, "load", quick)
    monkeypatch.setattr(review, "listen", lambda address: None)
    served = []
    monkeypatch.setattr(review, "serve", lambda store, *_: served.append(store.directory.name))
    (tmp_path / "ruby").mkdir()
    monkeypatch.chdir(tmp_path / "ruby")
    shutil.copy(ROOT / "configs" / "characters" / "ruby" / "seed.png", "seed.png")
    commands = session()
    assert [words[:2] for words in commands][:3] == [["bootstrap", name] for name in ("init", "check", "run")]
    said = {}
    for _, *words in commands:
        done = call(*words)
        assert done.code == 0, (words, done.err)
        said[words[0]] = done.out + done.err
    (run,) = Path("runs").iterdir()
    assert f"its run will lie in {run}" in said["init"]
    assert "unfinished" in said["check"]  # what init could not read is blank
    assert f"note: {FAKE}" in said["check"]
    assert f"note: {FAKE}" in said["run"]
    assert (run / "report.html").is_file()
    assert served == [run.name]
    assert str(run) in said["run"]
