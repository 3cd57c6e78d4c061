"""Hostile requests: none reads outside the run, none changes a verdict, none crashes the server."""

import os
import random
import string
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from bootstrap.review.guard import COOKIE, LARGEST_JSON
from bootstrap.review.web_app import build

COUNT = int(os.environ.get("REVIEW_FUZZ", "300"))
"""Fuzzed requests; the bar is 10 000, which takes minutes."""
BODY = {"verdict": "reject"}
ROUTES = ("/", "/api/frames", "/api/verdict-states", "/api/verdicts", "/api/undo", "/api/captions",
          "/api/approval", "/api/pictures", "/api/edits", "/api/tags", "/thumbs/m/", "/pictures/", "/decoys/",
          "/seeds/", "/static/", "/api/frames/", "/api/repairs/")  # fmt: skip
TRAVERSALS = (
    "../run.db", "..%2frun.db", "%2e%2e/run.db", "..%5crun.db", "....//run.db", "/etc/passwd", "%2fetc%2fpasswd",
    "run.db", "..%252frun.db", "%00", "a%00b", "candidate-r1-0/../../run.db", "%c0%ae%c0%ae/run.db", "%ff%fe",
    "x" * 5000,
)  # fmt: skip


@pytest.fixture
def verdict(ids):
    """A verdict that would count if the request were let through."""
    return {"id": ids[0], **BODY}


def judged(store):
    return [one for one in store.verdicts().values() if one.by == "person"]


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "https://testserver"},
        {"origin": "http://testserver:81"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"x-review": ""},
        {"host": "evil.example"},
        {"host": "testserver.evil.example"},
    ],
    ids=str,
)
def test_a_foreign_page_changes_nothing(client, store, verdict, headers):
    assert client.post("/api/verdicts", json=verdict, headers=headers).status_code == 403
    assert judged(store) == []


def test_our_own_page_does(client, store, verdict):
    ours = {"origin": "http://testserver", "sec-fetch-site": "same-origin"}
    assert client.post("/api/verdicts", json=verdict, headers=ours).status_code == 200
    assert len(judged(store)) == 1


def test_a_form_cannot_judge(client, store, verdict):
    form = {"content-type": "text/plain"}
    assert client.post("/api/verdicts", content=b'{"id":"x"}', headers=form).status_code == 415
    assert client.get("/api/verdicts").status_code == 405
    assert judged(store) == []


def test_a_rebound_name_reads_nothing(client):
    for path in ("/", "/api/frames", "/static/review.js"):
        assert client.get(path, headers={"host": "evil.example:8384"}).status_code == 403


def test_other_machines_need_the_token(store, verdict):
    with TestClient(build(store, frozenset(), "s3cret-token"), headers={"x-review": "1"}) as far:
        for path in ("/", "/?token=", "/?token=wrong", "/api/frames?token=s3cret-toke", "/?token=%ff"):
            assert far.get(path).status_code == 403, path
        assert far.post("/api/verdicts", json=verdict, headers={"cookie": f"{COOKIE}=wrong"}).status_code == 403
        welcome = far.get("/?token=s3cret-token", follow_redirects=False)
        assert welcome.headers["location"] == "/"
        assert "httponly" in welcome.headers["set-cookie"].lower()
        assert "samesite=strict" in welcome.headers["set-cookie"].lower()
        assert far.get("/api/frames").status_code == 200
        assert judged(store) == []
        assert far.post("/api/verdicts", json=verdict).status_code == 200


def test_bodies_end_where_they_have_to(client, store):
    large = b'{"id":"' + b"x" * LARGEST_JSON + b'"}'
    json_type = {"content-type": "application/json"}
    assert client.post("/api/verdicts", content=large, headers=json_type).status_code == 413
    unannounced = client.post("/api/verdicts", content=iter([large[:9000], large[9000:]]), headers=json_type)
    assert unannounced.status_code == 413
    assert judged(store) == []


@pytest.mark.parametrize("tail", TRAVERSALS)
def test_no_path_reaches_the_file_system(client, tail):
    for route in ("/pictures/", "/decoys/", "/thumbs/m/", "/thumbs/", "/seeds/", "/static/", "/api/frames/"):
        answer = client.get(route + tail)
        assert answer.status_code in (403, 404), route + tail
        assert b"SQLite" not in answer.content
        assert b"root:" not in answer.content


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{", b"\xff\xfe", b'{"id":1,"verdict":"keep"}', b'{"id":"","verdict":"keep"}',
     b'{"id":"\\ud800","verdict":"keep"}', b'{"id":"a","verdict":"provisional"}', b'{"id":"a","verdict":"withdrawn"}',
     b'{"id":"a","verdict":"keep","round":1}', b'{"id":"a","verdict":"keep","seen":-1}',
     b'{"id":"a","verdict":"keep","seen":1e99}', b'{"id":"a","verdict":"keep","key":"; drop"}', b"[" * 9000],
)  # fmt: skip
def test_what_cannot_be_understood_is_refused(client, store, body):
    answer = client.post("/api/verdicts", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (404, 422)
    assert judged(store) == []


def test_only_known_reasons_and_only_candidates(client, store, ids):
    assert client.post("/api/verdicts", json={"id": ids[0], "verdict": "reject", "reasons": ["<b>"]}).status_code == 400
    panel = next(frame.job.id for frame in store.frames() if frame.job.id not in ids)
    assert client.post("/api/verdicts", json={"id": panel, "verdict": "keep"}).status_code == 404
    assert judged(store) == []


def noise(draw):
    kind = draw.randrange(4)
    if kind == 0:
        return draw.choice(TRAVERSALS)
    letters = (string.printable, "/.%\\", "0123456789abcdef-%")[kind - 1]
    return "".join(draw.choices(letters.replace("#", ""), k=draw.randrange(40)))


def test_a_few_hundred_fuzzed_requests(client, store):
    fuzz(client, store, COUNT)


def fuzz(client, store, count, seed=0):
    """Noise in paths, bodies and headers; nothing is read that should not be, and no verdict is given."""
    draw = random.Random(seed)
    before, inside = store.verdicts(), {path for path in store.directory.rglob("*")}
    for _ in range(count):
        path = draw.choice(ROUTES) + quote(noise(draw), safe="%/.\\-")
        method = draw.choice(("GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS"))
        body = draw.randbytes(draw.randrange(200)) if draw.random() < 0.5 else f'{{"id":{noise(draw)!r}}}'.encode()
        headers = {"content-type": draw.choice(("application/json", "text/plain", "image/png"))}
        if draw.random() < 0.3:
            headers[draw.choice(("origin", "cookie", "host"))] = noise(draw).encode("ascii", "replace").decode().strip()
        path = "/" + path.lstrip("/")  # the client takes two slashes for a host
        answer = client.request(method, path, content=body, headers=headers)
        assert answer.status_code < 500, (method, path)
        assert b"SQLite format" not in answer.content
    assert store.verdicts() == before
    made = {path for path in store.directory.rglob("*")} - inside
    assert all("thumbs" in path.parts or path.name.startswith("run.db") for path in made), made
