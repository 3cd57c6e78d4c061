"""Tall and wide pictures: buckets by framing where the base has them, one shape a shot, squares for the scorers."""

import json

import pytest
from pydantic import ValidationError

from bootstrap.backends.fake import FakeBackend
from bootstrap.backends.parameters import parameters_text
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.backends.shapes import box_within, shape_of
from bootstrap.config import load, shipped_names
from bootstrap.records import Job, JobKind, Reference, Shot
from bootstrap.store.store import Store

TALL, WIDE = {"full body": [[2, 3]]}, {"upper body": [[1, 1], [4, 3]]}


def job(framing, take=0, **more):
    shot = Shot("front", "front", framing, {"pose": "standing"}, take)
    return Job(f"j{framing}{take}", JobKind.CANDIDATE, 1, 1, shot, "p", "", take, {}, **more)


def test_every_real_base_draws_full_bodies_tall_and_the_embedded_one_squares():
    for name in shipped_names("base"):
        sampling = load(name).base.sampling
        width, height = shape_of(sampling, job("full body"))
        shapes = {shape_of(sampling, job("upper body", take)) for take in range(20)}
        if name == "puppet":
            assert {(width, height), *shapes} == {(96, 96)}
            continue
        assert width < height <= 2 * width
        assert {side % 64 for side in (width, height)} == {0}
        assert width * height <= sampling.width * sampling.height
        assert len(shapes) == 2
        assert any(wide > high for wide, high in shapes)
        assert shape_of(sampling, job("close-up")) == (sampling.width, sampling.height)
    assert shape_of(load("illustrious").base.sampling, job("full body")) == (832, 1216)


def test_a_shot_has_one_shape():
    settings = SamplingSettings(width=512, height=512, shapes={**TALL, **WIDE})
    assert shape_of(settings, job("full body", control=Reference("c.png", "h"))) == shape_of(settings, job("full body"))
    assert shape_of(settings, job("upper body", 3)) == shape_of(settings, job("upper body", 3))
    assert "Size: 384x640" in parameters_text(job("full body"), settings)
    assert SamplingSettings().identity() == SamplingSettings(shapes={}).identity(), "runs without shapes go on"
    with pytest.raises(ValidationError, match="at most twice"):
        SamplingSettings(shapes={"full body": [[1, 3]]})


def test_a_box_of_the_square_is_one_of_the_picture():
    assert box_within((0.25, 0.0, 0.75, 1.0), (100, 200)) == (0.0, 0.0, 1.0, 1.0)
    assert box_within((0.25, 0.5, 0.75, 1.0), (200, 100)) == (0.25, 0.5, 0.75, 1.0)
    assert box_within((0.1, 0.2, 0.3, 0.4), (96, 96)) == pytest.approx((0.1, 0.2, 0.3, 0.4))


def test_a_run_draws_keeps_and_delivers_them(call, tmp_path):
    drawer = FakeBackend(SamplingSettings(width=128, height=128, shapes=TALL, batch_size=4))
    (batch,) = drawer.draw([job("full body"), job("close-up"), job("full body", 1)], None)
    assert [image.size for _, image in batch] == [shape_of(drawer.settings, one) for one, _ in batch]
    from tests.loops.conftest import TINY, described

    settings = [
        *TINY,
        "base.sampling.width=128",
        "base.sampling.height=128",
        f"base.sampling.shapes={json.dumps(TALL)}",
    ]
    done = call("run", *described(tmp_path, settings), "--out", tmp_path / "run")
    assert done.code == 0, done.err
    with Store.open(tmp_path / "run", exclusive=False) as store:
        sizes = {(frame.job.shot.framing == "full body", store.frame_image(frame).size) for frame in store.frames()}
    assert len(sizes) == 2
    assert (False, (128, 128)) in sizes


@pytest.mark.parametrize("base", ["tiny", "tiny_xl"])
def test_a_batch_of_several_shapes_is_drawn_each_as_alone(base, request):
    from bootstrap.backends.diffusers import DiffusersBackend

    settings = SamplingSettings(steps=2, width=96, height=96, guidance_scale=2.0, batch_size=4, shapes=TALL)
    drawer = DiffusersBackend(request.getfixturevalue(base), settings, device="cpu")
    jobs = [job("full body"), job("close-up"), job("full body", 1)]
    (batch,) = drawer.draw(jobs, None)
    assert [(one.id, image.size) for one, image in batch] == [
        (jobs[0].id, (64, 128)),
        (jobs[1].id, (96, 96)),
        (jobs[2].id, (64, 128)),
    ]
    plain = DiffusersBackend(request.getfixturevalue(base), settings.model_copy(update={"shapes": {}}), device="cpu")
    ((_, alone),) = next(iter(plain.draw([jobs[1]], None)))
    assert alone.tobytes() == batch[1][1].tobytes(), "a square picture is what it was"
