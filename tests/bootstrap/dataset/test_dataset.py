"""The dataset folder: what trainers and loaders find in it, and what becomes of it when it is written again."""

import json

import pytest
from PIL import Image

from bootstrap.dataset.seen_tags import unseen_axes
from bootstrap.dataset.writing import safe_name, write_dataset
from bootstrap.errors import StoreError
from bootstrap.records import TrainItem
from scoring.measurement import Measurement, not_applicable


@pytest.fixture
def items(tmp_path):
    made = []
    for number, colour in enumerate(("red", "lime", "blue")):
        path = tmp_path / "frames" / f"{colour}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8), colour).save(path)
        made.append(TrainItem(str(path), ("mikachr", f"pose {number}"), "kept"))
    return made


def write(folder, items, repeats=10):
    return write_dataset(folder, "mikachr", items, [{"p": None, "view": "front"} for _ in items], repeats)


def test_trainers_and_imagefolder_find_every_picture_with_its_caption(items, tmp_path):
    written = write(tmp_path / "dataset", items)
    assert written.folder == tmp_path / "dataset" / "10_mikachr"
    rows = [json.loads(line) for line in (tmp_path / "dataset" / "metadata.jsonl").read_text().splitlines()]
    assert len({tuple(row) for row in rows}) == 1  # imagefolder wants equal columns in every row
    pictures = {path.relative_to(tmp_path / "dataset").as_posix() for path in (tmp_path / "dataset").rglob("*.png")}
    assert {row["file_name"] for row in rows} == pictures  # and a row for every picture below it
    for row in rows:
        text = (tmp_path / "dataset" / row["file_name"]).with_suffix(".txt").read_text()
        assert text.strip() == row["text"]
    assert [one.file for one in written.pictures] == [row["file_name"] for row in rows]


def test_datasets_loads_the_folder(items, tmp_path):
    datasets = pytest.importorskip("datasets")
    write(tmp_path / "dataset", items)
    loaded = datasets.load_dataset("imagefolder", data_dir=str(tmp_path / "dataset"), split="train")
    assert loaded["text"] == [item.caption for item in items]
    assert loaded[0]["image"].size == (8, 8)


def test_a_set_written_again_keeps_what_a_person_changed(items, tmp_path):
    caption = write(tmp_path / "dataset", items).folder / "001.txt"
    caption.write_text("my own words")
    (tmp_path / "dataset" / "10_mikachr" / "002.png").unlink()
    write(tmp_path / "dataset", items)
    assert caption.read_text() == "my own words"
    assert caption.with_name("002.png").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dataset", "frames"]


@pytest.mark.parametrize(("count", "repeats"), [(2, 10), (3, 20)])
def test_another_set_leaves_the_former_one_aside_and_nothing_of_it_inside(items, tmp_path, count, repeats):
    write(tmp_path / "dataset", items)
    (tmp_path / "dataset" / "10_mikachr" / "001.txt").write_text("my own words")
    write(tmp_path / "dataset", items[:count], repeats)
    assert len(list((tmp_path / "dataset").rglob("*.png"))) == count
    assert (tmp_path / "dataset-before-1" / "10_mikachr" / "001.txt").read_text() == "my own words"
    write(tmp_path / "dataset", items[:1])
    assert (tmp_path / "dataset-before-2").is_dir()


def test_a_half_written_set_is_written_over(items, tmp_path):
    write(tmp_path / "dataset", items)
    (tmp_path / "dataset" / "metadata.jsonl").unlink()
    (tmp_path / "dataset" / "10_mikachr" / "001.txt").write_text("tor")
    write(tmp_path / "dataset", items)
    assert (tmp_path / "dataset" / "10_mikachr" / "001.txt").read_text() == "mikachr, pose 0\n"
    assert not (tmp_path / "dataset-before-1").exists()


def test_a_lost_picture_is_told_in_one_line(items, tmp_path):
    (tmp_path / "frames" / "lime.png").unlink()
    with pytest.raises(StoreError, match=r"lime\.png"):
        write(tmp_path / "dataset", items)
    assert not (tmp_path / "dataset" / "metadata.jsonl").exists()


@pytest.mark.parametrize(
    ("trigger", "name"), [("mikachr", "mikachr"), ("a/b", "a_b"), ("..", "character"), ("ミカ", "ミカ")]
)
def test_a_trigger_is_a_file_name(trigger, name):
    assert safe_name(trigger) == name


def test_only_axes_that_were_read_and_not_found_are_unseen():
    values = {"seen pose": Measurement(-1.0), "seen style": Measurement(1.0), "seen background": not_applicable("?")}
    assert unseen_axes({**values, "view": Measurement(-1.0)}) == ("pose",)
