"""Single files: their header shows what they are, and those of a known architecture load without a network."""

import importlib.util
import json
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from bootstrap.backends import tokenizer
from bootstrap.backends.architectures import ARCHITECTURES, Architecture
from bootstrap.backends.bases import check_base, denoiser_weights, digest_of_base, weights_in
from bootstrap.backends.diffusers import DiffusersBackend
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.backends.single_file import read_checkpoint
from bootstrap.errors import BackendError
from bootstrap.records import Job, JobKind, Shot

SETTINGS = SamplingSettings(steps=2, guidance_scale=2.0, batch_size=1, width=32, height=32, dtype="float32")
SHOT = Shot(
    "front",
    "front",
    "portrait",
    {"expression": "smile", "pose": "standing", "outfit": "default", "background": "forest", "style": "cel shading"},
)
UNET = "model.diffusion_model.input_blocks.0.0.weight"
SD1 = (
    UNET,
    "first_stage_model.decoder.conv_in.weight",
    "cond_stage_model.transformer.text_model.final_layer_norm.bias",
)


def original_layout():
    place = Path(__file__).parent / "original_layout.py"
    spec = importlib.util.spec_from_file_location("original_layout", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def file_of(folder, *keys, channels=4, metadata=None, name="model.safetensors"):
    tensors = {key: np.zeros((1, channels, 1, 1), np.float16) for key in keys}
    save_file(tensors, folder / name, metadata)
    return folder / name


def refusal(path):
    with pytest.raises(BackendError) as error:
        check_base(path)
    text = str(error.value)
    assert "\n" not in text
    assert f'"{path}"' in text
    return text


@pytest.mark.parametrize("architecture", ["sd1", "sdxl"])
def test_a_whole_checkpoint_shows_its_architecture(tmp_path, header_file, architecture):
    found = read_checkpoint(header_file(tmp_path / "x.safetensors", architecture))
    assert (found.architecture.name, found.prediction_type, found.zero_terminal_snr) == (architecture, "epsilon", False)


@pytest.mark.parametrize(
    ("markers", "metadata", "wanted"),
    [
        (("v_pred", "ztsnr"), None, ("v_prediction", True)),
        (("v_pred",), None, ("v_prediction", False)),
        ((), {"modelspec.prediction_type": "v"}, ("v_prediction", False)),
        ((), {"modelspec.prediction_type": "epsilon"}, ("epsilon", False)),
    ],
)
def test_velocity_is_read_from_keys_and_metadata(tmp_path, header_file, markers, metadata, wanted):
    found = read_checkpoint(header_file(tmp_path / "x.safetensors", "sdxl", *markers, metadata=metadata))
    assert (found.prediction_type, found.zero_terminal_snr) == wanted


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (("lora_unet_input_blocks_4_1_proj_in.lora_down.weight",), "is a LoRA"),
        (("transformer.single_transformer_blocks.0.lora_A.weight",), "is a LoRA"),
        (("model.diffusion_model.double_blocks.0.img_attn.qkv.weight",), "is Flux"),
        (("double_blocks.0.img_attn.qkv.weight", "double_stream_modulation_img.lin.weight"), "is FLUX.2 as a single"),
        (("cap_embedder.0.weight", "layers.0.attention.qkv.weight"), "is Lumina 2 or Z-Image as a single file"),
        (("model.diffusion_model.joint_blocks.0.x.weight",), "is Stable Diffusion 3"),
        ((UNET, "cond_stage_model.model.transformer.resblocks.0.ln_1.bias"), "is Stable Diffusion 2"),
        ((UNET, "conditioner.embedders.0.model.transformer.resblocks.0.ln_1.bias"), "is the refiner"),
        (("decoder.conv_in.weight", "encoder.conv_in.weight"), "is a VAE"),
        (("control_model.input_blocks.0.0.weight",), "is a ControlNet"),
        (("double_blocks.0.img_attn_qkv.weight", "double_blocks.0.img_mod.linear.weight"), "is HunyuanVideo"),
        (("distilled_guidance_layer.in_proj.weight", "double_blocks.0.img_attn.qkv.weight"), "is Chroma"),
        (("model.diffusion_model.mlp_t5.0.weight", "model.diffusion_model.blocks.0.x.weight"), "is Hunyuan DiT"),
        (("transformer_blocks.0.img_mod.1.weight",), "is Qwen-Image"),
        ((UNET,), "without its text encoders"),
        ((SD1[1], SD1[2]), "no architecture that is known"),
        (("something.else",), "no architecture that is known"),
    ],
)
def test_what_is_no_base_is_named_in_one_line(tmp_path, keys, message):
    assert message in refusal(file_of(tmp_path, *keys))


@pytest.mark.parametrize(
    ("architecture", "without", "message"),
    [
        ("sdxl", "transformer_blocks.9", "fewer blocks than Stable Diffusion XL (60 of 835 layers"),
        ("sdxl", "middle_block.1", "has fewer blocks than Stable Diffusion XL (102 of 835"),
        ("sdxl", "resblocks.31.", "is not whole: 1 of 835 layers are missing, such as"),
        ("sd1", "layers.11.", "is not whole: 1 of 292"),
        ("sd1", "first_stage_model.", "has no VAE in it; give one: --vae FILE.safetensors"),
        ("sd1", "encoder.conv_in", "has only a part of a VAE"),
    ],
)
def test_missing_layers_are_told_before_anything_is_loaded(tmp_path, header_file, architecture, without, message):
    assert message in refusal(header_file(tmp_path / "x.safetensors", architecture, without=without))


def test_the_vae_of_another_file_stands_in_for_a_missing_one(tmp_path, header_file):
    base = header_file(tmp_path / "x.safetensors", "sd1", without="first_stage_model.")
    vae = file_of(tmp_path, "decoder.conv_in.weight", "encoder.conv_in.weight", name="vae.safetensors")
    assert check_base(base, str(vae)).name == "sd1"
    flux = file_of(tmp_path, "decoder.conv_in.weight", "encoder.conv_in.weight", channels=16, name="flux.safetensors")
    with pytest.raises(BackendError, match="is a VAE with 16 channels, not 4"):
        check_base(base, str(flux))
    with pytest.raises(BackendError, match="is no VAE"):
        check_base(base, str(base))


def test_other_tasks_formats_and_damage_are_told(tmp_path):
    assert "inpainting" in refusal(file_of(tmp_path, *SD1, channels=9))
    (tmp_path / "model.ckpt").write_bytes(b"\x80\x02}q\x00.")
    assert "can run code" in refusal(tmp_path / "model.ckpt")
    whole = file_of(tmp_path, *SD1)
    whole.write_bytes(whole.read_bytes()[:-1])
    assert "cut short" in refusal(whole)
    whole.write_bytes(struct.pack("<Q", 1 << 60) + b"{}")
    assert "no safetensors file" in refusal(whole)
    assert "not on this machine" in refusal(tmp_path / "nowhere.safetensors")
    with pytest.raises(BackendError, match="folder; hf download owner/model fetches"):
        check_base(Path("owner/model"))


def test_files_are_told_apart_by_what_is_in_them(tmp_path):
    keys = {*ARCHITECTURES["sd1"].layers(ARCHITECTURES["sd1"].configs), *SD1}
    one, same = file_of(tmp_path, *keys), file_of(tmp_path, *keys, name="copy.safetensors")
    other = file_of(tmp_path, *keys, channels=5, name="other.safetensors")
    assert digest_of_base(one) == digest_of_base(same) != digest_of_base(other)
    of_unet = [key for key in keys if key.startswith("model.diffusion_model.")]
    assert (denoiser_weights(one), weights_in(one)) == (4 * len(of_unet), 4 * len(keys))


def test_the_tokenizer_is_that_of_clip():
    made = tokenizer.clip_tokenizer()
    assert made("a photo of a cat").input_ids == [49406, 320, 1125, 539, 320, 2368, 49407]
    assert (made.model_max_length, made.pad_token_id, tokenizer.clip_tokenizer("!").pad_token_id) == (77, 49407, 0)


@pytest.fixture
def as_file(tmp_path, monkeypatch):
    """Makes one file of a pipeline; the package's configs are then this pipeline's."""

    def make(pipe, **more):
        layout = original_layout()
        layout.save_configs(pipe, tmp_path / "configs")
        layout.save_checkpoint(pipe, tmp_path / "model.safetensors", **more)
        monkeypatch.setattr(Architecture, "configs", property(lambda architecture: tmp_path / "configs"))
        monkeypatch.setattr(tokenizer, "clip_tokenizer", lambda pad_token="": pipe.tokenizer)
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        return tmp_path / "model.safetensors"

    return make


def drawn(base, settings=SETTINGS):
    backend = DiffusersBackend(base, settings, device="cpu")
    job = Job("j", JobKind.CANDIDATE, 1, 1, SHOT, "green hair", "", 1, {})
    return np.asarray(next(backend.draw([job], None))[0][1]).astype(int), backend


@pytest.mark.filterwarnings("ignore")
def test_sdxl_as_one_file_draws_as_its_folder_does(tiny_xl, as_file):
    from diffusers import StableDiffusionXLPipeline

    picture, backend = drawn(as_file(StableDiffusionXLPipeline.from_pretrained(tiny_xl, add_watermarker=False)))
    assert backend.base.architecture.name == "sdxl"
    assert abs(picture - drawn(tiny_xl)[0]).max() <= 1
    assert next(backend.base.pipe.vae.parameters()).dtype == torch.float32


@pytest.mark.filterwarnings("ignore")
def test_sd1_as_one_file_draws_as_its_folder_does_and_tells_its_schedule(tiny, as_file, tmp_path):
    from diffusers import StableDiffusionPipeline, UNet2DConditionModel

    pipe = StableDiffusionPipeline.from_pretrained(tiny, safety_checker=None, requires_safety_checker=False)
    torch.manual_seed(0)
    pipe.unet = UNet2DConditionModel.from_config({**pipe.unet.config, "layers_per_block": 2})  # as the real one
    pipe.save_pretrained(tmp_path / "folder")
    picture, _ = drawn(as_file(pipe))
    assert abs(picture - drawn(tmp_path / "folder")[0]).max() <= 1
    velocity = drawn(as_file(pipe, markers=("v_pred", "ztsnr")))[1]
    assert velocity.base.objective.name == "v_prediction"
    assert float(velocity.base.objective.alphas_cumprod[-1]) == 0


@pytest.mark.filterwarnings("ignore")
def test_novelais_names_and_the_vae_of_another_file_draw_the_same(tiny, as_file, tmp_path):
    from diffusers import StableDiffusionPipeline, UNet2DConditionModel

    pipe = StableDiffusionPipeline.from_pretrained(tiny, safety_checker=None, requires_safety_checker=False)
    pipe.unet = UNet2DConditionModel.from_config({**pipe.unet.config, "layers_per_block": 2})
    path = as_file(pipe)
    picture, _ = drawn(path)
    tensors = load_file(path)
    vae = {key: tensors.pop(key) for key in list(tensors) if key.startswith("first_stage_model.")}
    save_file({key.removeprefix("first_stage_model."): one for key, one in vae.items()}, tmp_path / "vae.safetensors")
    text = "cond_stage_model.transformer."
    save_file({key.replace(f"{text}text_model.", text): one for key, one in tensors.items()}, path)
    settings = SETTINGS.model_copy(update={"vae": str(tmp_path / "vae.safetensors")})
    assert (picture == drawn(path, settings)[0]).all()
    with pytest.raises(BackendError, match="no VAE in it; give one: --vae"):
        drawn(path)


def test_a_base_that_does_not_fit_is_refused_before_it_is_loaded(tiny, monkeypatch):
    monkeypatch.setattr("bootstrap.machine.inventory.memory", lambda: 1e-4)
    with pytest.raises(BackendError, match=r"take 0\.\d GB, cpu has 0\.0; choose a smaller base, or halve"):
        DiffusersBackend(tiny, SETTINGS, device="cpu")


def test_shipped_configs_of_single_files_are_whole():
    for architecture in [one for one in ARCHITECTURES.values() if one.checkpoint]:
        index = json.loads((architecture.configs / "model_index.json").read_text())
        assert index["_class_name"] == architecture.pipeline
        assert all((architecture.configs / part / "config.json").is_file() for part in architecture.weighted_parts)
