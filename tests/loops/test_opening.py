"""Opening a run takes in the seeds, views of sheets among them, and says what may spoil it, once."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bootstrap.character import Character
from bootstrap.config import load
from bootstrap.events import Noted
from bootstrap.store.store import Store
from loops import open_engine as opening
from loops.open_engine import open_engine
from scoring.faces_found import FoundFace

CONFIG = load("puppet", backend="fake")
RED = {"name": "Red", "trigger": "redchr", "invariant": {"hair": "red hair"}, "outfits": {"a": {"tags": "white shirt"}}}


def noted(store):
    return [event.text for event in store.events() if isinstance(event, Noted)]


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "run", create=True) as opened:
        yield opened


def sheet(path):
    image = Image.new("RGB", (400, 300), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((30, 30, 150, 270), "red")
    draw.rectangle((230, 30, 350, 270), "blue")
    image.save(path)
    return path


def test_a_sheet_becomes_views_and_its_original_bytes_are_kept(store, tmp_path):
    path = sheet(tmp_path / "sheet.png")
    notes = [{"file": "sheet.png#1", "view": "front"}, {"file": "sheet.png#2", "view": "behind"}]
    character = Character(**RED, seeds=notes)
    seeds = open_engine(store, CONFIG, character, [path]).seeds
    assert [(seed.view_family, seed.caption_from) for seed in seeds] == [
        ("front", "character.json"),
        ("behind", "character.json"),
    ]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    assert (store.directory / "seeds" / f"{digest}.png").read_bytes() == path.read_bytes()
    for seed in seeds:
        assert hashlib.sha256((store.directory / seed.path).read_bytes()).hexdigest() == seed.sha256
    assert any('"sheet.png" is a sheet: 2 figures' in text for text in noted(store))


def test_the_same_bytes_twice_are_one_seed_and_no_sheet(store, tmp_path):
    for name in ("a.png", "b.png"):
        Image.new("RGB", (128, 128), "red").save(tmp_path / name)
    engine = open_engine(store, CONFIG, Character(**RED), [tmp_path / "a.png", tmp_path / "b.png"])
    assert len(engine.seeds) == 1
    texts = noted(store)
    assert not any("sheet" in text for text in texts)
    assert any('"b.png" is a near-duplicate of "a.png"' in text for text in texts)


def test_a_picture_that_is_mostly_ground_is_cropped_and_its_original_kept(store, tmp_path):
    image = Image.new("RGB", (600, 600), "white")
    image.paste("red", (100, 100, 250, 350))
    image.save(tmp_path / "wide.png")
    (seed,) = open_engine(store, CONFIG, Character(**RED), [tmp_path / "wide.png"]).seeds
    assert seed.path.endswith("-subject.png")
    assert (store.directory / seed.path.replace("-subject", "")).read_bytes() == (tmp_path / "wide.png").read_bytes()
    assert any('"wide.png" is mostly ground' in text for text in noted(store))


def test_opening_again_takes_nothing_in_and_notes_nothing_twice(store, tmp_path):
    path, character = sheet(tmp_path / "sheet.png"), Character(**RED)
    before = open_engine(store, CONFIG, character, [path]).seeds, noted(store)
    assert (open_engine(store, CONFIG, character, [path]).seeds, noted(store)) == before


def test_a_sheet_half_taken_in_is_taken_in_whole(store, tmp_path, monkeypatch):
    path, character = sheet(tmp_path / "sheet.png"), Character(**RED)
    add = store.add_seed

    def once(seed):
        add(seed)
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "add_seed", once)
    with pytest.raises(KeyboardInterrupt):
        open_engine(store, CONFIG, character, [path])
    monkeypatch.undo()
    assert [seed.source[-2:] for seed in open_engine(store, CONFIG, character, [path]).seeds] == ["#1", "#2"]


def test_what_may_spoil_the_run_is_noted(store, tmp_path, monkeypatch):
    class Faces:
        fingerprint = "two"

        def look(self, pictures):
            pass

        def faces(self, picture):
            return [FoundFace((0, 0, 1, 1), 40.0, 0.9, 0.0, None)] * 2

    def crowded(*given, open_models=opening.open_models):
        models = open_models(*given)
        found = ["its weights predict velocity"]
        drawn_with = CONFIG.base.sampling.model_copy(update={"scheduler": "dpm++"})
        faces = replace(models.panel_models, faces=Faces())
        return replace(models, panel_models=faces, notes=found, sampling=drawn_with)

    def judges(models, *given, known=opening.judges_for):
        return known(replace(models, faces=None), *given)  # here faces are counted, and identify nobody

    monkeypatch.setattr(opening, "open_models", crowded)
    monkeypatch.setattr(opening, "judges_for", judges)
    pixels = np.random.default_rng(0).integers(0, 255, (8, 8, 3), np.uint8)
    for name in ("a.png", "b.png"):
        Image.fromarray(pixels).resize((90, 90)).save(tmp_path / name)
    character = Character(**{**RED, "trigger": "cat"}, seeds=[{"file": "c.png"}])
    engine = open_engine(store, CONFIG, character, [tmp_path / "a.png", tmp_path / "b.png"])
    assert engine.config.base.sampling.scheduler == "dpm++", "what pictures and files tell"
    texts = " | ".join(noted(store))
    for words in (
        "weights predict velocity",
        'trigger "cat" is an ordinary word',
        'seeds.0.file "c.png"',
        "6 pixels short of the 96",
    ):
        assert words in texts
    assert '"a.png" shows 2 faces' in texts
    assert '"b.png" is a near-duplicate of "a.png"' in texts


def test_a_core_tag_that_is_missing_is_added_to_the_run_as_its_setting_says(store, tmp_path):
    Image.effect_noise((128, 128), 60).convert("RGB").save(tmp_path / "a.png")
    settings = ["subject.core_tag=add", "base.demonstration=false"]
    config = load("puppet", backend="fake", overrides=settings)
    for _ in range(2):  # opened again it is the same run
        engine = open_engine(store, config, Character(**RED), [tmp_path / "a.png"])
        assert engine.wording.caption(engine.planner.plan({("front", "portrait"): 1}, [])[0], "character")[:4] == (
            "redchr", "1girl", "solo", "redchr character focus",
        )  # fmt: skip
    assert any('"redchr character focus" joins every caption' in text for text in noted(store))
