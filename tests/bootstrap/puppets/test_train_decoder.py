"""A deeper decoder learns behind a trained encoder, whose latents keep their meaning."""

import pytest
import torch

from bootstrap.puppets import shipped
from bootstrap.puppets.train import data, train_decoder, training_state
from bootstrap.puppets.train.base_folder import read_base
from bootstrap.puppets.train.orthogonal import Muon
from bootstrap.puppets.train.train_options import TrainOptions
from bootstrap.puppets.train.train_vae import new_vae, to_signed


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr("bootstrap.puppets.train.data.SHARD", 8)
    monkeypatch.setattr("bootstrap.puppets.train.train_decoder.UNSEEN_PICTURES", 8)


def drawings(folder, count=16):
    return data.dataset(count, "single", folder, 1).images


def test_a_deeper_decoder_begins_close_to_the_trained_one(tmp_path):
    trained, pictures = new_vae(), to_signed(drawings(tmp_path, 8))
    trained.register_to_config(scaling_factor=0.7)
    deeper = train_decoder.deepened(trained, pictures)
    with torch.no_grad():
        latents = trained.encoder(pictures)
        before, after = trained.decoder(latents), deeper.decoder(latents)
        assert torch.equal(deeper.encoder(pictures), latents)
    assert deeper.config["scaling_factor"] == 0.7
    assert (before - after).std() < 0.2 * before.std()
    assert training_state.count_parameters(deeper.decoder) > training_state.count_parameters(trained.decoder)
    assert train_decoder.deepened(deeper, pictures) is deeper


def test_a_few_steps_paint_better(tmp_path):
    vae, pictures = new_vae(decoder_width=32), to_signed(drawings(tmp_path))
    with torch.no_grad():
        latents = vae.encoder(pictures)
    optimizer = Muon(vae.decoder, 2e-3)
    seen = []
    for _ in range(16):
        losses = train_decoder.decoder_losses(vae.decoder, latents, pictures)
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
        seen.append(float(losses["error"].detach()))
    assert seen[-1] < 0.95 * seen[0]


def test_it_is_exported_into_a_base_that_draws_as_before(tmp_path):
    options = TrainOptions(minutes=1, steps=1, pictures=8, batch=4, workers=1, workdir=tmp_path, out=tmp_path / "base")
    train_decoder.train(options)
    before, after = read_base(shipped.base_dir()), read_base(tmp_path / "base")
    assert torch.equal(after.unet.conv_in.weight, before.unet.conv_in.weight)
    assert after.vae.config["num_decoder_blocks"][-1] == train_decoder.FULL_BLOCKS
    pictures = to_signed(drawings(tmp_path, 8))
    with torch.no_grad():
        assert torch.allclose(after.vae.encoder(pictures), before.vae.encoder(pictures), atol=1e-3)
