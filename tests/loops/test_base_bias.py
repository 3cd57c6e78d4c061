"""What the base draws for the trigger alone is looked at once, and told in the run and by its acceptance."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bootstrap.character import Character
from bootstrap.config import load
from bootstrap.events import Noted
from bootstrap.store.store import Store
from loops.base_bias import bias_of_base, look_at_trigger
from loops.open_engine import open_engine
from scoring.word_meaning import WordMeaning, meaning_of

RED = {"name": "Red", "trigger": "redchr", "invariant": {"hair": "red hair"}, "core": "1girl, redchr character focus"}


class Knowing:
    """Draws noise of the random seed; a word that it knows tints every picture."""

    resolution, batch_size = (32, 32), 4

    def __init__(self, known):
        self.known, self.prompts = known, []

    def draw(self, jobs, adapter):
        for job in jobs:
            self.prompts.append(job.prompt)
            pixels = np.random.default_rng([job.random_seed, len(job.prompt)]).integers(80, 120, (32, 32, 3), np.uint8)
            if self.known in job.prompt:
                pixels[..., 0] += 120
            yield [(job, Image.fromarray(pixels))]


@pytest.mark.parametrize("known", ["redchr", "nothing"])
def test_a_trigger_that_the_base_knows_is_told_once(tmp_path, known):
    Image.effect_noise((128, 128), 60).convert("RGB").save(tmp_path / "a.png")
    config = load("puppet", backend="fake", overrides=["base.demonstration=false"])
    with Store.open(tmp_path / "run", create=True) as store:
        engine = open_engine(store, config, Character(**RED), [tmp_path / "a.png"])
        engine.drawer = drawer = Knowing(known)
        for _ in range(2):
            look_at_trigger(engine)
        unbiased, told = bias_of_base(engine)
        notes = [event.text for event in store.events() if isinstance(event, Noted)]
    assert len(drawer.prompts) == 5 * 4
    assert sum("redchr" in prompt for prompt in drawer.prompts) == 4, "the core tag holds the trigger too"
    assert (unbiased, notes.count(told)) == (known != "redchr", 1)
    assert told.startswith('the base has its own idea of "redchr"' if known == "redchr" else "the base has no idea")


def test_the_base_of_the_demonstration_and_a_run_that_is_told_not_to_draw_nothing(tmp_path):
    Image.effect_noise((128, 128), 60).convert("RGB").save(tmp_path / "a.png")
    config = load("puppet", backend="fake", overrides=["loop.trigger_pictures=0"])
    with Store.open(tmp_path / "run", create=True) as store:
        engine = open_engine(store, config, Character(**RED), [tmp_path / "a.png"])
        engine.drawer = drawer = Knowing("")
        for base in (config.base, config.base.model_copy(update={"demonstration": False})):
            engine.config = config.model_copy(update={"base": base})
            look_at_trigger(engine)
        engine.config = load("puppet", backend="fake")
        look_at_trigger(engine)
        assert (drawer.prompts, bias_of_base(engine)) == ([], (True, ""))


def test_moves_in_one_direction_are_a_meaning_and_others_are_none():
    plain = np.eye(4, 8, dtype=np.float32)
    tinted = plain.copy()
    tinted[:, 7] += 0.5
    scattered = plain + 0.5 * np.eye(4, 8, 4, dtype=np.float32) * np.array([[1], [-1], [1], [-1]], np.float32)
    meaning = meaning_of(plain, tinted, [scattered])
    assert meaning.has_one
    assert not meaning_of(plain, scattered, [scattered]).has_one
    assert not replace(meaning, made_up=(0.4,)).has_one
    assert not WordMeaning(0.01, (0.0,)).has_one, "the same pictures to the eye"
