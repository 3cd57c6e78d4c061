"""The arithmetic of a device: bfloat16 from Ampere on, float16 on older cards, which halves the weights there too."""

import pytest
import torch

from bootstrap.machine.device import arithmetic, weights_dtype


@pytest.mark.parametrize(("native", "kind"), [(True, torch.bfloat16), (False, torch.float16)])
def test_a_card_computes_in_half_precision_whatever_its_age(native, kind, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native)
    assert arithmetic("cuda") == weights_dtype("cuda") == kind
    assert arithmetic("cuda", "float32") == weights_dtype("cuda", "float32") == torch.float32


def test_weights_on_a_cpu_are_whole_unless_asked_otherwise():
    assert weights_dtype("cpu") == torch.float32
    assert weights_dtype("cpu", "bfloat16") == torch.bfloat16
