"""The scene of a seed: a copy of it is told from what was asked, and one axis alone condemns nobody."""

import numpy as np
import pytest
from PIL import Image

from scoring.features import Features
from scoring.measurement import Picture, digest_of
from scoring.seed_scene import SceneOfSeed

WORDS = {"background": ["simple background", "forest"], "pose": ["standing", "waving"]}
PHRASES = [word for words in WORDS.values() for word in words]


class Pixels:
    """Reads a scene off the first pixels: one for each phrase, as bright as the phrase is right."""

    fingerprint, scale = "pixels", 10.0

    def embed(self, images):
        return np.stack([np.asarray(image.convert("L"), np.float32)[0, : len(PHRASES)] / 255 for image in images])

    def embed_words(self, phrases):
        return np.eye(len(PHRASES), dtype=np.float32)[[PHRASES.index(phrase) for phrase in phrases]]


def picture(*shows, **asked):
    grey = np.zeros((1, 8), np.uint8)
    grey[0, [PHRASES.index(word) for word in shows]] = 255
    image = Image.fromarray(grey)
    return Picture(image, digest_of(image), "front", "portrait", asked)


@pytest.fixture
def scene():
    return SceneOfSeed(Pixels(), Features(), [picture("simple background", "standing")], WORDS)


OTHER = {"background": "forest", "pose": "waving"}


@pytest.mark.parametrize(
    ("shows", "fails"),
    [
        (("simple background", "standing"), True),
        (("forest", "standing"), False),
        (("simple background", "waving"), False),
        (("forest", "waving"), False),
    ],
)
def test_a_frame_that_keeps_the_whole_scene_of_the_seed_is_a_copy(scene, shows, fails):
    (answer,) = scene.score([picture(*shows, **OTHER)])
    assert (answer.value < 0) is fails
    assert (answer.why == "the scene of a seed") is fails


@pytest.mark.parametrize("asked", [{"background": "forest", "pose": "standing"}, {"background": "a word unknown"}, {}])
def test_where_too_little_else_was_asked_nothing_is_told(scene, asked):
    (answer,) = scene.score([picture("simple background", "standing", **asked)])
    assert answer.value is None


def test_of_several_seeds_the_nearest_scene_counts():
    seeds = [picture("forest", "waving"), picture("simple background", "standing")]
    both = SceneOfSeed(Pixels(), Features(), seeds, WORDS)
    (answer,) = both.score([picture("simple background", "standing", **OTHER)])
    assert answer.value < 0
    assert both.score([]) == []
