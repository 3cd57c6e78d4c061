"""Editing by a person: a cropped or covered copy beside the picture, never in its place; tags of many captions."""

import hashlib

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bootstrap.records import Job, JobKind
from bootstrap.store.store import PERSON

SIDE = 100


@pytest.fixture
def drawn(store, ids):
    """A candidate with a red square on green, and its picture."""
    shot = store.frame(ids[0]).job.shot
    image = Image.new("RGB", (SIDE, SIDE), "green")
    ImageDraw.Draw(image).rectangle((20, 20, 39, 39), "red")
    job = Job("candidate-r01w0-square", JobKind.CANDIDATE, 1, 0, shot, "p", "", 5, {"hair_color": "red hair"})
    store.plan([job])
    store.add_frames([(job, image, "")], adapter="a", drawer="fake")
    return store.frame(job.id), image


def edit(client, frame, kind, *box, **more):
    body = dict(zip(("left", "top", "right", "bottom"), box, strict=True))
    return client.post("/api/edits", json={"id": frame.job.id, "edit": kind, **body, **more})


def test_a_crop_is_a_copy_with_its_own_framing_and_the_picture_stays(client, store, drawn):
    frame, image = drawn
    before = hashlib.sha256((store.directory / frame.path).read_bytes()).hexdigest()
    answer = edit(client, frame, "crop", 0.1, 0.1, 0.7, 0.8, framing="close-up")
    copy = store.frame(answer.json()["id"])
    assert store.frame_image(copy).tobytes() == image.crop((10, 10, 70, 80)).tobytes()
    assert (copy.job.shot.framing, copy.job.shot.view, copy.drawer) == ("close-up", frame.job.shot.view, PERSON)
    assert copy.job.traits == frame.job.traits
    assert f"cropped out of {frame.job.id}" in copy.job.prompt
    assert hashlib.sha256((store.directory / frame.path).read_bytes()).hexdigest() == before
    assert edit(client, frame, "crop", 0.1, 0.1, 0.7, 0.8, framing="close-up").json() == answer.json()
    assert copy.job.id in {row["id"] for row in client.get("/api/frames").json()["frames"]}


def test_a_region_is_covered_with_what_is_around_it(client, store, drawn):
    frame, image = drawn
    copy = store.frame(edit(client, frame, "cover", 0.15, 0.15, 0.45, 0.45).json()["id"])
    covered = np.asarray(store.frame_image(copy))
    assert (covered == np.asarray(Image.new("RGB", (1, 1), "green"))[0, 0]).all()
    whole = edit(client, frame, "cover", 0, 0, 1, 1)
    assert store.frame_image(store.frame(whole.json()["id"])).size == image.size


@pytest.mark.parametrize(
    ("kind", "box", "more", "said"),
    [
        ("crop", (0.1, 0.1, 0.3, 0.3), {}, "too small"),
        ("crop", (0.5, 0.1, 0.5, 0.9), {}, "is empty"),
        ("cover", (0.9, 0.1, 0.2, 0.9), {}, "is empty"),
        ("crop", (0, 0, 1, 1), {"framing": "worm's eye"}, "is no framing"),
    ],
)
def test_what_cannot_be_cut_is_refused_in_a_line(client, store, drawn, kind, box, more, said):
    jobs = store.jobs()
    answer = edit(client, drawn[0], kind, *box, **more)
    assert (answer.status_code, said in answer.json()["error"]) == (400, True)
    assert store.jobs() == jobs
    assert edit(client, drawn[0], "crop", 0, 0, 1.5, 1).status_code == 422


def test_tags_of_many_captions_change_at_once_and_back(client, store, ids):
    def captions():
        return {id: client.get(f"/api/frames/{id}").json()["caption"] for id in ids}

    generated = captions()
    client.post("/api/captions", json={"id": ids[0], "caption": "rain, umbrella"})
    changed = client.post("/api/tags", json={"ids": ids, "add": "puddle, rain", "drop": "Umbrella"}).json()["before"]
    assert changed.keys() == set(ids)
    assert captions()[ids[0]] == "rain, puddle"
    assert all(text.endswith("puddle, rain") for id, text in captions().items() if id != ids[0])
    assert client.post("/api/tags", json={"ids": ids, "add": "rain", "drop": "boat"}).json()["before"] == {}
    for id, text in changed.items():
        client.post("/api/captions", json={"id": id, "caption": text})
    assert captions() == {**generated, ids[0]: "rain, umbrella"}
    assert "no tag" in client.post("/api/tags", json={"ids": ids}).json()["error"]
    assert client.post("/api/tags", json={"ids": ["nobody"], "add": "x"}).status_code == 404


def test_what_may_be_repaired_is_proposed_and_makes_a_copy_when_it_is_taken(client, store, drawn):
    frame, _ = drawn
    assert client.get(f"/api/repairs/{frame.job.id}").json() == {"repairs": []}
    image = Image.new("RGB", (300, 300), "green")
    ImageDraw.Draw(image).ellipse((100, 60, 200, 220), "red")
    job = Job("candidate-r01w0-small", JobKind.CANDIDATE, 1, 0, frame.job.shot, "q", "", 6, frame.job.traits)
    store.plan([job])
    store.add_frames([(job, image, "")], adapter="a", drawer="fake")
    (found,) = client.get(f"/api/repairs/{job.id}").json()["repairs"]
    assert (found["edit"], found["why"]) == ("crop", "mostly plain ground")
    copy = store.frame(edit(client, store.frame(job.id), found["edit"], *found["box"]).json()["id"])
    assert store.frame_image(copy).width < 200
    assert client.get("/api/repairs/nobody").status_code == 404
