"""``bootstrap doctor`` lists the readers of pictures: what they are, what they lack, and how a model is fetched."""

import hashlib
import io
import json
import socket

import pytest

from bootstrap.cli import doctor
from bootstrap.errors import BackendError
from bootstrap.machine.hub import fetched
from bootstrap.machine.inventory import Accelerator
from bootstrap.panel import face_packs as packs
from bootstrap.readers.local_model import find_model
from bootstrap.readers.open_reader import check_reader
from bootstrap.readers.reader_settings import reader_named
from bootstrap.readers.reader_state import reader_state


@pytest.fixture(autouse=True)
def machine(monkeypatch, tmp_path):
    """A machine whose caches are empty, and a network that is never reached."""
    monkeypatch.setattr(doctor, "accelerator", lambda: Accelerator("cpu", "a test", 8.0))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(packs, "open_address", lambda url: pytest.fail(f"went to {url}"))


def model(folder, kind="qwen3_vl", processor="Qwen3VLProcessor"):
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": kind}))
    (folder / "processor_config.json").write_text(json.dumps({"processor_class": processor}))
    (folder / "model.safetensors").write_bytes(b"0" * 100)
    return folder


def test_every_reader_is_listed_and_the_one_of_the_environment(call, monkeypatch, tmp_path):
    monkeypatch.setenv("BOOTSTRAP_READER", str(model(tmp_path / "own")))
    facts = json.loads(call("doctor", "--json").out)["readers"]
    assert {"ollama", "qwen3-vl-4b", "smolvlm", "vllm"} < facts.keys()
    assert "hf download Qwen/Qwen3-VL-4B-Instruct" in facts["qwen3-vl-4b"]["why"]
    own = facts[str(tmp_path / "own")]
    assert (own["usable"], own["about"]) == (True, "Qwen3VLForConditionalGeneration, 0.0 GB of weights")
    monkeypatch.setenv("BOOTSTRAP_READER", "nonsense")
    assert "nonsense" in json.loads(call("doctor", "--json").out)["readers"]["nonsense"]["why"]


def test_a_server_of_this_machine_is_asked_whether_it_listens_and_no_other():
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        assert reader_state(reader_named(url)).about == f"a server listens at {url}"
    assert "no server listens at" in reader_state(reader_named(url)).why
    away = reader_state(reader_named("https://reader.example/v1"))
    assert (away.why, away.about) == ("", "reader.example is asked only with --allow-upload")


def test_what_does_not_fit_a_card_is_loaded_in_four_bits(tmp_path):
    settings = reader_named(str(model(tmp_path / "own")))
    assert "four bits" not in reader_state(settings, Accelerator("cuda", "a card", 8.0)).about
    assert "four bits" in reader_state(settings, Accelerator("cuda", "a card", 1e-9)).about
    assert "four bits" not in reader_state(settings, Accelerator("cpu", "a test", 1e-9)).about


def test_a_package_that_a_processor_needs_is_one_line_before_anything_is_loaded(call, monkeypatch, tmp_path):
    folder = model(tmp_path / "smol", "smolvlm", "SmolVLMProcessor")
    monkeypatch.setattr("bootstrap.readers.local_model.find_spec", lambda name: None)
    for way in (find_model, check_reader):
        with pytest.raises(BackendError, match=r"needs the package num2words; pip install num2words"):
            way(str(folder))
    assert "num2words" in reader_state(reader_named(str(folder))).why
    monkeypatch.setattr("bootstrap.readers.local_model.find_spec", lambda name: name)
    assert find_model(str(folder)) == folder
    assert "reads no pictures" in reader_state(reader_named(str(model(tmp_path / "text", "llama")))).why


FILES = {
    "config.json": b'{"model_type": "qwen3_vl"}', "processor_config.json": b"{}",
    "model-00001-of-00002.safetensors": b"one", "model-00002-of-00002.safetensors": b"two",
    "model.safetensors.index.json": b"{}", "chat_template.jinja": b"chat", "notes.md": b"no",
}  # fmt: skip


def hub(url):
    """The hub: its list of the repository, and its files."""
    if "/api/models/" in url:
        listed = []
        for name, data in FILES.items():
            blob = hashlib.sha1(f"blob {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest()
            large = {"lfs": {"sha256": hashlib.sha256(data).hexdigest()}} if name.endswith("safetensors") else {}
            listed.append({"rfilename": name, "size": len(data), "blobId": blob, **large})
        page = {"sha": "c" * 40, "siblings": listed, "cardData": {"license": "apache-2.0"}}
        return io.BytesIO(json.dumps(page).encode())
    return io.BytesIO(FILES[url.rpartition("/")[2]])


def test_a_reader_is_fetched_whole_after_consent_and_once(call, monkeypatch):
    monkeypatch.setattr(packs, "open_address", hub)
    refused = call("doctor", "--fetch", "qwen3-vl-4b")
    assert refused.code == 2
    assert "apache-2.0" in refused.out
    assert "bootstrap doctor --fetch qwen3-vl-4b --yes" in refused.err
    folder = fetched("Qwen/Qwen3-VL-4B-Instruct")
    assert not folder.exists()
    done = call("doctor", "--fetch", "qwen3-vl-4b", "--yes")
    assert done.code == 0, done.err
    assert "use it with --reader qwen3-vl-4b" in done.out
    assert sorted(path.name for path in folder.iterdir()) == sorted({*FILES} - {"notes.md"})
    assert find_model("Qwen/Qwen3-VL-4B-Instruct") == folder
    assert "is there already" in call("doctor", "--fetch", "qwen3-vl-4b", "--yes").out
    server = call("doctor", "--fetch", "ollama", "--yes")
    assert (server.code, 'the reader "ollama" is a server' in server.line) == (2, True)
