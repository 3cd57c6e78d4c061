"""What a person sees at the command line: one clear line and the right exit code, or the thing itself."""

import json
import re
import shlex
from pathlib import Path

import pytest
import typer
from PIL import Image

from bootstrap.cli.app import app
from bootstrap.cli.lora import lora_app
from bootstrap.cli.queue import queue_app
from bootstrap.cli.tools import tools_app

ROOT = Path(__file__).parents[3]
RUBY = ROOT / "configs" / "characters" / "ruby"


@pytest.fixture
def run(call, monkeypatch):
    """A command, as a wide console without colours shows it."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    return call


def one_line(done, *words):
    assert done.code == 2, done.err
    lines = [line for line in done.err.splitlines() if line.strip()]
    assert len(lines) <= 2
    assert lines[0].startswith("error: ")
    assert "Traceback" not in done.err
    for word in words:
        assert word in done.err
    return True


def described(folder, **changes):
    data = {**json.loads((RUBY / "character.json").read_text()), "seeds": [], **changes}
    path = folder / "character.json"
    path.write_text(json.dumps({key: value for key, value in data.items() if value is not None}))
    return path


def test_a_missing_or_broken_seed_is_one_line(run, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    assert one_line(run("run", tmp_path / "none.png", RUBY / "character.json", "--out", tmp_path / "o"), "none.png")
    assert one_line(run("run", tmp_path / "broken.png", RUBY / "character.json", "--out", tmp_path / "o"), "broken.png")
    assert not (tmp_path / "o").exists()


def test_a_misspelt_field_is_one_line_with_a_suggestion(run, tmp_path):
    path = described(tmp_path, triger="x")
    assert one_line(run("run", RUBY / "seed.png", path, "--out", tmp_path / "o"), "triger", "did you mean 'trigger'")


def test_an_unwritable_output_folder_is_one_line(run, tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert one_line(run("run", RUBY / "seed.png", RUBY / "character.json", "--out", tmp_path / "file" / "o"), "file")


def test_without_a_base_the_full_command_is_proposed(run, tmp_path):
    path = described(tmp_path, base=None)
    assert one_line(run("run", RUBY / "seed.png", path), "--base puppet", str(path))


@pytest.mark.parametrize(
    ("base", "said"),
    [
        (
            "models/foo.safetensros",
            'no such file "models/foo.safetensros"\nhint: did you mean "models/foo.safetensors"?',
        ),
        ("foo.ckpt", 'no such file "foo.ckpt"\nhint: give the path of a .safetensors checkpoint'),
        ("owner/model", 'no such file "owner/model"\nhint: give the path'),
        (
            "models",
            '"models" is a folder without model_index.json\nhint: give one of its files: --base models/foo.safet',
        ),
        ("Pupet", 'configs/base has no "Pupet"\nhint: did you mean "puppet"?'),
        ("~nobody-here/foo.safetensors", "begins with the name of nobody"),
    ],
)
def test_a_base_that_is_a_path_is_no_preset(run, tmp_path, monkeypatch, base, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "foo.safetensors").touch()
    assert one_line(run("run", RUBY / "seed.png", RUBY / "character.json", "--base", base), said)


def test_two_characters_or_none_are_refused(run, tmp_path):
    assert one_line(run("run", RUBY / "seed.png"), "0 character files")
    assert one_line(run("run", RUBY / "seed.png", RUBY / "character.json", described(tmp_path)), "2 character files")


def test_a_folder_that_is_no_run_is_refused_and_stays_empty(run, tmp_path):
    assert one_line(run("status", tmp_path), "no run")
    assert list(tmp_path.iterdir()) == []


def test_wrong_settings_are_told_before_anything_is_written(run, tmp_path):
    Image.new("RGB", (99, 99)).save(tmp_path / "s.png")
    arguments = ["run", tmp_path / "s.png", RUBY / "character.json", "--out", tmp_path / "o"]
    assert one_line(run(*arguments, "--set", "loop.targt=3"), "did you mean 'target'")
    assert one_line(run(*arguments, "--base", "pupet"), 'did you mean "puppet"')
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("name", ["run", "status", "watch", "export", "report", "version"])
def test_every_command_has_help_with_an_example(run, name):
    done = run(name, "--help")
    assert done.code == 0
    assert name == "version" or f"bootstrap {name} " in done.out


def test_every_command_in_the_readme_exists(run):
    text = (ROOT / "README.md").read_text()
    named = set(re.findall(r"\bbootstrap (run|[a-z]+) [A-Za-z./]", text))
    commands = set(re.findall(r"^  (\w+)", run("--help").out.split("Commands")[-1], re.M))
    assert {"run", "review"} <= named <= commands | {"is"}
    for target in re.findall(r"^    make (\w+)", text, re.M):
        assert f"\n{target}:" in (ROOT / "Makefile").read_text()


def test_the_tree_in_the_guide_has_every_room_and_no_other():
    tree = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## The tree")[1].split("\n## ")[0]
    named: set[str] = set()
    for line in re.findall(r"^ {6}((?:\w+/ +)+)", tree, re.M):
        named |= set(line.replace("/", "").split())
    assert named == {path.parent.name for path in (ROOT / "bootstrap").glob("*/__init__.py")}


def documented():
    """Every whole command of README, CONTRIBUTING, the pages of configs and the help texts, as words."""
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "configs").rglob("*.md"))]
    texts = [page.read_text(encoding="utf-8") for page in pages]
    for typed in (app, tools_app, queue_app, lora_app):
        texts += [line.callback.__doc__ for line in typed.registered_commands]
    for text in texts:
        for found in re.findall(r"^ {4}bootstrap (.+)$|`bootstrap ([^`]+)`", text, re.M):
            words = shlex.split("".join(found).partition("#")[0].partition(" > ")[0])
            if len(words) > 1 and not {"...", "…"} & set(words):
                yield words


@pytest.mark.parametrize("words", list(documented()), ids=" ".join)
def test_a_documented_command_is_understood(words):
    """Its command, options and arguments exist; nothing is run."""
    command = typer.main.get_command(app)
    path = "bootstrap"
    while hasattr(command, "commands"):
        path, command, words = f"{path} {words[0]}", command.commands[words[0]], words[1:]
    command.make_context(path, [*words])


@pytest.mark.parametrize(
    ("words", "new"),
    [
        (("run", "seed.png", "--seed", "3"), "--random-seed"),
        (("run", "seed.png", "--seed=3"), "--random-seed"),
        (("queue", "add", "mika/", "--gate", "human"), "--approval"),
        (("gate", "runs/mika", "open"), "approval"),
    ],
)
def test_a_name_of_an_earlier_version_is_one_line_with_the_new_name(call, words, new):
    done = call(*words)
    assert done.code == 2
    assert f'is now "{new}"' in done.line
    assert len(done.err.splitlines()) <= 2
