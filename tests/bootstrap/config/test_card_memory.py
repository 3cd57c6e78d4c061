"""Memory of every stage on every card: what the profiles take fits, and what does not fit is refused with a way out."""

import json
from pathlib import Path

import pytest

from bootstrap.config import control_named, load, shipped_names
from bootstrap.config import memory as rules
from bootstrap.config.card_memory import CONTEXT, COUNTS, Room, counted_weights, stage_memory
from bootstrap.config.memory import check_memory, memory_of_stages, peak_of
from bootstrap.config.profiles import profiles
from bootstrap.config.reading import reference_named
from bootstrap.errors import BackendError
from bootstrap.machine.inventory import Accelerator

STAGES = {"read", "draw", "decode", "encode", "train", "score"}
SHIPPED = [name for name in shipped_names("base") if name != "puppet"]
"""Presets of the architectures that were counted."""
FLOWS = {"klein": "flux2-klein", "z-image": "z-image"}
CPU = Room(4, offloads=False)


def counted(config):
    """The architecture of a shipped preset."""
    if config.base.name in FLOWS:
        return FLOWS[config.base.name]
    return "sd1" if config.base.sampling.width == 512 else "sdxl"


@pytest.mark.parametrize("name", profiles())
@pytest.mark.parametrize("base", SHIPPED)
def test_every_stage_of_every_base_leaves_a_gib_of_every_card(base, name):
    config = load(base, profile=name)
    stages = stage_memory(config.base, counted(config), Room())
    assert stages.keys() == STAGES
    assert max(stages.values()) <= profiles()[name].memory - 1
    assert max(stages.values()) + CONTEXT <= config.base.memory  # what doctor says of a preset


def test_a_card_of_8_gb_draws_and_trains_sdxl_in_6():
    stages = stage_memory(load("sdxl", profile="8gb").base, "sdxl", Room())
    assert max(stages[stage] for stage in ("draw", "decode", "encode", "train")) < 6
    assert stages["read"] < 6.5, "with 6.7 it ran out of 7 on a GPU"


def test_training_on_larger_pictures_takes_more_where_it_trains_and_encodes():
    smaller = load("sd15", recipe="holo", overrides=["base.recipes.character.resolution=512"])
    plain, larger = (stage_memory(one.base, "sd1", Room()) for one in (smaller, load("sd15", recipe="holo")))
    assert larger["encode"] > plain["encode"]
    assert larger["train"] > plain["train"]
    assert (larger["draw"], larger["decode"]) == (plain["draw"], plain["decode"])


def test_weights_of_four_bytes_and_models_that_stay_take_more():
    base = load("sdxl").base
    half, whole = stage_memory(base, "sdxl", Room()), stage_memory(base, "sdxl", CPU)
    assert all(whole[stage] > 1.5 * half[stage] for stage in ("read", "draw", "train"))


@pytest.mark.parametrize(
    ("changes", "stage", "grows"),
    [
        (["sampling.batch_size=4"], "draw", True),
        (["sampling.height=1536"], "decode", True),
        (["sampling.offload=true"], "decode", False),
        (["sampling.offload=true"], "score", False),
        (["recipes.style.batch_size=8"], "train", True),
        (["recipes.style.gradient_checkpointing=false"], "train", True),
        (["recipes.character.rank=128"], "train", True),
        (["recipes.character.text_encoder=true"], "train", True),
        (["recipes.style.output_preservation=0.5"], "train", True),
        (["recipes.style.text_variants=8", "recipes.character.text_variants=8"], "train", False),
    ],
)
def test_each_setting_that_takes_or_spares_memory_is_counted(changes, stage, grows):
    plain = stage_memory(load("sdxl").base, "sdxl", Room())[stage]
    changed = load("sdxl", overrides=[f"base.{change}" for change in changes]).base
    assert (stage_memory(changed, "sdxl", Room())[stage] > plain + 0.01) is grows


@pytest.mark.parametrize("base", ["klein", "z-image", "sdxl"])
def test_quantised_weights_shrink_by_their_bits_and_nothing_else_does(base):
    kinds = ("none", "8bit", "4bit")
    found = {bits: load(base, overrides=[f"base.sampling.quantise={bits}"]) for bits in kinds}
    stages = {bits: stage_memory(one.base, counted(one), Room()) for bits, one in found.items()}
    layers = sum(json.loads(COUNTS.read_text())[counted(found["none"])]["linear"].values()) / 1024**3
    for stage in STAGES - {"train"}:
        assert stages["none"][stage] - stages["8bit"][stage] == pytest.approx(layers, rel=0.01)
        assert stages["8bit"][stage] - stages["4bit"][stage] == pytest.approx(0.484 * layers, rel=0.01)
    assert stages["none"]["train"] > stages["8bit"]["train"] > stages["4bit"]["train"]


def test_a_language_model_encodes_without_the_denoiser_beside_it():
    beside = stage_memory(load("klein").base, "flux2-klein", Room())
    in_turn = stage_memory(load("klein", overrides=["base.sampling.offload=true"]).base, "flux2-klein", Room())
    assert beside["read"] > 15 > 8 > in_turn["read"] > 7
    seen, words = (load("klein", own={"base": {"reference": one}}).base for one in ({"native": True}, None))
    grown = stage_memory(seen, "flux2-klein", Room())["draw"] - stage_memory(words, "flux2-klein", Room())["draw"]
    assert 1.9 < grown < 2.4, "a reference for each of two pictures"


def referring(base, adapter, **options):
    """A preset that draws from references."""
    return load(base, own={"base": {"reference": reference_named(adapter)}}, **options)


@pytest.mark.parametrize(("base", "adapter", "mebibytes"), [("sd15", "sd15-plus", 94), ("sdxl", "sdxl-plus", 808)])
def test_a_reference_adapter_is_counted_in_the_stages_in_which_it_is_on_the_card(base, adapter, mebibytes):
    config = referring(base, adapter)
    plain, found = (stage_memory(one.base, counted(one), Room()) for one in (load(base), config))
    assert found.keys() == STAGES | {"encode references"}
    assert all(1024 * (found[stage] - plain[stage]) == pytest.approx(mebibytes, abs=9) for stage in STAGES)
    assert 1.1 < found["encode references"] - found["read"] < 1.3, "ViT-H in two bytes a weight"
    offloading = ["base.sampling.offload=true"]
    plain, found = (
        stage_memory(one.base, counted(one), Room())
        for one in (load(base, overrides=offloading), referring(base, adapter, overrides=offloading))
    )
    grown = {stage for stage in STAGES if found[stage] > plain[stage]}
    assert grown == {"draw"}
    on_cpu = stage_memory(config.base, counted(config), CPU)
    assert on_cpu["draw"] - stage_memory(load(base).base, counted(config), CPU)["draw"] > 2.3, "ViT-H stays in memory"


@pytest.mark.parametrize("name", profiles())
def test_every_card_draws_from_references(name):
    for base, adapter in (("sd15", "sd15-plus"), ("sdxl", "sdxl-plus")):
        config = referring(base, adapter, profile=name)
        assert max(stage_memory(config.base, counted(config), Room()).values()) <= profiles()[name].memory - 1


@pytest.mark.parametrize(("base", "mebibytes"), [("sd15", 22), ("sdxl", 200)])
def test_attention_to_references_takes_memory_while_it_draws(base, mebibytes):
    config = referring(base, "attention")
    plain, found = (stage_memory(one.base, counted(one), Room()) for one in (load(base), config))
    assert found.keys() == STAGES
    assert {stage for stage in STAGES if found[stage] > plain[stage]} == {"draw"}
    grown = 1024 * (found["draw"] - plain["draw"]) / config.base.sampling.batch_size
    assert grown == pytest.approx(mebibytes, abs=2)


def controlled(base, net, **options):
    """A preset that draws along control pictures."""
    return load(base, own={"base": {"control": control_named(net)}}, **options)


@pytest.mark.parametrize(("base", "net", "gib"), [("sd15", "sd15-openpose", 0.67), ("sdxl", "sdxl-openpose", 2.33)])
def test_a_control_net_is_counted_in_the_stages_in_which_it_is_on_the_card(base, net, gib):
    plain, found = (stage_memory(one.base, counted(one), Room()) for one in (load(base), controlled(base, net)))
    assert all(found[stage] - plain[stage] == pytest.approx(gib, abs=0.01) for stage in STAGES - {"draw"})
    assert found["draw"] - plain["draw"] > gib + 0.1, "its activations"
    offloading = ["base.sampling.offload=true"]
    plain, found = (
        stage_memory(one.base, counted(one), Room())
        for one in (load(base, overrides=offloading), controlled(base, net, overrides=offloading))
    )
    assert {stage for stage in STAGES if found[stage] > plain[stage]} == {"draw"}


def test_more_references_take_more_to_draw():
    few, many = (referring("sdxl", "sdxl-plus", overrides=[f"base.reference.most={most}"]).base for most in (1, 16))
    assert stage_memory(many, "sdxl", Room())["draw"] > stage_memory(few, "sdxl", Room())["draw"]


@pytest.fixture
def full_size(monkeypatch):
    """Bases that are not here are taken for real SDXL models."""

    class Sdxl:
        name = "sdxl"

    monkeypatch.setattr(rules, "check_base", lambda path, *more: Sdxl)
    monkeypatch.setattr(rules, "weights_in", lambda path: counted_weights("sdxl"))


def test_a_run_that_does_not_fit_is_refused_with_a_profile_and_the_fewest_settings_that_do(full_size):
    card = Accelerator("cuda", "a card", 7.7)
    with pytest.raises(BackendError, match=r'"sdxl" takes \d+\.\d GB to decode, cuda has 7\.7') as refused:
        check_memory(load("sdxl"), card)
    assert refused.value.hint == "choose --profile 8gb, a smaller base (--base sd15) or a larger machine"
    check_memory(load("sdxl", profile="8gb"), card)
    with pytest.raises(BackendError, match="to decode") as refused:
        check_memory(load("sdxl"), Accelerator("cuda", "a card", 10.0))
    assert refused.value.hint.startswith("choose --profile 8gb, --set base.sampling.offload=true, a smaller base")
    large = load("sdxl", profile="24gb", overrides=["base.recipes.style.gradient_checkpointing=false"])
    with pytest.raises(BackendError, match="to train") as refused:
        check_memory(large, Accelerator("cuda", "a card", 23.6))
    settings = refused.value.hint.split("--set ")[1:]
    assert [text.split(",")[0].strip() for text in settings] == ["base.recipes.style.gradient_checkpointing=true"]


def test_what_the_refusal_advises_fits(full_size):
    card = Accelerator("cuda", "a card", 11.6)
    config = load("sdxl", overrides=["base.sampling.batch_size=24", "base.sampling.dtype=float32"])
    with pytest.raises(BackendError) as refused:
        check_memory(config, card)
    advised = refused.value.hint.split(", a smaller base")[0].split("--set ")[1:]
    overrides = ["base.sampling.batch_size=24", "base.sampling.dtype=float32", *map(str.strip, advised)]
    assert peak_of(load("sdxl", overrides=overrides).base, "sdxl", card) <= card.memory


def test_a_base_of_another_size_is_judged_by_its_preset(full_size, monkeypatch):
    monkeypatch.setattr(rules, "weights_in", lambda path: 10**6)
    assert memory_of_stages(load("sdxl"), Accelerator("cuda", "a card", 24.0)) == {}
    with pytest.raises(BackendError, match="takes about 12 GB"):
        check_memory(load("sdxl"), Accelerator("cuda", "a card", 8.0))


def test_the_counted_models_are_those_whose_configs_are_shipped():
    counts = json.loads(COUNTS.read_text())
    pipelines = Path(rules.__file__).parents[1] / "backends/pipelines"
    for name in counts.keys() - {"encoder", "scorers"}:
        parts = {folder.name for folder in (pipelines / name).iterdir() if folder.is_dir()} - {"scheduler"}
        assert counts[name]["weights"].keys() >= parts
        assert counts[name]["linear"].keys() == counts[name]["weights"].keys() - {"vae"}


def test_a_run_that_would_fit_by_words_is_told_so(full_size):
    card = Accelerator("cuda", "a card", 11.2)
    check_memory(load("sdxl"), card)
    with pytest.raises(BackendError, match=r"takes \d+\.\d GB to decode") as refused:
        check_memory(referring("sdxl", "sdxl-plus"), card)
    assert "--profile 8gb, --set base.sampling.offload=true, --reference none, a smaller base" in refused.value.hint
    small = Accelerator("cuda", "a card", 7.23)
    with pytest.raises(BackendError) as refused:
        check_memory(referring("sdxl", "sdxl-plus", overrides=["base.sampling.batch_size=8"]), small)
    assert refused.value.hint == "choose a smaller base (--base sd15) or a larger machine"


def test_a_run_that_would_fit_without_a_control_net_is_told_so(full_size):
    with pytest.raises(BackendError) as refused:
        check_memory(controlled("sdxl", "sdxl-openpose"), Accelerator("cuda", "a card", 11.6))
    assert "--control none, a smaller base" in refused.value.hint
    own = {"base": {"control": control_named("sdxl-openpose"), "reference": reference_named("sdxl-plus")}}
    both = load("sdxl", own=own, profile="8gb")
    with pytest.raises(BackendError, match=r"takes \d+\.\d GB to draw") as refused:
        check_memory(both, Accelerator("cuda", "a card", 7.6))
    assert refused.value.hint.startswith("choose --control none, a smaller base")
    with pytest.raises(BackendError) as refused:
        check_memory(load("sdxl", own=own), Accelerator("cuda", "a card", 7.4))
    assert refused.value.hint.startswith("choose --reference none --control none with --profile 8gb, a smaller base")
