import numpy as np
import pytest

from scoring.faces_found import FoundFace, FoundFaces

SEEN = FoundFace((0.1, 0.2, 0.3, 0.5), 31.7, 0.91, -12.5, np.array([0.6, 0.8], np.float32))
PLAIN = FoundFace((0.4, 0.2, 0.6, 0.5), 20.0, 0.4, 90.0, None)


def same(one, other):
    fields = ("box", "short_side", "det_score", "yaw")
    return all(getattr(one, name) == getattr(other, name) for name in fields) and np.array_equal(
        one.embedding, other.embedding
    )


@pytest.mark.parametrize("faces", [[], [SEEN], [SEEN, PLAIN], [PLAIN]], ids=["none", "one", "two", "not embedded"])
def test_another_process_finds_the_same_faces(tmp_path, faces):
    FoundFaces(tmp_path, "pack").add({"a": faces, "b": [SEEN], "c": []})
    again = FoundFaces(tmp_path, "pack")
    assert len(again["a"]) == len(faces)
    assert all(map(same, again["a"], faces))
    assert same(again["b"][0], SEEN)
    assert again["c"] == []
    assert "d" not in again


def test_another_pack_knows_nothing_of_it(tmp_path):
    FoundFaces(tmp_path, "pack").add({"a": [SEEN]})
    assert "a" not in FoundFaces(tmp_path, "another")


def test_a_damaged_shard_is_forgotten_and_the_others_stay(tmp_path):
    shelf = FoundFaces(tmp_path, "pack")
    shelf.add({"a": [SEEN]})
    (shard,) = tmp_path.rglob("*.npz")
    shelf.add({"b": [SEEN]})
    shard.write_bytes(shard.read_bytes()[:40])
    again = FoundFaces(tmp_path, "pack")
    assert "a" not in again
    assert "b" in again


def test_where_nothing_can_be_written_it_is_remembered_in_memory(tmp_path):
    (tmp_path / "file").write_text("no folder")
    shelf = FoundFaces(tmp_path / "file", "pack")
    shelf.add({"a": [SEEN]})
    assert "a" in shelf
