"""An images API on a local server: what is sent, what goes wrong, what is paid, and that the key goes nowhere."""

import base64
import io
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image

from bootstrap.backends.outside import images_api
from bootstrap.backends.outside.images_api import ImagesApiDrawer
from bootstrap.backends.outside.images_api_settings import ImagesApiSettings
from bootstrap.backends.outside.refusals import why_refused
from bootstrap.errors import BackendError
from bootstrap.records import JobKind
from bootstrap.runs.spending import Spending, spent_by
from bootstrap.store.decisions import PictureRefused, SharesChosen
from bootstrap.store.store import Store
from tests.bootstrap.backends.outside.test_comfyui import JOB
from tests.loops.conftest import TINY, described

pytest.importorskip("openai")
KEY = "sk-very-secret-0123456789"


class Service:
    """The server. ``faults`` are what is done to the next requests: (status, body, headers), "half", "drop", a size."""

    def __init__(self):
        self.requests, self.faults = [], []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments):
                """Say nothing."""

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                owner.requests.append((self.path, self.headers, body))
                owner.answer(self, owner.faults.pop(0) if owner.faults else None)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def answer(self, handler, fault):
        if fault == "drop":
            handler.connection.close()
            return
        status, plain, headers = 200, None, {}
        if isinstance(fault, list):
            status, plain, headers = fault
        buffer = io.BytesIO()
        size = fault if isinstance(fault, tuple) else (32, 48)
        Image.new("RGB", size, (200, 60, 40)).save(buffer, format="PNG")
        picture = buffer.getvalue()[: 40 if fault == "half a picture" else None]
        plain = plain or {"created": 1, "data": [{"b64_json": base64.b64encode(picture).decode()}]}
        data = b'{"data": [' if fault == "no json" else json.dumps(plain).encode()
        handler.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data[: len(data) // 2] if fault == "half" else data)


def failing(status, message, code="", **headers):
    return [status, {"error": {"message": message, "code": code, "type": "x"}}, headers]


@pytest.fixture
def waits(monkeypatch):
    found = []
    monkeypatch.setattr(images_api, "pause", found.append)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    return found


@pytest.fixture
def service(waits):
    one = Service()
    yield one
    one.close()


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "run", create=True) as run:
        Image.new("RGB", (20, 30), "red").save(run.directory / "seed.png")
        yield run


@pytest.fixture
def drawer(service, store):
    """A drawer at the service with a purse of that size."""
    made = []

    def make(limit=1.0, **settings):
        given = {"base_url": service.address, "cost": 0.1, "size": "32x48", **settings}
        made.append(ImagesApiDrawer(ImagesApiSettings(**given), store.directory, Spending(store, limit, "USD")))
        return made[-1]

    yield make
    for one in made:
        one.close()


def drawn(drawer, count=1):
    return [image for batch in drawer.draw([JOB] * count, None) for _, image in batch]


def test_an_instruction_and_a_reference_are_sent_and_the_price_is_counted(drawer, service, store):
    (image,) = drawn(drawer())
    ((path, headers, body),) = service.requests
    assert (path, headers["Authorization"]) == ("/v1/images/edits", f"Bearer {KEY}")
    for part in (b"a girl, {smiling}", b"reference-1.png", b"gpt-image-1", b"32x48", b"high"):
        assert part in body
    assert image.size == (32, 48)
    assert spent_by(store) == pytest.approx(0.1)
    assert not any(KEY.encode() in file.read_bytes() for file in store.directory.iterdir() if file.is_file())


def test_no_more_is_spent_than_may_be_also_by_a_run_that_goes_on(drawer, service, store):
    assert len(drawn(drawer(0.25), 5)) == 2
    assert len(drawn(drawer(0.25), 5)) == 0
    assert len(drawn(drawer(0.35), 5)) == 1
    assert len(service.requests) == 3
    assert spent_by(store) == pytest.approx(0.3)


def test_what_was_in_flight_when_a_run_was_killed_counts_as_spent(drawer, store):
    Spending(store, 1.0, "USD").take(0.9)
    assert len(drawn(drawer(1.0), 3)) == 1


def test_a_busy_service_is_waited_for_as_long_as_it_asks_and_costs_nothing(drawer, service, store, waits):
    service.faults = [failing(429, "slow down", **{"Retry-After": "7"}), failing(500, "oops"), failing(503, "oops")]
    assert drawn(drawer())[0].size == (32, 48)
    assert waits == [7, 2, 4]
    assert spent_by(store) == pytest.approx(0.1)
    service.faults = [failing(429, "slow down")] * 3
    with pytest.raises(BackendError, match="was busy, or did not answer, 3 times"):
        drawn(drawer(tries=3))
    assert spent_by(store) == pytest.approx(0.1)


def test_a_moderator_s_refusal_is_a_card_with_the_reason_and_costs_nothing(drawer, service, store):
    service.faults = [failing(400, "Your request was rejected by the safety system. ID 1", "moderation_blocked")]
    refused, image = drawn(drawer(), 2)
    assert why_refused(refused) == "refused by the moderator: Your request was rejected by the safety system. ID 1"
    assert not why_refused(image)
    assert spent_by(store) == pytest.approx(0.1)


@pytest.mark.parametrize("fault", ["half", "drop", "half a picture", "no json", [200, {"data": []}, {}]], ids=str)
def test_what_may_have_been_paid_is_counted_and_never_asked_for_twice(drawer, service, store, fault):
    service.faults = [fault]
    lost, image = drawn(drawer(), 2)
    assert "not asked for again" in why_refused(lost)
    assert not why_refused(image)
    assert len(service.requests) == 2
    assert spent_by(store) == pytest.approx(0.2)
    service.faults = [fault] * 3
    with pytest.raises(BackendError, match="no whole picture, 3 times in a row"):
        drawn(drawer(), 5)


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (failing(401, f"Incorrect API key provided: {KEY}"), "does not accept the key in OPENAI_API_KEY"),
        (failing(429, "You exceeded your quota", "insufficient_quota"), "has no credit left"),
        (failing(400, f"Unknown parameter for {KEY}"), 'refuses model "gpt-image-1": Unknown parameter for …'),
    ],
    ids=["key", "credit", "parameter"],
)
def test_what_no_waiting_helps_is_one_line_without_the_key(drawer, service, store, fault, line):
    service.faults = [fault]
    with pytest.raises(BackendError) as error:
        drawn(drawer())
    assert line in error.value.message
    assert "secret" not in str(error.value)
    assert spent_by(store) == 0


def test_a_picture_of_another_size_is_brought_to_size(drawer, service):
    service.faults = [(64, 64)]
    assert drawn(drawer())[0].size == (32, 48)


def test_without_a_key_nothing_begins(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(BackendError, match='"OPENAI_API_KEY" holds no key; export OPENAI_API_KEY'):
        images_api.check_images_api(ImagesApiSettings(cost=1))


def test_a_whole_run_stops_at_what_it_may_spend_and_goes_on_with_more(service, call, tmp_path):
    quick = ["loop.rounds=2", "loop.showcase=0", "loop.acceptance.weights=[]", "loop.final_candidates=1"]
    paid = [f"drawer.base_url={service.address}", "drawer.cost=0.1", "drawer.decoys=2", "drawer.candidates_a_place=6"]
    given = described(tmp_path, [*TINY, "loop.most_decoys=3", *quick, *paid])
    options = ["--drawer", "openai", "--out", str(tmp_path / "run"), "--spend"]
    service.faults = [failing(400, "rejected by our content policy", "moderation_blocked")]
    done = call("run", *given, *options, "0.8")
    assert done.code == 0, done.err
    assert "0.80 of 0.8 USD are spent" in done.err
    assert done.err.count("a larger --spend") == 1
    with Store.open(tmp_path / "run", exclusive=False) as store:
        (refused,) = store.decisions(PictureRefused)
        drawn = [frame for frame in store.frames() if frame.drawer == "openai"]
        assert store.verdicts()[refused.job].reasons == (refused.why,)
        assert {frame.job.kind for frame in drawn} == {JobKind.CANDIDATE, JobKind.STRANGER}
        assert not [frame for frame in store.frames(kind=JobKind.PROBE) if frame.drawer == "openai"]
    assert len(service.requests) == len(drawn) == 9
    assert call("run", *given, *options, "1.2").code == 0
    assert len(service.requests) == 13, "nothing is asked for again"
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert not any(KEY.encode() in path.read_bytes() for path in files)
    card = (tmp_path / "run/lora/README.md").read_text()
    assert "The set was drawn by `openai (gpt-image-1.5)`; its licence is `OpenAI Terms of Use`" in card


def test_where_the_money_is_spent_the_other_drawer_goes_on_and_nothing_is_paid_twice(service, call, tmp_path):
    quick = ["loop.rounds=2", "loop.waves=2", "loop.showcase=0", "loop.acceptance.weights=[]"]
    paid = [f"drawer.base_url={service.address}", "drawer.cost=0.1", "drawer.decoys=2", "drawer.candidates_a_place=6"]
    given = described(
        tmp_path, [*TINY, "loop.most_decoys=3", "loop.final_candidates=1", "base.sampling.batch_size=1", *quick, *paid]
    )
    options = ["--drawer", "openai", "--drawer", "base", "--out", str(tmp_path / "run"), "--spend", "0.5"]
    service.faults = [None, None, failing(401, "no")]
    assert call("run", *given, *options).code == 1, "killed in its first wave"
    assert len(service.requests) == 3
    done = call("run", *given, *options)
    assert done.code == 0, done.err
    assert len(service.requests) == 6, "two before it was killed, three after that, and the one that failed"
    assert re.search(r"0\.50 of 0\.5 USD are spent, \d+ pictures of this wave are not drawn; base draws the", done.err)
    assert "the money for openai is spent: base draws all of the candidates" in done.err
    with Store.open(tmp_path / "run", exclusive=False) as store:
        first, *later = store.decisions(SharesChosen)
        assert all(by_drawer["openai"] == 0.5 for by_drawer in first.shares.values())
        assert later
        assert all(by_drawer == {"openai": 0.0, "base": 1.0} for one in later for by_drawer in one.shares.values())
        drawn = [frame for frame in store.frames() if frame.drawer == "openai"]
        assert len(drawn) == 5
        assert {frame.job.round for frame in drawn} == {1}
        assert {frame.job.round for frame in store.kept()} >= {2}, "what the base drew later is kept"
        assert spent_by(store) == pytest.approx(0.5)
    assert (tmp_path / "run/lora/README.md").is_file()
    assert call("run", *given, *options).code == 0
    assert len(service.requests) == 6, "a finished run asks for nothing"
