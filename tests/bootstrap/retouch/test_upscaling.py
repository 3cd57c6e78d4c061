"""Upscaling: real files of a tiny real architecture, tiles, memory, and what is refused."""

import pickle

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from bootstrap.errors import OutOfMemoryError, UsageError
from bootstrap.retouch.upscale_guard import changed
from bootstrap.retouch.upscale_models import LANCZOS, Lanczos, ModelUpscaler, find_upscaler, open_upscaler
from bootstrap.retouch.upscaled_files import upscaled_view
from bootstrap.retouch.upscaling import needs_upscaling, upscale
from bootstrap.seeds.alpha import subject_of
from bootstrap.seeds.views import View
from tests.tiny_upscalers import compact_file


def noise(width, height, number=0):
    pixels = np.random.default_rng(number).integers(0, 255, (height // 8, width // 8, 3), np.uint8)
    return Image.fromarray(pixels).resize((width, height), Image.Resampling.NEAREST)


@pytest.mark.parametrize("name", ["2x.pth", "2x.safetensors"])
def test_a_model_is_loaded_by_its_path_and_enlarges_in_tiles_without_a_seam(tmp_path, name):
    image = noise(700, 90)
    upscaler = open_upscaler(str(compact_file(tmp_path / name)), "cpu")
    assert (upscaler.name, upscaler.scale) == (name, 2)
    made = upscaler.enlarge(image)
    assert np.array_equal(made, image.resize((1400, 180), Image.Resampling.NEAREST))
    assert upscale(image, upscaler, {}, side=120).image.size == (933, 120)
    assert upscale(image, upscaler, {}, side=50).image.size == image.size, "never reduced"


def test_a_model_is_found_by_its_name_where_comfyui_keeps_it(tmp_path, monkeypatch):
    file = compact_file(tmp_path / "ComfyUI/models/upscale_models/4x-Own.pth")
    monkeypatch.chdir(tmp_path)
    for given in ("4x-Own", "4x-Own.pth"):
        assert find_upscaler(given) == str(file)
    assert find_upscaler("Lanczos") == LANCZOS
    with pytest.raises(UsageError, match=r'no upscaling model "4x-Owm.pth".*did you mean .*4x-Own.pth'):
        find_upscaler("4x-Owm.pth")


class Evil:
    def __reduce__(self):
        return (print, ("executed",))


def test_files_that_are_no_upscaling_model_are_a_line_each_and_execute_nothing(tmp_path, capsys):
    (tmp_path / "a.pth").write_bytes(pickle.dumps({"params": Evil()}))
    (tmp_path / "b.safetensors").write_bytes(b"no weights")
    torch.save({"lora_unet": torch.zeros(3)}, tmp_path / "c.pth")
    torch.save([1, 2], tmp_path / "d.pth")
    (tmp_path / "e.onnx").write_bytes(b"x")
    said = {"a.pth": "as weights", "b.safetensors": "as weights", "c.pth": "no upscaling model", "d.pth": "a list"}
    for name, words in {**said, "e.onnx": "no file of an upscaling model"}.items():
        with pytest.raises(UsageError, match=f"{name}.*{words}") as caught:
            open_upscaler(str(tmp_path / name))
        assert "\n" not in str(caught.value)
    assert "executed" not in capsys.readouterr().out


def test_a_model_for_another_purpose_is_refused(tmp_path):
    import spandrel

    class Filler(spandrel.Architecture):
        def __init__(self):
            super().__init__(id="filler", detect=lambda state: "filler" in state)

        def load(self, state_dict):
            model = torch.nn.ParameterDict(state_dict)
            return spandrel.MaskedImageModelDescriptor(model, state_dict, self, "Inpainting", [], True, True, 3, 3)

    spandrel.MAIN_REGISTRY.add(spandrel.ArchSupport.from_architecture(Filler()))
    torch.save({"filler": torch.zeros(3), "other": torch.zeros(1)}, tmp_path / "lama.pth")
    with pytest.raises(UsageError, match="fills holes"):
        open_upscaler(str(tmp_path / "lama.pth"))


class Short:
    """A model on a card on which a tile of more than ``most`` pixels a side does not fit."""

    scale, dtype, tiling = 2, torch.float32, None

    def __init__(self, most):
        self.most, self.sides = most, []

    def __call__(self, pixels):
        self.sides.append(max(pixels.shape[2:]))
        if self.sides[-1] > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return torch.nn.functional.interpolate(pixels, scale_factor=2, mode="nearest")


def test_tiles_are_halved_where_memory_runs_out(tmp_path):
    (tmp_path / "x.pth").write_bytes(b"weights")
    image = noise(640, 640)
    model = Short(200)
    made = ModelUpscaler(tmp_path / "x.pth", model, "cpu").enlarge(image)
    assert np.array_equal(made, image.resize((1280, 1280), Image.Resampling.NEAREST))
    assert model.sides[:3] == [544, 320, 192] or model.sides[:2] == [544, 288]
    with pytest.raises(OutOfMemoryError, match="memory ran out"):
        ModelUpscaler(tmp_path / "x.pth", Short(20), "cpu").enlarge(image)


class Sees:
    """An encoder that answers as it is told: a vector for each picture, in order."""

    fingerprint = "sees"

    def __init__(self, *rows):
        self.rows = np.array(rows, np.float32)

    def embed(self, images):
        return self.rows[: len(images)]


def test_what_shows_something_else_than_its_original_is_refused_with_the_value(tmp_path):
    image = noise(256, 256)
    shifted = open_upscaler(str(compact_file(tmp_path / "bright.pth", shift=0.25)), "cpu")
    done = upscale(image, shifted, {})
    assert "of 255 levels (at most 12)" in done.refused
    assert np.array_equal(done.image, image.resize((512, 512), Image.Resampling.LANCZOS))
    face = image.resize((512, 512))
    face.paste((255, 255, 255), (64, 64, 100, 100))
    assert "a part of it differs" in changed(image, face, {})
    kept = open_upscaler(str(compact_file(tmp_path / "2x.pth")), "cpu")
    half = [0.95, 0.3122499]
    stranger = upscale(image, kept, {"ccip": Sees([1, 0], [0.6, 0.8], half)})
    assert stranger.refused == '"ccip" sees another character in it: likeness 0.60 to the original (at least 0.92)'
    assert upscale(image, kept, {"ccip": Sees([1, 0], [0.96, 0.28], half)}).refused == ""
    assert "too many pixels" in upscale(Image.new("RGB", (5000, 3000)), kept, {}).refused


def test_models_of_scale_1_restore_what_is_blurred_and_others_enlarge_what_is_small(tmp_path):
    sharp = noise(256, 256)
    blurred = sharp.filter(ImageFilter.GaussianBlur(6))
    restoring, enlarging = (open_upscaler(str(compact_file(tmp_path / f"{n}x.pth", n)), "cpu") for n in (1, 2))
    assert [needs_upscaling(one, restoring, 256) for one in (sharp, blurred)] == [False, True]
    assert [needs_upscaling(one, enlarging, side) for one, side in ((sharp, 256), (blurred, 512))] == [False, True]
    assert upscale(blurred, restoring, {}).image.size == (256, 256)
    assert needs_upscaling(sharp, Lanczos(), 512)


def test_transparency_stays(tmp_path):
    clear = noise(100, 80).convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize((100, 80)))
    clear.save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    white = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear).convert("RGB")
    made, one = upscaled_view(
        View("a.png", white, data, 0), open_upscaler(str(compact_file(tmp_path / "2x.pth")), "cpu"), {}, 0
    )
    assert subject_of(made.data, (200, 160)) is not None
    assert (made.name, one.made, one.by_model) == ("a-upscaled.png", (200, 160), True)
