"""How many characters are worked on at once, as machines join a cluster and leave it."""

from types import SimpleNamespace

import pytest

from bootstrap.studio.characters import Night
from bootstrap.studio.cluster import Cluster


@pytest.mark.parametrize(
    ("found", "places", "on_cards"),
    [
        ([{"CPU": 4}], 4, False),
        ([{"CPU": 4, "GPU": 2}], 4, True),
        ([{"CPU": 4}, {"CPU": 4, "GPU": 1}], 2, True),
        ([{"CPU": 4, "GPU": 1}, {"CPU": 4}], 1, True),
    ],
    ids=["processors", "cards", "a machine with a card joins", "the only card leaves"],
)
def test_a_character_waits_for_a_card_as_soon_as_one_was_seen(found, places, on_cards):
    now = {}
    night = Night(Cluster(SimpleNamespace(cluster_resources=lambda: now), 0, 4), None, None, print, share=0.5)
    for resources in found:
        now = resources
        counted = night.places()
    assert (counted, night.on_cards) == (places, on_cards)
