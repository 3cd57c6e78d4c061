"""YAML that a person gives: what would be read otherwise than it was meant, or never end, is one line."""

import pytest

from bootstrap.config import read_own
from bootstrap.config.plain_yaml import read_plain
from bootstrap.errors import ConfigError

LAUGHS = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
MERGES = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 60))
REFUSED = {
    "a key twice": ("loop:\n  target: 4\n  rounds: 2\n  target: 6\n", '"target" is written twice, in lines 2 and 4'),
    "a key twice, quoted once": ('loop: {}\n"loop": {}\n', '"loop" is written twice, in lines 1 and 2'),
    "aliases that multiply": (LAUGHS, "holds more than 100000 values"),
    "merges that multiply": (MERGES, "holds more than 100000 values"),
    "an alias of itself": ("a: &a\n  b: *a\n", "an alias holds itself"),
    "no bottom": ("[" * 100_000, "nested too deeply"),
    "5,000 digits": ("a: " + "9" * 5000, "a number of 5000 digits"),
    "no such day": ("a: 2026-99-99", "month must be in 1..12"),
    "a list for a key": ("? [1]\n: 2\n", "found unhashable key"),
    "numbers for keys": ("1: 2\n", "holds no mapping"),
    "a program's object": ("a: !!python/object/apply:os.system [ls]", "could not determine a constructor"),
    "two documents": ("a: 1\n---\nb: 1\n", "expected a single document"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_yaml_that_is_refused(tmp_path, kind):
    text, reason = REFUSED[kind]
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        read_own(path)
    assert str(path) in refused.value.message
    assert reason in refused.value.message
    assert "\n" not in refused.value.message


def test_anchors_and_merges_of_a_sensible_size_are_read():
    assert read_plain("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n") == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}}
