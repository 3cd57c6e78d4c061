"""The nearest seed and the nearest decoy of a frame, from what the panel remembered; else nothing."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bootstrap.config import RunConfig
from bootstrap.panel.references import references_of
from bootstrap.records import JobKind
from bootstrap.review.nearest import NOTHING_NEAR, Nearest
from bootstrap.runs.encoder import remember_encoder
from scoring.crops import Crops
from scoring.features import Features
from scoring.measurement import Measurement, Picture


class StubEncoder:
    """An encoder that knows its answers by the picture's digest."""

    fingerprint = "stub"

    def __init__(self, angles):
        self.angles = angles

    def remember(self, features, pictures, key):
        angles = [self.angles[one.digest] for one in pictures]
        self.embed = lambda images: np.array([[np.cos(angle), np.sin(angle)] for angle in angles], np.float32)
        features.vectors(self, pictures, key)


@pytest.fixture
def remembered(store, config, ids):
    """Two decoys from the front and one from behind; a candidate 0.1 from the first, 0.5 from the seed."""
    panel = RunConfig.model_validate_json(store.recall("config")).panel
    remember_encoder(store, "stub")
    like = store.frame(ids[0])
    jobs = [
        replace(
            like.job,
            id=f"decoy-{n}",
            kind=JobKind.LOOKALIKE,
            shot=replace(like.job.shot, view_family=view_family, take=n),
        )
        for n, view_family in enumerate(("front", "front", "behind"))
    ]
    store.plan(jobs)
    store.add_frames([(job, Image.new("RGB", (32, 32), (9 * n, 0, 0)), "") for n, job in enumerate(jobs)], "", "fake")
    frames = [like, *(store.frame(job.id) for job in jobs)]
    pictures = [Picture(Image.new("RGB", (8, 8)), f.digest, f.job.shot.view_family, f.job.shot.framing) for f in frames]
    seeds = references_of(store.seeds(), store.directory, panel)
    angles = dict(zip([one.digest for one in pictures], (0.0, 0.1, 1.0, 0.0), strict=True))
    encoder, crops = StubEncoder(angles | {one.digest: 0.5 for one in seeds}), Crops(panel.composition)
    for crop in panel.scorers["clip"].crops:
        for one in (*pictures, *seeds):
            if crops.box(one.framing, crop):
                encoder.remember(Features(store.directory / "features"), [one], crops.key(one, crop))
    return like


def test_the_nearest_decoy_is_of_the_same_view_and_the_nearest_seed_has_its_number(store, remembered):
    near = Nearest(store).of(remembered)
    assert near["decoy"] == {"id": "decoy-0", "similarity": pytest.approx(np.cos(0.1), abs=1e-3)}
    assert near["seed"] == {"number": 0, "similarity": pytest.approx(np.cos(0.5), abs=1e-3)}


def test_the_page_shows_both_with_their_pictures_and_no_other_frame_as_a_decoy(client, remembered, ids):
    body = client.get(f"/api/nearest/{remembered.job.id}").json()
    assert client.get(f"/decoys/{body['decoy']['id']}").headers["content-type"] == "image/webp"
    assert client.get(f"/decoys/{ids[0]}").status_code == 404
    assert client.get(f"/pictures/{body['decoy']['id']}").status_code == 404, "a decoy is no candidate"


def test_where_nothing_is_remembered_nothing_is_near(store, client, ids):
    assert Nearest(store).of(store.frame(ids[0])) == NOTHING_NEAR
    assert client.get(f"/api/nearest/{ids[0]}").json() == {
        **NOTHING_NEAR,
        "p": {},
        "plain": ["How alike it is to the seed is unknown: no embedding of this picture is stored."],
    }


def test_each_scorer_says_its_own_p_among_the_decoys_of_the_view(store, client, remembered, ids):
    values = {"decoy-0": 0.2, "decoy-1": 0.9, "decoy-2": 0.7}
    store.add_measurements({id: {"clip": Measurement(value)} for id, value in values.items()}, {"clip": "v1"})
    body = client.get(f"/api/nearest/{remembered.job.id}").json()["p"]
    assert body == {"clip": pytest.approx(2 / 3, abs=1e-3)}, "0.5 is beaten by one of the two decoys from the front"


def test_a_frame_drawn_since_is_looked_up_once_more(store, remembered, ids):
    near = Nearest(store)
    assert near.of(store.frame(ids[1])) == NOTHING_NEAR
    assert near.of(remembered)["decoy"]["id"] == "decoy-0"
