"""Control pictures in jobs: candidates and all their decoys follow the same one, stored and told with the frame."""

from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.config import load
from bootstrap.dataset.provenance import named_references
from bootstrap.records import JobKind, Reference, Shot
from bootstrap.store.rows import job_from, text_of
from loops.jobs import JobMaker, Wave

CONFIG = load("puppet", backend="fake")
RED = Character(name="Red", trigger="redchr", invariant={"hair_color": "red hair", "hair_style": "long hair"})
CONTROL = Reference("controls/1.png", "0" * 64, 0.8)
AXES = {"expression": "smile", "pose": "sitting", "outfit": "default", "background": "forest", "style": "cel shading"}


def test_decoys_follow_the_same_control_picture_as_candidates():
    maker = JobMaker(Wording.of(RED, CONFIG), CONFIG, lambda shot: CONTROL if shot.view_family == "behind" else None)
    for kind in (JobKind.CANDIDATE, JobKind.LOOKALIKE, JobKind.EXCHANGED, JobKind.STRANGER):
        job = maker.wave_job(kind, Wave(1, 1), Shot("behind", "behind", "full body", AXES))
        assert job.control == CONTROL
        assert job_from(text_of(job)) == job
        assert maker.wave_job(kind, Wave(1, 1), Shot("front", "front", "full body", AXES)).control is None
    assert named_references([CONTROL]) == f"controls/1.png 0.8 {'0' * 64}"


def test_a_job_of_an_earlier_version_has_none():
    job = JobMaker(Wording.of(RED, CONFIG), CONFIG).wave_job(
        JobKind.CANDIDATE, Wave(1, 1), Shot("behind", "behind", "full body", AXES)
    )
    assert job_from(text_of(job).replace(',"control":null', "")) == job
