"""One damage of many kinds each: no traceback, no run that cannot go on, no loss that nobody names.

`tests/benchmarks/damage.py` plays hundreds of them.
"""

import pytest

from tests.loops.conftest import TINY, described
from tests.loops.damages import Damage, originals, try_one

KINDS = {
    "a frame that is gone": Damage("unfinished", "file", "frame", "delete", 1),
    "a frame cut short": Damage("unfinished", "file", "frame", "cut", 2),
    "a frame that is another's": Damage("unfinished", "file", "frame", "swap", 3),
    "an adapter that is gone": Damage("unfinished", "file", "adapter", "delete", 1),
    "an adapter that is another's": Damage("unfinished", "file", "adapter", "swap", 2),
    "a seed with a zeroed block": Damage("unfinished", "file", "seed", "zero", 1),
    "a crop that is gone": Damage("unfinished", "file", "train", "delete", 1),
    "a picture of the set cut short": Damage("finished", "file", "picture", "cut", 1),
    "a picture of the set that is another's": Damage("finished", "file", "picture", "swap", 3),
    "a caption that is no text": Damage("finished", "file", "caption", "scramble", 1),
    "captions' table cut short": Damage("finished", "file", "metadata", "cut", 1),
    "an empty provenance": Damage("finished", "file", "provenance", "empty", 1),
    "a bit of the LoRA": Damage("finished", "file", "lora", "flip", 1),
    "a preview that is gone": Damage("finished", "file", "lora picture", "delete", 1),
    "an empty report": Damage("finished", "file", "report", "empty", 1),
    "a log that is no text": Damage("finished", "file", "log", "scramble", 1),
    "a sheet that is gone": Damage("finished", "file", "sheet", "delete", 1),
    "an empty database": Damage("finished", "file", "database", "empty", 1),
    "a database that is gone": Damage("finished", "file", "database", "delete", 1),
    "a database cut short": Damage("unfinished", "file", "database", "cut", 1),
    "a database with a zeroed page": Damage("finished", "file", "database", "zero", 3),
    "a write-ahead log cut short": Damage("unfinished", "file", "write-ahead log", "cut", 1),
    "a bit of a fact": Damage("unfinished", "table", "facts", "flip", 1),
    "a bit of a job": Damage("unfinished", "table", "jobs", "flip", 2),
    "a bit of an event": Damage("unfinished", "table", "events", "flip", 4),
    "a seed's row cut short": Damage("unfinished", "table", "seeds", "cut", 1),
    "an adapter's row that is lost": Damage("unfinished", "table", "adapters", "delete row", 1),
    "a lost row of a frame": Damage("unfinished", "table", "frames", "delete row", 1),
    "a lost verdict": Damage("unfinished", "table", "verdicts", "delete row", 1),
    "lost measurements": Damage("finished", "table", "measurements", "delete rows", 1),
}
NOT_YET: dict[str, str] = {}
"""Kinds that a run does not yet survive as it should → what happens."""


@pytest.fixture(scope="module")
def origins(tmp_path_factory):
    """The arguments of a tiny run, the two runs that are damaged, and what is delivered."""
    folder = tmp_path_factory.mktemp("origins")
    arguments = described(folder, TINY)
    return arguments, *originals(folder, arguments)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in NOT_YET])
def test_a_damage_is_survived_or_named(origins, tmp_path, kind):
    arguments, runs, wanted = origins
    damage = KINDS[kind]
    hit, wrong, _ = try_one(runs[damage.state], tmp_path / "run", damage, arguments, wanted)
    assert hit, "nothing of this class to damage"
    assert not wrong, "\n".join([hit, *wrong])


def test_what_is_left_out_is_a_kind():
    assert not NOT_YET.keys() - KINDS.keys()
