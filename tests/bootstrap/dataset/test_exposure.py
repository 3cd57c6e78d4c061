"""Outfits with triggers of their own: folders and weights by which each is seen by its share."""

import tomllib

import pytest
from PIL import Image

from bootstrap.backends.sampling import SamplingSettings
from bootstrap.character import Character
from bootstrap.dataset.caption_audit import audit, read_set
from bootstrap.dataset.exposure import factors, folders
from bootstrap.dataset.intent import Intent
from bootstrap.dataset.writing import write_dataset
from bootstrap.export.retrain import TRAINER_FILE, write_trainer_file
from bootstrap.records import TrainItem
from bootstrap.training.recipe import TrainRecipe


def zeta(**outfits):
    return Character(name="Zeta", trigger="zetachr", invariant={"hair": "red hair"}, outfits=outfits)


THREE = zeta(
    default={"tags": "white shirt"},
    summer={"tags": "red dress", "trigger": "zetasummer"},
    winter={"tags": "blue coat", "trigger": "zetawinter"},
)


def test_outfits_are_seen_about_equally():
    worn = ["default"] * 20 + ["summer"] * 15 + ["winter"] * 10
    counts = {}
    for home in folders(THREE, worn, 10):
        counts[home] = counts.get(home, 0) + int(home.partition("_")[0])
    assert counts == {"8_zetachr": 160, "10_zetachr zetasummer": 150, "15_zetachr zetawinter": 150}
    assert sum(factors(THREE, worn)) == pytest.approx(len(worn))


def test_stated_shares_hold_and_few_pictures_are_not_learned_by_heart():
    stated = zeta(default={"tags": "shirt", "share": 0.75}, summer={"tags": "dress", "trigger": "zetasummer"})
    assert factors(stated, ["default"] * 3 + ["summer"]) == [1.0] * 4
    assert factors(THREE, ["default"] * 50 + ["winter"])[-1] == 2.0


def test_without_triggers_everything_stays_in_one_folder():
    plain = zeta(default={"tags": "shirt"}, summer={"tags": "dress"})
    worn = ["default"] * 9 + ["summer"]
    assert set(folders(plain, worn, 10)) == {"10_zetachr"}
    assert factors(plain, worn) == [1.0] * 10
    assert folders(plain, [], 10) == []


def test_trainers_and_the_audit_read_such_a_set(tmp_path):
    items = []
    for number, outfit in enumerate(("white shirt", "zetasummer, red dress")):
        Image.effect_noise((64, 64), 60 + 40 * number).convert("RGB").save(tmp_path / f"{number}.png")
        items.append(TrainItem(str(tmp_path / f"{number}.png"), ("zetachr", *outfit.split(", ")), "kept"))
    homes = folders(THREE, ["default", "summer"], 10)
    written = write_dataset(tmp_path / "set", "zetachr", items, [{}, {}], 10, folders=homes)
    assert written.folder == tmp_path / "set"
    write_trainer_file(tmp_path / "set", written.folders, TrainRecipe(), SamplingSettings())
    (dataset,) = tomllib.loads((tmp_path / "set" / TRAINER_FILE).read_text())["datasets"]
    assert [one["image_dir"] for one in dataset["subsets"]] == ["10_zetachr", "10_zetachr zetasummer"]
    assert audit(written.folder, read_set(written.folder), Intent()).sound
