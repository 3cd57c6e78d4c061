"""The base model: what is shipped loads and draws; every trainer's step lowers its loss."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import CLIPTokenizer

from bootstrap.puppets import shipped
from bootstrap.puppets.train import fit_loop, training_state
from bootstrap.puppets.train.base_folder import BaseParts, read_base, write_base
from bootstrap.puppets.train.caption_sampling import sample_caption, visible_tags
from bootstrap.puppets.train.data import dataset, picture_spec, render_many
from bootstrap.puppets.train.orthogonal import Muon, orthogonalize
from bootstrap.puppets.train.train_base import head_weights, new_unet, noised, velocity_loss
from bootstrap.puppets.train.train_options import TrainOptions
from bootstrap.puppets.train.train_text import (
    TagClassifier,
    classification_loss,
    find_classes,
    new_text_encoder,
    new_tokenizer,
    tokens,
)
from bootstrap.puppets.train.train_vae import new_vae, to_signed, vae_losses


@pytest.fixture(autouse=True)
def _calm() -> None:
    torch.manual_seed(0)


def test_shipped_base_draws_a_finite_picture() -> None:
    from diffusers import StableDiffusionPipeline

    pipeline = StableDiffusionPipeline.from_pretrained(shipped.base_dir(), safety_checker=None)
    pipeline.set_progress_bar_config(disable=True)
    drawn = pipeline("1girl, solo, blue hair", num_inference_steps=2, output_type="np").images
    assert drawn.shape == (1, 96, 96, 3)
    assert np.isfinite(drawn).all()
    assert drawn.std() > 0.02


def test_shipped_autoencoder_keeps_a_drawing() -> None:
    vae = read_base(shipped.base_dir()).vae
    pictures = to_signed(render_many([picture_spec("unseen", index) for index in range(4)], workers=1))
    with torch.inference_mode():
        decoded = vae.decode(vae.encode(pictures).latents).sample
    assert (decoded - pictures).abs().mean() < 0.1


def test_an_unknown_word_is_spelled_and_the_vocabulary_is_whole(tmp_path: Path) -> None:
    tokenizer = new_tokenizer(tmp_path)
    start, *inner, end = tokenizer("zyxqua, blue hair").input_ids
    assert (start, end) == (tokenizer.bos_token_id, tokenizer.eos_token_id)
    assert tokenizer.eos_token_id not in inner
    assert tokenizer.decode(inner).replace(" ", "") == "zyxqua,bluehair"
    assert len(tokenizer("twintails", add_special_tokens=False).input_ids) == 1


def test_the_shipped_tokenizer_knows_every_caption_word() -> None:
    from bootstrap.puppets.captions import words

    tokenizer = CLIPTokenizer.from_pretrained(shipped.base_dir() / "tokenizer")
    parts = {part for word in words() for part in word.split("-") if part.isalpha()}
    assert [part for part in parts if len(tokenizer(part, add_special_tokens=False).input_ids) != 1] == []


def test_sampled_captions_drop_tags_and_name_nothing_hidden() -> None:
    puppet, shot, _ = picture_spec("unseen", 3)
    visible = visible_tags(puppet, shot)
    rng = np.random.default_rng(0)
    kept = [sample_caption(visible, rng, shuffle_odds=0.5)[1] for _ in range(40)]
    assert all(tags.items() <= visible.items() for tags in kept)
    assert len({len(tags) for tags in kept}) > 2


def test_a_data_set_grows_without_drawing_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bootstrap.puppets.train.data.SHARD", 3)
    small = dataset(3, "unseen", tmp_path, workers=1)
    shard = next((tmp_path / "pictures").iterdir())
    written = shard.stat().st_mtime_ns
    grown = dataset(5, "unseen", tmp_path, workers=1)
    assert grown.images.shape == (5, 96, 96, 3)
    assert (grown.images[:3] == small.images).all()
    assert shard.stat().st_mtime_ns == written
    assert grown.caption(4).startswith("1girl, solo")


def test_autoencoder_steps_lower_the_error() -> None:
    images = render_many([picture_spec("unseen", index) for index in range(4)], workers=1)
    vae = new_vae(width=16)
    optimizer = Muon(vae, 2e-3)
    losses = [_step(optimizer, sum(vae_losses(vae, to_signed(images[:, :32, :32])).values())) for _ in range(12)]
    assert losses[-1] < 0.9 * losses[0]


def test_text_steps_lower_the_loss(tmp_path: Path) -> None:
    tokenizer = new_tokenizer(tmp_path)
    rng = np.random.default_rng(0)
    visible = [visible_tags(*picture_spec("unseen", index)[:2]) for index in range(8)]
    captions, captioned = zip(*(sample_caption(tags, rng) for tags in visible), strict=True)
    classes = find_classes(visible)
    classifier = TagClassifier(new_text_encoder(tokenizer, layers=1), classes)
    optimizer = torch.optim.AdamW(classifier.parameters(), 3e-3)
    ids = tokens(tokenizer, captions, padded=False)
    losses = [_step(optimizer, classification_loss(classifier, ids, captioned, classes)) for _ in range(6)]
    assert losses[-1] < 0.8 * losses[0]


def test_unet_steps_lower_the_loss() -> None:
    unet = new_unet(widths=(32, 32), layers=1)
    clean, states = torch.randn(1, 16, 1, 1).expand(4, 16, 12, 12), torch.randn(4, 8, 160)
    optimizer = torch.optim.AdamW(unet.parameters(), 3e-3)
    places = head_weights(["portrait"] * len(clean), clean.shape[-1])
    losses = [_step(optimizer, velocity_loss(unet, noised(clean, places), states)) for _ in range(10)]
    assert losses[-1] < 0.9 * losses[0]


def test_a_written_base_is_read_again(tmp_path: Path) -> None:
    tokenizer = new_tokenizer(tmp_path / "words")
    parts = BaseParts(new_vae(16), tokenizer, new_text_encoder(tokenizer, 1), new_unet((32, 32), 1))
    folder = tmp_path / "base"
    folder.mkdir()
    (folder / "README.md").write_text("mine", encoding="utf-8")
    parts.vae.register_to_config(scaling_factor=1.5)
    write_base(folder, parts)
    read = read_base(folder)
    assert read.vae.config.scaling_factor == 1.5
    before, after = parts.unet.conv_in.weight, read.unet.conv_in.weight
    assert after.dtype == torch.float32
    torch.testing.assert_close(before.contiguous(), after, atol=1e-3, rtol=1e-2)
    assert (folder / "README.md").read_text(encoding="utf-8") == "mine"


def test_orthogonal_steps_have_equal_singular_values() -> None:
    values = torch.linalg.svdvals(orthogonalize(torch.randn(1, 24, 40))[0])
    assert values.min() > 0.5
    assert values.max() < 1.4


def test_an_interrupted_training_goes_on(tmp_path: Path) -> None:
    counted: list[int] = []

    def lesson(model: torch.nn.Module, rng: np.random.Generator) -> dict[str, torch.Tensor]:
        counted.append(1)
        return {"loss": model(torch.ones(2, 4)).square().mean()}

    for steps in (5, 8):
        model = torch.nn.Linear(4, 4)
        fit_loop.fit("tiny", model, lesson, TrainOptions(workdir=tmp_path, steps=steps), 1.0, 1e-3)
    state = training_state.load_checkpoint(tmp_path / "tiny" / "state.pt")
    assert state is not None
    assert state["clock"]["step"] == 8
    assert len(counted) == 8


def _step(optimizer: torch.optim.Optimizer, loss: torch.Tensor | int) -> float:
    assert isinstance(loss, torch.Tensor)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return float(loss.detach())
