"""``bootstrap demo``: the shipped run is unpacked once and shown; the example is run as `bootstrap run` would."""

import zipfile

import pytest

import bootstrap.cli.demo as demo
import bootstrap.runs.shipped_run as shipped
from bootstrap.cli.options import Options
from bootstrap.config import configs_dir
from bootstrap.runs.listing import FACT
from bootstrap.runs.open_to_read import open_to_read
from bootstrap.runs.shipped_run import unpack_shipped_run
from bootstrap.runs.status import status
from bootstrap.runs.upkeep import check_files
from bootstrap.store.run_folder import DATABASE


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """A small archive in place of the shipped one."""
    path = tmp_path / "small.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("report.html", "<p>")
        made.writestr(DATABASE, "rows")
    monkeypatch.setattr(shipped, "shipped_run", lambda: path)
    return path


@pytest.fixture
def shown(monkeypatch):
    """What is opened in a browser and what is reviewed."""
    seen = []
    monkeypatch.setattr(demo, "open_in_browser", seen.append)
    monkeypatch.setattr(demo, "review_command", lambda run, **where: seen.append((run, where["port"])))
    return seen


def test_the_shipped_run_is_shown_in_browser_and_review(archive, shown, call, tmp_path):
    run = tmp_path / "runs" / "look"
    done = call("demo", "--show", "--out", run, "--port", 9000)
    assert done.code == 0, done.err
    assert f"report  {(run / 'report.html').as_uri()}" in done.out
    assert shown == [(run / "report.html").as_uri(), "http://127.0.0.1:9000/", (run, 9000)]
    assert [path.name for path in run.parent.iterdir()] == ["look"]


def test_what_was_unpacked_before_stays_as_it_is(archive, shown, call, tmp_path):
    run = tmp_path / "look"
    call("demo", "--show", "--out", run, "--no-open")
    (run / DATABASE).write_text("judged")
    done = call("demo", "--show", "--out", run, "--no-open")
    assert "was there already" in done.out
    assert (run / DATABASE).read_text() == "judged"
    assert shown == [(run, 8384)] * 2


def test_a_folder_with_other_things_is_refused_and_stays(archive, shown, call, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    done = call("demo", "--show", "--out", tmp_path / "mine")
    assert (done.code, done.line) == (2, f'error: "{tmp_path / "mine"}" exists and is no run')
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]
    assert not shown


def test_without_show_the_example_is_run(call, monkeypatch, tmp_path):
    begun = []
    monkeypatch.setattr(demo, "run_command", lambda sources, options: begun.append((sources, options)))
    monkeypatch.setattr(demo, "status_command", lambda run, as_json: begun.append(run))
    assert call("demo", "--out", tmp_path).code == 0
    example = configs_dir() / "characters" / "ruby"
    assert begun == [([example / "seed.png", example / "character.json"], Options(out=tmp_path)), tmp_path]


def test_the_shipped_run_is_whole_and_names_no_folder_of_the_machine_that_made_it(tmp_path):
    unpack_shipped_run(tmp_path / "run")
    with open_to_read(tmp_path / "run") as store:
        assert check_files(store) == []
        assert status(store)["finished"]
        assert not store.recall(FACT)
        told = [*store.directory.glob("*.html"), *store.directory.glob("lora/*.md"), store.directory / "log.jsonl"]
        assert len(told) >= 4
        assert not [path for path in told if "/home/" in path.read_text() or "/tmp/" in path.read_text()]
