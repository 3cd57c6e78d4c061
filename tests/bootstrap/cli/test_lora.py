"""LoRA files of any trainer: what they are, converted without a change, compared."""

import json
import re
import struct

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner

from bootstrap.backends.architectures import ARCHITECTURES, grammars
from bootstrap.cli.lora import lora_app
from bootstrap.errors import BackendError, UsageError
from bootstrap.lora import Lora, save_diffusers, save_kohya
from bootstrap.lora.foreign import read_any
from bootstrap.lora.kinds import Dora, Hada, Kron

UNET = {
    "sd1": "down_blocks.0.attentions.0.proj_in",
    "sdxl": "mid_block.attentions.0.transformer_blocks.9.attn2.to_out.0",
}
TEXT = "text_model.encoder.layers.0.mlp.fc1"


def pair(rank=2, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(rank, 4)).astype("f4"), random.normal(size=(6, rank)).astype("f4")


def lora_of(architecture):
    second = {TEXT: pair(seed=2)} if architecture == "sdxl" else {}
    grammar = ARCHITECTURES[architecture].grammar
    return Lora({UNET[architecture]: pair()}, 1.0, {TEXT: pair(seed=1)}, second, grammar=grammar)


def call(*words):
    return CliRunner().invoke(lora_app, [str(word) for word in words])


@pytest.mark.parametrize("architecture", ["sd1", "sdxl"])
def test_the_list_of_modules_is_that_of_the_models(architecture):
    denoiser, *text = ARCHITECTURES[architecture].grammar.modules()
    unet = [module for module in denoiser if re.fullmatch(ARCHITECTURES[architecture].targets.denoiser, module)]
    assert (len(unet), *map(len, text)) == ((192, 72) if architecture == "sd1" else (722, 72, 192))
    assert UNET[architecture] in unet
    assert len(set(unet)) == len(unet)


@pytest.mark.parametrize("architecture", ["sd1", "sdxl"])
def test_a_way_there_and_back_changes_nothing(tmp_path, architecture):
    save_kohya(tmp_path / "a.safetensors", lora_of(architecture), {"modelspec.trigger_phrase": "mikachr"})
    assert call("convert", tmp_path / "a.safetensors", tmp_path / "b.safetensors", "--to", "diffusers").exit_code == 0
    assert any(key.endswith("lora_A.weight") for key in load_file(tmp_path / "b.safetensors"))
    assert call("convert", tmp_path / "b.safetensors", tmp_path / "c.safetensors").exit_code == 0
    keys = {"a": set(load_file(tmp_path / "a.safetensors")), "c": set(load_file(tmp_path / "c.safetensors"))}
    assert keys["a"] == keys["c"]
    said = call("diff", tmp_path / "a.safetensors", tmp_path / "c.safetensors").output
    shares = [float(share) for share in re.findall(r"([\d.e-]+) %", said)]
    assert len(shares) == (3 if architecture == "sdxl" else 2)
    assert max(shares) < 1e-4
    assert isinstance(call("convert", tmp_path / "a.safetensors", tmp_path / "b.safetensors").exception, UsageError)


def some(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape).astype("f4")


HADA = ("w1_a", "w1_b", "w2_a", "w2_b")
RESNET = "down_blocks.1.resnets.0.conv1"
OTHERS = {
    "LoCon": {UNET["sd1"]: pair(rank=3), RESNET: (some(2, 4, 3, 3), some(6, 2, 1, 1))},
    "DoRA": {UNET["sd1"]: Dora(*pair(), some(6))},
    "LoHa": {UNET["sd1"]: Hada(some(6, 2), some(2, 4), some(6, 2), some(2, 4))},
    "LoKr": {UNET["sd1"]: Kron(w1=some(2, 2), w2_a=some(3, 2), w2_b=some(2, 2))},
}


@pytest.mark.parametrize("network", OTHERS)
def test_other_networks_go_there_and_back_with_the_same_change(tmp_path, network):
    save_kohya(tmp_path / "a.safetensors", Lora(OTHERS[network], 1.0, grammar=ARCHITECTURES["sd1"].grammar), {})
    told = json.loads(call("inspect", tmp_path / "a.safetensors", "--json").output)
    assert (told["network"], told["unknown keys"], told["alpha"]) == (network, "", "1")
    for source, to, name in (("a", "diffusers", "b"), ("b", "kohya", "c")):
        done = call("convert", tmp_path / f"{source}.safetensors", tmp_path / f"{name}.safetensors", "--to", to)
        assert done.exit_code == 0
        said = call("diff", tmp_path / "a.safetensors", tmp_path / f"{name}.safetensors").output
        shares = [float(share) for share in re.findall(r"([\d.e-]+) %", said)]
        assert len(shares) == (2 if network == "DoRA" else 1)
        assert max(shares) < 1e-3
    again = call("convert", tmp_path / "a.safetensors", tmp_path / "e", "--to", "diffusers")
    assert ("multiplied out" in again.stderr) == (network in ("LoHa", "LoKr"))


def test_a_file_of_peft_itself_is_read(tmp_path):
    one = OTHERS["LoHa"][UNET["sd1"]]
    named = {f"base_model.model.{UNET['sd1']}.hada_{part}": value for part, value in zip(HADA, one, strict=True)}
    save_file(named, tmp_path / "x.safetensors")
    found = read_any(tmp_path / "x.safetensors", grammars())
    assert (found.lora.kind, found.unknown) == ("loha", ())


def test_a_file_says_what_it_is(tmp_path):
    save_kohya(tmp_path / "a.safetensors", lora_of("sdxl"), {"modelspec.trigger_phrase": "mikachr"})
    told = json.loads(call("inspect", tmp_path / "a.safetensors", "--json").output)
    wanted = {
        "architecture": "SDXL",
        "grammar": "kohya",
        "rank": "2",
        "alpha": "1",
        "trigger": "mikachr",
        "unknown keys": "",
    }
    assert {name: told[name] for name in wanted} == wanted
    assert told["modules"] == "1 of the UNet, 2 of the text encoders"
    assert "SDXL" in call("inspect", tmp_path / "a.safetensors").output


def test_modules_of_several_ranks_become_one_without_a_change(tmp_path):
    names = [f"lora_unet_down_blocks_0_attentions_0_{part}" for part in ("proj_in", "proj_out")]
    tensors, wanted = {}, {}
    for name, rank, alpha in zip(names, (2, 3), (1.0, 3.0), strict=True):
        down, up = pair(rank)
        tensors |= {f"{name}.lora_down.weight": down, f"{name}.lora_up.weight": up}
        tensors[f"{name}.alpha"] = np.array(int(alpha))  # as diffusers writes it
        wanted[name] = up @ down * alpha / rank
    save_file(tensors, tmp_path / "x.safetensors")
    found = read_any(tmp_path / "x.safetensors", grammars())
    assert (found.ranks, found.lora.rank, found.lora.network_alpha) == ((2, 3), 3, 3.0)
    for (down, up), change in zip(found.lora.modules.values(), wanted.values(), strict=True):
        assert np.allclose(up @ down, change, atol=1e-6)


def test_files_in_half_precision_are_read(tmp_path):
    name, (down, up) = "lora_unet_mid_block_attentions_0_proj_in", pair()
    entries, data = {}, b""
    for part, value in (("lora_down", down), ("lora_up", up)):
        raw = (value.view("u4") >> 16).astype("<u2").tobytes()  # bfloat16, which numpy has not
        places = [len(data), len(data) + len(raw)]
        entries[f"{name}.{part}.weight"] = {"dtype": "BF16", "shape": value.shape, "data_offsets": places}
        data += raw
    header = json.dumps(entries).encode()
    (tmp_path / "x.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + data)
    (found,) = read_any(tmp_path / "x.safetensors", grammars()).lora.modules.values()
    assert np.allclose(found[0], down, rtol=0.01)
    assert np.allclose(found[1], up, rtol=0.01)


def test_diffusers_files_that_tell_their_alpha_are_scaled_by_it(tmp_path):
    save_diffusers(tmp_path / "d.safetensors", lora_of("sd1"))
    tensors = load_file(tmp_path / "d.safetensors")
    save_file(tensors, tmp_path / "e.safetensors", {"lora_adapter_metadata": json.dumps({"unet.lora_alpha": 8})})
    plain, told = (read_any(tmp_path / f"{name}.safetensors", grammars()).lora for name in "de")
    assert (plain.network_alpha, told.rank) == (2.0, 2)
    assert np.allclose(told.modules[UNET["sd1"]][1], plain.modules[UNET["sd1"]][1] * 4)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (("lora_unet_x.oft_blocks",), "none of LoRA, LoCon, DoRA, LoHa and LoKr"),
        (("lora_unet_x.hada_w1_a",), "fits no module"),
        (("lora_unet_x.lora_down.weight", "lora_unet_x.lora_up.weight"), "fits no module"),
        (("model.diffusion_model.x",), "no LoRA weights"),
    ],
)
def test_what_is_not_understood_is_told_in_one_line(tmp_path, keys, said):
    save_file({key: np.zeros((1, 1), np.float32) for key in keys}, tmp_path / "x.safetensors")
    with pytest.raises(BackendError, match=said):
        read_any(tmp_path / "x.safetensors", grammars())
    (tmp_path / "x.pt").write_bytes(b"pickled")
    with pytest.raises(BackendError, match="can run code"):
        read_any(tmp_path / "x.pt", grammars())


@pytest.mark.parametrize("command", ["inspect", "convert", "diff"])
def test_a_file_that_cannot_be_used_is_a_fault_of_the_command_line(tmp_path, command):
    (tmp_path / "x.pt").write_bytes(b"pickled")
    whole = tmp_path / "whole.safetensors"
    save_kohya(whole, lora_of("sd1"), {})
    (tmp_path / "cut.safetensors").write_bytes(whole.read_bytes()[:-40])
    for name, said in (("x.pt", "can run code"), ("cut.safetensors", "cut"), ("gone.safetensors", "gone")):
        more = {"inspect": (), "convert": (tmp_path / "out.safetensors",), "diff": (whole,)}[command]
        error = call(command, tmp_path / name, *more).exception
        assert isinstance(error, UsageError), error
        assert error.exit_code == 2
        assert said in str(error)
        assert "\n" not in str(error)
    assert not (tmp_path / "out.safetensors").exists()
