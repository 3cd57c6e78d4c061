"""Several LoRAs as one: the change to the base is the weighted sum of theirs."""

import numpy as np
import pytest

from bootstrap.backends.architectures import ARCHITECTURES
from bootstrap.errors import BackendError
from bootstrap.lora.blending import blended
from bootstrap.lora.kinds import change as change_of
from bootstrap.lora.weights import Lora


def lora(rank, network_alpha, modules, *, architecture="sd1", text=()):
    random = np.random.default_rng(rank)

    def pair(name):
        ones = (1, 1) if name.startswith("conv") else ()
        down, up = (random.normal(size=(*shape, *ones)) for shape in ((rank, 5), (4, rank)))
        return down.astype(np.float32), up.astype(np.float32)

    grammar = ARCHITECTURES[architecture].grammar
    return Lora(
        {name: pair(name) for name in modules}, network_alpha, {name: pair(name) for name in text}, grammar=grammar
    )


def change(one, module, part=0):
    pairs = one.parts[part]
    return change_of(pairs[module], one.network_alpha / one.rank) if module in pairs else 0.0


def test_the_change_is_the_weighted_sum():
    first, second = lora(2, 1.0, ["a", "conv b"]), lora(3, 6.0, ["a", "c"])
    both = blended([(first, 0.8), (second, -0.5)])
    assert both.rank == 5
    for module in ("a", "conv b", "c"):
        wanted = 0.8 * change(first, module) - 0.5 * change(second, module)
        assert np.allclose(change(both, module), wanted, atol=1e-5)
    assert both.modules["conv b"][0].shape == (5, 5, 1, 1)


def test_text_encoders_meet_however_transformers_names_their_modules():
    first, second = lora(1, 1.0, ["a"], text=["encoder.q"]), lora(2, 2.0, ["a"], text=["text_model.encoder.q"])
    both = blended([(first, 1.0), (second, 1.0)])
    assert list(both.text_modules) == ["text_model.encoder.q"]
    wanted = change(first, "encoder.q", 1) + change(second, "text_model.encoder.q", 1)
    assert np.allclose(change(both, "text_model.encoder.q", 1), wanted, atol=1e-5)


def test_two_architectures_and_nothing_are_refused():
    with pytest.raises(BackendError, match="two architectures"):
        blended([(lora(1, 1.0, ["a"]), 1.0), (lora(1, 1.0, ["a"], architecture="sdxl"), 1.0)])
    with pytest.raises(BackendError, match="no LoRA"):
        blended([])
