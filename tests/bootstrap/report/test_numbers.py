"""Every number of a report says what it means and, where it can be told, how good it is."""

from __future__ import annotations

import pytest

from bootstrap.records import RoundOutcome
from bootstrap.report.acceptance_numbers import acceptance_numbers
from bootstrap.report.document import TEMPLATES, KeyNumber, numbers_section
from bootstrap.report.run_numbers import run_numbers
from bootstrap.report.scorer_roles import scorer_texts
from bootstrap.runs.status import status
from bootstrap.store.store import Store
from scoring.scorers import SCORERS

CELLS = [{"checkpoint": "final", "weight": weight, "identity": 0.3, "control": 0.9} for weight in (1.0, 0.8)]


def found(identity: float | None, control: float, weight: float) -> dict[str, object]:
    best = {"checkpoint": "final", "weight": weight, "identity": identity, "control": control}
    return {"best": best, "recommended": best, "cells": CELLS, "base": {"identity": 0.06, "control": 1.0}}


@pytest.mark.parametrize(("identity", "control", "weight", "ratings"), [
    (0.5, 0.95, 1.0, ["good", "good", "good"]),
    (0.5, 0.9, 0.8, ["good", "fair", "fair"]),
    (0.5, 0.9, 0.6, ["good", "fair", "poor"]),
    (0.47, 1.0, 1.0, ["fair", "good", ""]),
    (0.2, 0.5, 1.0, ["poor", "poor", ""]),
    (None, 1.0, 1.0, ["", "good", ""]),
])  # fmt: skip
def test_a_lora_is_rated_by_identity_control_and_weight(
    identity: float | None, control: float, weight: float, ratings: list[str]
) -> None:
    numbers = acceptance_numbers(found(identity, control, weight))
    assert [one.rating for one in numbers] == ratings
    assert ("Not rated: " in numbers[-1].meaning) == (not ratings[-1])
    assert ("–" if identity is None else f"{identity:.2f}") == numbers[0].value


def test_what_an_earlier_version_stored_has_the_numbers_of_its_cell_or_none() -> None:
    old = {**found(0.5, 1.0, 0.8), "best": None}
    assert [one.value for one in acceptance_numbers(old)] == ["0.30", "0.90", "0.8"]
    assert acceptance_numbers({**old, "cells": []}) == []
    assert acceptance_numbers({}) == []


def by_name(store: Store) -> dict[str, KeyNumber]:
    return {one.name: one for one in run_numbers(store, status(store))}


def test_every_number_of_a_run_has_a_meaning(store: Store) -> None:
    numbers = by_name(store)
    assert all(one.meaning.endswith(".") for one in numbers.values())
    assert (numbers["kept"].value, numbers["kept"].rating) == ("12 of 48", ""), "an unfinished run is not rated"
    assert (numbers["provisional"].value, numbers["provisional"].rating) == ("12", "poor")
    assert numbers["kept of the candidates"].value == "33%"


@pytest.mark.parametrize(("last", "error", "rating"), [
    (0.71, 0.0, "good"), (0.69, 0.02, "good"), (0.66, 0.02, "fair"), (0.5, 0.02, "poor"),
])  # fmt: skip
def test_the_held_out_likeness_is_rated_by_its_course_and_its_error(
    store: Store, last: float, error: float, rating: str
) -> None:
    store.end_round(2, RoundOutcome(kept=12, new=6, candidates=18, held_out=last, held_out_error=error))
    assert by_name(store)["held-out likeness"].rating == rating


def test_a_card_shows_the_rating_as_a_word(store: Store) -> None:
    section = numbers_section([KeyNumber("kept", "<3", "Of those wanted.", "good"), KeyNumber("work", "2 s", "Time.")])
    assert section.body.count('<em class="good">good</em>') == 1
    assert "&lt;3" in section.body
    assert numbers_section([]).body == ""
    assert TEMPLATES.render("cards", plots=[]).strip() == '<div class="pair">\n</div>'


def test_every_scorer_of_a_panel_says_what_it_measures_and_which_values_are_good(store: Store) -> None:
    texts = scorer_texts(store)
    assert texts["held-out"].role == "held-out"
    assert all(one.measures and one.reading.endswith(".") for one in texts.values())
    assert "`" not in "".join(one.measures for one in texts.values())
    assert all(kind.__doc__ for kind in SCORERS.values())
