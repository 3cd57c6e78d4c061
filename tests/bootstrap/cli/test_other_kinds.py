"""init, check and schema for kinds of subject; a kind of one's own in a whole run, by its YAML alone."""

import json
import shutil

import pytest
import typer
from PIL import Image

from bootstrap.cli.choosing import choose_kind
from bootstrap.config import configs_dir
from bootstrap.errors import ConfigError
from tests.bootstrap.config.test_kind_files import CAR, KIND

KINDS = {"outfit": "wearer", "style": "subject", "concept": "who", "background": "weather", "asset": "light"}


@pytest.fixture
def seed(tmp_path):
    """A picture of the embedded world."""
    return shutil.copy(configs_dir() / "characters" / "ruby" / "seed.png", tmp_path / "seed.png")


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_of_every_kind_names_what_it_refuses(call, kind):
    schema = json.loads(call("schema", "--kind", kind).out)
    assert "outfits" not in schema["properties"]
    assert ("trigger" in schema["required"]) == (kind != "style")


def test_a_kind_that_is_not_there_is_a_line(call, seed):
    for command in (["schema"], ["init", seed, "--base", "puppet"]):
        done = call(*command, "--kind", "outfitt")
        assert (done.code, done.line) == (2, 'error: configs/subjects has no "outfitt"')


def test_init_writes_the_fields_of_a_kind_and_check_takes_them(call, seed, tmp_path):
    out = tmp_path / "character.json"
    done = call("init", seed, "--base", "illustrious", "--kind", "style", "--name", "Dusk", "--out", out)
    assert done.code == 0, done.err
    written = json.loads(out.read_text())
    assert (written["kind"], written["trigger"], written["core"], written["views"]) == ("style", "", "", "any")
    assert len(written["varies"]["subject"]) >= 8
    assert "outfits" not in written
    checked = call("check", seed, out, "--backend", "fake")
    assert checked.code == 0, checked.err
    assert "style      Dusk, no trigger, base illustrious" in checked.out


def test_check_names_what_a_kind_refuses(call, seed, tmp_path):
    path = tmp_path / "character.json"
    fields = {"kind": "background", "name": "B", "trigger": "zetaplace", "base": "puppet", "poses": ["sitting"]}
    path.write_text(json.dumps({**fields, "outfits": {"a": {"tags": "hat"}}}))
    done = call("check", seed, path)
    assert done.code == 2
    for sentence in ("outfits: a place wears nothing", "poses: who stands there", "invariant: field required"):
        assert sentence in done.err + done.out


def test_a_kind_of_ones_own_ends_a_run(call, tmp_path):
    (tmp_path / "kinds").mkdir()
    (tmp_path / "kinds" / "car.yaml").write_text(KIND)
    (tmp_path / "car.json").write_text(json.dumps({**CAR, "kind": "kinds/car.yaml", "base": "puppet"}))
    Image.new("RGB", (96, 96), (215, 60, 40)).save(tmp_path / "seed.png")
    small = ("target=4", "goals=[2]", "rounds=2", "waves=1", "lookalikes=6", "exchanged=0", "acceptance.weights=[]",
             "showcase=0", "final_candidates=1")  # fmt: skip
    options = [part for text in small for part in ("--set", f"loop.{text}")]
    arguments = [tmp_path / "seed.png", tmp_path / "car.json", "--backend", "fake", "--out", tmp_path / "run"]
    done = call("run", *arguments, *options, "--set", "base.sampling.width=32", "--set", "base.sampling.height=32")
    assert done.code == 0, done.err
    captions = [path.read_text() for path in (tmp_path / "run" / "dataset").glob("*/*.txt")]
    assert captions
    assert all(text.startswith("zetacar, no humans, ") and ("fog" in text or "rain" in text) for text in captions)
    assert "A vehicle LoRA for" in (tmp_path / "run" / "lora" / "README.md").read_text()


def test_who_sits_at_a_terminal_is_asked_for_the_kind_and_nobody_else_is(monkeypatch, capsys):
    assert choose_kind() == "character"
    for stream in ("stdin", "stderr"):
        monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True, raising=False)
    answers = iter(["background", "backgroud"])
    monkeypatch.setattr(typer, "prompt", lambda *question, default, **options: next(answers, default))
    assert choose_kind() == "background"
    assert "background   one place, at any time and in any weather" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="backgroud"):
        choose_kind()
    assert choose_kind() == "character", "Enter alone"


@pytest.mark.parametrize("example", ["concept-cheer", "asset-hat"])
def test_seeds_that_are_described_leave_nothing_to_read_of_axes_whose_words_no_scorer_knows(example, call, tmp_path):
    done = call("check", configs_dir() / "characters" / example, "--backend", "fake", "--out", tmp_path / "run")
    assert done.code == 0, done.err
    assert "(from character.json)" in done.out
    assert "not written" not in done.out
