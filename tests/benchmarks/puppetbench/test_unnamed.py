"""Unnamed traits, one by one: counterfactual puppets, and what nearer means."""

from dataclasses import fields

import numpy as np
import pytest

from bootstrap.puppets.anatomy import UnnamedTraits, sample_puppet
from bootstrap.records import Shot
from tests.benchmarks.puppetbench import rows, unnamed
from tests.benchmarks.puppetbench.counterfactual import RANGES, TRAITS, changed
from tests.benchmarks.puppetbench.panels import panel_path, write_panel

PUPPET = sample_puppet(80_000_001)
FRONT = Shot(
    "front",
    "front",
    "close-up",
    {"expression": "smile", "pose": "standing", "outfit": "default", "background": "forest", "style": "cel shading"},
)
BEHIND = Shot(
    "behind",
    "behind",
    "close-up",
    {"expression": "smile", "pose": "standing", "outfit": "default", "background": "forest", "style": "cel shading"},
)


def test_every_unnamed_trait_can_be_changed_and_nothing_else_is():
    assert {field.name for field in fields(UnnamedTraits)} == set(TRAITS)
    for seed in range(5):
        puppet = sample_puppet(seed)
        for trait in TRAITS:
            other = changed(puppet, trait)
            differ = [f.name for f in fields(UnnamedTraits)
                      if getattr(other.unnamed, f.name) != getattr(puppet.unnamed, f.name)]  # fmt: skip
            assert differ == [trait]
            assert (other.named, other.number) == (puppet.named, puppet.number)


def test_a_size_goes_as_far_as_it_can():
    low, high = RANGES["eye_size"]
    away = abs(changed(PUPPET, "eye_size").unnamed.eye_size - PUPPET.unnamed.eye_size)
    assert away >= (high - low) / 2


class Pixels:
    """A judge that compares eight blocks of brightness, centred: enough to detect larger eyes."""

    def embed_painted(self, images):
        small = images.reshape(len(images), 8, 12, 8, 12, 3).mean(axis=(2, 4, 5)).reshape(len(images), -1)
        small = small - small.mean(axis=1, keepdims=True)
        return (small / np.linalg.norm(small, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def drawn_set():
    return unnamed.drawings(Pixels(), PUPPET, [FRONT, BEHIND])


def test_a_trait_is_asked_only_where_it_is_seen(drawn_set):
    assert drawn_set.asked["eye_size"].tolist()[1] is False
    assert not drawn_set.asked["emblem_color"].any(), "she has no emblem"
    assert unnamed.visible(np.zeros((1, 96, 96, 3), np.uint8), np.zeros((1, 96, 96, 3), np.uint8)).tolist() == [False]


def test_the_true_drawing_recovers_everything_and_the_changed_one_nothing(drawn_set):
    true = unnamed.recovered(drawn_set.true, drawn_set)
    assert any(shown for _, shown in true.values())
    assert all(right == shown for right, shown in true.values())
    for trait in TRAITS:
        right, shown = unnamed.recovered(drawn_set.other[trait], drawn_set)[trait]
        assert right == 0
        assert shown == true[trait][1]


@pytest.fixture
def work(tmp_path):
    """Two contestants of one character, inspected already: one recovers everything, the other half."""
    for contestant, right in (("seeds", 5), ("ours", 10)):
        counts = {"eye_size": (right, 10), "emblem": (right, 10), "shoe_color": (0, 0)}
        row = {"key": "k", "character": 1, "name": "Ada", "contestant": contestant, "recovered": counts}
        path = tmp_path / "unnamed" / f"1-{contestant}.json"
        unnamed.write_atomic(path, unnamed.json.dumps(row).encode())
    return tmp_path


def test_the_table_has_a_column_a_contestant(work):
    text = unnamed.markdown_of(unnamed.read_all(work, ["seeds", "ours"]), ["seeds", "ours", "ceiling"])
    assert "| eye size | 50 | 100 | 10 |" in text
    assert "| **mean of traits** | 50.000 | 100.000 |  |" in text
    assert "shoe" not in text


def test_drawings_are_kept_and_come_back(drawn_set, tmp_path):
    unnamed.save_drawings(tmp_path / "1.npz", drawn_set)
    again = unnamed.load_drawings(tmp_path / "1.npz")
    assert (again.true == drawn_set.true).all()
    assert all((again.asked[trait] == drawn_set.asked[trait]).all() for trait in TRAITS)


def test_a_panel_is_looked_at_once_and_rows_of_contestants_stay(tmp_path, monkeypatch):
    row = {"key": "k", "character": 1, "name": "Ada", "contestant": "ours", "all": {"pictures": 2}}
    rows.write(tmp_path, row)
    write_panel(panel_path(tmp_path, 1, "ours"), np.zeros((2, 96, 96, 3), np.uint8))

    class Truth:
        judge = type("Judge", (), {"embed": staticmethod(lambda images: np.ones((len(images), 1), np.float32))})

    asked = []
    one = np.ones((2, 1), np.float32)
    ones = unnamed.Drawings(one, {"side": -one}, {"side": np.ones(2, bool)})
    monkeypatch.setattr(unnamed, "_set_up", lambda work, seed: asked.append(seed) or (Truth, ones))
    unnamed.inspect(tmp_path, ["ours"])
    unnamed.inspect(tmp_path, ["ours"])
    assert asked == [1]
    assert unnamed.read_all(tmp_path, ["ours"])[0]["recovered"] == {"side": [2, 2]}
    assert rows.read(tmp_path, 1, "ours") == row
