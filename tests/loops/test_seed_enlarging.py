"""Seeds below the training size: enlarged by a model before a run begins, once, or refused and left as they are."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.config import load
from bootstrap.dataset.originals import seed_items
from bootstrap.export.collection import Collection
from bootstrap.panel.color_models import fake_panel_models
from bootstrap.pictures import open_picture
from bootstrap.seeds import SeedCaptioner
from bootstrap.seeds.sifting import Given, Improved, Sifter
from bootstrap.store.store import Store
from loops import seed_enlarging
from loops.intake import take_in
from loops.seed_enlarging import upscaling_notes
from tests.tiny_upscalers import compact_file

ADA = Character(name="Ada", trigger="adachr", invariant={"hair": "blue hair"})


@pytest.fixture
def seed(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (10, 10, 3), np.uint8)
    Image.fromarray(pixels).resize((80, 80), Image.Resampling.BICUBIC).save(tmp_path / "seed.png")
    return tmp_path / "seed.png"


def config_with(model):
    return load("illustrious", own={"upscale": str(model), "backend": "fake"}, profile="none")


def test_a_small_seed_is_enlarged_once_captioned_and_told_and_written_again_when_lost(seed, tmp_path, monkeypatch):
    config = config_with(compact_file(tmp_path / "2x.pth"))
    wording, given = Wording.of(ADA, config), seed.read_bytes()
    with Store.open(tmp_path / "run", create=True) as store:
        (taken,) = take_in(store, wording, fake_panel_models(), config, 96, [seed])
        path = store.directory / taken.path
        assert taken.path.endswith("-upscaled.png")
        assert open_picture(path)[0].size == (96, 96)
        (note,) = upscaling_notes(store)
        assert note.endswith('was upscaled from 80x80 to 96x96 by "2x.pth"')
        captioner = SeedCaptioner(wording, lambda image, phrases: "")
        items = seed_items(taken, 0, store.directory, captioner, config.panel.composition, 96, "style")
        assert all("upscaled" in item.tags for item in items)
        collection = Collection(store, config, ADA, [], trained=items)
        collection.write(tmp_path / "set", 10)
        assert "upscaled from 80x80 by 2x.pth (" in (tmp_path / "set" / "provenance.csv").read_text()
        before = path.read_bytes()
        path.unlink()
        assert take_in(store, wording, fake_panel_models(), config, 96, [seed]) == [taken]
        assert path.read_bytes() == before
        monkeypatch.setattr(seed_enlarging, "open_upscaler", lambda model: pytest.fail("loaded again"))
        assert take_in(store, wording, fake_panel_models(), config, 96, [seed]) == [taken]
    assert seed.read_bytes() == given


def test_a_copy_that_shows_something_else_is_refused_and_nothing_is_done_unasked(seed, tmp_path):
    for model, notes in ((compact_file(tmp_path / "bright.pth", shift=0.3), 1), ("lanczos", 0), ("", 0)):
        with Store.open(tmp_path / f"run-{notes}-{model == 'lanczos'}", create=True) as store:
            config = config_with(model)
            (taken,) = take_in(store, Wording.of(ADA, config), fake_panel_models(), config, 96, [seed])
            assert (store.directory / taken.path).read_bytes() == seed.read_bytes()
            assert len(upscaling_notes(store)) == notes
            assert all("Lanczos enlarges it instead" in note for note in upscaling_notes(store))


def test_many_small_or_blurred_pictures_are_not_set_aside_where_they_are_improved():
    image = Image.new("RGB", (300, 300), "grey")
    for number in range(9):
        ImageDraw.Draw(image).ellipse((20 * number, 20, 20 * number + 90, 180), fill=(28 * number, 90, 160))
    blurred = image.resize((30, 30)).resize((900, 900), Image.Resampling.BICUBIC)
    small, soft = Given("a", image, image.size), Given("b", blurred, (1600, 1600))
    said = ["is too small: 300x300, of the 768 pixels a side that the base needs", "is blurred"]
    for improved, flaws in ((Improved(), said), (Improved(4), ["", said[1]]), (Improved(1, True), [said[0], ""])):
        sifter = Sifter(None, 1024, 3, improved=improved)
        assert [sifter.flaw(small), sifter.flaw(soft)] == flaws
