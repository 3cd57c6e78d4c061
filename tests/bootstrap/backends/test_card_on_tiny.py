"""The script of a model card, run as it stands there on tiny weights of every architecture."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bootstrap.backends.architectures import ARCHITECTURES
from bootstrap.backends.bases import check_base
from bootstrap.character import Character
from bootstrap.config import load
from bootstrap.export.card_use import ReleaseFiles, use_section
from bootstrap.export.usage import Usage
from bootstrap.lora import Lora, save_kohya
from bootstrap.records import Adapter

RUBY = Character.model_validate({"name": "Ruby", "trigger": "rubychr", "invariant": {"hair": "red hair"}})
FINAL = Adapter("final-r02", "character", 2, "a.safetensors", "0" * 64, 1, 0.1)
BASES = {"tiny": "sd15-anime", "tiny_xl": "noobai-vpred", "tiny_klein": "klein", "tiny_z_image": "z-image"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("fixture", BASES)
def test_the_script_draws_with_the_lora_at_its_weight(fixture, request, tmp_path, monkeypatch):
    folder = Path(request.getfixturevalue(fixture))
    architecture = check_base(folder)
    settings = ["base.sampling.steps=2", "base.sampling.width=64", "base.sampling.height=64"]
    base = load(BASES[fixture], overrides=[f"base.path={folder}", f"base.name={folder}", *settings]).base
    save_kohya(tmp_path / "a.safetensors", lora_for(folder, architecture), {})
    config = load(BASES[fixture])
    files = ReleaseFiles("a.safetensors", "", weight=0.7)
    text = use_section(Usage.of(RUBY, config, FINAL), base, files, architecture.name)
    (script,) = re.findall(r"```python\n(.*?)\n```", text, re.S)
    monkeypatch.chdir(tmp_path)
    (tmp_path / folder.name).symlink_to(folder)  # the card names no folder of this machine
    names = {}
    exec(script, names)
    with Image.open(tmp_path / "picture.png") as drawn:
        assert drawn.size == (64, 64)
    scales = [
        module.scaling["lora"] for module in getattr(names["pipe"], architecture.denoiser).modules()
        if "lora" in getattr(module, "scaling", {})
    ]  # fmt: skip
    assert scales == pytest.approx([0.7] * len(scales))
    assert scales


def lora_for(folder, architecture):
    """A LoRA in one module that the architecture trains."""
    import diffusers

    pipe = getattr(diffusers, architecture.pipeline).from_pretrained(folder)
    for name, module in getattr(pipe, architecture.denoiser).named_modules():
        if re.fullmatch(architecture.targets.denoiser, name) and isinstance(module, torch.nn.Linear):
            rows, columns = module.weight.shape
            down, up = np.ones((2, columns), np.float32), np.zeros((rows, 2), np.float32)
            return Lora({name: (down, up)}, 2.0, grammar=ARCHITECTURES[architecture.name].grammar)
    raise AssertionError("it has no such module")
