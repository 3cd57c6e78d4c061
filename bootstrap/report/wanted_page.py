"""The shots that a run still lacks, for who draws them by hand or with another program: a page, and the list as files.

The page has the words of each shot to copy, and what became of the pictures so far. Reads a store; decides nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bootstrap.records import JobKind, Shot, VerdictKind
from bootstrap.report.document import TEMPLATES, Document, KeyNumber, Section, numbers_section, write_document
from bootstrap.report.frame_figures import Figure, FrameFigures
from bootstrap.store.decisions import InboxPicture
from bootstrap.store.files import write_atomic
from bootstrap.store.store import Store

__all__ = ["WANTED", "WantedShot", "write_wanted"]

WANTED = "missing"
"""Name of the page and of the lists beside it, without their ends."""
CALLED = {
    VerdictKind.KEEP: "kept",
    VerdictKind.PROVISIONAL: "provisional",
    VerdictKind.UNDECIDED: "undecided",
    VerdictKind.REJECT: "rejected",
}
"""Verdicts, in the order of the page."""
MEANINGS = {
    "wanted": "Shots that still need a picture. Good: none.",
    "kept": "Pictures that fill a shot.",
    "provisional": "Pictures that fill a shot until a better one comes.",
    "undecided": "Pictures that fill no shot: their reasons are below.",
    "rejected": "Pictures that failed a check: their reasons are below.",
}


@dataclass(frozen=True, slots=True)
class WantedShot:
    """A shot that is missing: how its picture may be called, and its words.

    ``instruction`` is for a person, and for programs that are shown the seed; ``tags`` name every trait.
    """

    name: str
    shot: Shot
    instruction: str
    tags: str

    @property
    def axes(self) -> dict[str, str]:
        """What the picture is to show, by axis."""
        return {"view": self.shot.view, "framing": self.shot.framing, **self.shot.axes}


def write_wanted(store: Store, title: str, folder: Path, wanted: Sequence[WantedShot]) -> Path:
    """Write ``missing.html``, ``missing.txt`` and ``missing.json`` into the run; returns the page. Raises OutputError.

    ``folder`` is where the pictures are put.
    """
    out = store.directory / f"{WANTED}.html"
    lines = [f"{one.name}\t{one.instruction or one.tags}" for one in wanted]
    write_atomic(out.with_suffix(".txt"), "".join(f"{line}\n" for line in lines).encode())
    plain = [{**asdict(one), "shot": one.axes} for one in wanted]
    write_atomic(out.with_suffix(".json"), f"{json.dumps(plain, indent=2, ensure_ascii=False)}\n".encode())
    figures = FrameFigures(store, store.directory)
    groups = _by_verdict(store, figures)
    set_aside = [one.why for one in store.decisions(InboxPicture) if not one.job]
    counts = {"wanted": len(wanted), **{name: len(found) for name, found in groups.items()}}
    numbers = [KeyNumber(name, str(count), MEANINGS[name]) for name, count in counts.items()]
    sections = [Section("Wanted", TEMPLATES.render("wanted", shots=wanted), "wanted")]
    for name, found in groups.items():
        sections.append(Section(name.capitalize(), TEMPLATES.render("sheet", figures=found), name))
    if set_aside:
        listed = TEMPLATES.render("list", items=[{"text": why} for why in set_aside])
        sections.append(Section("Not taken", listed, "not-taken"))
    document = Document(
        title=f"{title}: pictures wanted",
        heading=title,
        subtitle=f"pictures that are wanted, put them into {folder}",
        front=TEMPLATES.render("wanted_lead", folder=folder),
        sections=[*sections, numbers_section(numbers)],
    )
    return write_document(out, document)


def _by_verdict(store: Store, figures: FrameFigures) -> dict[str, list[Figure]]:
    """Verdict → the pictures that have it, captioned with their names and reasons."""
    names = {one.job: one.file for one in store.decisions(InboxPicture)}
    groups: dict[str, list[Figure]] = {}
    for kind, called in CALLED.items():
        frames = []
        for frame in store.frames(kind=JobKind.CANDIDATE):
            verdict = figures.verdicts.get(frame.job.id)
            if verdict is not None and verdict.kind is kind:
                frames.append(frame)
        named = []
        for frame, figure in zip(frames, figures.with_reasons(frames), strict=True):
            named.append(replace(figure, caption=f"{names.get(frame.job.id, frame.job.id)}: {figure.caption}"))
        if named:
            groups[called] = named
    return groups
