"""Every training can continue from the shipped weights: its start computes what the shipped model computes."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from bootstrap.puppets import shipped
from bootstrap.puppets.train import train_text, train_vae
from bootstrap.puppets.train.face_detector import Detector
from bootstrap.puppets.train.face_export import DETECTOR, RECOGNISER
from bootstrap.puppets.train.face_recogniser import Recogniser
from bootstrap.puppets.train.train_heldout import FILE, HeldoutNet
from bootstrap.puppets.train.train_options import TrainOptions
from bootstrap.puppets.train.warm_start import start_from_onnx


def graph(path, picture):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: picture.numpy()})


def settled(module):
    """With neutral BatchNorm statistics, as the export folded them."""
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.reset_running_stats()
            part.eps = 0.0
    return module.eval()


def test_the_recogniser_starts_as_the_shipped_one():
    picture, model = torch.randn(1, 3, 112, 112), Recogniser()
    start_from_onnx(model, picture, shipped.face_dir() / RECOGNISER)
    with torch.no_grad():
        module_vector = settled(model)(picture).numpy()[0]
    graph_vector = graph(shipped.face_dir() / RECOGNISER, picture)[0][0]
    lengths = np.linalg.norm(module_vector) * np.linalg.norm(graph_vector)
    assert float(module_vector @ graph_vector) / lengths > 0.99


@pytest.mark.parametrize(
    ("build", "side", "path"),
    [(Detector, 128, shipped.face_dir() / DETECTOR), (HeldoutNet, 96, shipped.heldout_dir() / FILE)],
)
def test_every_layer_of_the_other_graphs_finds_its_place(build, side, path):
    model = build()
    before = {name: value.clone() for name, value in model.named_parameters() if value.ndim == 4}
    assert start_from_onnx(model, torch.zeros(1, 3, side, side), path) > 4
    assert all((value != before[name]).any() for name, value in model.named_parameters() if name in before)


def test_another_architecture_is_refused():
    with pytest.raises(ValueError, match="other layers"):
        start_from_onnx(HeldoutNet(), torch.zeros(1, 3, 96, 96), shipped.face_dir() / RECOGNISER)


def test_autoencoder_and_text_encoder_start_from_the_base(tmp_path: Path):
    options = TrainOptions(start=shipped.base_dir())
    images = torch.zeros(1, 3, 96, 96)
    one, other = train_vae.starting_vae(options), train_vae.starting_vae(TrainOptions())
    assert not torch.equal(one.encoder(images), other.encoder(images))
    tokenizer, encoder = train_text.starting_text(options, tmp_path)
    assert len(tokenizer) == encoder.config.vocab_size
