"""Seeds: the original pictures, gathered, captioned, and cut into reference crops and altered copies.

This door opens on what every room needs; `bootstrap.seeds.checks` says what a person should know of the seeds,
`bootstrap.seeds.heads` finds heads and `bootstrap.seeds.figures` the figures of a sheet; `bootstrap.seeds.gathering`
sorts many pictures out.
"""

from __future__ import annotations

from bootstrap.seeds.anchors import anchors_of
from bootstrap.seeds.captioner import Read, SeedCaptioner, Tag, named_in_words, unread
from bootstrap.seeds.cuts import Composition, Cut, cuts
from bootstrap.seeds.views import MOST_SEEDS, SUBJECT, View, gather, views_in

__all__ = [
    "MOST_SEEDS",
    "SUBJECT",
    "Composition",
    "Cut",
    "Read",
    "SeedCaptioner",
    "Tag",
    "View",
    "anchors_of",
    "cuts",
    "gather",
    "named_in_words",
    "unread",
    "views_in",
]
