"""Presets of real bases: their settings run on a small model of the architecture; a file finds its own preset."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from bootstrap.backends.architectures import ARCHITECTURES
from bootstrap.backends.fake import FakeBackend
from bootstrap.config import embedded, load, load_panel, shipped_names
from bootstrap.errors import ConfigError

REAL = [name for name in shipped_names("base") if name != "puppet"]
ROOT = Path(__file__).parents[3]
ANIME = "sd15-anime"
SD1 = ("sd15", ANIME)
FLOW = ("klein", "z-image")
"""Bases whose trainers' examples have alpha as large as rank."""


@pytest.mark.parametrize("name", REAL)
def test_a_preset_has_what_its_family_needs(name):
    base = load(name).base
    side = 512 if name in SD1 else 1024
    assert (base.sampling.width, base.sampling.height) == (side, side)
    assert base.recipes["character"].network_alpha == base.recipes["character"].rank / (1 if name in FLOW else 2)
    assert base.recipes["character"].text_encoder == (name in SD1)
    assert base.scoring in ("drawn", "photo")
    assert base.negative or name == "klein"  # whose authors draw without negative words
    assert FakeBackend(base.sampling).fingerprint
    assert (Path(__file__).parents[3] / "configs" / "base" / f"{name}.md").is_file()


@pytest.mark.parametrize(
    ("file", "architecture", "markers", "preset"),
    [
        ("my-mix.safetensors", "sd1", (), "sd15"),
        ("my-anime-mix.safetensors", "sd1", (), ANIME),
        ("my-mix.safetensors", "sdxl", (), "sdxl"),
        ("waiIllustriousSDXL_v140.safetensors", "sdxl", (), "illustrious"),
        ("NoobAI-XL-v1.1.safetensors", "sdxl", (), "noobai"),
        ("some-mix.safetensors", "sdxl", ("v_pred", "ztsnr"), "noobai-vpred"),
        ("ponyDiffusionV6XL.safetensors", "sdxl", (), "pony"),
        ("animagine-xl-4.0-opt.safetensors", "sdxl", (), "animagine"),
    ],
)
def test_a_file_finds_the_preset_that_fits_it(tmp_path, header_file, file, architecture, markers, preset):
    path = str(header_file(tmp_path / file, architecture, *markers))
    base, shipped = load(path).base, load(preset).base
    assert (base.name, base.path) == (path, path)
    assert (base.quality, base.recipes, base.scoring) == (shipped.quality, shipped.recipes, shipped.scoring)
    assert base.sampling.prediction_type == ("v_prediction" if markers else "epsilon")
    assert base.sampling.zero_terminal_snr == bool(markers)


def test_a_preset_and_a_panel_can_be_named_for_a_file(tmp_path, header_file):
    path = str(header_file(tmp_path / "mix.safetensors", "sdxl", "v_pred"))
    pony = load(path, preset="pony")
    assert (pony.base.quality, pony.base.sampling.prediction_type) == (load("pony").base.quality, "v_prediction")
    judged = load(path, preset="pony", overrides=["base.scoring=photo"])
    assert (judged.panel, load(path, own={"base": {"scoring": "photo"}}).panel) == (load_panel("photo"),) * 2
    with pytest.raises(ConfigError, match='no "poni"; did you mean "pony"'):
        load(path, preset="poni")
    with pytest.raises(ConfigError, match='"pony" needs a file of yours, "sdxl" is a preset'):
        load("sdxl", preset="pony")


def test_a_file_that_is_no_base_is_a_fault_of_the_configuration(tmp_path):
    save_file({"lora_unet_x.lora_down.weight": np.zeros((1, 1), np.float16)}, tmp_path / "x.safetensors")
    with pytest.raises(ConfigError, match="is a LoRA"):
        load(str(tmp_path / "x.safetensors"))
    with pytest.raises(ConfigError, match='no "illustrous"; did you mean "illustrious"'):
        load("illustrous")


def test_a_model_of_the_hub_is_found_in_the_cache_alone(tmp_path, header_file, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert embedded("owner/model") == Path("owner/model")
    home = tmp_path / "models--owner--model"
    folder = home / "snapshots" / "abc"
    folder.mkdir(parents=True)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("abc")
    assert embedded("owner/model") == Path("owner/model")
    header_file(folder / "model.safetensors")
    assert embedded("owner/model") == folder / "model.safetensors"
    assert load("owner/model").base.path == "owner/model"
    (folder / "model_index.json").write_text("{}")
    assert embedded("owner/model") == folder
    shutil.rmtree(folder)
    assert embedded("owner/model") == Path("owner/model")


@pytest.mark.parametrize("name", ["drawn", "photo"])
def test_panels_of_real_bases_read_every_view(name):
    panel = load_panel(name)
    assert set(panel.view_phrases) == {"front", "three-quarter", "profile", "behind", "above", "below"}
    assert set(panel.identity) <= set(panel.vocabulary)
    assert all(0 <= edge <= 1 for boxes in panel.composition.values() for box in boxes.values() for edge in box)


def test_every_preset_belongs_to_an_architecture_and_each_has_a_plain_one():
    presets = [architecture.presets for architecture in ARCHITECTURES.values()]
    assert all(one.plain in REAL for one in presets)
    named = {name for one in presets for name in (one.plain, one.velocity, one.drawings, *one.finetunes.values())}
    assert named - {""} == set(REAL)


def test_every_value_that_an_experiment_chose_names_an_entry_of_the_log():
    log = (ROOT / "tests" / "benchmarks" / "LOG.md").read_text("utf-8")
    titles = [line.split(" · ", 1)[-1] for line in log.splitlines() if line.startswith("## ")]
    pointers = {
        (path.name, title)
        for path in sorted((ROOT / "configs").rglob("*.yaml"))
        for title in re.findall(r'LOG "([^".]+)"', path.read_text("utf-8"))
    }
    assert {name for name, _ in pointers} == {"background.yaml", "puppet.yaml", "standard.yaml", "style.yaml"}
    lost = [one for one in pointers if sum(title.startswith(one[1]) for title in titles) != 1]
    assert not lost
