"""Files of a run that were lost, altered or swapped: made again by the same command, or named."""

import shutil

import pytest
from PIL import Image

from bootstrap.backends.fake import FakeBackend
from bootstrap.events import Noted
from bootstrap.records import VerdictKind
from bootstrap.review.person_verdicts import judge
from bootstrap.review.uploads import add_upload
from bootstrap.store.files import sha256_of
from bootstrap.store.store import Store
from scoring.measurement import digest_of


def notes(run):
    with Store.open(run, exclusive=False) as store:
        return "\n".join(event.text for event in store.events() if isinstance(event, Noted))


def ending(run):
    """Kept set with pixels, verdicts and adapters, and what lies in the dataset."""
    with Store.open(run, exclusive=False) as store:
        pictures = {id: digest_of(store.frame_image(frame)) for frame in store.frames() if (id := frame.job.id)}
        files = {path.name: sha256_of(path) for path in sorted(run.glob("dataset/*/*"))}
        return store.kept(), store.verdicts(), pictures, [one.id for one in store.adapters()], files


@pytest.fixture
def kept(finished):
    """The kept frames of the finished run."""
    with Store.open(finished[0], exclusive=False) as store:
        return store.kept()


def lose(path):
    path.unlink()


def truncate(path):
    path.write_bytes(path.read_bytes()[:100])


def alter(path):
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    image.putpixel((0, 0), (1, 2, 3))
    image.save(path)


@pytest.mark.parametrize("harm", [lose, truncate, alter])
def test_pictures_are_drawn_again_the_same_to_the_pixel(finished, call, grown, harm):
    run, arguments = finished
    with Store.open(run, exclusive=False) as store:
        for frame in store.frames()[::5]:
            harm(run / frame.path)
    done = call("run", *arguments, "--out", run)
    assert done.code == 0, done.err
    assert ending(run) == ending(grown)
    assert "the same to the pixel" in notes(run)
    assert call("verify", run).code == 0
    assert bool(list(run.rglob("*.altered-1.png"))) == (harm is not lose), "what somebody altered is kept aside"


def test_swapped_pictures_do_not_enter_the_set_with_the_scores_of_another(finished, call, grown, kept):
    run, arguments = finished
    first, second = run / kept[0].path, run / kept[1].path
    data = first.read_bytes()
    shutil.copyfile(second, first)
    second.write_bytes(data)
    refused = call("export", run, "--format", "dataset", "--round", "3", "--out", run.parent / "set")
    assert refused.code != 0
    assert kept[0].path in refused.line
    assert "is not the one that was stored" in refused.line
    assert call("run", *arguments, "--out", run).code == 0
    assert ending(run) == ending(grown)


def another(monkeypatch):
    """From now on other pictures are drawn than before."""
    paint = FakeBackend.draw

    def draw(self, jobs, adapter):
        for batch in paint(self, jobs, adapter):
            yield [(job, image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)) for job, image in batch]

    monkeypatch.setattr(FakeBackend, "draw", draw)


def test_another_picture_is_measured_and_judged_anew_and_said(finished, call, kept, monkeypatch):
    run, arguments = finished
    another(monkeypatch)
    lose(run / kept[0].path)
    assert call("run", *arguments, "--out", run).code == 0
    assert "drawn again as others" in notes(run)
    assert kept[0].job.id in notes(run)
    with Store.open(run, exclusive=False) as store:
        frame = store.frame(kept[0].job.id)
        assert frame.digest == digest_of(store.frame_image(frame)) != kept[0].digest
        assert store.measurements([frame.job.id])
        history = store.verdict_history(frame.job.id)
        assert any("another one" in reason for verdict in history for reason in verdict.reasons)
    assert call("verify", run).code == 0


@pytest.mark.parametrize("own", [True, False])
def test_what_a_person_approved_is_named_and_comes_back_with_its_file(finished, call, kept, monkeypatch, own):
    run, arguments = finished
    with Store.open(run, exclusive=False) as store:
        frame = kept[0]
        if own:
            with (run.parent / "seed.png").open("rb") as file:
                frame = add_upload(store, frame, file.read())
        judge(store, frame, VerdictKind.KEEP)
    assert call("run", *arguments, "--out", run).code == 0
    another(monkeypatch)
    copy = (run / frame.path).read_bytes()
    lose(run / frame.path)
    done = call("run", *arguments, "--out", run)
    assert done.code == 0, done.err
    assert f"'{frame.path}' (keep by person) is lost or altered and cannot be drawn again" in notes(run)
    assert frame.path in call("verify", run).out
    (run / frame.path).write_bytes(copy)
    assert call("run", *arguments, "--out", run).code == 0
    with Store.open(run, exclusive=False) as store:
        assert frame.job.id in {one.job.id for one in store.kept()}
    assert digest_of(Image.open(run / frame.path)) in {digest_of(Image.open(p)) for p in run.glob("dataset/*/*.png")}


@pytest.mark.parametrize("harm", [lose, truncate])
def test_an_altered_adapter_does_not_draw_and_is_trained_again(tiny, call, tmp_path, before_picture, grown, harm):
    run = tmp_path / "run"

    def die(picture):
        if picture == 20:
            raise KeyboardInterrupt

    with before_picture(die):
        assert call("run", *tiny, "--out", run).code == 130
    for path in run.glob("adapters/*/*.safetensors"):
        harm(path)
    done = call("run", *tiny, "--out", run)
    assert done.code == 0, done.err
    assert "it is trained again" in notes(run)
    assert ending(run)[:4] == ending(grown)[:4]
    assert call("verify", run).code == 0


def test_lost_weights_of_a_finished_run_are_trained_again_or_named(finished, call, grown):
    run, arguments = finished
    for path in run.glob("adapters/*/*.safetensors"):
        truncate(path)
    refused = call("export", run)
    assert refused.code != 0
    assert "are not those that were stored" in refused.line
    done = call("run", *arguments, "--out", run)
    assert done.code == 0, done.err
    assert "does not need it any more" in notes(run)
    assert ending(run)[:4] == ending(grown)[:4]
    assert call("verify", run).code == 0
    assert call("export", run).code == 0


def test_seeds_and_their_crops_are_written_again(finished, call, grown):
    run, arguments = finished
    for path in (*run.glob("seeds/*"), *run.glob("train/*.png")):
        truncate(path)
    done = call("run", *arguments, "--out", run, "--set", "loop.target=5")
    assert done.code == 0, done.err
    assert call("verify", run).code == 0


def test_a_run_that_is_killed_while_it_draws_again_ends_the_same(finished, call, grown, before_picture):
    run, arguments = finished
    with Store.open(run, exclusive=False) as store:
        for frame in store.frames()[::3]:
            alter(run / frame.path)
        for adapter in store.adapters():
            truncate(run / adapter.path)

    def die(picture):
        if picture == 40:
            raise KeyboardInterrupt

    with before_picture(die):
        assert call("run", *arguments, "--out", run).code == 130
    assert call("run", *arguments, "--out", run).code == 0
    assert ending(run)[:4] == ending(grown)[:4]
    assert call("verify", run).code == 0
