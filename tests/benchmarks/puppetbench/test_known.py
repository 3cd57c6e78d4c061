"""What one picture shows: the back of somebody seen in front is guessed, what the picture shows is not."""

from bootstrap.puppets.anatomy import sample_puppet
from tests.benchmarks.puppetbench.counterfactual import TRAITS
from tests.benchmarks.puppetbench.known import guessed, unseen_traits


def test_shoes_are_guessed_from_a_bust_and_what_it_shows_is_kept():
    puppet = sample_puppet(80_000_001)
    unseen = unseen_traits(puppet, ["front"])
    found = guessed(puppet, ["front"])
    assert "shoe_color" in unseen
    assert not {"hair_tone", "bangs", "eye_size"} & set(unseen)
    assert found.named == puppet.named
    same = [trait for trait in TRAITS if getattr(found.unnamed, trait) == getattr(puppet.unnamed, trait)]
    assert set(TRAITS) - set(unseen) <= set(same) < set(TRAITS)


def test_more_pictures_leave_less_to_guess():
    puppet = sample_puppet(80_000_003)
    assert set(unseen_traits(puppet, ["front", "profile-left", "behind"])) <= set(unseen_traits(puppet, ["front"]))
