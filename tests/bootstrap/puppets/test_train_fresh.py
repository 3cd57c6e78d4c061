"""The base is trained on fresh drawings: batches in parts, a training that is killed and goes on, its command."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bootstrap.errors import OutOfMemoryError
from bootstrap.puppets import shipped
from bootstrap.puppets.train import fit_loop, train_base, training_state
from bootstrap.puppets.train.__main__ import main
from bootstrap.puppets.train.base_folder import read_base
from bootstrap.puppets.train.batch_step import BatchStep
from bootstrap.puppets.train.drawing_stream import DrawingStream
from bootstrap.puppets.train.fresh_drawings import ShardPlan
from bootstrap.puppets.train.latent_pool import LatentPool
from bootstrap.puppets.train.orthogonal import Muon
from bootstrap.puppets.train.pool_feed import PoolFeed
from bootstrap.puppets.train.train_base import START_BATCHES, BaseBatches, spelling
from bootstrap.puppets.train.train_options import TrainOptions

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _calm() -> None:
    torch.set_num_threads(1)


class Squares:
    """The mean square of what a model gives for a batch; memory holds `room` samples."""

    def __init__(self, room: int) -> None:
        self.batch, self.room = 8, room

    def in_parts(self, model, rng, parts):
        samples = torch.from_numpy(rng.standard_normal((self.batch, 4))).float()
        for part in samples.chunk(parts):
            if len(part) > self.room:
                raise RuntimeError("CUDA out of memory")
            yield {"square": model(part).square().mean(1).sum() / self.batch}


def stepped(room):
    torch.manual_seed(0)
    model = torch.nn.Linear(4, 4)
    step = BatchStep(model, torch.optim.SGD(model.parameters(), 0.1), Squares(room))
    losses = [step([0, number])["square"] for number in range(2)]
    return model.weight.detach(), torch.stack(losses), step.parts


def test_a_batch_that_memory_does_not_hold_is_computed_in_parts():
    whole, losses, _ = stepped(8)
    parted, same_losses, parts = stepped(2)
    assert parts == 4
    assert torch.allclose(whole, parted, atol=1e-6)
    assert torch.allclose(losses, same_losses, atol=1e-6)


def test_what_does_not_fit_in_parts_is_said():
    with pytest.raises(OutOfMemoryError, match="--batch"):
        stepped(0)


class NoisyNet(torch.nn.Module):
    """In place of the UNet: one convolution that also sees the mean of the text states."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.layer = torch.nn.Conv2d(16, 16, 3, padding=1)

    def forward(self, noisy, times, encoder_hidden_states):
        shown = (
            self.layer(noisy) + encoder_hidden_states.mean((1, 2))[:, None, None, None] + times.view(-1, 1, 1, 1) / 1e4
        )
        return type("Output", (), {"sample": shown})


@pytest.fixture(scope="module")
def parts():
    return read_base(shipped.base_dir())


@pytest.fixture
def plan(parts, tmp_path):
    return ShardPlan(tmp_path / "drawings", spelling(parts.tokenizer), groups=1)


def batches(parts, stream, slots=3):
    pool = LatentPool(slots, lambda images: train_base.encode(parts.vae, images, CPU), CPU)
    feed = PoolFeed(stream, pool)
    feed.fill(START_BATCHES * 4)
    return BaseBatches(feed, parts.text_encoder, parts.tokenizer, 4)


def test_the_parts_of_a_batch_of_the_base_sum_to_its_loss(parts, plan):
    with DrawingStream(plan, 0, 3) as stream:
        made, net, losses = batches(parts, stream), NoisyNet(), []
        for count in (1, 2, 4):
            torch.manual_seed(0)
            found = [one["velocity"] for one in made.in_parts(net, np.random.default_rng(0), count)]
            assert len(found) == count
            losses.append(torch.stack(found).sum().detach())
    assert torch.allclose(torch.stack(losses), losses[0], rtol=1e-5)


class Killed(Exception):
    """In place of a signal."""


def fitted(parts, plan, workdir, monkeypatch, kill_at=None):
    """The weights after 4 steps; killed after step `kill_at`, and then continued."""
    calls = []

    def after_checkpoint(_):
        calls.append(1)
        if len(calls) == kill_at:
            raise Killed

    monkeypatch.setattr(training_state.Timer, "__call__", lambda self: True)
    for _ in range(2):
        net = NoisyNet()
        options = TrainOptions(workdir=workdir, steps=4, random_seed=3)
        with DrawingStream(plan, 0, 3) as stream:
            try:
                made = batches(parts, stream)
                muon = Muon(net, 1e-2)
                return fit_loop.fit(
                    "net", net, made, options, 1.0, 1e-2, optimizer=muon, after_checkpoint=after_checkpoint
                ).state_dict()
            except Killed:
                continue
    raise AssertionError


def test_a_killed_training_ends_as_an_undisturbed_one(parts, plan, tmp_path, monkeypatch):
    whole = fitted(parts, plan, tmp_path / "whole", monkeypatch)
    continued = fitted(parts, plan, tmp_path / "killed", monkeypatch, kill_at=2)
    assert all(torch.equal(whole[name], continued[name]) for name in whole)
    assert (tmp_path / "killed" / "net" / "log.csv").read_text(encoding="utf-8").count("\n") == 5


def test_a_base_is_trained_from_a_trained_one_and_exported(parts, tmp_path, monkeypatch):
    monkeypatch.setattr(train_base, "START_BATCHES", 1)
    monkeypatch.setattr(training_state.Timer, "__call__", lambda self: False)  # no sheet, however slow the machine is
    monkeypatch.setattr(train_base, "ShardPlan", lambda folder, tokenizer: ShardPlan(folder, tokenizer, groups=1))
    train_base.train(
        TrainOptions(
            steps=1, batch=2, pictures=4, workers=0, workdir=tmp_path, start=shipped.base_dir(), out=tmp_path / "out"
        )
    )
    written = read_base(tmp_path / "out")
    assert written.vae.config["scaling_factor"] == parts.vae.config["scaling_factor"]
    assert not torch.equal(written.unet.conv_in.weight, parts.unet.conv_in.weight)
    assert torch.allclose(written.unet.conv_in.weight, parts.unet.conv_in.weight, atol=0.1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--batch", "0"], '--batch: "0"'),
        (["--workers", "-1"], '--workers: "-1"'),
        (["--minutes", "nan"], '--minutes: "nan"'),
        (["--start", "nowhere"], '--start: "nowhere" is no folder'),
        (["--start", "."], 'is no base model: it has no "model_index.json"'),
        ([], "there is no autoencoder"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(given, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["base", *given])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert said in line
