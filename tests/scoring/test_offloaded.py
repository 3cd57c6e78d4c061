"""Models that take turns on an accelerator: loaded by their forward pass, offloaded after the block."""

import pytest
import torch

from scoring.offloaded import Offloaded


class Watched(torch.nn.Linear):
    """A layer that notes where it is sent; this machine has no accelerator to send it to."""

    def __init__(self):
        super().__init__(2, 2)
        self.sent, self.before = [], []

    def to(self, device):
        self.sent.append(str(device))
        return self

    def forward(self, values):
        self.before.append(list(self.sent))
        return values


class AwayParameter(torch.nn.Parameter):
    """A parameter that says it is on an accelerator."""

    @property
    def device(self):
        return torch.device("meta")


def test_a_model_is_loaded_by_its_forward_pass_and_offloaded_after_the_block_even_after_an_error():
    model = Watched()
    in_turn = Offloaded([model], "meta")
    assert model.sent == ["cpu"]
    with in_turn:
        assert model.sent == ["cpu"]
        model(torch.ones(2))
        assert model.before == [["cpu", "meta"]]
        model.weight = AwayParameter(model.weight.data)
    assert model.sent == ["cpu", "meta", "cpu"]
    with pytest.raises(RuntimeError, match="memory"), in_turn:
        raise RuntimeError("memory")
    assert model.sent[-2:] == ["cpu", "cpu"]


def test_what_they_stand_instead_of_makes_room_for_the_block_alone():
    model, other, offloaded = Watched(), Watched(), Watched()
    other.weight = AwayParameter(other.weight.data)
    in_turn = Offloaded([model], "meta", instead_of=[other, offloaded])
    model(torch.ones(2))
    assert other.sent == [], "it trains there"
    with in_turn:
        assert other.sent == []
        model(torch.ones(2))
        assert other.sent == ["cpu"]
        model.weight = AwayParameter(model.weight.data)
    assert other.sent == ["cpu", "meta"]
    assert offloaded.sent == [], "it was in main memory and stays there"


def test_nothing_is_moved_on_a_cpu_or_where_nothing_computed():
    model = Watched()
    with Offloaded([model], "cpu"):
        model(torch.ones(2))
    assert model.sent == []
    with Offloaded([model], "meta"):
        pass
    assert model.sent == ["cpu"]
