"""For every room: a command in this process."""

import json
import os
import signal
import sqlite3
import struct
from typing import NamedTuple

import pytest

from bootstrap.cli import main
from tests.unsynced import without_syncs

FSYNC, CONNECT = os.fsync, sqlite3.connect


class Call(NamedTuple):
    """How a command ended: exit code, what it said, its line that tells the error."""

    code: int
    out: str
    err: str
    line: str


def pytest_collection_modifyitems(items):
    """Files with a slow test come first: several processes, each of which takes whole files, then end together."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True, scope="session")
def ctrl_c_is_heard():
    """Also where a shell, putting the tests into the background, has had it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # by nohup
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True, scope="session")
def no_syncs():
    """No test waits for the disk; `durable` is for those that ask whether it would be waited for."""
    with pytest.MonkeyPatch.context() as patch:
        without_syncs(patch.setattr)
        yield


@pytest.fixture
def durable(no_syncs, monkeypatch):
    """Files and databases as the product writes them."""
    monkeypatch.setattr(os, "fsync", FSYNC)
    monkeypatch.setattr(sqlite3, "connect", CONNECT)


@pytest.fixture(autouse=True, scope="session")
def cache_of_its_own(tmp_path_factory):
    """No test, and no run that several share, touches what models saw in the pictures of the person who runs it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
            patch.setenv(name, str(tmp_path_factory.getbasetemp() / "cache"))
        yield


@pytest.fixture
def call(capsys):
    """A command in this process: quicker than one of its own; only for backends without a model."""

    def start(*arguments):
        before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        assert before == [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
        out, err = capsys.readouterr()
        line = next((text for text in err.splitlines() if text.startswith("error: ")), "")
        return Call(ended.value.code or 0, out, err, line)

    return start


PARTS = {
    "sd1": ("cond_stage_model.transformer.text_model.final_layer_norm.bias",),
    "sdxl": (
        "conditioner.embedders.0.transformer.text_model.final_layer_norm.bias",
        "conditioner.embedders.1.model.transformer.resblocks.0.ln_1.bias",
    ),
}
VAE = ("encoder.conv_in", "encoder.conv_out", "decoder.conv_in", "decoder.conv_out")


@pytest.fixture(scope="session")
def header_file():
    """Writes a checkpoint of names without weights: every layer that the architecture has, and what is asked for."""
    from bootstrap.backends.architectures import ARCHITECTURES

    whole = {}
    for name, parts in PARTS.items():
        architecture = ARCHITECTURES[name]
        vae = (f"first_stage_model.{part}.weight" for part in VAE)
        whole[name] = [*architecture.layers(architecture.configs), *parts, *vae]

    def write(path, architecture="sdxl", *markers, metadata=None, without="nothing", channels=4):
        keys = [key for key in (*whole[architecture], *markers) if without not in key]
        entries = {key: {"dtype": "F16", "shape": [0, channels, 3, 3], "data_offsets": [0, 0]} for key in keys}
        header = json.dumps({"__metadata__": metadata or {}, **entries}).encode()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(struct.pack("<Q", len(header)) + header)
        return path

    return write
