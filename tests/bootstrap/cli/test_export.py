"""`bootstrap export`: what comes out, where, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bootstrap.cli import app as commands
from bootstrap.dataset.caption_audit import Intent, audit, read_set
from bootstrap.dataset.provenance import read_provenance
from bootstrap.errors import BootstrapError, OutputError, UsageError
from bootstrap.events import RunEnded
from bootstrap.export.collection import Collection
from bootstrap.lora.header import metadata_of
from bootstrap.store.store import Store


def export(store: Store, *options: str) -> Result:
    return CliRunner().invoke(commands.app, ["export", str(store.directory), *options])


def refused(store: Store, error: type[BootstrapError], said: str, *options: str) -> None:
    result = export(store, *options)
    assert isinstance(result.exception, error)
    assert said in str(result.exception)
    assert result.stdout == ""


def test_the_finished_lora_is_the_default(store: Store) -> None:
    path = Path(export(store).stdout.strip())
    assert path.parent == store.directory / "export" / "kohya"
    assert path.stem == f"mikachr-{store.adapters()[-1].sha256[:8]}"
    assert metadata_of(path)["ss_output_name"] == path.stem
    assert (path.parent / "README.md").is_file()


def test_a_round_and_a_format_are_chosen(store: Store, tmp_path: Path) -> None:
    early = Path(export(store, "--round", "1").stdout.strip())
    assert early.stem == f"mikachr-{store.adapters()[0].sha256[:8]}"
    assert early.parent.name == "kohya-r01"
    plain = export(store, "--format", "diffusers", "--out", str(tmp_path / "mine"))
    assert plain.stdout.strip() == str(tmp_path / "mine" / "pytorch_lora_weights.safetensors")


def test_the_dataset_of_an_unfinished_run_is_what_is_kept_by_now(store: Store) -> None:
    folder = Path(export(store, "--format", "dataset").stdout.strip())
    rows = [json.loads(line) for line in (folder / "metadata.jsonl").read_text().splitlines()]
    assert len(rows) == 3
    assert all((folder / row["file_name"]).is_file() for row in rows)
    assert [row["origin"] for row in read_provenance(folder)] == ["seed", *["synthetic"] * 3]


def test_the_dataset_of_a_finished_run_comes_with_what_a_person_wrote(store: Store, tmp_path: Path, config, character):  # type: ignore[no-untyped-def]
    Collection(store, config, character, store.kept()[:2]).write(store.directory / "dataset", 10)
    store.append_event(RunEnded(2, 0, "final-r02", "report.html"))
    (store.directory / "dataset" / "10_mikachr mikanight" / "001.txt").write_text("my own words")
    export(store, "--format", "dataset", "--out", str(tmp_path / "mine"))
    assert (tmp_path / "mine" / "10_mikachr mikanight" / "001.txt").read_text() == "my own words"
    assert len(list((tmp_path / "mine").rglob("*.png"))) == 2


def test_a_folder_with_something_in_it_is_left_alone(store: Store, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "README.md").write_text("mine")
    refused(store, OutputError, "is not an empty folder", "--out", str(tmp_path / "mine"))
    assert (tmp_path / "mine" / "README.md").read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "said"), [(["--format", "zip"], "kohya, diffusers, dataset"), (["--round", "9"], "choose one of: 1, 2")]
)
def test_what_is_not_there_is_told_with_what_is(store: Store, options: list[str], said: str) -> None:
    refused(store, UsageError, said, *options)


def test_a_run_that_has_nothing_yet_says_so(tmp_path: Path) -> None:
    with Store.open(tmp_path / "new", create=True) as store:
        refused(store, UsageError, "has trained nothing yet")
        refused(store, UsageError, "has kept nothing yet", "--format", "dataset")
        assert not (store.directory / "export").exists()


def test_captions_are_written_as_taggui_and_kohya_read_them(store: Store, tmp_path: Path) -> None:
    export(store, "--format", "dataset", "--captions", "kohya", "--out", str(tmp_path / "mine"))
    (folder,) = [path.parent for path in (tmp_path / "mine").rglob("meta_cap.json")]
    rows = json.loads((folder / "meta_cap.json").read_text())
    pictures = sorted(folder.glob("*.png"))
    assert list(rows) == [path.stem for path in pictures]
    for path in pictures:
        text = path.with_suffix(".txt").read_text().strip()
        assert rows[path.stem] == {"tags": text}
        assert text.split(", ") == [tag.strip() for tag in text.split(",")], "TagGUI's separator"
    unread = [one.kind for one in audit(folder, read_set(folder), Intent("mikachr")).findings if "unread" in one.kind]
    assert unread == []
    refused(store, UsageError, "add --format dataset", "--captions", "kohya")
    refused(store, UsageError, "use one of: txt, kohya", "--format", "dataset", "--captions", "json")
