"""Seeds: the original pictures, opened and checked, captioned, and cut into reference crops and altered copies.

This door opens on what every room needs; `bootstrap.seeds.checks` says what a person should know of the seeds,
`bootstrap.seeds.heads` finds heads and `bootstrap.seeds.figures` the figures of a sheet.
"""

from __future__ import annotations

from bootstrap.seeds.captioner import Read, SeedCaptioner, unread
from bootstrap.seeds.cuts import Composition, Cut, cuts
from bootstrap.seeds.pictures import MOST_SEEDS, SUBJECT, SUFFIXES, View, gather, open_seed, square, views_in

__all__ = [
    "MOST_SEEDS",
    "SUBJECT",
    "SUFFIXES",
    "Composition",
    "Cut",
    "Read",
    "SeedCaptioner",
    "View",
    "cuts",
    "gather",
    "open_seed",
    "square",
    "unread",
    "views_in",
]
