"""What ``bootstrap run`` may be told, and which base it takes when nobody named one."""

import json
import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from bootstrap.character import load_character
from bootstrap.cli.choosing import choose_base, proposed
from bootstrap.cli.options import Options
from bootstrap.cli.resolve import resolve
from bootstrap.cli.sources import sort_sources
from bootstrap.config import BaseConfig, read_own, shipped_base
from bootstrap.errors import ConfigError, UsageError

ROOT = Path(__file__).parents[3]
RUBY = ROOT / "configs" / "characters" / "ruby"


@pytest.fixture
def character():
    return load_character(RUBY / "character.json")


def own(folder, text):
    path = folder / "own.yaml"
    path.write_text(text)
    return path


def test_every_option_reaches_the_configuration(character):
    config = resolve(character, Options(None, 24, 3, 7, settings=("loop.waves=1",), backend="fake"))
    assert (config.loop.target, config.loop.rounds, config.loop.waves, config.random_seed) == (24, 3, 1, 7)
    assert (config.base.name, config.backend, config.panel.models.clip.model) == ("puppet", "fake", "fake")


def test_an_own_file_replaces_only_what_it_says_and_the_command_line_wins(character, tmp_path):
    path = own(tmp_path, "loop: {target: 24, waves: 1}\nbase:\n  sampling: {steps: 9}\nrandom_seed: 5\n")
    config = resolve(character, Options(target=30, config=path))
    shipped = resolve(character, Options())
    assert (config.loop.target, config.loop.waves, config.random_seed, config.base.sampling.steps) == (30, 1, 5, 9)
    assert config.base.sampling.guidance_scale == shipped.base.sampling.guidance_scale
    assert config.loop.goals == shipped.loop.goals
    assert resolve(character, Options(config=path, random_seed=0)).random_seed == 0


def test_a_loop_is_chosen_by_name(character, tmp_path):
    named = own(tmp_path, "loop: standard\n")
    config = resolve(character, Options(loop="one-picture", config=named, target=20))
    assert (config.loop.first_pictures, config.loop.enough_at, config.loop.target) == (16, 0.8, 20)
    assert resolve(character, Options(config=own(tmp_path, "loop: one-picture\n"))).loop.target == 36
    with pytest.raises(ConfigError, match='did you mean "one-picture"'):
        resolve(character, Options(loop="one-pictures"))


def test_an_own_file_may_name_shipped_files(character, tmp_path):
    nobody = character.model_copy(update={"base": None})
    config = resolve(nobody, Options(config=own(tmp_path, "base: puppet\npanel: fake\n")))
    assert (config.base.name, config.panel.models.clip.model) == ("puppet", "fake")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lop: {target: 3}", "did you mean 'loop'"),
        ("loop: {targt: 3}", "did you mean 'target'"),
        ("loop: {target: many}", 'loop.target "many"'),
        ("panel: pupet", 'did you mean "puppet"'),
        ("- 3", "holds no mapping"),
        ("a: [", "cannot be read"),
    ],
)
def test_an_own_file_with_a_mistake_is_told(character, tmp_path, text, said):
    with pytest.raises(ConfigError, match=said):
        resolve(character, Options(config=own(tmp_path, text)))
    with pytest.raises(ConfigError, match="no such file"):
        read_own(tmp_path / "none.yaml")


@pytest.mark.parametrize("text", ["face: none", "face: null", "face: {pack: ''}"])
def test_face_none_does_without_faces(character, tmp_path, text):
    panel = resolve(character, Options(config=own(tmp_path, f"panel: {{models: {{{text}}}}}"))).panel
    assert panel.models.face.pack == ""
    assert "face" not in panel.roles
    assert resolve(character, Options(settings=("panel.models.face=none",))).panel.models.face.pack == ""
    assert "face" not in resolve(character, Options(settings=("panel.scorers.face=none",))).panel.scorers
    with pytest.raises(ConfigError, match=r"panel\.models\.face\.pak: unknown field \(did you mean 'pack'"):
        resolve(character, Options(settings=("panel.models.face.pak=x",)))


def test_pictures_may_be_files_or_a_folder_which_may_hold_the_description(tmp_path):
    for name in ("b.png", "a.png"):
        Image.new("RGB", (64, 64)).save(tmp_path / name)
    described = tmp_path / "character.json"
    described.write_text("{}")
    sorted_names = [tmp_path / "a.png", tmp_path / "b.png"]
    assert sort_sources([tmp_path]) == (sorted_names, described)
    assert sort_sources([tmp_path, described]) == (sorted_names, described)
    assert sort_sources([described, tmp_path / "b.png"]) == ([tmp_path / "b.png"], described)
    with pytest.raises(UsageError, match="0 character files"):
        sort_sources([tmp_path / "a.png"])


def test_a_base_is_taken_in_order_from_options_file_character_and_the_run_so_far(character, tmp_path):
    nobody = character.model_copy(update={"base": None})
    assert resolve(nobody, Options(), begun_with="puppet").base.name == "puppet"
    with pytest.raises(ConfigError, match='has no "nowhere"'):
        resolve(character, Options(base="nowhere"), begun_with="puppet")
    with pytest.raises(ConfigError, match='has no "elsewhere"'):
        resolve(nobody, Options(config=own(tmp_path, "base: {name: elsewhere}")), begun_with="puppet")


def test_the_proposed_base_is_the_best_that_fits_and_never_the_demonstration():
    demo = shipped_base("puppet")
    assert demo.demonstration
    small, large = (demo.model_copy(update={"name": n, "memory": m, "demonstration": False}) for n, m in SIZES)
    assert proposed([demo, small, large], 6.0) == "small"
    assert proposed([demo, small, large], 30.0) == "large"
    assert proposed([demo, small, large], 2.0) is None
    assert proposed([demo], None) is None
    assert BaseConfig.model_validate(demo.model_dump()) == demo


SIZES = (("small", 6.0), ("large", 12.0))


def test_without_a_terminal_the_full_command_is_the_hint():
    with pytest.raises(ConfigError) as error:
        choose_base("bootstrap run 'my seed.png' c.json --out runs/x", "nobody named one")
    assert error.value.hint.endswith("for example: bootstrap run 'my seed.png' c.json --out runs/x --base puppet")
    assert "puppet (the embedded demonstration; draws puppets and nothing else)" in error.value.hint
    assert error.value.exit_code == 2


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_on_a_terminal_it_asks_and_does_not_propose_the_demonstration(tmp_path):
    Image.new("RGB", (128, 128), (215, 60, 40)).save(tmp_path / "seed.png")
    data = {**json.loads((RUBY / "character.json").read_text()), "seeds": []}
    (tmp_path / "character.json").write_text(json.dumps({k: v for k, v in data.items() if k != "base"}))
    words = ["run", str(tmp_path), "--out", str(tmp_path / "run"), "--set", "loop.targt=1"]
    said = typed(words, "puppet\n")
    assert "draws puppets and nothing else" in said
    assert "Which base:" in said, "no proposal in brackets"
    assert "did you mean 'target'" in said, "the answer is taken and the run goes on to the next check"
    assert not (tmp_path / "run").exists()


def typed(words, answer):
    """What a command says on a terminal where a person types ``answer`` when asked."""
    code = "import sys; from bootstrap.cli import main; main(sys.argv[1:])"
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "200"}
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    said, asked = b"", False
    while select.select([ours], [], [], 300)[0]:
        try:
            said += os.read(ours, 4096)
        except OSError:  # the other end is gone
            break
        if not asked and b"Which base" in said:
            os.write(ours, answer.encode())
            asked = True
    assert process.wait(60) == 2
    os.close(ours)
    return said.decode()
