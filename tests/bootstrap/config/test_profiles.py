"""Profiles of graphics cards: chosen by memory or by name, and a schedule that fits a night at the published speeds."""

import pytest

from bootstrap.config import load, shipped_names
from bootstrap.config.estimate import cost_of, decoys_of
from bootstrap.config.memory import check_memory
from bootstrap.config.profiles import NIGHT, night_of, profile_for, profile_for_base, profiles
from bootstrap.errors import BackendError, ConfigError
from bootstrap.machine import inventory as machine
from bootstrap.machine.inventory import Accelerator

LARGE = [name for name in shipped_names("base") if load(name).base.sampling.width == 1024]


@pytest.mark.parametrize("name", profiles())
@pytest.mark.parametrize("base", LARGE)
def test_the_schedule_of_every_card_fits_a_night_and_decoys_are_a_fifth_of_it_at_most(base, name):
    config = load(base, profile=name)
    if config.base.profiles and (name not in config.base.profiles or config.base.memory >= profiles()[name].memory):
        pytest.skip("such a card is too small for this base")
    profile = profile_for_base(config.base.profiles, name)
    cost = cost_of(config, 4, 10**9, 0.0)
    night = night_of(cost.pictures, decoys_of(config), cost.steps, config.base.recipes["character"].batch_size, profile)
    assert 0.5 * NIGHT < night.seconds <= NIGHT
    assert 0.05 < night.decoy_share <= 0.2  # of the night
    assert config.base.memory < profile.memory
    assert config.base.recipes["style"].batch_size == config.base.recipes["character"].batch_size


def test_the_speeds_of_a_12_gb_card_are_the_published_ones():
    profile = profiles()["12gb"]
    assert (profile.seconds_a_picture, profile.seconds_a_sample) == (10, 2.4)


def test_a_card_takes_the_largest_profile_that_it_has_room_for():
    found = {memory: profile_for(memory) for memory in (6.0, 7.6, 11.6, 15.7, 23.6, 80.0)}
    assert found == {6.0: "8gb", 7.6: "8gb", 11.6: "12gb", 15.7: "16gb", 23.6: "24gb", 80.0: "24gb"}


def test_a_profile_is_chosen_by_the_machine_by_name_or_not_at_all(monkeypatch):
    monkeypatch.setattr(machine, "accelerator", lambda: Accelerator("cuda", "a card", 11.6))
    assert load("sdxl", profile="auto").profile == "12gb"
    assert load("sdxl", profile="8gb").base.sampling.offload
    assert load("sdxl", profile="none") == load("sdxl")
    assert load("puppet", profile="auto") == load("puppet")
    assert load("sd15", profile="24gb").base == load("sd15").base
    overrides = ["base.recipes.character.batch_size=3"]
    own = load("sdxl", profile="12gb", own={"loop": {"lookalikes": 90}}, overrides=overrides)
    assert (own.loop.lookalikes, own.base.recipes["character"].batch_size) == (90, 3)
    with pytest.raises(ConfigError, match='--profile "9gb" is unknown; choose one of: 8gb, 12gb'):
        load("sdxl", profile="9gb")
    monkeypatch.setattr(machine, "accelerator", lambda: Accelerator("cpu", "cores", 64.0))
    assert load("sdxl", profile="auto") == load("sdxl")


def test_a_base_that_does_not_fit_is_refused_with_the_estimate_and_the_options():
    card = Accelerator("cuda", "a card", 7.7)
    with pytest.raises(BackendError, match=r"about 12 GB, cuda has 7\.7; choose --profile 8gb, .*--base sd15"):
        check_memory(load("sdxl"), card)
    check_memory(load("sdxl", profile="8gb"), card)
    with pytest.raises(BackendError, match=r"about 7\.5 GB, cuda has 5\.0; choose a smaller base"):
        check_memory(load("sdxl", profile="8gb"), Accelerator("cuda", "a card", 5.0))
    check_memory(load("sdxl", backend="fake"), Accelerator("cuda", "a card", 1.0))


def test_a_base_changes_profiles_and_says_which_of_them_it_fits():
    klein = load("klein", profile="12gb")
    assert (klein.base.sampling.offload, klein.base.recipes["character"].network_alpha) == (True, 32)
    assert profile_for_base(klein.base.profiles, "12gb").seconds_a_picture > profiles()["12gb"].seconds_a_picture
    with pytest.raises(BackendError, match=r"about 22 GB, cuda has 11\.6; choose --profile 16gb, "):
        check_memory(load("klein"), Accelerator("cuda", "a card", 11.6))
    check_memory(klein, Accelerator("cuda", "a card", 11.6))
    for base in ("klein", "z-image"):
        with pytest.raises(BackendError, match=r"about 22.* GB, cuda has 7\.7; choose --profile 8gb, "):
            check_memory(load(base), Accelerator("cuda", "a card", 7.7))
        small = load(base, profile="8gb")
        assert small.base.sampling.quantise == "4bit"
        check_memory(small, Accelerator("cuda", "a card", 7.7))
