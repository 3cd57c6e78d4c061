"""Headers of safetensors files that are damaged, or made to mislead."""

import json
import os
import struct

import pytest

from bootstrap.errors import BackendError
from bootstrap.lora.header import read_header

ENTRY = {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]}
SPOILT = {
    "a list": "[]",
    "without end": "[" * 100_000,
    "an entry that is a number": json.dumps({"a": 3}),
    "metadata that are a list": json.dumps({"a": ENTRY, "__metadata__": []}),
    "a size that is not its shape's": json.dumps({"a": ENTRY | {"shape": [1, 3]}}),
    "a place before the file": json.dumps({"a": ENTRY | {"data_offsets": [-8, 0]}}),
    "a shape of words": json.dumps({"a": ENTRY | {"shape": ["one"]}}),
    "a kind that is a list": json.dumps({"a": ENTRY | {"dtype": []}}),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_a_header_that_lies_is_told_in_a_line(tmp_path, kind):
    path, text = tmp_path / "a.safetensors", SPOILT[kind].encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(8))
    with pytest.raises(BackendError, match="is no safetensors file that can be read"):
        read_header(path)


def test_a_header_without_metadata_is_read(tmp_path):
    path, text = tmp_path / "a.safetensors", json.dumps({"a": ENTRY, "__metadata__": None}).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(8))
    assert read_header(path) == {"a": ENTRY}


def test_what_is_no_file_is_told_as_what_it_is(tmp_path):
    (tmp_path / "folder.safetensors").mkdir()
    os.mkfifo(tmp_path / "pipe.safetensors")
    for name, said in (("folder", "it is a folder"), ("pipe", "it is a named pipe")):
        with pytest.raises(BackendError, match=f'{name}.safetensors" cannot be read: {said}'):
            read_header(tmp_path / f"{name}.safetensors")
    with pytest.raises(BackendError, match=r'no such file ".*none.safetensors"'):
        read_header(tmp_path / "none.safetensors")
