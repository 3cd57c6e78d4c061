"""Which weight of another LoRA keeps both: what is drawn, how the other is measured, what is said."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bootstrap.compare.grid import BASE, Cell, Companion, TriedWeights, companion_from
from bootstrap.compare.results import Result, TrialPicture
from bootstrap.compare.weight_search import best_weights, search_pairs
from bootstrap.records import Frame, Job, JobKind, Shot
from scoring.trials import Drawn

SKETCH = Companion(Path("sketch.safetensors"), "s", words="sketch", searched=True)
ALONE = Cell(TriedWeights("late", Path("late"), "late", 200))
HIGH, FAIR, LOW = 6.0, 1.5, -1.0
"""Deviations above the decoys."""


def result(cell, score, style):
    """A cell of four pictures; ``style`` is how far their looks turn from the plain ones to the style's."""
    pictures = []
    for number in range(4):
        shot = Shot("front", "front", "upper body", {"pose": str(number)})
        frame = Frame(Job("x", JobKind.PROBE, 0, 0, shot, "", "", 1, {}), f"{style}", "", "")
        pictures.append(TrialPicture(frame, "known", Drawn(score, (True,), False), {}, {}, ()))
    return Result(cell, tuple(pictures))


def look(frame):
    return np.array([1 - float(frame.path), float(frame.path), 0], np.float32)


def search(scores, styles, alone=1.0):
    """A search in which each weight has its score and its share of the style."""
    cells = []

    def rate(cell):
        cells.append(cell)
        if cell.checkpoint is None:
            return result(cell, None, alone)
        weight = cell.companions[0].weight
        return result(cell, scores[weight], styles[weight])

    return search_pairs(result(ALONE, HIGH, 0.0), result(BASE, None, 0.0), SKETCH, rate, look), cells


def test_four_weights_are_drawn_and_the_base_with_the_other_alone():
    _, cells = search(dict.fromkeys((1.0, 0.8, 0.6, 0.4), HIGH), {1.0: 1.0, 0.8: 0.8, 0.6: 0.6, 0.4: 0.4})
    assert [cell.name for cell in cells] == [
        *(f"late at 1 + sketch at {weight}" for weight in ("1", "0.8", "0.6", "0.4")), "the base + sketch at 1"
    ]  # fmt: skip
    assert cells[-1].parts == ((SKETCH.path, 1.0),)
    assert BASE.parts == ()


def test_the_pair_that_keeps_both_best_is_advised():
    found, _ = search({1.0: LOW, 0.8: HIGH, 0.6: HIGH, 0.4: HIGH}, {1.0: 1.0, 0.8: 0.8, 0.6: 0.6, 0.4: 0.1})
    assert (found.best.weight, found.best.keeps_both) == (0.8, True)
    assert [one.there for one in found.tried] == pytest.approx([1.0, 0.8, 0.6, 0.1])
    assert found.text.startswith("beside sketch, use this LoRA at 1 and sketch at 0.8: identity ")
    assert found.text.endswith("80% of what sketch does by itself")
    friend = replace(SKETCH, path=Path("friend"), weight=0.7)
    assert [one.weight for one in best_weights([SKETCH, friend], [found])] == [0.8, 0.7]


def test_it_is_said_plainly_where_no_weight_keeps_both():
    found, _ = search({1.0: LOW, 0.8: LOW, 0.6: HIGH, 0.4: HIGH}, {1.0: 1.0, 0.8: 0.8, 0.6: 0.3, 0.4: 0.1})
    assert not found.best.keeps_both
    assert found.text.startswith("no weight keeps both beside sketch: at 1 identity is ")
    assert "nearest is this LoRA at 1 and sketch at 0.6" in found.text


def test_a_lora_that_changes_nothing_by_itself_is_named_as_such():
    found, _ = search(dict.fromkeys((1.0, 0.8, 0.6, 0.4), HIGH), dict.fromkeys((1.0, 0.8, 0.6, 0.4), 0.0), alone=0.0)
    assert found.best.weight == 1.0
    assert "changes nothing by itself" in found.text


def test_only_a_weight_that_nobody_wrote_is_searched(tmp_path):
    file = tmp_path / "a.safetensors"
    file.touch()
    assert companion_from(f"{file}=oil", {}).searched
    assert not companion_from(f"{file}:0.5=oil", {}).searched
