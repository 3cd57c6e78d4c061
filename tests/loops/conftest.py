"""A small run on the fake backend: one red seed, twelve pictures wanted."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

SETTINGS = [
    "loop.target=12",
    "loop.style_goals=[4, 8]",
    "loop.lookalikes=40",
    "loop.exchanged=0",
    "loop.rounds=4",
    "base.style.steps=10",
    "base.character.steps=10",
    "base.sampling.batch_size=16",
]


@pytest.fixture
def given(tmp_path):
    """Seed, character file and the arguments of a small run, without --out."""
    Image.new("RGB", (128, 128), (215, 60, 40)).save(tmp_path / "seed.png")
    character = {
        "name": "Red",
        "trigger": "redchr",
        "base": "puppet",
        "core": "1girl, solo",
        "invariant": {"hair": "red hair, bob cut", "eyes": "red eyes"},
        "outfits": {"default": {"tags": "white shirt"}, "night": {"tags": "blue dress"}},
        "seeds": [{"file": "seed.png", "view": "front", "framing": "upper body"}],
    }
    (tmp_path / "character.json").write_text(json.dumps(character))
    options = [part for text in SETTINGS for part in ("--set", text)]
    return [str(tmp_path / "seed.png"), str(tmp_path / "character.json"), "--backend", "fake", *options]


@pytest.fixture
def play():
    """Run the command in a process of its own; ``kill_after`` SIGKILLs it when that many events are stored."""

    def start(arguments, out, kill_after=None):
        code = "import sys; from bootstrap.cli import main; main(sys.argv[1:])"
        if kill_after is not None:
            code = KILLER.format(count=kill_after) + code
        here = Path(__file__).parent.parent.parent
        done = subprocess.run(
            [sys.executable, "-c", code, "run", *arguments, "--out", str(out)],
            cwd=here,
            text=True,
            capture_output=True,
            check=False,
            env={**os.environ, "NO_COLOR": "1"},
        )
        assert done.returncode == (-signal.SIGKILL if kill_after is not None else 0), done.stderr
        return done

    return start


KILLER = """
import os, signal
from bootstrap.store.journal import Journal
told, count = Journal.tell, [0]
def tell(self, event):
    count[0] += type(event).__name__ != "Progress"
    if count[0] >= {count}: os.kill(os.getpid(), signal.SIGKILL)
    told(self, event)
Journal.tell = tell
"""
