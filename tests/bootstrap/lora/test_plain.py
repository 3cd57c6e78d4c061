"""Plain LoRAs that stand for DoRA, LoHa and LoKr: the change they make, their error, what cannot be made into one."""

import json

import numpy as np
import pytest

from bootstrap.backends.architectures.sd1 import SD1
from bootstrap.errors import BackendError
from bootstrap.lora import Lora, metadata_of, save_kohya
from bootstrap.lora.kinds import Dora, Hada, Kron
from bootstrap.lora.plain import as_plain, change_to, metadata_of_plain, rank_for

LINEAR = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q"
POINT = "mid_block.attentions.0.proj_in"
CONV = "down_blocks.1.resnets.0.conv1"
TEXT = "text_model.encoder.layers.0.mlp.fc1"
RANDOM = np.random.default_rng(0)


def some(*shape, scale=1.0):
    return (scale * RANDOM.normal(size=shape)).astype(np.float32)


BASE = {LINEAR: some(40, 60), POINT: some(40, 20, 1, 1), CONV: some(40, 20, 3, 3), TEXT: some(50, 30)}
PAIRS = {
    LINEAR: (some(4, 60), some(40, 4)),
    POINT: (some(4, 20, 1, 1), some(40, 4, 1, 1)),
    CONV: (some(2, 20, 3, 3), some(40, 2, 1, 1)),
    TEXT: (some(4, 30), some(50, 4)),
}


def base(part, module):
    assert part == (module == TEXT)
    return BASE[module]


def lora_of(modules, alpha=2.0):
    text = {TEXT: modules.pop(TEXT)} if TEXT in modules else {}
    return Lora(modules, alpha, text, grammar=SD1.grammar)


def dora(over_inputs):
    modules = {}
    for module, (down, up) in PAIRS.items():
        weight = BASE[module].reshape(len(up), down.shape[1], -1)
        lengths = np.sqrt((weight**2).sum(axis=(0, 2) if over_inputs else (1, 2)))
        lengths *= RANDOM.uniform(0.8, 1.2, size=lengths.shape)
        modules[module] = Dora(down, up, lengths.astype(np.float32).reshape((1, -1) if over_inputs else -1))
    return lora_of(modules)


def merged_by_hand(weights, scale, weight):
    """Row by row, or column by column, as the paper has it."""
    out, columns = weight.shape[:2]
    product = np.tensordot(weights.up.reshape(out, -1), weights.down, 1).reshape(weight.shape)
    merged = weight.astype(np.float64) + scale * product
    for line in range(columns if weights.over_inputs else out):
        place = (slice(None), line) if weights.over_inputs else line
        merged[place] *= weights.magnitude.reshape(-1)[line] / np.linalg.norm(merged[place])
    return merged


def each(plain, lora):
    for part, (made, own) in enumerate(zip(plain.lora.parts, lora.parts, strict=True)):
        for module, weights in own.items():
            yield part, module, weights, made[module]


@pytest.mark.parametrize("over_inputs", [False, True])
def test_at_full_rank_it_is_the_merged_weight(over_inputs):
    lora = dora(over_inputs)
    plain = as_plain(lora, 60, base)
    assert plain.error < 1e-3
    assert plain.worst_error < 2e-3
    for _, module, weights, (down, up) in each(plain, lora):
        weight = BASE[module]
        assert down.shape[1:] == weight.shape[1:]
        assert up.shape[2:] == (1,) * (weight.ndim - 2)
        got = weight + np.tensordot(up.reshape(len(up), -1), down, 1).reshape(weight.shape)
        assert np.allclose(got, merged_by_hand(weights, lora.scale, weight), atol=0.03)
    assert {len(down) for *_, (down, _) in each(plain, lora)} == {40, 20, 30}, "no more than the smaller side"


def test_at_a_small_rank_it_is_as_near_as_an_exact_svd_and_says_how_near():
    lora = dora(over_inputs=False)
    plain = as_plain(lora, 6, base)
    lost = best = whole = 0.0
    shares = {}
    for _, module, weights, (down, up) in each(plain, lora):
        weight = BASE[module]
        change = (merged_by_hand(weights, lora.scale, weight) - weight).reshape(len(weight), -1)
        missing = ((change - up.reshape(len(up), -1) @ down.reshape(len(down), -1)) ** 2).sum()
        lengths = np.linalg.svd(change, compute_uv=False)
        lost, best, whole = lost + missing, best + (lengths[6:] ** 2).sum(), whole + (lengths**2).sum()
        shares[module] = (missing / (lengths**2).sum()) ** 0.5
    assert 0.05 < plain.error < 1.01 * (best / whole) ** 0.5
    assert plain.error == pytest.approx((lost / whole) ** 0.5, rel=1e-3)
    worst = max(shares, key=shares.get)
    assert plain.worst_module.endswith(worst)
    assert plain.worst_error == pytest.approx(shares[worst], rel=1e-3)
    assert as_plain(lora, 12, base).error < plain.error


def test_it_says_how_far_a_dora_is_where_the_base_lengths_divide():
    lora = dora(over_inputs=False)
    off = whole = 0.0
    for _, module, weights, _ in each(as_plain(lora, 2, base), lora):
        weight = BASE[module].astype(np.float64)
        merged = merged_by_hand(weights, lora.scale, weight)
        change = np.tensordot(weights.up.reshape(len(weight), -1), weights.down, 1).reshape(weight.shape)
        for row, length in enumerate(weights.magnitude):
            read = length * (weight[row] + lora.scale * change[row]) / np.linalg.norm(weight[row])
            off += ((read - merged[row]) ** 2).sum()
        whole += ((merged - weight) ** 2).sum()
    assert as_plain(lora, 2, base).misread == pytest.approx((off / whole) ** 0.5, rel=1e-3)
    assert as_plain(dora(over_inputs=True), 2, base).misread == 0


PRODUCTS = {
    "loha": {LINEAR: Hada(some(40, 2), some(2, 60), some(40, 2), some(2, 60))},
    "lokr": {CONV: Kron(w1=some(4, 4), w2=some(10, 5, 3, 3))},
}


@pytest.mark.parametrize("kind", PRODUCTS)
@pytest.mark.parametrize("known", [True, False])
def test_products_need_no_base(kind, known):
    lora = lora_of({**PRODUCTS[kind]}, 1.0)
    plain = as_plain(lora, 64, base if known else None)
    ((_, module, weights, (down, up)),) = each(plain, lora)
    assert down.shape[1:] == BASE[module].shape[1:]
    got = up.reshape(len(up), -1) @ down.reshape(len(down), -1)
    wanted = change_to(weights, lora.scale, None)
    assert np.linalg.norm(got - wanted) == pytest.approx(plain.error * np.linalg.norm(wanted), rel=1e-3)
    assert plain.error < 1e-3


def test_what_changes_nothing_has_no_error():
    down, up = PAIRS[LINEAR]
    lengths = np.linalg.norm(BASE[LINEAR], axis=1)
    plain = as_plain(lora_of({LINEAR: Dora(down, 0 * up, lengths)}), 4, base)
    assert (plain.error, plain.worst_error) == (0, 0)
    assert not plain.lora.modules[LINEAR][1].any()


def test_its_file_is_a_plain_lora_that_says_what_it_stands_for(tmp_path):
    plain = as_plain(dora(over_inputs=False), 8, base)
    before = {"ss_network_module": "lycoris.kohya", "ss_network_args": "x", "ss_training_comment": "Grown.", "a": "b"}
    save_kohya(tmp_path / "x.safetensors", plain.lora, metadata_of_plain(plain, before), half=True)
    facts = metadata_of(tmp_path / "x.safetensors")
    named = {"ss_network_module": "networks.lora", "ss_network_dim": "8", "ss_network_alpha": "8.0", "a": "b"}
    assert {key: facts[key] for key in named} == named
    told = json.loads(facts["bootstrap.plain"])
    assert (told["made_from"], told["rank"]) == ("DoRA", 8)
    assert told["relative_error"] == pytest.approx(plain.error, abs=1e-5)
    assert facts["ss_training_comment"].startswith("Grown. Plain LoRA, made from a DoRA by SVD: rank 8, relative error")


def test_what_cannot_be_made_into_one_is_said():
    with pytest.raises(BackendError, match="plain LoRA already"):
        as_plain(lora_of({LINEAR: PAIRS[LINEAR]}), 4, base)
    with pytest.raises(BackendError, match="depends on the base"):
        as_plain(dora(over_inputs=False), 4)
    with pytest.raises(BackendError, match=r'"mid_block.*" is 40 x 60, the base\'s 40 x 59'):
        as_plain(dora(over_inputs=False), 4, lambda part, module: BASE[module][:, :59])
    with pytest.raises(BackendError, match="half precision"):
        as_plain(lora_of({LINEAR: Hada(*(1e6 * one for one in PRODUCTS["loha"][LINEAR]))}), 4)


def test_the_rank_grows_with_that_of_the_file():
    ranks = [rank_for(Lora({}, 1.0, grammar=SD1.grammar, network_rank=rank)) for rank in (1, 16, 32, 256)]
    assert ranks == [32, 32, 64, 128]
