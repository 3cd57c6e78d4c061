"""Drawing from references by edit pipelines: the real classes, tiny, with random weights."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bootstrap.backends.outside import loaded_editor
from bootstrap.backends.outside.edit_drawer import EditDrawer
from bootstrap.backends.outside.edit_files import find_edit_files
from bootstrap.backends.outside.edit_pipelines import EDITS, EditJob
from bootstrap.backends.outside.edit_settings import EditSettings
from bootstrap.backends.outside.loaded_editor import LoadedEditor
from bootstrap.errors import BackendError
from bootstrap.records import Job, JobKind, Reference, Shot
from tests.tiny_edit_models import build_klein, build_qwen

KLEIN = EditSettings(
    name="klein", path="x", pipeline="Flux2KleinPipeline", steps=1, width=128, height=64,
    shapes={"full body": [[1, 2]]},
)  # fmt: skip
QWEN = EditSettings(
    name="qwen-edit", path="x", pipeline="QwenImageEditPlusPipeline", steps=1, guidance_scale=9.0, width=64, height=96
)
CAMERA = {"template": "{azimuth}", "azimuth": {"*": "a"}, "elevation": {"*": "b"}, "distance": {"*": "c"}}


@pytest.fixture(scope="session")
def klein(tmp_path_factory):
    return build_klein(tmp_path_factory.mktemp("klein"))


@pytest.fixture(scope="session")
def qwen(tmp_path_factory):
    return build_qwen(tmp_path_factory.mktemp("qwen"))


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """Two references, in a folder of their own."""
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(2):
        noise = np.random.default_rng(number).integers(0, 255, (64, 96, 3), np.uint8)
        Image.fromarray(noise).save(folder / f"{number}.png")
    return folder


@pytest.fixture(autouse=True)
def small_references(monkeypatch):
    """Qwen's pipeline enlarges them to a megapixel."""
    name = "diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus"
    monkeypatch.setattr(f"{name}.VAE_IMAGE_SIZE", 64 * 64)
    monkeypatch.setattr(f"{name}.CONDITION_IMAGE_SIZE", 64 * 64)


def drawer(folder, settings, pictures, **more):
    settings = settings.model_copy(update={"path": str(folder), **more})
    return EditDrawer(settings, find_edit_files(settings), pictures, "cpu")


def job(name, pictures=None, shown=(), seed=1, framing="upper body", prompt="from behind", negative=""):
    references = []
    for number in shown:
        data = (pictures / f"{number}.png").read_bytes()
        references.append(Reference(f"{number}.png", hashlib.sha256(data).hexdigest()))
    shot = Shot("behind", "behind", framing)
    return Job(name, JobKind.CANDIDATE, 1, 1, shot, prompt, negative, seed, {}, tuple(references))


def drawn(drawer, *jobs):
    batches = list(drawer.draw(jobs, None))
    assert all(len(batch) == 1 for batch in batches)
    assert [batch[0][0] for batch in batches] == list(jobs)
    return [np.asarray(batch[0][1]).astype(int) for batch in batches]


def same(one, other):
    return np.array_equal(one, other)


def test_klein_draws_from_references_in_order_and_each_picture_for_itself(klein, pictures):
    own = drawer(klein, KLEIN, pictures)
    first, second = job("a", pictures, (0, 1)), job("b", pictures, (1, 0))
    by_words, tall = job("c"), job("d", pictures, (0, 1), framing="full body")
    together = drawn(own, first, second, by_words, tall)
    assert not any(same(together[0], other) for other in together[1:3])
    assert [picture.shape for picture in together[2:]] == [(64, 128, 3), (128, 64, 3)]
    assert same(drawn(own, second)[0], together[1])
    other_seed, other_words = job("a", pictures, (0, 1), seed=2), job("a", pictures, (0, 1), prompt="from above")
    for picture in drawn(own, other_seed, other_words):
        assert not same(picture, together[0])


def test_qwen_sees_references_and_the_negative_prompt(qwen, pictures):
    own = drawer(qwen, QWEN, pictures)
    jobs = [job("a", pictures, (0,)), job("b", pictures, (1,)), job("c", pictures, (0, 1)),
            job("d", pictures, (0,), negative="blurry")]  # fmt: skip
    found = drawn(own, *jobs)
    assert found[0].shape == (96, 64, 3)
    assert not any(same(found[0], other) for other in found[1:])
    assert same(drawn(own, jobs[2])[0], found[2])
    with pytest.raises(BackendError, match="has no reference"):
        drawn(own, job("e"))


def test_a_reference_that_was_altered_is_refused(klein, pictures):
    one = job("a", pictures, (0,))
    wrong = Reference("1.png", one.references[0].sha256)
    with pytest.raises(BackendError, match="was altered"):
        drawn(drawer(klein, KLEIN, pictures), replace(one, references=(wrong,)))


@pytest.mark.parametrize("pipeline", EDITS)
def test_a_strip_of_a_reference_is_refused(pipeline):
    with pytest.raises(BackendError, match="is a strip of 9x80 pixels"):
        EDITS[pipeline].check(EditJob(job("a"), [Image.new("RGB", (9, 80))], (64, 64)))


def test_a_lora_of_the_run_is_refused_before_anything_is_loaded(tmp_path, klein, pictures):
    with pytest.raises(BackendError, match="cannot use a LoRA"):
        next(drawer(klein, KLEIN, pictures).draw([job("a")], tmp_path / "lora.safetensors"))


def test_weights_and_settings_have_a_fingerprint_without_being_loaded(klein, qwen, pictures):
    prints = [
        drawer(klein, KLEIN, pictures).fingerprint,
        drawer(klein, KLEIN, pictures, steps=2).fingerprint,
        drawer(qwen, QWEN, pictures).fingerprint,
    ]
    assert len(set(prints)) == 3
    assert drawer(klein, KLEIN, pictures, about="another text", offload="blocks").fingerprint == prints[0]


def test_parts_are_loaded_in_turn_and_the_base_makes_room_until_the_end(klein, pictures, monkeypatch):
    happened = []

    class Turns:
        def __init__(self, models, device, instead_of=()):
            self.names = "+".join(type(model).__name__[:4] for model in models)

        def __enter__(self):
            happened.append(f"{self.names} in")

        def __exit__(self, *error):
            happened.append(f"{self.names} out")

    class Base:
        def to(self, device):
            happened.append(f"base to {device}")

    monkeypatch.setattr(loaded_editor, "Offloaded", Turns)
    settings = KLEIN.model_copy(update={"path": str(klein)})
    own = EditDrawer(settings, find_edit_files(settings), pictures, "cpu", lambda: [Base()])
    drawing = own.draw([job("a"), job("b")], None)
    next(drawing)
    assert happened == ["base to cpu", "Flux+Auto in", "Qwen in", "Qwen out"]
    drawing.close()
    assert happened[4:] == ["Flux+Auto out", "base to cpu"]


@pytest.mark.parametrize("offload", ["text", "blocks", "none"])
def test_parts_that_are_loaded_in_turn_draw_the_same_picture(klein, pictures, offload):
    """On a device that is no "cpu" by name, so that accelerate's hooks and diffusers' move the parts."""
    one = job("a", pictures, (0,))
    (plain,) = drawn(drawer(klein, KLEIN, pictures), one)
    settings = KLEIN.model_copy(update={"path": str(klein), "offload": offload, "dtype": "float32"})
    editor = LoadedEditor(find_edit_files(settings), settings, "cpu:0", tuple)
    asked = EditJob(one, [Image.open(pictures / "0.png")], (128, 64))
    for _ in range(2):
        with editor.working():
            (text,) = editor.read([asked])
            assert abs(np.asarray(editor.draw(asked, text)).astype(int) - plain).max() <= 1


def test_the_vae_works_in_tiles_once(klein, pictures):
    own = drawer(klein, KLEIN, pictures, width=1024)
    assert [own.use_tiles(), own.use_tiles()] == [True, False]
    assert not drawer(klein, KLEIN, pictures).use_tiles()


def test_a_camera_lora_draws_too(qwen, pictures, tmp_path):
    from diffusers import QwenImageEditPlusPipeline, QwenImageTransformer2DModel
    from peft import LoraConfig, get_peft_model_state_dict

    model = QwenImageTransformer2DModel.from_pretrained(qwen / "transformer")
    model.add_adapter(LoraConfig(r=2, target_modules=["to_q", "to_v"], init_lora_weights=False))
    QwenImageEditPlusPipeline.save_lora_weights(
        tmp_path, get_peft_model_state_dict(model), weight_name="angles.safetensors"
    )
    lora = {"path": str(tmp_path), "file": "angles.safetensors", "weight": 1.0}
    turned = EditSettings(**{**QWEN.model_dump(), "camera": CAMERA, "camera_lora": lora})
    one = job("a", pictures, (0,))
    plain, with_camera = (drawer(qwen, settings, pictures) for settings in (QWEN, turned))
    assert not same(drawn(plain, one)[0], drawn(with_camera, one)[0])
    assert plain.fingerprint != with_camera.fingerprint
