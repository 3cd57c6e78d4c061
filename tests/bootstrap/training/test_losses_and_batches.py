from collections import Counter

import numpy as np
import pytest

from bootstrap.config import load
from bootstrap.dataset.generated import balanced
from bootstrap.records import TrainItem
from bootstrap.training.batches import Batches
from bootstrap.training.recipe import TrainRecipe
from bootstrap.training.schedule import learning_rate


def items(*weights, kind="kept"):
    return [TrainItem(f"{kind}{n}.png", ("t", "a", "b", "c"), kind, w) for n, w in enumerate(weights)]


def test_pictures_are_drawn_by_weight_and_a_step_is_a_function_of_its_number():
    batches = Batches(items(1, 1, 4), TrainRecipe(batch_size=8, random_seed=1))
    counts = Counter(place for step in range(100) for place in batches.places(step))
    assert counts[2] / 800 == pytest.approx(4 / 6, abs=0.05)
    assert batches.places(7) == Batches(items(1, 1, 4), TrainRecipe(batch_size=8, random_seed=1)).places(7)
    assert batches.captions(7) == batches.captions(7)


def test_kept_tokens_stay_in_front_and_tags_and_captions_drop_out():
    recipe = TrainRecipe(batch_size=8, keep_tokens=1, tag_dropout=0.3, caption_dropout=0.2)
    captions = [text for step in range(60) for text in Batches(items(1, 1), recipe).captions(step)]
    assert 0.1 < captions.count("") / len(captions) < 0.3
    assert {text.split(", ")[0] for text in captions if text} == {"t"}
    assert len({text for text in captions}) > 8


def test_seeds_fill_their_share_but_none_is_seen_more_than_the_cap_allows():
    loop = load("puppet").loop
    many = balanced(items(1, 1, 1, kind="seed"), items(*[1] * 30), loop)
    seeds = sum(item.weight for item in many if item.kind == "seed")
    assert seeds / sum(item.weight for item in many) == pytest.approx(loop.seeds_share)
    one = balanced(items(1, kind="seed"), items(*[1] * 40), loop)
    assert one[0].weight == loop.seed_cap
    assert balanced(items(1, kind="seed"), [], loop)[0].weight == 1


def test_the_rate_warms_up_and_falls():
    recipe = TrainRecipe(steps=100, lr_warmup_steps=10, learning_rate=1.0)
    assert learning_rate(recipe, 0) == pytest.approx(0.1)
    assert learning_rate(recipe, 10) > learning_rate(recipe, 50) > learning_rate(recipe, 99)
    again = recipe.model_copy(update={"lr_scheduler": "cosine_with_restarts"})
    assert learning_rate(again, 34) > learning_rate(again, 32)


def test_captions_keep_their_order_where_nobody_shuffles():
    plain = TrainRecipe(batch_size=8, tag_dropout=0, caption_dropout=0, shuffle_caption=False)
    assert set(Batches(items(1, 1), plain).captions(0)) == {"t, a, b, c"}
    shuffled = plain.model_copy(update={"shuffle_caption": True, "keep_tokens": 2})
    captions = {text for step in range(20) for text in Batches(items(1, 1), shuffled).captions(step)}
    assert captions == {"t, a, b, c", "t, a, c, b"}


def test_a_pass_sees_one_bucket_and_every_item_by_its_weight(four):
    shapes = [(4, 6, 6), (4, 6, 6), (4, 8, 4), (4, 8, 4)]
    batches = Batches(four, TrainRecipe(batch_size=2, random_seed=3), shapes)
    seen = [batches.places(number) for number in range(600)]
    assert all(len({shapes[place] for place in places}) == 1 for places in seen)
    counts = [sum(places.count(place) for places in seen) for place in range(4)]
    assert np.allclose(np.array(counts) / sum(counts), np.array([1, 2, 1, 2]) / 6, atol=0.05)
    alike = Batches(four, batches.recipe, [shapes[0]] * 4)
    assert [alike.places(n) for n in range(9)] == [Batches(four, batches.recipe).places(n) for n in range(9)]
