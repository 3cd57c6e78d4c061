"""A wider decoder learns behind a trained encoder, whose latents keep their meaning."""

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


def test_latents_stay_as_they_were(tmp_path):
    trained = new_vae()
    trained.register_to_config(scaling_factor=0.7)
    wider, pictures = train_decoder.widened(trained, 40), to_signed(drawings(tmp_path, 2))
    with torch.no_grad():
        assert torch.equal(wider.encoder(pictures), trained.encoder(pictures))
    assert wider.config["scaling_factor"] == 0.7
    assert training_state.count_parameters(wider.decoder) > 1.4 * training_state.count_parameters(trained.decoder)
    assert train_decoder.widened(wider, 40) is wider


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
    assert after.vae.config["decoder_block_out_channels"] == [train_decoder.WIDTH] * 4
    pictures = to_signed(drawings(tmp_path, 8))
    with torch.no_grad():
        assert torch.allclose(after.vae.encoder(pictures), before.vae.encoder(pictures), atol=1e-3)
