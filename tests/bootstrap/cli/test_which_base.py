"""A checkpoint that says too little: the question, its answer kept, the line where nobody can be asked, and `check`."""

import json

import pytest
import typer
from PIL import Image

from bootstrap.cli import which_base
from bootstrap.cli.which_base import base_lines, base_notes, settle_base
from bootstrap.config import load
from bootstrap.errors import ConfigError


@pytest.fixture(autouse=True)
def own_answers(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def typing(monkeypatch):
    """A terminal on which these answers are typed, one after another."""

    def types(*answers):
        given = iter(answers)
        for stream in ("stdin", "stderr"):
            monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True, raising=False)
        monkeypatch.setattr(typer, "prompt", lambda *question, **options: next(given))

    return types


def test_a_person_is_asked_once_and_the_file_may_be_renamed(tmp_path, header_file, typing):
    path = header_file(tmp_path / "x" / "mix.safetensors")
    typing("oil", "drawn", "sc", "no")
    settle_base(str(path), ())
    renamed = path.rename(tmp_path / "x" / "other.safetensors")
    typing()
    settle_base(str(renamed), ())
    assert load(str(renamed)).base.quality == load("pony").base.quality
    assert "preset pony, by your answer" in base_lines(str(renamed), "")[1]


def test_where_nobody_can_be_asked_one_line_names_the_options(tmp_path, header_file):
    path = str(header_file(tmp_path / "x" / "mix.safetensors"))
    with pytest.raises(ConfigError) as error:
        settle_base(path, ())
    assert error.value.exit_code == 2
    assert f'"{path}" does not say whether it makes drawings or photographs and whether its prompts' in str(error.value)
    assert "give --preset sdxl|illustrious|noobai|pony|animagine, or --set base.scoring=drawn|photo" in str(error.value)
    settle_base(path, (), preset="pony")
    settle_base(path, ("base.scoring", "base.dialect"))
    settle_base("pony", ())
    with pytest.raises(ConfigError, match="drawings or photographs \\("):
        settle_base(str(header_file(tmp_path / "x" / "animeRealismPony.safetensors")), ())


def test_check_tells_what_a_base_is_and_how_that_is_known(tmp_path, header_file, call):
    Image.effect_noise((256, 256), 60).save(tmp_path / "seed.png")
    person = {"name": "Mika", "trigger": "mikachr", "invariant": {"hair": "blue hair"}}
    (tmp_path / "character.json").write_text(json.dumps(person))
    words = ["check", tmp_path / "seed.png", tmp_path / "character.json", "--out", tmp_path / "run", "--base"]
    said = call(*words, header_file(tmp_path / "m" / "ponyLightning_vpred.safetensors"))
    assert "base       Stable Diffusion XL, by its layers" in said.out
    assert 'preset pony, by its name, "ponyLightning_vpred.safetensors"' in said.out
    assert "predicts velocity, down to pure noise, by its name; tested on its weights when they are loaded" in said.out
    assert "few steps (lightning): drawn with 8 steps at guidance 1.5" in said.out
    assert "was distilled to few steps (lightning): a LoRA trained on it" in said.out
    asked = call(*words, header_file(tmp_path / "m" / "mix.safetensors"))
    assert asked.code == 2
    assert "does not say whether it makes drawings" in asked.line


def test_a_preset_of_ours_has_nothing_to_tell():
    assert base_lines("puppet", "") == base_notes(load("puppet").base) == []


@pytest.mark.parametrize(
    ("scheduler", "snr", "told"),
    [("dpm++_karras", "null", True), ("dpm++_karras", "false", False), ("euler", "null", False)],
)
def test_a_sampler_that_does_not_fit_the_schedule_is_told(tmp_path, header_file, scheduler, snr, told):
    path = header_file(tmp_path / "illustrious.safetensors", "sdxl", "v_pred", "ztsnr")
    settings = [f"base.sampling.scheduler={scheduler}", f"base.sampling.zero_terminal_snr={snr}"]
    notes = base_notes(load(str(path), overrides=settings).base)
    assert ['"dpm++_karras" draws as "dpm++" does' in note for note in notes] == [True] * told


def test_reading_a_large_file_whole_is_announced(tmp_path, header_file, capsys, monkeypatch):
    path, known = header_file(tmp_path / "m" / "mix.safetensors"), header_file(tmp_path / "illustrious.safetensors")
    for least, announced in ((which_base.LARGE, False), (1, True)):
        monkeypatch.setattr(which_base, "LARGE", least)
        with pytest.raises(ConfigError):
            settle_base(str(path), ())
        settle_base(str(known), ())
        assert (f'reading the whole of "{path}"' in capsys.readouterr().err) == announced
    settle_base(str(known), ())
    assert capsys.readouterr().err == ""
