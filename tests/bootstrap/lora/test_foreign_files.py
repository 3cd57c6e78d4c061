"""LoRA files of other trainers: every grammar that is in use is read, damage is told, DoRA keeps its axis."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner

from bootstrap.backends.architectures import grammars
from bootstrap.cli.lora import lora_app
from bootstrap.errors import BackendError, UsageError
from bootstrap.lora import Lora, save_kohya
from bootstrap.lora.foreign import read_any
from bootstrap.lora.kinds import Kron, change

SD1, SDXL, *_, SD2 = grammars()
DOWN = "down_blocks.1.attentions.0.transformer_blocks.0"
ORIGINAL = "input_blocks.4.1.transformer_blocks.0"
TEXT = "text_model.encoder.layers.3.self_attn"


def some(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape).astype("f4")


def pair(width=64, rank=4):
    return some(rank, width), some(32, rank)


def named(path, down, up, endings=("lora_down.weight", "lora_up.weight")):
    return {f"{path}.{endings[0]}": down, f"{path}.{endings[1]}": up}


def read(folder, tensors, metadata=None):
    save_file(tensors, folder / "x.safetensors", metadata)
    return read_any(folder / "x.safetensors", grammars())


def call(*words):
    return CliRunner().invoke(lora_app, [str(word) for word in words])


PEFT, PEFT_NAMED = ("lora_A.weight", "lora_B.weight"), ("lora_A.default_0.weight", "lora_B.default_0.weight")
OLD = ("down.weight", "up.weight")
LINEAR = ("lora_linear_layer.down.weight", "lora_linear_layer.up.weight")
GRAMMARS = [
    ("peft with its adapter's name", f"unet.{DOWN}.attn1.to_q", PEFT_NAMED, 64, SD1, (0, f"{DOWN}.attn1.to_q")),
    ("diffusers 0.21", f"unet.{DOWN}.attn1.processor.to_q_lora", OLD, 64, SD1, (0, f"{DOWN}.attn1.to_q")),
    ("diffusers 0.16", f"{DOWN}.attn2.processor.to_out_lora", OLD, 64, SD1, (0, f"{DOWN}.attn2.to_out.0")),
    ("text of diffusers 0.25", f"text_encoder.{TEXT}.q_proj", LINEAR, 768, SD1, (1, f"{TEXT}.q_proj")),
    ("text of diffusers 0.17", f"text_encoder.{TEXT}.to_out_lora", OLD, 768, SD1, (1, f"{TEXT}.out_proj")),
    ("second text encoder", f"text_encoder_2.{TEXT}.k_proj", LINEAR, 1280, SDXL, (2, f"{TEXT}.k_proj")),
    ("LyCORIS", "lycoris_" + f"{DOWN}.attn1.to_q".replace(".", "_"), (), 64, SD1, (0, f"{DOWN}.attn1.to_q")),
    ("OneTrainer, SDXL", f"unet.{ORIGINAL}.attn1.to_q", (), 64, SDXL, (0, f"{DOWN}.attn1.to_q")),
    ("ComfyUI, SDXL", f"diffusion_model.{ORIGINAL}.attn2.to_k", (), 2048, SDXL, (0, f"{DOWN}.attn2.to_k")),
    ("ComfyUI, SD1", f"diffusion_model.{ORIGINAL}.attn2.to_k", PEFT, 768, SD1, (0, f"{DOWN}.attn2.to_k")),
    ("ComfyUI, CLIP-G", f"text_encoders.clip_g.transformer.{TEXT}.v_proj", PEFT, 1280, SDXL, (2, f"{TEXT}.v_proj")),
    ("OneTrainer, CLIP-L", f"clip_l.{TEXT}.v_proj", (), 768, SD1, (1, f"{TEXT}.v_proj")),
    ("diffusers, SDXL by its width", f"unet.{DOWN}.attn2.to_v", PEFT, 2048, SDXL, (0, f"{DOWN}.attn2.to_v")),
    ("transformers 5.6", "lora_te1_encoder_layers_3_self_attn_q_proj", (), 768, SDXL, (1, f"{TEXT}.q_proj")),
    (
        "LyCORIS with its part",
        f"lycoris_text_encoder.{TEXT}.q_proj".replace(".", "_"),
        (),
        768,
        SD1,
        (1, f"{TEXT}.q_proj"),
    ),
    ("SD2", "lora_unet_" + f"{DOWN}.attn2.to_k".replace(".", "_"), (), 1024, SD2, (0, f"{DOWN}.attn2.to_k")),
    ("SD2, its text", f"text_encoder.{TEXT}.q_proj", PEFT, 1024, SD2, (1, f"{TEXT}.q_proj")),
]


@pytest.mark.parametrize(("path", "endings", "width", "grammar", "place"), [case[1:] for case in GRAMMARS],
                         ids=[case[0] for case in GRAMMARS])  # fmt: skip
def test_every_grammar_in_use_is_read(tmp_path, path, endings, width, grammar, place):
    down, up = pair(width)
    tensors = named(path, down, up, endings or ("lora_down.weight", "lora_up.weight"))
    found = read(tmp_path, tensors)
    assert (found.lora.grammar.title, found.unknown) == (grammar.title, ())
    part, module = place
    assert np.allclose(change(found.lora.parts[part][module], found.lora.scale), up @ down, atol=1e-5)


def test_alphas_beside_a_file_of_peft_and_those_of_rslora_count(tmp_path):
    down, up = pair()
    tensors = named(f"base_model.model.{DOWN}.attn1.to_q", down, up, PEFT)
    save_file(tensors, tmp_path / "adapter_model.safetensors")
    for config, scale in (({"lora_alpha": 8}, 2), ({"lora_alpha": 8, "use_rslora": True}, 4), ({}, 1)):
        (tmp_path / "adapter_config.json").write_text(json.dumps(config))
        assert read_any(tmp_path / "adapter_model.safetensors", grammars()).lora.scale == pytest.approx(scale)
    stated = {f"unet.{key}": value for key, value in {"lora_alpha": 8, "use_rslora": True}.items()}
    assert read(tmp_path, tensors, {"lora_adapter_metadata": json.dumps(stated)}).lora.scale == pytest.approx(4)


def test_what_a_file_says_of_itself_decides_where_shapes_do_not(tmp_path):
    tensors = named(f"lora_unet_{DOWN}.attn1.to_q".replace(".", "_"), *pair())
    assert read(tmp_path, tensors, {"ss_base_model_version": "sd_v2_1"}).lora.grammar.interface == "SD2"
    assert read(tmp_path, tensors, {"ss_base_model_version": "sd_v1"}).lora.grammar.interface == "SD1"


@pytest.mark.parametrize(
    "key", ["transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight", "unet.a.attn1.to_q.lora_fancy"]
)
def test_a_grammar_that_is_not_known_is_told_by_its_key(tmp_path, key):
    with pytest.raises(BackendError, match=f'not known: "{key}"'):
        read(tmp_path, {key: some(4, 4)})


NAME = f"lora_unet_{DOWN}.attn1.to_q".replace(".", "_")
WHOLE = {"lora_down.weight": some(4, 6), "lora_up.weight": some(8, 4), "alpha": np.array(2.0, np.float32)}
LOHA = {"hada_w1_a": some(8, 2), "hada_w1_b": some(2, 6), "hada_w2_a": some(8, 2), "hada_w2_b": some(2, 6)}
DAMAGE = {
    "NaN": (WHOLE | {"lora_up.weight": np.full((8, 4), np.nan, np.float32)}, "holds NaN"),
    "infinite alpha": (WHOLE | {"alpha": np.array(np.inf, np.float32)}, '"alpha" holds NaN or infinity'),
    "a bit of an exponent": (WHOLE | {"alpha": np.array(3e35, np.float32)}, '"alpha" holds values as large as 3e.35'),
    "ranks": (WHOLE | {"lora_up.weight": some(8, 5)}, "ranks .* differ: 4 and 5"),
    "a vector": (WHOLE | {"lora_up.weight": some(8)}, "has the shape 8"),
    "two alphas": (WHOLE | {"alpha": some(2)}, "holds 2 values"),
    "empty": (WHOLE | {"lora_up.weight": np.zeros((8, 0), np.float32)}, "is empty"),
    "half": ({"lora_down.weight": some(4, 6)}, 'lacks "lora_up.weight"'),
    "lengths": (WHOLE | {"dora_scale": some(5, 1)}, "shape 5 x 1, the module 8 rows and 6 columns"),
    "Tucker": (WHOLE | {"lora_mid.weight": some(4, 3, 3, 3)}, "differ: 4 and 3"),
    "LoHa's ranks": (LOHA | {"hada_w2_b": some(3, 6)}, '"hada_w2_a" and "hada_w2_b" differ: 2 and 3'),
    "LoHa's products": (LOHA | {"hada_w2_b": some(2, 7)}, "8 x 6 and 8 x 7"),
    "half a LoKr": ({"lokr_w1": some(2, 2), "lokr_w2_a": some(4, 2)}, "lacks what belongs"),
    "LoKr's ranks": ({"lokr_w1": some(2, 2), "lokr_w2_a": some(4, 2), "lokr_w2_b": some(3, 3)}, "differ: 2 and 3"),
    "DoRA of LoHa": (LOHA | {"dora_scale": some(8, 1)}, "cannot be read"),
}


@pytest.mark.parametrize(("parts", "said"), DAMAGE.values(), ids=DAMAGE)
def test_damage_is_told_in_one_line(tmp_path, parts, said):
    with pytest.raises(BackendError, match=said) as told:
        read(tmp_path, {f"{NAME}.{name}": array for name, array in parts.items()})
    assert "\n" not in str(told.value)
    assert "attn1.to_q" in str(told.value)


def test_one_module_under_two_names_is_told(tmp_path):
    both = named(NAME, *pair()) | named(f"unet.{DOWN}.attn1.to_q", *pair())
    with pytest.raises(BackendError, match="two names"):
        read(tmp_path, both)


def test_an_alpha_in_a_list_is_an_alpha(tmp_path):
    found = read(tmp_path, named(NAME, *pair()) | {f"{NAME}.alpha": np.array([2.0], np.float32)})
    assert (found.lora.network_alpha, found.lora.rank) == (2.0, 4)


@pytest.mark.parametrize(
    ("kernel", "lengths", "over_inputs"),
    [((), (1, 8), True), ((), (8, 1), False), ((), (8,), False), ((3, 3), (1, 8, 1, 1), True),
     ((3, 3), (8, 1, 1, 1), False)],
)  # fmt: skip
def test_dora_keeps_its_axis_also_where_the_module_is_square(tmp_path, kernel, lengths, over_inputs):
    module = "down_blocks.1.resnets.0.conv2" if kernel else f"{DOWN}.attn1.to_q"
    name, ones = "lora_unet_" + module.replace(".", "_"), (1,) * len(kernel)
    tensors = named(name, some(4, 8, *kernel), some(8, 4, *ones)) | {f"{name}.dora_scale": some(*lengths)}
    found = read(tmp_path, tensors)
    assert found.lora.is_over_inputs == over_inputs
    one, other = tmp_path / "x.safetensors", tmp_path / "y.safetensors"
    assert call("convert", one, other).exit_code == 0
    wanted = (1, 8, *ones) if over_inputs else (8, 1, *ones)
    assert load_file(other)[f"{name}.dora_scale"].shape == wanted
    said = call("diff", one, other).output
    assert ("0 % of the columns' lengths" in said) == over_inputs
    plain = call("convert", one, tmp_path / "z.safetensors", "--to", "diffusers")
    assert isinstance(plain.exception, UsageError) == over_inputs
    told = json.loads(call("inspect", one, "--json").output)
    assert told["network"] == ("DoRA over the inputs" if over_inputs else "DoRA")


def test_lengths_on_two_axes_are_not_called_equal(tmp_path):
    for name, lengths in (("a", (1, 8)), ("b", (8, 1))):
        save_file(named(NAME, some(4, 8), some(8, 4)) | {f"{NAME}.dora_scale": some(*lengths)},
                  tmp_path / f"{name}.safetensors")  # fmt: skip
    said = call("diff", tmp_path / "a.safetensors", tmp_path / "b.safetensors").output
    assert "not on the same axis" in said


def test_modules_of_two_shapes_are_not_compared(tmp_path):
    for name, width in (("a", 8), ("b", 9)):
        save_file(named(NAME, *pair(width)), tmp_path / f"{name}.safetensors")
    error = call("diff", tmp_path / "a.safetensors", tmp_path / "b.safetensors").exception
    assert isinstance(error, UsageError)
    assert "32 x 8 in one, 32 x 9 in the other" in str(error)


def test_lokr_is_written_whole_where_programs_look_for_the_width(tmp_path):
    lokr = Kron(w1=some(2, 2), w2_a=some(4, 3), w2_b=some(3, 5))
    modules = {f"{DOWN}.attn2.to_k": lokr, f"{DOWN}.attn2.to_q": lokr}
    save_kohya(tmp_path / "x.safetensors", Lora(modules, 1.5, grammar=SD1), {})
    keys = load_file(tmp_path / "x.safetensors").keys()
    name = "lora_unet_" + f"{DOWN}.attn2".replace(".", "_")
    assert {f"{name}_to_k.lokr_w1", f"{name}_to_k.lokr_w2", f"{name}_to_q.lokr_w2_a"} <= keys
    found = read_any(tmp_path / "x.safetensors", grammars()).lora
    for module in modules:
        assert np.allclose(change(found.modules[module], found.scale), change(lokr, 0.5), atol=1e-5)
