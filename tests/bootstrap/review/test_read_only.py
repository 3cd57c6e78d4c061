"""The review page of a run that may only be read: it shows everything and refuses what would change something."""

import io
import sqlite3

import pytest
from PIL import Image
from starlette.testclient import TestClient

from bootstrap.errors import OutputError
from bootstrap.review.web_app import build
from bootstrap.runs.open_to_read import open_to_judge
from bootstrap.store import journal, read_only


@pytest.fixture
def guarded(store, monkeypatch):
    """The folder of the small run, in which SQLite can write nothing. (Root may write anywhere.)"""

    def connect(path):
        raise OutputError(f"cannot write '{path}': attempt to write a readonly database")

    def look(path):
        raise sqlite3.OperationalError("unable to open database file")

    store.close()
    with monkeypatch.context() as patch:
        patch.setattr(journal, "connect", connect)
        patch.setattr(read_only, "look", look)
        yield store.directory


@pytest.fixture
def reader(guarded):
    opened, refusal = open_to_judge(guarded)
    assert "cannot write" in refusal
    with opened, TestClient(build(opened, frozenset({"testserver"})), headers={"x-review": "1"}) as client:
        yield client


def test_everything_is_shown(reader):
    album = reader.get("/api/frames").json()
    id = album["frames"][0]["id"]
    for path in ("/", f"/pictures/{id}", f"/thumbs/m/{id}", f"/api/frames/{id}", f"/api/nearest/{id}", "/seeds/0"):
        assert reader.get(path).status_code == 200, path


def test_what_would_change_the_run_is_refused_in_a_line(reader, guarded):
    id = reader.get("/api/frames").json()["frames"][0]["id"]
    files = set(guarded.rglob("*"))
    picture = io.BytesIO()
    Image.effect_noise((64, 64), 80).save(picture, "PNG")
    answers = [
        reader.post("/api/verdicts", json={"id": id, "verdict": "reject"}),
        reader.post("/api/captions", json={"id": id, "caption": "my words"}),
        reader.post(f"/api/pictures?like={id}", content=picture.getvalue()),
    ]
    for answer in answers:
        assert answer.status_code == 400
        assert "cannot write" in answer.json()["error"]
    assert set(guarded.rglob("*")) == files


def test_the_command_says_so(guarded, call, monkeypatch):
    monkeypatch.setattr("bootstrap.cli.review.listen", lambda address: None)
    monkeypatch.setattr("bootstrap.cli.review.serve", lambda store, *more: store.frames())
    done = call("review", guarded)
    assert done.code == 0
    assert "takes no verdict" in done.err
    assert call("review", guarded, "--audit").code == 2
