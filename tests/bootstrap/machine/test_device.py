"""The arithmetic of a device: bfloat16 from Ampere on, float16 on older cards, which halves the weights there too."""

from pathlib import Path

import pytest
import torch

import bootstrap
from bootstrap.machine.device import arithmetic, unscaled_autocast, weights_dtype


@pytest.mark.parametrize(("native", "kind"), [(True, torch.bfloat16), (False, torch.float16)])
def test_a_card_computes_in_half_precision_whatever_its_age(native, kind, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native)
    assert arithmetic("cuda") == weights_dtype("cuda") == kind
    assert arithmetic("cuda", "float32") == weights_dtype("cuda", "float32") == torch.float32


def test_weights_on_a_cpu_are_whole_unless_asked_otherwise():
    assert weights_dtype("cpu") == torch.float32
    assert weights_dtype("cpu", "bfloat16") == torch.bfloat16


def test_a_training_without_a_loss_scale_is_in_float32_before_ampere(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    assert arithmetic("cuda") == torch.float16
    assert not isinstance(unscaled_autocast("cuda"), torch.autocast)
    assert isinstance(unscaled_autocast("mps"), torch.autocast)
    trainings = Path(bootstrap.__file__).parent / "puppets/train"
    for path in trainings.glob("*.py"):
        assert " autocast" not in path.read_text(), f"{path.name} has no loss scale"
