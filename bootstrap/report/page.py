"""A run as one self-contained HTML page. Reads a store; decides nothing.

A picture that is lost leaves a grey place instead of an error.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from bootstrap.config.stored import stored_called
from bootstrap.events import Noted
from bootstrap.records import Frame, JobKind, Seed
from bootstrap.report.document import TEMPLATES, Document, Section, numbers_section, write_document
from bootstrap.report.frame_figures import FrameFigures
from bootstrap.report.plots import Plot, quota_bars
from bootstrap.report.round_sheets import write_sheets
from bootstrap.report.rounds import over_rounds, round_section, time_section
from bootstrap.report.run_numbers import run_numbers
from bootstrap.report.scorer_roles import scorer_texts
from bootstrap.report.scores import plots_by_view_family
from bootstrap.report.showcase_picture import SHOWCASE, showcase_html, write_showcase
from bootstrap.report.showcase_rows import drawn_with, showcase_of
from bootstrap.report.verdict_section import verdict_section
from bootstrap.runs.accepted import ACCEPTANCE
from bootstrap.runs.fakes import fake_note
from bootstrap.runs.incidents import UNDELIVERED, IncidentLine, incidents
from bootstrap.runs.status import status
from bootstrap.store.store import Store

__all__ = ["write_report"]

QUOTAS = "Kept pictures, then provisional ones, against what is wanted (the mark). Good: every bar reaches its mark."
SCORES = (
    "Each plot compares the pictures of the set with decoys, which are drawn in the same views and are not the"
    " {called}. Good: the set stands right of the decoys. Where both overlap, this scorer cannot tell the {called}"
    " from another in these views, and another one, or you, must. The set was chosen by the scorers that select;"
    " only a held-out one tells independently."
)
TRAINED = (
    "Every LoRA of the run. The loss of a diffusion model is mostly noise: compare pictures, not losses. The sum tells"
    " whether a file was changed."
)


def write_report(store: Store, out: Path, title: str, *, page_alone: bool = False) -> Path:
    """Write the page to ``out``, contact sheets to ``sheets/`` and the showcase beside it; returns ``out``.

    ``page_alone`` leaves sheets and showcase as an earlier call has written them.
    The page leads with the seeds and the showcase, where the run has drawn one; then come the set and the numbers.
    Raises OutputError.
    """
    figures = FrameFigures(store, out.parent)
    facts = status(store)
    state = "finished" if facts["finished"] else f"{facts['phase'] or 'not begun'}, not finished"
    showcase = showcase_of(store)
    if showcase and not page_alone:
        write_showcase(store, out.parent / SHOWCASE, figures, showcase, title)
    sections = [
        _final_set(figures),
        numbers_section(run_numbers(store, facts)),
        _acceptance(store, facts["acceptance"], out.parent),
        Section("Quotas and growth", _progress(facts, figures.taken()), "growth"),
        _seeds(store, figures),
        *_sections(store, figures, facts, out.parent),
    ]
    document = Document(
        title=title,
        heading=title,
        subtitle=" · ".join(
            filter(None, [f"{stored_called(store.recall('config'))} LoRA run", state, fake_note(store)])
        ),
        sections=[section for section in sections if section.body],
        front=showcase_html(store, figures, showcase, _without_showcase(store, finished=facts["finished"])),
    )
    write_document(out, document)
    if not page_alone:
        write_sheets(store, out.parent / "sheets", figures)
    return out


def _sections(store: Store, figures: FrameFigures, facts: dict[str, Any], folder: Path) -> list[Section]:
    """The sections below seeds and set, in their order; those without a body are left out of the page."""
    rounds = [round_section(store, figures, one) for one in reversed(store.rounds())]
    return [
        _probe(store, figures),
        _scores(store, figures),
        *rounds,
        verdict_section(store, figures),
        _adapters(store),
        _files(store, folder),
        time_section(store, facts["seconds"]),
        _incidents(store),
        _notes(store),
    ]


def _without_showcase(store: Store, *, finished: bool) -> str:
    """What stands in the place of the showcase, in a run that has drawn none."""
    when = "are drawn when the run is finished"
    if finished:
        when = "were not drawn in this run"
    return f"{drawn_with(store)} The same shots by the base, by the LoRA of your pictures alone and by this one {when}."


def _progress(facts: dict[str, Any], taken: Sequence[Frame]) -> Markup:
    """View families and framings against their quotas, the growth of the set, and what varies in it."""
    plots = [
        Plot("View families", quota_bars(facts["view_families"]), meaning=QUOTAS),
        Plot("Framings", quota_bars(facts["framings"]), meaning=QUOTAS),
        *over_rounds(facts["rounds"]),
    ]
    return TEMPLATES.render("cards", plots=plots, variety=_variety(taken))


def _variety(taken: Sequence[Frame]) -> dict[str, list[tuple[str, int]]]:
    """Axis → its values with their counts, the most frequent first: a quick look for what is missing."""
    counts: dict[str, Counter[str]] = {}
    for frame in taken:
        for axis, value in frame.job.shot.axes.items():
            counts.setdefault(axis, Counter())[value] += 1
    return {axis: values.most_common() for axis, values in counts.items()}


def _seeds(store: Store, figures: FrameFigures) -> Section:
    pictures = [figures.of_picture(store.directory / one.path, _seed_caption(one), one.sha256) for one in store.seeds()]
    return Section("Seeds", TEMPLATES.render("sheet", figures=pictures) if pictures else Markup())


def _seed_caption(seed: Seed) -> str:
    """What a seed shows, without the names of the axes; an axis that could not be read is followed by "?"."""
    parts = [part for part in (seed.view, seed.framing) if part]
    for tag in seed.tags:
        axis, separator, value = tag.partition("=")
        parts.append(f"{axis}?" if separator and not value else value or axis)
    return ", ".join(parts)


def _final_set(figures: FrameFigures) -> Section:
    taken = figures.taken()
    if not taken:
        return Section("The set", Markup('<p class="soft">Nothing is kept yet.</p>'), "set")
    groups = figures.by_view_family(taken)
    return Section("The set", TEMPLATES.render("strips", groups=groups), "set", str(len(taken)))


def _acceptance(store: Store, found: Mapping[str, Any] | None, folder: Path) -> Section:
    """What the finished LoRA does and does not, with a link to the page of it."""
    title, body = "What the LoRA does and does not", Markup()
    if found is not None:
        lists = {"Strengths": found["strengths"], "Weaknesses": found["weaknesses"], "What to do": found["advice"]}
        body = TEMPLATES.render("advice", summary=found["summary"], lists=lists)
        body += _list(_links(store, [store.directory / ACCEPTANCE], folder))
    return Section(title, body, "acceptance")


def _probe(store: Store, figures: FrameFigures) -> Section:
    """What the run's adapters drew of the probe; weights that were not chosen drew it too and are left out."""
    adapters = {adapter.id for adapter in store.adapters()}
    frames = [frame for frame in store.frames(kind=JobKind.PROBE) if frame.adapter in adapters]
    groups = figures.by_view_family(frames)
    body = TEMPLATES.render("clusters", groups=groups) if groups else Markup()
    return Section("What the LoRA draws", body, "previews")


def _scores(store: Store, figures: FrameFigures) -> Section:
    """Identity scores of the run against the decoys', by view family."""
    plots = plots_by_view_family(store, figures)
    body = Markup()
    if plots:
        measured = {plot.title for row in plots.values() for plot in row}
        scorers = [text for name, text in scorer_texts(store).items() if name in measured]
        about = SCORES.format(called=stored_called(store.recall("config")))
        body = TEMPLATES.render("scores", families=plots, about=about, scorers=scorers)
    return Section("Scores against decoys", body, "scores")


def _adapters(store: Store) -> Section:
    head = ("round", "phase", "file", "steps", "loss", "sha256")
    rows = []
    for adapter in store.adapters():
        path = Markup("<code>{}</code>").format(adapter.path)
        digest = Markup('<code title="{}">{}</code>').format(adapter.sha256, adapter.sha256[:12])
        rows.append((adapter.round, adapter.phase, path, adapter.steps, f"{adapter.final_loss:.4f}", digest))
    return Section("Adapters", _table(head, rows, TRAINED))


def _files(store: Store, folder: Path) -> Section:
    """Links to what the run leaves for other programs."""
    run = store.directory
    paths = [
        *sorted(run.glob("lora/*.safetensors")),
        run / "lora" / "README.md",
        run / "dataset" / "metadata.jsonl",
        run / "dataset" / "provenance.csv",
    ]
    return Section("Files", _list(_links(store, paths, folder)), "files")


def _links(store: Store, paths: Sequence[Path], folder: Path) -> list[dict[str, str]]:
    """Those of the files that are there, by their path in the run, with a link from ``folder``."""
    items = []
    for path in paths:
        if path.is_file():
            link = quote(Path(os.path.relpath(path, folder)).as_posix())
            items.append({"text": path.relative_to(store.directory).as_posix(), "link": link})
    return items


def _incidents(store: Store) -> Section:
    """A row for each incident, and one for messages that were not delivered."""
    lines, undelivered = incidents(store), store.recall(UNDELIVERED)
    if undelivered:
        lines.append(IncidentLine("", "messages", f"{undelivered}; the run went on without them"))
    rows = [(line.at.replace("T", " ")[:16], line.kind, line.text) for line in lines]
    return Section("Interruptions and incidents", _table((), rows, "Times are UTC."), "incidents")


def _notes(store: Store) -> Section:
    return Section("Notes", _list([{"text": event.text} for event in store.events() if isinstance(event, Noted)]))


def _table(head: Sequence[str], rows: Sequence[Sequence[object]], note: str = "") -> Markup:
    """A table; nothing without rows."""
    return TEMPLATES.render("table", head=head, rows=rows, note=note) if rows else Markup()


def _list(items: Sequence[Mapping[str, str]]) -> Markup:
    """A list of texts, some with a link; nothing without items."""
    return TEMPLATES.render("list", items=items) if items else Markup()
