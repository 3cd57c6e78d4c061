"""A workflow on a server that speaks ComfyUI's protocol: places, faults, cancelling, and a killed run's results."""

import copy
import json
from dataclasses import replace

import pytest
from PIL import Image

from bootstrap.backends.outside import comfyui, comfyui_server
from bootstrap.backends.outside.comfyui import ComfyUiDrawer
from bootstrap.backends.outside.comfyui_settings import ComfyUiSettings
from bootstrap.backends.outside.refusals import why_refused
from bootstrap.backends.outside.workflow import read_workflow
from bootstrap.errors import BackendError
from bootstrap.records import Job, JobKind, Reference, Shot
from bootstrap.store.store import Store
from tests.bootstrap.backends.outside.comfyui_stand_in import WORKFLOW, StandIn
from tests.loops.conftest import TINY, described

JOB = Job("candidate-1", JobKind.CANDIDATE, 1, 1, Shot("front", "front", "portrait"), "a girl, {smiling}", "blurry",
          2**62 + 77, {}, (Reference("seed.png", "0" * 64),))  # fmt: skip


@pytest.fixture
def server(monkeypatch):
    for module in (comfyui, comfyui_server):
        monkeypatch.setattr(module, "pause", lambda seconds: None)
    stand_in = StandIn()
    yield stand_in
    stand_in.close()


@pytest.fixture
def drawer(server, tmp_path):
    """A drawer of the workflow, or of one with changes, and with other settings."""
    Image.new("RGB", (20, 30), "red").save(tmp_path / "seed.png")

    def make(workflow=WORKFLOW, **settings):
        (tmp_path / "workflow.json").write_text(json.dumps(workflow))
        given = {"workflow": str(tmp_path / "workflow.json"), "server": server.address, "seconds_away": 1, **settings}
        return ComfyUiDrawer(ComfyUiSettings(**given), (48, 64), tmp_path)

    return make


def drawn(drawer, *jobs):
    return [image for batch in drawer.draw(jobs or [JOB], None) for _, image in batch]


def test_words_seed_size_and_reference_go_where_the_workflow_says(drawer, server):
    (image,) = drawn(drawer())
    (name,) = server.uploads
    inputs = {id: node["inputs"] for id, node in server.prompts[0]["prompt"].items()}
    assert inputs["6"]["text"] == "a girl, {smiling}, sharp"
    assert inputs["7"] == {"text": "blurry", "clip": ["4", 1]}
    assert inputs["3"] == {"seed": JOB.random_seed % 2**53, "steps": 4, "model": ["4", 0]}
    assert (inputs["5"], inputs["8"]["image"]) == ({"width": 48, "height": 64}, name)
    assert image.size == (48, 64)
    assert image.getpixel((0, 0)) == (180 + inputs["3"]["seed"] % 60, 40 + inputs["3"]["seed"] % 30, 40)


def test_no_proxy_is_sent_what_stays_on_this_machine(drawer, server, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert drawn(drawer())
    assert len(server.uploads) == 1


def test_a_reference_is_sent_once_and_more_places_show_it_again(drawer, server):
    workflow = copy.deepcopy(WORKFLOW)
    workflow["11"] = {"class_type": "LoadImage", "inputs": {"image": "x.png"}, "_meta": {"title": "Reference 2"}}
    one = drawer(workflow)
    drawn(one, JOB, replace(JOB, id="candidate-2", random_seed=5))
    (name,) = server.uploads
    assert server.asked["/upload"] == 1
    assert {node["inputs"].get("image") for node in server.prompts[1]["prompt"].values()} == {name, None}


def test_a_run_that_was_killed_takes_what_was_drawn_meanwhile(drawer, server):
    first = drawn(drawer())
    again = drawn(drawer())
    assert server.asked["/prompt"] == 1
    assert first[0].tobytes() == again[0].tobytes()


@pytest.mark.parametrize(
    ("path", "faults"),
    [
        ("/view", ["half", 500]),
        ("/history", [500, 502]),
        ("/prompt", [503, "lose"]),
        ("/prompt", ["lose", "lose"]),
        ("/upload", [500]),
        ("/queue", [500]),
        ("/view", [404, 404, 404]),
    ],
    ids=str,
)
def test_what_goes_wrong_once_or_twice_is_asked_again(drawer, server, path, faults):
    one = drawer()
    server.faults[path] = list(faults)
    assert drawn(one)[0].size == (48, 64)
    assert not server.faults[path]


def test_a_server_that_is_away_for_long_is_one_line(drawer, server):
    one = drawer(seconds_away=0)
    server.faults["/history"] = [500]
    with pytest.raises(BackendError, match=r"no ComfyUI server answers at http.*500.*nothing finished is lost"):
        drawn(one)


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ("refuse", "node 6 \"CLIPTextEncode\": Value not in list (ckpt_name: 'no.safetensors' not in [])"),
        ("error", 'failed in node 3 "seed": out of memory on this card'),
    ],
)
def test_what_the_workflow_does_wrong_is_one_line(drawer, server, fault, line):
    server.faults["/prompt"] = [fault]
    with pytest.raises(BackendError) as error:
        drawn(drawer())
    assert line in error.value.message
    assert "\n" not in str(error.value)
    assert drawn(drawer()), "mended, it is asked again"


def test_a_picture_of_another_size_is_brought_to_size_or_refused(drawer, server):
    server.size = (90, 90)
    assert drawn(drawer())[0].size == (48, 64)
    (refused,) = drawn(drawer(other_size="refuse"))
    assert why_refused(refused) == "the workflow drew 90x90, 48x64 were asked for"


def test_what_is_interrupted_or_takes_too_long_is_taken_back(drawer, server, monkeypatch):
    server.busy = True
    with pytest.raises(BackendError, match="busy with one picture for more than"):
        drawn(drawer(seconds_a_picture=0.001))
    (id,) = server.queue
    assert server.cancelled == [id, id]

    def interrupted(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(comfyui_server, "pause", interrupted)
    with pytest.raises(KeyboardInterrupt):
        drawn(drawer())
    assert len(server.cancelled) == 4


def test_the_lora_of_the_round_is_put_where_the_server_finds_it(drawer, server, tmp_path):
    workflow = copy.deepcopy(WORKFLOW)
    workflow["12"] = {"class_type": "LoraLoader", "inputs": {"lora_name": "{{lora}}", "strength_model": 1}}
    with pytest.raises(BackendError, match=r"has a place for a LoRA.*with_lora=true"):
        drawer(workflow)
    (tmp_path / "loras").mkdir()
    (tmp_path / "r01.safetensors").write_bytes(b"weights")
    one = drawer(workflow, with_lora=True, lora_folder=str(tmp_path / "loras"))
    list(one.draw([JOB], tmp_path / "r01.safetensors"))
    name = server.prompts[0]["prompt"]["12"]["inputs"]["lora_name"]
    assert (tmp_path / "loras" / name).read_bytes() == b"weights"


BROKEN = {
    "no json": ("{", "cannot be read"),
    "editor": ({"nodes": [], "links": []}, 'in the format of the editor; save it in ComfyUI with "Export (API)"'),
    "empty": ({}, "holds no nodes in API format"),
    "no prompt": ({"1": {"inputs": {"text": "x"}}}, "has no place for the prompt"),
    "unknown": ({"1": {"inputs": {"text": "{{promt}}"}}}, "{{promt}} stands for nothing; there are {{height}}"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_no_workflow_says_what_to_do(tmp_path, name):
    given, line = BROKEN[name]
    path = tmp_path / "workflow.json"
    path.write_text(given if isinstance(given, str) else json.dumps(given))
    with pytest.raises(BackendError) as error:
        read_workflow(path)
    assert line in str(error.value)


def test_progress_is_heard_over_a_websocket(monkeypatch):
    """The real socket: a message wakes, silence does not, and one that is closed is left."""
    import threading

    server = pytest.importorskip("websockets.sync.server")
    client = pytest.importorskip("websockets.sync.client")
    monkeypatch.setattr(comfyui_server, "EVERY", 0.05)
    go = threading.Event()

    def talk(socket):
        socket.send("{}")
        go.wait(5)
        socket.close()

    with server.serve(talk, "127.0.0.1", 0) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        port = serving.socket.getsockname()[1]
        with client.connect(f"ws://127.0.0.1:{port}") as socket:
            assert comfyui_server.told(socket) is True
            assert comfyui_server.told(socket) is False
            go.set()
            while comfyui_server.told(socket) is not None:
                pass
        serving.shutdown()


def test_a_run_that_is_cut_off_and_goes_on_asks_for_nothing_twice(server, call, tmp_path):
    quick = ["loop.rounds=1", "loop.showcase=0", "loop.acceptance.weights=[]", "loop.final_candidates=1"]
    drawer = ["drawer.decoys=3", "drawer.seconds_away=0", "drawer.license=Mine", "loop.most_decoys=4"]
    given = described(tmp_path, [*TINY, *quick, *drawer])
    (tmp_path / "workflow.json").write_text(json.dumps(WORKFLOW))
    options = ["--drawer", "comfyui", "--workflow", tmp_path / "workflow.json", "--server", server.address]
    server.faults["/view"] = [None] * 4 + [500] * 9
    assert call("run", *given, *options, "--out", tmp_path / "run").code == 1
    done = call("run", *given, *options, "--out", tmp_path / "run")
    assert done.code == 0, done.err
    with Store.open(tmp_path / "run", exclusive=False) as store:
        drawn = [frame for frame in store.frames() if frame.drawer == "comfyui"]
        jobs = {frame.job.id: frame.job for frame in drawn}
    assert {job.kind for job in jobs.values()} == {JobKind.CANDIDATE, JobKind.STRANGER}
    assert all("Draw a new picture of the girl in the reference" in job.prompt for job in jobs.values())
    assert len({one["prompt_id"] for one in server.prompts}) == len(server.prompts) == len(drawn) + 2, "the lost one"
    card = (tmp_path / "run/lora/README.md").read_text()
    assert "The set was drawn by `comfyui (workflow.json)`; its licence is `Mine`." in card
