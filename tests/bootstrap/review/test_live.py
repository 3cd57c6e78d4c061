"""The live page: where a run stands, and its pictures as they come; behind the guard of the review page."""

import socket
import urllib.request
from pathlib import Path

from starlette.testclient import TestClient

from bootstrap.config import load
from bootstrap.events import Progress
from bootstrap.listeners.progress_file import ProgressFile
from bootstrap.report import write_report
from bootstrap.review import live
from bootstrap.review.serve import Address, listen, served_beside
from bootstrap.review.web_app import build
from bootstrap.runs.blind_audit import begin_audit
from bootstrap.runs.fakes import FAKE
from bootstrap.runs.standing import Standing

HERE = Path(live.__file__).parent
HOSTS = frozenset({"testserver"})


def test_the_latest_pictures_have_their_verdicts(client, store, ids):
    state = client.get("/api/live").json()
    assert [one["id"] for one in state["frames"]] == ids[::-1]
    assert {one["verdict"] for one in state["frames"]} == {one.kind.value for one in store.verdicts().values()}
    first = state["frames"][0]["id"]
    assert client.get(f"/thumbs/m/{first}").headers["content-type"] == "image/webp"
    client.post("/api/verdicts", json={"id": first, "verdict": "reject"})
    again = client.get("/api/live").json()["frames"][0]
    assert (again["verdict"], again["by"]) == ("reject", "person")
    assert state["kept"] == "3 of 4 kept, 1 provisional"
    assert state["events"][-1].startswith("  trained final")


def test_a_run_at_work_has_its_stage_and_time_left(client, store, monkeypatch):
    monkeypatch.setattr(live, "engine_is_running", lambda run: True)
    monkeypatch.setattr(live, "standing", lambda store: Standing(3, "training"))
    times = iter((100.0, 200.0))
    listener = ProgressFile(store.directory, lambda: next(times))
    for done in (0, 10):
        listener(Progress("training", done, 40))
    monkeypatch.setattr("time.time", lambda: 200.0)
    state = client.get("/api/live").json()
    assert (state["now"], state["done"], state["total"]) == ("round 3, training 10/40, about 5 min 00 s left", 10, 40)
    assert state["purpose"] == "style phase: it collects pictures; captions name every trait"
    assert not state["finished"]


def test_a_fake_run_calls_itself_fake_on_every_page(client, store):
    assert client.get("/api/live").json()["fake"] == FAKE
    assert FAKE in client.get("/").text
    assert FAKE in write_report(store, store.directory / "report.html", "Mika").read_text(encoding="utf-8")
    store.remember("config", load("puppet").model_dump_json())
    assert client.get("/api/live").json()["fake"] == ""
    assert FAKE not in client.get("/").text


def test_the_page_is_guarded_and_leads_to_the_review(client, store):
    page = client.get("/live").text
    assert 'href="/"' in page
    assert 'href="/live"' in client.get("/").text
    assert client.get("/live", headers={"host": "evil.example"}).status_code == 403
    assert client.get("/api/live", headers={"host": "evil.example"}).status_code == 403
    for name in ("live.js", "live.css"):
        assert client.get(f"/static/{name}").status_code == 200
        assert f"/static/{name}" in page
    script = (HERE / "static" / "live.js").read_text(encoding="utf-8")
    assert "innerHTML" not in script
    assert "http" not in script


def test_a_blind_audit_has_no_live_page(store):
    begin_audit(store, 1)
    with TestClient(build(store, HOSTS, audit=1)) as audit:
        assert audit.get("/live").status_code == 404
        assert audit.get("/api/live").status_code == 404
        assert "/live" not in audit.get("/").text


def test_it_is_served_beside_the_watching_and_ends_with_it(store):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = Address("127.0.0.1", free.getsockname()[1])
    with served_beside(store, address), urllib.request.urlopen(address.url_of(live.LIVE)) as answer:
        assert b"review: keep or reject by hand" in answer.read()
    listen(address).close()
