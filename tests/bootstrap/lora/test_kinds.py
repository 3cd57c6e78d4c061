"""What LoRA, DoRA, LoHa and LoKr change, in closed form, and the Tucker forms of LyCORIS multiplied out."""

import numpy as np
import pytest

from bootstrap.lora.kinds import Dora, Hada, Kron, as_pair, change, from_tensors, rank_of, rescaled, to_tensors

RANDOM = np.random.default_rng(0)


def some(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


KINDS = {
    "pair": (some(3, 5), some(4, 3)),
    "convolution": (some(3, 5, 3, 3), some(4, 3, 1, 1)),
    "dora": Dora(some(3, 5), some(4, 3), some(4)),
    "loha": Hada(some(6, 2), some(2, 8), some(6, 2), some(2, 8)),
    "lokr": Kron(w1=some(2, 3), w2_a=some(4, 2), w2_b=some(2, 5)),
    "lokr, two products": Kron(w1_a=some(4, 2), w1_b=some(2, 3), w2_a=some(4, 2), w2_b=some(2, 5)),
    "lokr, whole": Kron(w1=some(2, 3), w2=some(4, 5)),
    "lokr, whole kernel": Kron(w1=some(2, 3), w2=some(4, 5, 3, 3)),
    "lokr, tall": Kron(w1=some(5, 1), w2=some(4, 2)),
}


@pytest.mark.parametrize("weights", KINDS.values(), ids=KINDS)
def test_a_file_gives_back_the_same_change(weights):
    read, scale = from_tensors(to_tensors(weights, 0.25))
    assert type(read) is type(weights)
    assert np.allclose(change(read, scale), change(weights, 0.25), atol=1e-6)
    assert np.allclose(change(rescaled(weights, 3.0), 0.5), 3 * change(weights, 0.5), atol=1e-5)


@pytest.mark.parametrize("weights", KINDS.values(), ids=KINDS)
def test_a_plain_pair_makes_the_same_change(weights):
    assert np.allclose(change(as_pair(weights), 2.0), change(weights, 2.0), atol=1e-5)


def test_ranks_are_told_where_there_are_any():
    assert {name: rank_of(weights) for name, weights in KINDS.items()} == {
        "pair": 3, "convolution": 3, "dora": 3, "loha": 2, "lokr": 2, "lokr, two products": 2, "lokr, whole": None,
        "lokr, whole kernel": None, "lokr, tall": None,
    }  # fmt: skip


def rebuilt(core, a, b):
    """lycoris.functional.general.rebuild_tucker"""
    return np.einsum("ijkl,ip,jr->prkl", core, a, b)


def test_tucker_forms_are_multiplied_out():
    alpha = np.array(1.0, np.float32)
    hada = {f"hada_{n}": some(2, 2, 3, 3) for n in ("t1", "t2")}
    hada |= {f"hada_w{n}_{side}": some(2, 6 if side == "a" else 5) for n in (1, 2) for side in "ab"}
    one, two = (rebuilt(hada[f"hada_t{n}"], hada[f"hada_w{n}_a"], hada[f"hada_w{n}_b"]) for n in (1, 2))
    assert np.allclose(change(*from_tensors({**hada, "alpha": alpha})), (one * two).reshape(6, -1) / 2, atol=1e-5)
    kron = {"lokr_w1": some(2, 3), "lokr_t2": some(2, 2, 3, 3), "lokr_w2_a": some(2, 4), "lokr_w2_b": some(2, 5)}
    large = rebuilt(kron["lokr_t2"], kron["lokr_w2_a"], kron["lokr_w2_b"]).reshape(4, -1)
    assert np.allclose(change(*from_tensors({**kron, "alpha": alpha})), np.kron(kron["lokr_w1"], large) / 2, atol=1e-5)
    mid = {f"lora_{name}.weight": some(*shape, 1, 1) for name, shape in (("down", (2, 5)), ("up", (4, 2)))}
    mid["lora_mid.weight"] = some(2, 2, 3, 3)
    down, up = mid["lora_down.weight"][..., 0, 0], mid["lora_up.weight"][..., 0, 0]
    wanted = np.einsum("om,mnkl,ni->oikl", up, mid["lora_mid.weight"], down).reshape(4, -1) / 2
    assert np.allclose(change(*from_tensors({**mid, "alpha": alpha})), wanted, atol=1e-5)


def test_what_is_of_no_kind_is_not_guessed():
    assert from_tensors({"lora_down.weight": some(2, 3)}) is None
    assert from_tensors({"hada_w1_a": some(2, 3)}) is None
    assert from_tensors({"lokr_w1": some(2, 3)}) is None
