"""provenance.csv: for each picture behind a dataset, where it came from and why it is there.

One row a picture: seeds, their crops and altered copies as well as the synthetic ones. Knows how rows look and how they
are written, not which pictures there are.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from bootstrap.errors import StoreError
from bootstrap.records import Reference
from bootstrap.store.delivery import Delivery
from bootstrap.store.files import write_atomic
from scoring.measurement import Measurement

__all__ = ["COLUMNS", "PROVENANCE", "named_references", "read_provenance", "score_columns", "write_provenance"]

PROVENANCE = "provenance.csv"
FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""How a cell begins that a spreadsheet would take for a formula (the last four: wide forms of = + - @)."""
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?")
"""What is no formula although it may begin with a sign."""
MASKED = re.compile(rf"'({FORMULA.pattern})")
"""A text that begins like a formula, as it is written: after an apostrophe, which spreadsheets do not show."""
LATER = ("retouched",)
"""Columns that sets of earlier versions lack."""
COLUMNS = (
    "file",
    "sha256",
    "origin",
    "made_from",
    "retouched",
    "caption",
    "training_weight",
    "generator",
    "generator_license",
    "backend",
    "prompt",
    "negative_prompt",
    "seed",
    "adapter",
    "adapter_sha256",
    "references",
    "control",
    "begun_from",
    "view",
    "framing",
    "verdict",
    "by",
    "reasons",
    "p",
    "combined_score",
    "license",
    "credits",
)
"""Columns that every row has, "" where they do not apply; the scorers' follow, two each.

``file`` is relative to the dataset folder; ``origin`` is seed | crop | altered | synthetic, or "set aside" for what was
given and not taken, for its ``reasons``; ``made_from`` names the picture that a seed, a crop or a copy was made from;
``retouched`` says what changed its pixels: by which model it was upscaled;
``training_weight`` is the share of sampled steps relative to 1 for a kept frame, 0 for a picture that was not trained
on, "" when nothing was trained on this set yet; ``generator`` is the base, or the drawer that drew in its place;
``references`` are the pictures that it was shown, ``control`` the one that view and pose followed, ``begun_from``
the one whose latents it was drawn from in place of noise, each with its strength and sha256.
"""


def score_columns(measured: Mapping[str, Measurement]) -> dict[str, str]:
    """``<scorer> score`` and ``<scorer> state`` of each measurement: its value; "measured", or why not."""
    cells = {}
    for name, measurement in measured.items():
        score, state = "", "not applicable"
        if measurement.value is not None:
            score, state = f"{measurement.value:.6g}", "measured"
        elif measurement.why.startswith("error"):
            state = ""
        cells[f"{name} score"] = score
        cells[f"{name} state"] = ": ".join(part for part in (state, measurement.why) if part)
    return cells


def named_references(references: Sequence[Reference]) -> str:
    """The cell of ``references``: path, strength and sha256 of each."""
    return "; ".join(f"{one.path} {one.strength:g} {one.sha256}" for one in references)


def write_provenance(folder: Path, rows: Sequence[Mapping[str, str]], delivery: Delivery | None = None) -> Path:
    """Write the rows into ``folder``; columns beyond COLUMNS follow in the order in which they first occur."""
    columns = dict.fromkeys([*COLUMNS, *(name for row in rows for name in row)])
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(_masked, columns))
    for row in rows:
        writer.writerow(_masked(row.get(name, "")) for name in columns)
    write = delivery.write if delivery else write_atomic
    write(folder / PROVENANCE, text.getvalue().encode())
    return folder / PROVENANCE


def read_provenance(folder: Path) -> list[dict[str, str]]:
    """The rows of a dataset folder; none where it has no provenance. Raises StoreError where it is damaged."""
    path = folder / PROVENANCE
    if not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            found = [_unmasked(row) for row in csv.DictReader(file, strict=True)]
        if not all(_is_whole(row) for row in found):
            raise ValueError("a row is not whole")
    except (OSError, ValueError, csv.Error) as error:
        hint = "run the same `bootstrap run` again: it writes it again"
        raise StoreError(f"'{path}' cannot be read ({error})", hint) from error
    return found


def _masked(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; control characters, which end rows for some, are escaped."""
    cell = CONTROL.sub(lambda sign: ascii(sign[0])[1:-1], cell)
    return f"'{cell}" if FORMULA.match(cell) and not NUMBER.fullmatch(cell) else cell


def _unmasked(row: Mapping[str, str]) -> dict[str, str]:
    """A row as it was before it was written; what is not whole stays as it is."""
    found = {}
    for name, cell in row.items():
        is_text = isinstance(name, str) and isinstance(cell, str)
        found[_shown(name) if is_text else name] = _shown(cell) if is_text else cell
    return found


def _shown(cell: str) -> str:
    return cell[1:] if MASKED.match(cell) else cell


def _is_whole(row: Mapping[str, str]) -> bool:
    """Whether a row has every column, and numbers where they belong; ValueError where a number is none."""
    float(row.get("training_weight") or 0)
    columns = [name for name in COLUMNS if name in row or name not in LATER]
    return None not in row and all(isinstance(row.get(name), str) for name in columns)
