import json
import shutil

import pytest
import torch

from bootstrap.backends.architectures import ARCHITECTURES
from bootstrap.backends.bases import denoiser_weights
from bootstrap.backends.diffusers import DiffusersBackend
from bootstrap.backends.folder import check_folder, digest_of_weights, variant_of
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.errors import BackendError
from bootstrap.machine import device
from bootstrap.machine.device import pick_device, reporting_memory

SETTINGS = SamplingSettings(steps=1, width=32, height=32)


@pytest.fixture
def base(tiny, tmp_path):
    return shutil.copytree(tiny, tmp_path / "base")


def refusal(base):
    with pytest.raises(BackendError) as error:
        DiffusersBackend(base, SETTINGS, device="cpu")
    text = str(error.value)
    assert "\n" not in text
    assert "; " in text  # what to do
    return text


def test_a_whole_base_passes(base):
    check_folder(base)
    assert variant_of(base / "unet") is None


def test_a_damaged_file_and_an_empty_folder_are_no_base(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"x")
    assert "no safetensors file" in refusal(tmp_path / "model.safetensors")
    assert "model_index.json" in refusal(tmp_path)
    assert "model_index.json" in refusal(tmp_path / "nowhere")


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
def test_a_part_without_weights_is_named(base, part):
    for path in (base / part).glob("*.safetensors"):
        path.unlink()
    assert f"no weights in {part}" in refusal(base)


def test_a_part_that_is_not_there_is_named(base):
    shutil.rmtree(base / "tokenizer")
    assert "tokenizer" in refusal(base)
    (base / "unet" / "config.json").unlink()
    assert "unet/config.json" in refusal(base)


@pytest.mark.parametrize(
    ("architecture", "changes", "named"),
    [
        ("sdxl", {"transformer_layers_per_block": [0, [2, 2], [4, 4]]}, "transformer_layers_per_block"),
        ("sdxl", {"reverse_transformer_layers_per_block": [[4, 4, 10], [2, 1, 1], 1]}, "reverse_transformer"),
        ("sdxl", {"mid_block_type": None}, "mid_block_type is null"),
        ("sd1", {"layers_per_block": 1}, r"layers_per_block is \[1, 1, 1, 1\], not \[2, 2, 2, 2\]"),
        ("sd1", {"block_out_channels": [320, 640, 1280], "down_block_types": ["CrossAttnDownBlock2D"] * 3}, "layers"),
        ("sdxl", {"layers_per_block": [2, 2, 2], "transformer_layers_per_block": [1, 2, 10]}, ""),
        ("sd1", {"transformer_layers_per_block": 1}, ""),
        ("sd1", {"cross_attention_dim": 32, "layers_per_block": 1}, ""),
    ],
)
def test_a_folder_with_other_blocks_is_seen_before_it_is_loaded(tiny, tiny_xl, tmp_path, architecture, changes, named):
    base = shutil.copytree({"sd1": tiny, "sdxl": tiny_xl}[architecture], tmp_path / "base")
    config = json.loads((ARCHITECTURES[architecture].configs / "unet/config.json").read_text())
    (base / "unet/config.json").write_text(json.dumps(config | changes))
    if not named:
        check_folder(base)
        return
    with pytest.raises(BackendError, match=rf"has other blocks than Stable Diffusion .*{named}.*; choose a whole"):
        check_folder(base)


def test_a_pointer_of_git_lfs_is_no_weights(base):
    (base / "unet" / "diffusion_pytorch_model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\n")
    assert "git lfs pull" in refusal(base)


def test_another_kind_of_pipeline_is_named(base):
    index = base / "model_index.json"
    index.write_text(json.dumps({**json.loads(index.read_text()), "_class_name": "FluxPipeline"}))
    assert '"FluxPipeline"' in refusal(base)
    index.write_text("{")
    assert "model_index.json" in refusal(base)


def test_weights_cut_short_are_told_in_one_line(base):
    weights = base / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:2000])
    assert "does not load" in refusal(base)


def test_weights_named_fp16_alone_are_found(base):
    names = {"unet": "diffusion_pytorch_model", "vae": "diffusion_pytorch_model", "text_encoder": "model"}
    for part, name in names.items():
        (base / part / f"{name}.safetensors").rename(base / part / f"{name}.fp16.safetensors")
    assert variant_of(base / "unet") == "fp16"
    DiffusersBackend(base, SETTINGS, device="cpu")


def test_weights_are_counted_from_headers_once_and_guessed_from_old_files(base):
    unet = base / "unet"
    weights = unet / "diffusion_pytorch_model.safetensors"
    counted = denoiser_weights(base)
    assert counted > 100_000
    shutil.copy(weights, unet / "diffusion_pytorch_model.fp16.safetensors")
    assert denoiser_weights(base) == counted
    for path in unet.glob("*.safetensors"):
        path.unlink()
    (unet / "diffusion_pytorch_model.bin").write_bytes(b"0" * 68)
    assert denoiser_weights(base) == 17


def test_old_weights_files_tell_bases_apart_too(tmp_path):
    for name, data in (("a", b"1" * 9), ("b", b"2" * 9)):
        (tmp_path / name / "unet").mkdir(parents=True)
        (tmp_path / name / "unet" / "model.bin").write_bytes(data)
    assert digest_of_weights(tmp_path / "a") != digest_of_weights(tmp_path / "b")


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried"),
        MemoryError(),
    ],
    ids=["cuda", "mps", "cpu", "python"],
)
def test_memory_that_runs_out_is_one_line_on_every_device(error):
    with pytest.raises(BackendError, match=r"^memory ran out; lower batch_size$"), reporting_memory("lower batch_size"):
        raise error


def test_other_failures_are_left_alone():
    with pytest.raises(RuntimeError, match="shapes"), reporting_memory("x"):
        raise RuntimeError("shapes do not fit")


def test_a_device_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(device.torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(device.torch.backends.mps, "is_available", lambda: False)
    assert pick_device("auto") == "cpu"
    with pytest.raises(BackendError, match='device "cuda" is not there; choose cpu or auto'):
        pick_device("cuda")
