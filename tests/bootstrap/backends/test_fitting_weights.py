"""Weights that do not fit a model are refused before they are attached; diffusers finds DoRA's lengths in our files."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from bootstrap.backends.adapters import Slot
from bootstrap.backends.architectures.sd1 import SD1
from bootstrap.errors import BackendError
from bootstrap.lora import Lora, metadata_of, save_diffusers
from bootstrap.lora.kinds import Dora, Hada, Kron

SHAPE = {"hidden_size": 32, "intermediate_size": 37, "num_attention_heads": 4, "num_hidden_layers": 1, "vocab_size": 99}


def some(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape).astype("f4")


def model():
    layers = {"linear": torch.nn.Linear(6, 8), "conv": torch.nn.Conv2d(6, 8, 3)}
    return torch.nn.ModuleDict(layers)


FITTING = {
    "pair": {"linear": (some(2, 6), some(8, 2))},
    "convolution": {"conv": (some(2, 6, 3, 3), some(8, 2, 1, 1))},
    "LoHa": {"linear": Hada(some(8, 2), some(2, 6), some(8, 2), some(2, 6))},
    "LoKr": {"linear": Kron(w1=some(2, 2), w2=some(4, 3))},
}
OTHERS = {
    "pair": {"linear": (some(2, 7), some(8, 2))},
    "convolution": {"conv": (some(2, 6, 1, 1), some(8, 2, 1, 1))},
    "LoHa": {"linear": Hada(some(6, 2), some(2, 8), some(6, 2), some(2, 8))},
    "LoKr": {"linear": Kron(w1=some(2, 2), w2=some(3, 4))},
}


@pytest.mark.parametrize("kind", FITTING)
def test_weights_of_another_shape_are_refused(kind):
    slot = Slot(model(), "linear|conv", "conv", "conv")
    slot.fill(FITTING[kind], 2, 2.0)
    slot.fill(FITTING[kind], 2, 2.0)
    with pytest.raises(BackendError, match=f'"{next(iter(OTHERS[kind]))}" is .*, the base\'s 8 x'):
        slot.fill(OTHERS[kind], 2, 2.0)


def test_lengths_of_columns_are_not_taken_for_those_of_rows():
    with pytest.raises(BackendError, match="over the inputs"):
        Slot(model(), "linear").fill({"linear": Dora(some(2, 6), some(8, 2), some(1, 6))}, 2, 2.0)


@pytest.mark.filterwarnings("ignore")
def test_diffusers_finds_the_lengths_of_a_text_encoder(tmp_path):
    from diffusers import StableDiffusionPipeline
    from peft.tuners.lora import LoraLayer
    from transformers import CLIPTextConfig, CLIPTextModel

    encoder = CLIPTextModel(CLIPTextConfig(**SHAPE))
    (name,) = [name for name, _ in encoder.named_modules() if name.endswith("q_proj")]
    dora = Dora(some(2, 32), some(32, 2), abs(some(32)) + 1)
    save_diffusers(tmp_path / "x.safetensors", Lora({}, 2.0, {name: dora}, grammar=SD1.grammar))
    StableDiffusionPipeline.load_lora_into_text_encoder(
        load_file(tmp_path / "x.safetensors"), None, encoder, prefix="text_encoder",
        metadata=json.loads(metadata_of(tmp_path / "x.safetensors")["lora_adapter_metadata"]),
    )  # fmt: skip
    (layer,) = [layer for layer in encoder.modules() if isinstance(layer, LoraLayer)]
    (lengths,) = layer.lora_magnitude_vector.values()
    assert torch.allclose(lengths.weight, torch.from_numpy(dora.magnitude))
