"""The shipped scoring models load through their public loaders and see what is drawn; their trainers learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bootstrap.puppets import shipped
from bootstrap.puppets.anatomy import sample_puppet
from bootstrap.puppets.render import render
from bootstrap.puppets.scene import sample_shot

torch = pytest.importorskip("torch")

FIRST_UNSEEN = 70_000_000


def draw(seed: int, **fixed: Any) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A plain drawing of an unseen puppet."""
    plain = {"style": "cel shading", "background": "simple background", "framing": "portrait", "expression": "smile"}
    shot = sample_shot(np.random.default_rng(seed), **{**plain, "pose": "standing", **fixed})
    return render(sample_puppet(FIRST_UNSEEN + seed), shot).image


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def clip() -> Any:
    import open_clip

    folder = f"local-dir:{shipped.clip_dir()}"
    model, preprocess = open_clip.create_model_from_pretrained(folder)
    return model.eval(), preprocess, open_clip.get_tokenizer(folder)


def zero_shot(clip: Any, image: Any, prompts: list[str]) -> str:
    from PIL import Image

    model, preprocess, tokenizer = clip
    with torch.no_grad():
        seen = model.encode_image(preprocess(Image.fromarray(image))[None], normalize=True)
        texts = model.encode_text(tokenizer(prompts), normalize=True)
    return prompts[int((seen @ texts.T).argmax())]


def test_clip_tells_front_from_behind(clip: Any) -> None:
    prompts = ["from front", "from behind"]
    drawn = [
        (draw(seed, view_family=view_family), f"from {view_family}")
        for seed in range(5)
        for view_family in ("front", "behind")
    ]
    right = [zero_shot(clip, image, prompts) == view for image, view in drawn]
    assert sum(right) >= 9


def test_clip_names_hair_colors(clip: Any) -> None:
    colors = ["blonde hair", "red hair", "blue hair", "green hair"]
    right = []
    for seed in range(60):
        color = f"{sample_puppet(FIRST_UNSEEN + seed).named.hair_color} hair"
        if color in colors:
            right.append(zero_shot(clip, draw(seed, view_family="front"), colors) == color)
    assert len(right) >= 8
    assert sum(right) >= 0.85 * len(right)


def test_clip_also_loads_by_model_config(clip: Any) -> None:
    import open_clip

    open_clip.add_model_config(shipped.clip_dir())
    weights = str(shipped.clip_dir() / "open_clip.safetensors")
    model = open_clip.create_model_from_pretrained("puppet-clip", pretrained=weights, return_transform=False)
    tokens = clip[2](["from behind, blue hair"])
    with torch.no_grad():
        assert torch.allclose(model.eval().encode_text(tokens), clip[0].encode_text(tokens))


@pytest.fixture(scope="module")
def pack() -> Any:
    from insightface.app import FaceAnalysis

    pack = FaceAnalysis(name=str(shipped.face_dir()), providers=["CPUExecutionProvider"])
    pack.prepare(ctx_id=-1, det_size=(128, 128))
    return pack


def faces(pack: Any, image: Any) -> list[Any]:
    found: list[Any] = pack.get(np.ascontiguousarray(image[:, :, ::-1]))
    return found


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_face_is_found_in_front_and_not_behind(pack: Any) -> None:
    front = [len(faces(pack, draw(seed, view_family="front"))) for seed in range(8)]
    behind = [len(faces(pack, draw(seed, view_family="behind"))) for seed in range(8)]
    assert sum(count == 1 for count in front) >= 7
    assert sum(behind) <= 1


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_face_keypoints_lie_in_the_box_and_embedding_knows_her(pack: Any) -> None:
    first = faces(pack, draw(3, view_family="front", expression="neutral expression"))[0]
    again = faces(pack, draw(3, view_family="front", background="sky"))[0]
    other = faces(pack, draw(4, view_family="front"))[0]
    left, top, right, bottom = first.bbox
    assert ((first.kps > (left, top)) & (first.kps < (right, bottom))).all()
    assert first.kps[0, 0] < first.kps[1, 0]
    assert first.normed_embedding @ again.normed_embedding > first.normed_embedding @ other.normed_embedding


def test_heldout_gives_unit_embeddings_that_know_her() -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(
        str(shipped.heldout_dir() / "heldout.onnx"), providers=["CPUExecutionProvider"]
    )
    pictures = np.stack(
        [draw(3, view_family="front"), draw(3, view_family="front", background="sky"), draw(4, view_family="front")]
    )
    images = (pictures.transpose(0, 3, 1, 2) / 127.5 - 1).astype(np.float32)
    embeddings = session.run(None, {"images": images})[0]
    assert np.allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-4)
    assert embeddings[0] @ embeddings[1] > embeddings[0] @ embeddings[2]


@pytest.fixture(scope="module")
def drawings() -> Any:
    from bootstrap.puppets.train.individuals import draw_groups

    return draw_groups("unseen", range(4))


@pytest.fixture(scope="module")
def material(drawings: Any) -> Any:
    """The gallery, and its pictures once more in place of single drawings."""
    from bootstrap.puppets.train.attributes import attributes
    from bootstrap.puppets.train.material import Material
    from bootstrap.puppets.train.twins import framings

    specs, images = drawings.specs * 2, np.concatenate([drawings.images] * 2)
    unnamed = attributes([puppet for puppet, _ in specs])
    return Material(images, images, specs, framings(specs), unnamed, len(drawings))


def test_clip_training_lowers_its_losses(material: Any, tmp_path: Path) -> None:
    from bootstrap.puppets.train import clip_folder
    from bootstrap.puppets.train import train_clip as trainer
    from bootstrap.puppets.train.train_options import TrainOptions

    clip_folder.write_configuration(tmp_path)
    options = TrainOptions(minutes=0.5, batch=12, workdir=tmp_path, device="cpu")
    run = trainer.ClipTraining(options, material, torch.device("cpu"), tmp_path)
    run.clock.spent = 5.0  # past the warm-up
    tags = [run.step()["tag"] for _ in range(8)]
    assert np.mean(tags[-3:]) < tags[0]


@pytest.mark.parametrize("name", ["detector", "recogniser", "heldout"])
def test_small_trainers_lower_their_losses(name: str, drawings: Any, material: Any) -> None:
    from bootstrap.puppets.train import face_detector, face_recogniser, train_heldout
    from bootstrap.puppets.train.orthogonal import Muon

    torch.manual_seed(0)

    def losses(model: Any) -> dict[str, Any]:
        rng = np.random.default_rng(0)  # the same batch every time
        if name == "detector":
            seen = face_detector.FaceBatch(drawings, 12, rng)
            return face_detector.detection_losses(model(seen.images), seen)
        if name == "recogniser":
            return face_recogniser.recognition_losses(model, drawings, material, 12, rng)
        return train_heldout.identity_losses(model, drawings, 12, rng)

    kinds = {
        "detector": face_detector.Detector,
        "recogniser": face_recogniser.RecogniserWithHead,
        "heldout": train_heldout.HeldoutNet,
    }
    model = kinds[name]()
    optimizer = Muon(model, 3e-3)
    history = []
    for _ in range(6):
        total = torch.stack(list(losses(model).values())).sum()
        history.append(float(total.detach()))
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    assert history[-1] < history[0]


def test_words_of_captions_are_one_token_each_and_any_word_survives(tmp_path: Path) -> None:
    import open_clip

    from bootstrap.puppets import captions
    from bootstrap.puppets.train import clip_folder

    clip_folder.write_configuration(tmp_path)
    tokenizer = open_clip.get_tokenizer(f"local-dir:{tmp_path}").tokenizer
    plain = [word for word in captions.words() if word.isalpha()]
    assert all(len(tokenizer(word, add_special_tokens=False).input_ids) == 1 for word in plain)
    assert tokenizer.decode(tokenizer("mikachr zürich", add_special_tokens=False).input_ids).split() == [
        "mikachr",
        "zürich",
    ]


def test_alignment_puts_keypoints_on_the_template() -> None:
    from bootstrap.puppets.train.face_recogniser import TEMPLATE, align

    picture = torch.zeros(1, 3, 96, 96)
    keypoints = TEMPLATE * 0.4 + (20.0, 15.0)
    column, row = np.round(keypoints[2]).astype(int)
    picture[0, :, row, column] = 1
    face = align(picture, keypoints[None])[0, 0].numpy()
    peak = np.unravel_index(face.argmax(), face.shape)
    assert np.abs(np.array(peak)[::-1] - TEMPLATE[2]).max() < 2


def test_auc_counts_wins_and_ties() -> None:
    from bootstrap.puppets.train.measures import auc

    assert auc(np.array([0.9, 0.8]), np.array([0.1, 0.2])) == 1.0
    assert auc(np.array([0.5, 0.5]), np.array([0.5])) == 0.5
    assert np.isnan(auc(np.array([]), np.array([0.5])))


def test_clip_training_goes_on_from_the_shipped_weights(material: Any, tmp_path: Path) -> None:
    from bootstrap.puppets import shipped
    from bootstrap.puppets.train import clip_folder
    from bootstrap.puppets.train import train_clip as trainer
    from bootstrap.puppets.train.train_options import TrainOptions

    clip_folder.write_configuration(tmp_path)
    fresh = TrainOptions(minutes=0.5, batch=12, workdir=tmp_path / "a", device="cpu")
    going_on = TrainOptions(minutes=0.5, batch=12, workdir=tmp_path / "b", device="cpu", start=shipped.clip_dir())
    first, second = (
        trainer.ClipTraining(one, material, torch.device("cpu"), tmp_path).step() for one in (fresh, going_on)
    )
    assert second["tag"] < first["tag"]
    assert second["identity"] < first["identity"]


def test_ccip_training_lowers_its_losses_and_its_graph_is_what_the_scorer_opens(
    material: Any, drawings: Any, tmp_path: Path
) -> None:
    from PIL import Image

    from bootstrap.puppets.train import train_ccip
    from bootstrap.puppets.train.clip_batches import phrase_truths
    from bootstrap.puppets.train.orthogonal import Muon
    from scoring.ccip import CcipEncoder

    torch.manual_seed(0)
    net = train_ccip.CcipWithHeads()
    optimizer, truths, rng = Muon(net, 2e-3), phrase_truths(material.specs), np.random.default_rng(0)
    totals = []
    for _ in range(12):
        losses = train_ccip.losses(net, material, truths, 24, rng)
        assert set(losses) == {"tags", "unnamed", "identity"}
        optimizer.zero_grad()
        total = torch.stack(list(losses.values())).sum()
        total.backward()
        optimizer.step()
        totals.append(float(total.detach()))
    assert np.mean(totals[-3:]) < np.mean(totals[:3])
    train_ccip.write(net.encoder, tmp_path)
    scores = train_ccip.measure(tmp_path, drawings, drawings.images)
    assert all(0 <= value <= 1 for value in scores.values())
    assert CcipEncoder(tmp_path).embed([Image.fromarray(drawings.images[0])]).shape == (1, train_ccip.EMBEDDING)
