"""What a run hands over: verify names what is not as it was written; the same command writes it again, or leaves it."""

import shutil

import pytest

from bootstrap.dataset.provenance import PROVENANCE
from bootstrap.events import Noted
from bootstrap.store.files import sha256_of
from bootstrap.store.store import Store

CAPTION, PICTURE = "dataset/10_redchr/001.txt", "dataset/10_redchr/002.png"


def contents(run):
    folders = ("dataset", "lora")
    return {
        path.relative_to(run).as_posix(): sha256_of(path)
        for folder in folders
        for path in (run / folder).rglob("*")
        if path.is_file() and ".altered-" not in path.name and path.name != "README.md"  # it tells the time
    }


def notes(run):
    with Store.open(run, exclusive=False) as store:
        return "\n".join(event.text for event in store.events() if isinstance(event, Noted))


def delivered_files(run):
    return sorted(path for folder in ("dataset", "lora") for path in (run / folder).rglob("*") if path.is_file())


@pytest.mark.parametrize("data", [None, b"", b"\x00\xff\x00"])
def test_every_file_that_is_lost_or_damaged_is_named_and_written_again(finished, call, grown, data):
    run, arguments = finished
    files = delivered_files(run)
    for path in files:
        path.unlink() if data is None else path.write_bytes(data)
    done = call("verify", run)
    assert done.code == 1
    assert f"{len(files)} things" in done.line
    for path in files:
        assert f"{path.relative_to(run).as_posix()}: " in done.out
    assert call("export", run, "--format", "dataset").code != 0
    done = call("run", *arguments, "--out", run)
    assert done.code == 0, done.err
    assert contents(run) == contents(grown)
    assert call("verify", run).code == 0
    assert CAPTION in notes(run)
    assert not list(run.glob("dataset-before-*"))


def test_what_a_person_changed_in_the_dataset_stays_and_is_named(finished, call, grown):
    run, arguments = finished
    (run / CAPTION).write_text("redchr, my own words")
    shutil.copyfile(run / PICTURE.replace("002", "003"), run / PICTURE)
    index = run / "dataset" / "metadata.jsonl"
    index.write_text(index.read_text().replace("redchr", "redchr, mine"))
    mine = contents(run)
    for _ in range(2):
        done = call("verify", run)
        assert done.code == 1
        assert [line.partition(":")[0] for line in done.out.splitlines()] == [
            CAPTION,
            PICTURE,
            "dataset/metadata.jsonl",
        ]
        assert "changed by hand" in done.out
        assert call("run", *arguments, "--out", run).code == 0
        assert contents(run) == mine
    assert f"changed by hand are left as they are: {CAPTION}, {PICTURE}" in notes(run)
    exported = call("export", run, "--format", "dataset", "--out", run.parent / "mine")
    assert exported.code == 0
    assert "changed by hand" in exported.err
    assert (run.parent / "mine" / "10_redchr" / "001.txt").read_text() == "redchr, my own words"


def test_a_set_of_other_pictures_is_not_taken_for_damage(finished, call):
    run, arguments = finished
    (run / CAPTION).write_text("redchr, my own words")
    assert call("run", *arguments, "--out", run, "--set", "loop.target=5").code == 0
    assert (run / "dataset-before-1" / "10_redchr" / "001.txt").read_text() == "redchr, my own words"
    assert call("verify", run).code == 0
    assert "lost" not in notes(run)


def test_a_damaged_table_is_one_line_for_whoever_reads_it(finished, call):
    run, _ = finished
    path = run / "dataset" / PROVENANCE
    path.write_bytes(path.read_bytes()[:700] + b"\xff")
    assert f"dataset/{PROVENANCE}: " in call("verify", run).out
    done = call("export", run)
    assert done.code != 0
    assert "cannot be read" in done.line
