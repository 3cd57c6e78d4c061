"""The script of a card is run as it stands there, and the judge of puppets reads who it draws.

The weights are found without a training: what the cross-attention makes of the trigger alone becomes what it makes of
the trigger with every trait, by least squares.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from bootstrap.backends.architectures.sd1 import SD1
from bootstrap.character import Character
from bootstrap.export.release import release_of, write_diffusers, write_kohya
from bootstrap.lora import Lora, kohya_names, metadata_for, save_kohya
from bootstrap.puppets.judge import load_judge
from bootstrap.records import Adapter
from bootstrap.store.files import sha256_of
from bootstrap.store.store import Store

TRAITS = {"hair_color": "red", "hair_style": "twintails", "ears": "fox ears"}
RUBY = Character.model_validate({
    "name": "Ruby", "trigger": "rubychr", "core": "1girl, solo",
    "invariant": {"hair": "red hair, twintails", "ears": "fox ears", "eyes": "green eyes"},
})  # fmt: skip
TRIGGER = "rubychr, 1girl, solo"


@torch.inference_mode()
def taught(pipe: Any, rank: int = 16) -> Lora:
    """A LoRA to which the trigger means every trait."""
    trigger, words, empty = (encoded(pipe, text) for text in (TRIGGER, ", ".join((TRIGGER, *RUBY.identity)), ""))
    known = torch.cat([trigger, empty])
    wanted = torch.cat([words - trigger, torch.zeros_like(empty)])
    change = torch.linalg.lstsq(known.double(), wanted.double(), driver="gelsd").solution.T
    pairs = {}
    for name, module in pipe.unet.named_modules():
        if re.search(r"attn2\.to_[kv]$", name):
            left, values, right = torch.linalg.svd(module.weight.double() @ change, full_matrices=False)
            up, down = left[:, :rank] * values[:rank], right[:rank]
            pairs[name] = (down.float().numpy(), up.float().numpy())
    return Lora(pairs, float(rank), grammar=SD1.grammar)


def encoded(pipe: Any, words: str) -> torch.Tensor:
    return pipe.encode_prompt(words, "cpu", 1, False)[0][0]  # type: ignore[no-any-return]


def adapter_in(store: Store, lora: Lora, phase: str) -> Adapter:
    modules = kohya_names(lora.grammar, *lora.parts)
    facts = metadata_for("x", "", (96, 96), 1, grammar=lora.grammar, objective="epsilon", modules=modules,
                         training={}, zero_terminal_snr=False)  # fmt: skip
    save_kohya(store.directory / f"{phase}.safetensors", lora, facts)
    digest = sha256_of(store.directory / f"{phase}.safetensors")
    adapter = Adapter(f"r03-{phase}", phase, 3, f"{phase}.safetensors", digest, 1, 0.1)
    store.add_adapter(adapter)
    return adapter


def run_script(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names that the card's own script leaves, run where the files lie."""
    (script,) = re.findall(r"```python\n(.*?)\n```", (folder / "README.md").read_text(), re.S)
    monkeypatch.chdir(folder)
    torch.manual_seed(0)
    names: dict[str, Any] = {}
    exec(script, names)
    with Image.open(folder / "picture.png") as saved:
        assert saved.size == (96, 96)
    return names


def read(image: Image.Image) -> dict[str, str]:
    answers = load_judge().read(np.asarray(image)[None])
    return {axis: answers[axis][0] for axis in TRAITS}


@pytest.mark.filterwarnings("ignore")
def test_the_script_of_each_card_draws_the_character(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.remember("character", RUBY.model_dump_json())
    down, up = np.ones((2, 192, 1, 1), np.float32), np.zeros((192, 2, 1, 1), np.float32)
    learned_nothing = Lora({"mid_block.attentions.0.proj_in": (down, up)}, 2.0, grammar=SD1.grammar)
    style = write_kohya(release_of(store, adapter_in(store, learned_nothing, "style")), store.directory / "style")
    names = run_script(style.parent, monkeypatch)
    assert read(names["image"]) == TRAITS, "the base draws every trait, because the card's prompt names it"
    pipe = names["pipe"]
    torch.manual_seed(0)
    assert read(pipe(TRIGGER, num_inference_steps=10, guidance_scale=2.0, width=96, height=96).images[0]) != TRAITS
    pipe.unload_lora_weights()
    release = release_of(store, adapter_in(store, taught(pipe), "character"))
    names = run_script(write_diffusers(release, store.directory / "character").parent, monkeypatch)
    assert f'prompt="{TRIGGER}",' in (store.directory / "character" / "README.md").read_text()
    assert read(names["image"]) == TRAITS
