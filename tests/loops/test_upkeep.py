"""gc frees what can be made again and nothing else; verify finds every file that is not as it was stored."""

import sqlite3

import pytest
from PIL import Image

from bootstrap.runs.upkeep import freeable
from bootstrap.store.store import Store


def files(run):
    return {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}


@pytest.fixture
def cluttered(finished):
    """A finished run with what a real training and a real panel leave behind."""
    run, arguments = finished
    with Store.open(run, exclusive=False):  # what only reads may have left write-ahead files in the shared run
        pass
    for folder in (run / "adapters").iterdir():
        (folder / "checkpoint.pt").write_bytes(b"x" * 1000)
    (run / "features").mkdir(exist_ok=True)
    (run / "features" / "clip.npz").write_bytes(b"x" * 500)
    (run / "export").mkdir()
    (run / "export" / "mine.safetensors").write_bytes(b"mine")
    return run, arguments


def test_what_can_be_made_again_goes_and_the_rest_stays(cluttered, call):
    run, arguments = cluttered
    before = files(run)
    dry = call("gc", run, "--dry-run")
    assert dry.code == 0
    assert "nothing was removed" in dry.out
    assert files(run) == before
    done = call("gc", run)
    assert done.code == 0
    gone = before - files(run)
    assert {name.split("/")[0] for name in gone} == {"adapters", "features"}
    assert any(name.startswith("adapters/r01") for name in gone)
    with Store.open(run, exclusive=False) as store:
        final = store.adapters()[-1]
        assert final.path in files(run)
        assert {frame.path for frame in store.frames()} <= files(run)
    assert all(name in done.out for name in gone)
    assert call("verify", run).code == 0, "what was freed is not missing"
    assert call("gc", run).out.strip() == "nothing to free"
    assert call("run", *arguments, "--out", run).code == 0, "a finished run stays finished"
    assert call("run", *arguments, "--out", run, "--set", "loop.target=5").code == 0, "and can go on"


def test_a_run_under_way_keeps_what_it_works_with(cluttered):
    run, _ = cluttered
    for one in run.glob("run.db.snapshot-*"):  # they hold the end of the run
        one.unlink()
    with sqlite3.connect(run / "run.db") as db:
        db.execute("DELETE FROM events WHERE kind = 'RunEnded'")
        db.execute("DELETE FROM adapters WHERE id LIKE 'final%'")
    with Store.open(run) as store:
        going = {piece.path for piece in freeable(store)}
        last = store.adapters()[-1]
    assert last.path not in going
    assert not any(name.startswith(("features", "adapters/final")) for name in going), "the final training is under way"
    assert any(name.startswith("adapters/r01") for name in going)
    assert not any("adapters/r01" in name and name.endswith(".safetensors") for name in going), "a drift may ask for it"


def test_gc_keeps_off_a_run_that_somebody_works_on(finished, call):
    with Store.open(finished[0]):
        done = call("gc", finished[0])
    assert done.code == 2
    assert "in use by the process" in done.line


def test_verify_names_what_was_touched(finished, call):
    run, _ = finished
    assert call("verify", run).code == 0
    with Store.open(run, exclusive=False) as store:
        first, second = store.frames()[:2]
        weights, seed = store.adapters()[-1].path, store.seeds()[0].path
    Image.new("RGB", (32, 32)).save(run / first.path)
    (run / second.path).unlink()
    for name in (weights, seed, "dataset/10_redchr/001.png"):
        (run / name).write_bytes((run / name).read_bytes() + b"!")
    done = call("verify", run)
    assert done.code == 1
    for name in (first.path, weights, seed, "dataset/10_redchr/001.png"):
        assert f"{name}: the" in done.out
    assert f"{second.path}: is missing" in done.out
    assert "5 things" in done.line


def test_verify_of_a_damaged_database_is_one_line(finished, call):
    path = finished[0] / "run.db"
    data = bytearray(path.read_bytes())
    data[8192:20000] = b"\x5a" * (20000 - 8192)
    path.write_bytes(data)
    done = call("verify", finished[0])
    assert done.code == 1
    assert done.line or "run.db" in done.out


def test_a_row_that_refers_to_nothing_is_found(finished, call):
    with sqlite3.connect(finished[0] / "run.db") as db:
        db.execute("DELETE FROM jobs WHERE id = (SELECT id FROM frames LIMIT 1)")
    done = call("verify", finished[0])
    assert done.code in (1, 2)
    assert "refers to nothing in jobs" in done.out + done.line
