"""Whatever bytes a person hands over: a command ends with 0, with 1 and a log, or with 2 and one line.

    FUZZ=10000 pytest tests/test_fuzz.py     that many examples in all, drawn anew each time

In CI a small fixed share is played. What nobody foresaw (exit code 1 with a log) is no failure here; with FUZZ it is.
"""

import contextlib
import io
import os
import tempfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings

from bootstrap.cli import check_cost, main
from tests.fuzzing import captions, characters, configs, drawn_as, loras, pictures

pytestmark = pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")  # of a failure's long picture
IN_CI = {"character": 60, "config": 60, "caption": 60, "picture": 70, "lora": 50}
"""Examples of each kind of input."""
ON_DEMAND = int(os.environ.get("FUZZ", "0"))
PHASES = (Phase.explicit, Phase.generate, Phase.shrink) if ON_DEMAND else (Phase.explicit, Phase.generate)
FINDS = 1
"""The exit code of `audit` where it found something."""


def examples(kind):
    """The settings of a test: how many examples, drawn anew or not; no clock, no files."""
    return settings(
        max_examples=ON_DEMAND * IN_CI[kind] // sum(IN_CI.values()) or IN_CI[kind],
        derandomize=not ON_DEMAND,
        deadline=None,
        database=None,
        phases=PHASES,
        suppress_health_check=list(HealthCheck),
    )


def ends_well(*words, finds=False):
    """Call a command in this process; fails where it raises, or ends without saying why."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([str(word) for word in words])
        except SystemExit as ended:
            code = ended.code or 0
    lines = err.getvalue().splitlines()
    assert "Traceback" not in err.getvalue()
    if code == 0 or (finds and code == FINDS and not lines):
        return code
    assert code in (1, 2), err.getvalue()
    assert sum(line.startswith("error: ") for line in lines) == 1, lines
    said = [line for line in lines if not line.endswith(" …")]  # what a command works on
    assert all(line.startswith(("error: ", "hint: ", "warning: ", "note: ")) for line in said), lines
    assert not any(unicodedata.category(sign) in ("Cc", "Cs") for line in lines for sign in line), lines
    if code == 1:
        assert ".log" in lines[-1], lines
        assert not ON_DEMAND, lines
    return code


@pytest.fixture(scope="module")
def place():
    """A folder with a seed and a description; each example writes its input beside them. No speed is measured."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(check_cost, "flops_of", lambda device: 1e12)
        (Path(folder) / "seed.png").write_bytes(drawn_as("PNG", "RGB"))
        yield Path(folder)


def checks(place, character, *options):
    arguments = (place / "seed.png", character, "--base", "puppet", "--backend", "fake", "--out", place / "run")
    return ends_well("check", *arguments, *options)


GOOD = '{"name": "Red", "trigger": "redchr", "base": "puppet", "invariant": {"hair": "red hair"}}'


@examples("character")
@example(data=GOOD[:-1].encode() + rb', "a\nb": 1}')
@example(data=GOOD[:-1].encode() + rb', "a\tb": 1}')
@given(data=characters())
def test_a_description(place, data):
    (place / "any.json").write_bytes(data)
    checks(place, place / "any.json")


@examples("config")
@given(data=configs())
def test_a_config(place, data):
    (place / "character.json").write_text(GOOD)
    (place / "any.yaml").write_bytes(data)
    checks(place, place / "character.json", "--config", place / "any.yaml")


@examples("caption")
@given(data=captions())
def test_a_caption(place, data):
    folder = place / "10_redchr"
    folder.mkdir(exist_ok=True)
    (folder / "a.png").write_bytes(drawn_as("PNG", "RGB"))
    (folder / "a.txt").write_bytes(data)
    ends_well("audit", folder, finds=True)
    (place / "character.json").write_text(GOOD)
    ends_well("check", folder / "a.png", place / "character.json", "--backend", "fake", "--out", place / "run")


@examples("picture")
@given(data=pictures())
def test_a_picture(place, data):
    (place / "character.json").write_text(GOOD)
    folder = place / "pictures"
    folder.mkdir(exist_ok=True)
    (folder / "a.png").write_bytes(data)
    ends_well("check", folder / "a.png", place / "character.json", "--backend", "fake", "--out", place / "run")
    ends_well("audit", folder, "--trigger", "redchr", finds=True)


@examples("lora")
@given(data=loras())
def test_a_lora(place, data):
    path = place / "any.safetensors"
    path.write_bytes(data)
    ends_well("lora", "inspect", path)
    (place / "to.safetensors").unlink(missing_ok=True)
    ends_well("lora", "convert", path, place / "to.safetensors", "--to", "diffusers")
    ends_well("lora", "diff", path, path)
