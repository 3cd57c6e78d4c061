"""The page of a LoRA of several: who was drawn by which trigger, how alike to whom, and what turned up where.

Reads a store; decides nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from markupsafe import Markup

from bootstrap.dataset.bleed_of_members import (
    LEAST_TOGETHER,
    MOST_BLEED,
    Everyone,
    Likeness,
    bleed_in_words,
    likenesses_of,
    ways_of,
)
from bootstrap.dataset.bundle_members import BundleMember, members_of
from bootstrap.dataset.writing import safe_name
from bootstrap.records import Frame, JobKind
from bootstrap.report.document import TEMPLATES, Document, KeyNumber, Rating, Section, numbers_section, write_document
from bootstrap.report.frame_figures import FigureGroup, FrameFigures
from bootstrap.store.store import Store

__all__ = ["write_bundle_page"]

ROWS = (
    "Each row is drawn by one trigger; each column is the mean likeness of these pictures to a member's seeds, over"
    " what is usual among the members' sets, by the scorers of the panel that can tell it of all. Good: the largest"
    " number of a row is its own."
)
UNKNOWN = "–"


def write_bundle_page(store: Store, out: Path) -> Path:
    """Write the page to ``out``. Raises OutputError."""
    members, likenesses = members_of(store), likenesses_of(store)
    figures = FrameFigures(store, out.parent)
    name = json.loads(store.recall("character") or "{}").get("name", store.directory.name)
    drawn = [frame for frame in store.frames(kind=JobKind.PROBE)]
    groups = [FigureGroup(member.name, figures.figures(_of(member, drawn))) for member in members]
    said = [{"text": text} for text in bleed_in_words(members, likenesses)]
    kept = figures.by_view_family(figures.taken())
    ways = ways_of(store)
    sections = [
        Section("Everyone by one prompt", TEMPLATES.render("strips", groups=_by_words(figures, store, ways)), "prompts")
        if ways
        else Section("", Markup()),
        Section(
            "Drawn together, and trained on", TEMPLATES.render("strips", groups=kept) if kept else Markup(), "kept"
        ),
        Section("Who was drawn", TEMPLATES.render("strips", groups=groups), "drawn"),
        numbers_section([*_together(ways), *_numbers(members, likenesses)]),
        Section("Bleed", TEMPLATES.render("list", items=said), "bleed"),
        Section("Likeness of each to each", _matrix(members, likenesses), "matrix"),
        Section("Members", _members(members, likenesses), "members"),
    ]
    sections = [section for section in sections if section.body]
    kind = "drawn together" if ways else "bundle"
    return write_document(out, Document(f"{name}: {kind}", name, "one LoRA of several members", sections))


def _by_words(figures: FrameFigures, store: Store, ways: Sequence[Everyone]) -> list[FigureGroup]:
    """What each way of drawing everyone has drawn."""
    groups = []
    for number, way in enumerate(ways):
        frames = [one for one in store.frames(kind=JobKind.ACCEPTANCE) if one.job.id.startswith(f"both-{number}-")]
        groups.append(FigureGroup(way.name, figures.figures(frames)))
    return groups


def _together(ways: Sequence[Everyone]) -> list[KeyNumber]:
    """A card for each way of drawing everyone."""
    found = []
    for way in ways:
        met = way.share >= LEAST_TOGETHER and way.bleed <= MOST_BLEED
        rating: Rating = "good" if met else "poor"
        meaning = (
            f"pictures by one prompt with everyone in them, at least {LEAST_TOGETHER:.0%} is good; traits of another"
            f" on {way.bled} of {way.read} that were read, at most {MOST_BLEED:.0%} is good"
        )
        found.append(KeyNumber(f"By {way.name}", f"{way.together} of {way.drawn}", meaning, rating))
    return found


def _of(member: BundleMember, drawn: Sequence[Frame]) -> list[Frame]:
    """The pictures of a member."""
    mark = f"{safe_name(member.trigger)}-"
    return [frame for frame in drawn if frame.job.id.rpartition("-")[0] + "-" == mark]


def _numbers(members: Sequence[BundleMember], likenesses: Sequence[Likeness]) -> list[KeyNumber]:
    """A card for each member."""
    names, found = {member.trigger: member.name for member in members}, []
    for one in likenesses:
        if not one.judged:
            continue
        meaning = f"of its pictures are most like it; at least {1 - MOST_BLEED:.0%} is good"
        rating: Rating = "good" if one.stays_apart else "poor"
        found.append(KeyNumber(names[one.trigger], f"{one.own} of {one.judged}", meaning, rating))
    return found


def _matrix(members: Sequence[BundleMember], likenesses: Sequence[Likeness]) -> Markup:
    """The table of who is alike to whom."""
    head = ["drawn by", *(member.trigger for member in members), "its own LoRA"]
    rows = []
    for one in likenesses:
        to: Mapping[str, float] = one.to
        cells = [f"{to[member.trigger]:.3f}" if member.trigger in to else UNKNOWN for member in members]
        rows.append([one.trigger, *cells, UNKNOWN if one.solo is None else f"{one.solo:.3f}"])
    return TEMPLATES.render("table", head=head, rows=rows, note=ROWS) if rows else Markup()


def _members(members: Sequence[BundleMember], likenesses: Sequence[Likeness]) -> Markup:
    """The table of what it was made of."""
    rows = []
    for member in members:
        generated = sum(item.kind in ("kept", "provisional") for item in member.items)
        originals = len(member.items) - generated
        rows.append([member.name, member.trigger, member.character.kind, generated, originals, member.source])
    head = ["member", "trigger", "kind", "pictures", "of the seeds", "from"]
    return TEMPLATES.render("table", head=head, rows=rows, note="")
