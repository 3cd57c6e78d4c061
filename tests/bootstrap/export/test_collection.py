"""The rows of a dataset: each picture with its facts."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.config import RunConfig
from bootstrap.dataset.detail_close_ups import close_up_path
from bootstrap.dataset.generated import GeneratedFrames
from bootstrap.dataset.provenance import (
    COLUMNS,
    named_references,
    read_provenance,
    score_columns,
    write_provenance,
)
from bootstrap.export.collection import Collection
from bootstrap.records import Reference, TrainItem, VerdictKind
from bootstrap.store.files import sha256_of
from bootstrap.store.store import Store
from scoring.measurement import Measurement, not_applicable


@pytest.fixture
def written(store: Store, config: RunConfig, character: Character, trained: list[TrainItem]) -> Path:
    kept, extra = store.kept(), store.frames_judged(VerdictKind.PROVISIONAL)
    generated = GeneratedFrames(store.directory, kept, extra, store.measurements())
    frames = generated.items(config, Wording.of(character, config), "character")
    collection = Collection(store, config, character, kept, extra, [*trained, *frames])
    return collection.write(store.directory / "dataset", 10).parent


def test_every_picture_behind_the_set_has_a_row(written: Path) -> None:
    rows = read_provenance(written)
    assert [row["origin"] for row in rows] == ["seed", "crop", "altered", *["synthetic"] * 4]
    assert [row["training_weight"] for row in rows] == ["0.5", "0.5", "0.5", "1", "1", "1", "0.5"]
    assert [row["verdict"] for row in rows[3:]] == ["keep", "keep", "keep", "provisional"]
    assert set(rows[0]) >= set(COLUMNS)
    for row in rows[1:]:
        assert sha256_of(written / row["file"]) == row["sha256"]
    assert "/home/ada" not in (written / "provenance.csv").read_text()


def test_a_close_up_of_a_detail_is_in_the_set_and_tells_what_it_was_cut_out_of(
    store: Store, config: RunConfig, character: Character, trained: list[TrainItem]
) -> None:
    frame = store.kept()[0]
    place = close_up_path(store.directory, frame.path, "tail")
    place.parent.mkdir(exist_ok=True)
    place.write_bytes((store.directory / frame.path).read_bytes())
    generated = GeneratedFrames(store.directory, store.kept(), (), store.measurements())
    frames = generated.items(config, Wording.of(character, config), "character")
    close_up = TrainItem(str(place), ("mikachr", "close-up", "tail focus"), "detail")
    items = [*trained, *frames, close_up]
    folder = Collection(store, config, character, store.kept(), (), items).write(store.directory / "dataset", 10)
    row = read_provenance(folder.parent)[-1]
    assert (row["made_from"], row["origin"]) == (Path(frame.path).name, "synthetic")
    assert row["caption"] == "mikachr, close-up, tail focus"
    assert len([*folder.glob("*.png")]) == len(frames) + 1


def test_a_synthetic_row_tells_how_to_make_it_again_and_why_it_is_here(written: Path, store: Store) -> None:
    row, frame = read_provenance(written)[3], store.kept()[0]
    assert (row["generator"], row["backend"]) == ("puppet", "fake")
    assert (row["prompt"], row["negative_prompt"]) == (frame.job.prompt, "lowres")
    assert int(row["seed"]) == frame.job.random_seed
    assert row["adapter_sha256"] == store.adapters()[0].sha256
    assert row["references"] == ""
    assert (
        named_references((Reference("a.png", "5eed", 0.5), Reference("b.png", "f00d")))
        == "a.png 0.5 5eed; b.png 1 f00d"
    )
    assert row["reasons"] == "fills it; p=0.01"
    assert (row["license"], row["credits"]) == ("CC-BY-4.0", "drawn by Ada")
    assert (row["view"], row["view score"], row["view state"]) == ("front", "2", "measured")
    assert (row["face score"], row["face state"]) == ("", "not applicable: no face from behind")


def test_captions_withhold_the_identity_and_what_is_not_seen(written: Path) -> None:
    captions = [json.loads(line)["text"] for line in (written / "metadata.jsonl").read_text().splitlines()]
    assert not [text for text in captions if "blue hair" in text]
    assert [("forest" in text) for text in captions] == [False, True, True, True]


def test_a_set_that_nothing_was_trained_on_yet(store: Store, config: RunConfig, character: Character) -> None:
    Collection(store, config, character, store.kept()).write(store.directory / "now", 10)
    rows = read_provenance(store.directory / "now")
    assert [row["origin"] for row in rows] == ["seed", *["synthetic"] * 3]
    assert {row["training_weight"] for row in rows} == {""}


def test_a_seed_that_was_not_trained_on_is_listed_as_such(
    store: Store, config: RunConfig, character: Character
) -> None:
    frames = GeneratedFrames(store.directory, store.kept()).items(config, Wording.of(character, config), "character")
    Collection(store, config, character, store.kept(), (), frames).write(store.directory / "never", 10)
    rows = read_provenance(store.directory / "never")
    assert [(row["origin"], row["training_weight"]) for row in rows] == [("seed", "0"), *[("synthetic", "1")] * 3]


def test_a_scorer_that_failed_says_error() -> None:
    cells = score_columns({"clip": not_applicable("error: KeyError: x"), "view": Measurement(-1.0, "reads as front")})
    assert (cells["clip score"], cells["clip state"]) == ("", "error: KeyError: x")
    assert (cells["view score"], cells["view state"]) == ("-1", "measured: reads as front")


def test_a_folder_without_provenance_has_no_rows(tmp_path: Path) -> None:
    assert read_provenance(tmp_path) == []


def test_a_set_that_was_trained_on_has_the_captions_of_the_training(
    store: Store, config: RunConfig, character: Character
) -> None:
    trained = [TrainItem(str(store.directory / frame.path), ("as", "trained"), "kept") for frame in store.kept()]
    Collection(store, config, character, store.kept(), (), trained).write(store.directory / "same", 10)
    assert {row["caption"] for row in read_provenance(store.directory / "same")[1:]} == {"as, trained"}


@pytest.mark.parametrize("text", ["=1+1", "+1|cmd", "-2+3", "@SUM(A1)", "\t=1", "＝1", "'=1"])
def test_a_spreadsheet_takes_no_cell_for_a_formula(tmp_path: Path, text: str) -> None:
    row = {**dict.fromkeys(COLUMNS, ""), "caption": text, "credits": "it's", text: "-1.5"}
    write_provenance(tmp_path, [row])
    with (tmp_path / "provenance.csv").open(encoding="utf-8", newline="") as file:
        head, cells = csv.reader(file)
    assert {f"'{text}", "it's", "-1.5"} <= set(cells), "a number stays one"
    assert head[-1] == f"'{text}"
    assert read_provenance(tmp_path) == [row], "read back as it was"


def test_a_control_character_in_a_name_ends_no_row(tmp_path: Path) -> None:
    write_provenance(tmp_path, [{**dict.fromkeys(COLUMNS, ""), "made_from": "a\rb\x1b.png"}])
    (row,) = read_provenance(tmp_path)
    assert row["made_from"] == r"a\rb\x1b.png"
