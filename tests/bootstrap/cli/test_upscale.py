"""``bootstrap upscale``, ``export --upscale``, and ``--upscale`` of run and check."""

import csv
import json

import pytest
from PIL import Image

from bootstrap.dataset.provenance import read_provenance
from bootstrap.pictures import open_picture
from tests.tiny_upscalers import compact_file


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "given"
    (folder / "more").mkdir(parents=True)
    for number, name in enumerate(("a.png", "more/b.jpg", "more/b.png")):
        Image.linear_gradient("L").resize((80 + number, 64)).convert("RGB").save(folder / name)
    (folder / "a.txt").write_text("adachr, smile")
    (folder / "broken.png").write_bytes(b"none")
    return folder


def test_a_folder_is_copied_enlarged_with_captions_and_provenance(call, pictures, tmp_path):
    model, out = compact_file(tmp_path / "2x.pth"), tmp_path / "large"
    done = call("upscale", pictures, "--out", out, "--model", model, "--sheet", tmp_path / "sheet.png")
    assert done.code == 0
    assert '"a.png" was upscaled from 80x64 to 160x128 by "2x.pth"' in done.out
    assert 'broken.png" is no picture that can be read' in done.err
    sizes = sorted(open_picture(path, 1)[0].size for path in out.rglob("*.png"))
    assert sizes == [(160, 128), (162, 128), (164, 128)]
    assert (out / "a.txt").read_text() == "adachr, smile"
    with (out / "provenance.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["made_from"] for row in rows} == {"a.png", "b.jpg", "b.png"}
    assert all("by 2x.pth (" in row["retouched"] for row in rows)
    assert open_picture(tmp_path / "sheet.png")[0].width > 320
    again = call("upscale", pictures, "--out", out)
    assert (again.code, "is not an empty folder" in again.line) == (2, True)


def test_lanczos_is_the_default_and_a_side_is_reached(call, pictures, tmp_path):
    done = call("upscale", pictures / "a.png", "--out", tmp_path / "large", "--side", 100)
    assert done.code == 0
    assert open_picture(tmp_path / "large" / "a.png")[0].size == (125, 100)
    lost = call("upscale", pictures / "none.png", "--out", tmp_path / "other")
    assert (lost.code, "no such picture" in lost.line) == (2, True)


def test_a_dataset_is_exported_enlarged_and_says_so(call, store):
    for _ in range(2):  # the second one enlarges the run's pictures again, and not those that lie there
        done = call("export", store.directory, "--format", "dataset", "--upscale", "lanczos")
        assert done.code == 0
    out, (width, height) = store.directory / "export" / "dataset-upscaled", store.frame_image(store.kept()[0]).size
    rows = {row["file"]: row for row in read_provenance(out) if row["origin"] == "synthetic"}
    for line in (out / "metadata.jsonl").read_text().splitlines():
        fact = json.loads(line)
        assert fact["retouched"] == rows[fact["file_name"]]["retouched"]
        assert fact["retouched"] == f"upscaled from {width}x{height} by lanczos"
        assert open_picture(out / fact["file_name"], 1)[0].size == (2 * width, 2 * height)
    refused = call("export", store.directory, "--upscale", "lanczos")
    assert (refused.code, "add --format dataset" in refused.err) == (2, True)


def test_check_tells_of_a_model_that_cannot_be_loaded_and_of_what_is_upscaled(call, tmp_path):
    Image.radial_gradient("L").convert("RGB").resize((80, 80)).save(tmp_path / "seed.png")
    about = {"name": "Ada", "trigger": "adachr", "base": "puppet", "invariant": {"hair": "blue hair"}}
    (tmp_path / "character.json").write_text(json.dumps(about))
    (tmp_path / "no.pth").write_bytes(b"no weights")
    given = ["check", tmp_path / "seed.png", tmp_path / "character.json", "--backend", "fake", "--upscale"]
    wrong = call(*given, tmp_path / "no.pth")
    assert (wrong.code, "cannot be read as weights" in wrong.err) == (2, True)
    right = call(*given, compact_file(tmp_path / "2x.pth"))
    assert '16 pixels short of the 96 that the base draws: it is upscaled by "2x.pth"' in right.err + right.out


def test_a_refused_copy_is_lanczos_and_its_caption_and_provenance_say_so(call, pictures, tmp_path):
    bright, plain = compact_file(tmp_path / "bright.pth", shift=0.3), compact_file(tmp_path / "2x.pth")
    for model, ending, by in ((plain, ", upscaled", "by 2x.pth ("), (bright, "", "by lanczos")):
        out = tmp_path / f"out of {model.stem}"
        done = call("upscale", pictures / "a.png", "--out", out, "--model", model, "--base", "illustrious")
        assert (out / "a.txt").read_text().strip() == f"adachr, smile{ending}"
        (row,) = read_provenance(out)
        assert by in row["retouched"]
        assert ("of 255 levels" in done.err) == (not ending), "why it is refused"
