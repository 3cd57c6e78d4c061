"""A run as one self-contained HTML page, and its contact sheets as pictures.

Light and dark, no script, no request to anywhere: thumbnails and charts lie inside the page. Reads a store; decides
nothing, and a picture that is lost leaves a grey place instead of an error.
"""

from __future__ import annotations

import io
import math
from html import escape
from pathlib import Path
from typing import Any

from bootstrap.events import Noted
from bootstrap.listeners.wording import duration
from bootstrap.records import Frame, JobKind, VerdictKind
from bootstrap.report.gallery import Gallery
from bootstrap.report.plots import growth, histogram, quota_bars
from bootstrap.report.sheets import contact_sheet
from bootstrap.report.status import status
from bootstrap.store.files import write_atomic
from bootstrap.store.round import Round
from bootstrap.store.store import Store
from scoring.base import Measurement

__all__ = ["write_report", "write_sheets"]

TAKEN = (VerdictKind.KEEP, VerdictKind.PROVISIONAL)
DECOYS = (JobKind.LOOKALIKE, JobKind.EXCHANGED)
SHEET_COLUMNS = 8


def write_report(store: Store, out: Path, title: str) -> Path:
    """Write the page to ``out`` and contact sheets to ``sheets/`` beside it; returns ``out``. Raises OutputError."""
    gallery = Gallery(store, out.parent)
    facts = status(store)
    parts = [
        _headline(title, facts),
        _seeds(store, gallery),
        _final_set(store, gallery),
        _previews(store, gallery),
        *(_round(store, gallery, one) for one in reversed(store.rounds())),
        _adapters(store),
        _timings(facts["seconds"]),
        _notes(store),
    ]
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{style}</style><body>{''.join(parts)}</body></html>\n"
    )
    write_atomic(out, page.encode())
    write_sheets(store, out.parent / "sheets", gallery)
    return out


def write_sheets(store: Store, folder: Path, gallery: Gallery | None = None) -> list[Path]:
    """Write ``round-<n>.png`` for each round and ``final.png``: the frames that were taken. Returns the paths."""
    gallery = gallery or Gallery(store, folder)
    taken = _taken(store, gallery)
    sets = {f"round-{one.number}": [f for f in taken if f.job.round == one.number] for one in store.rounds()}
    paths = []
    for name, frames in {**sets, "final": taken}.items():
        if frames:
            labels = [f"{frame.job.shot.family}, {frame.job.shot.framing}" for frame in frames]
            buffer = io.BytesIO()
            contact_sheet([gallery.image(frame) for frame in frames], SHEET_COLUMNS, labels).save(buffer, format="PNG")
            write_atomic(folder / f"{name}.png", buffer.getvalue())
            paths.append(folder / f"{name}.png")
    return paths


def _taken(store: Store, gallery: Gallery) -> list[Frame]:
    """Kept and provisional frames, in plan order."""
    return store.frames(ids=[id for id, verdict in gallery.verdicts.items() if verdict.kind in TAKEN])


def _headline(title: str, facts: dict[str, Any]) -> str:
    """The numbers that matter, the view families against their quotas, and how the set grew."""
    state = "finished" if facts["finished"] else f"{facts['phase'] or 'not begun'}, not finished"
    wanted = f" of {facts['target']}" if facts["target"] else ""
    tiles = {f"kept{wanted}": facts["kept"], "provisional": facts["provisional"], "seeds": facts["seeds"],
             "rounds": len(facts["rounds"]), "pictures drawn": facts["frames"],
             "work": duration(sum(facts["seconds"].values()))}  # fmt: skip
    boxes = "".join(
        f'<div class="tile"><b>{value}</b><span>{escape(name)}</span></div>' for name, value in tiles.items()
    )
    total, steps = 0, []
    for one in facts["rounds"]:
        # A later round may still take a frame of an earlier one: the round's own record says what stood at its end.
        total = (one["outcome"] or {}).get("kept", total + one["kept"])
        steps.append({"number": one["number"], "total": total, "goal": one["goal"]})
    grown = f'<div class="card"><h3>Kept after each round</h3>{growth(steps)}</div>' if steps else ""
    return (
        f'<header><h1>{escape(title)}</h1><p class="soft">character LoRA run · {escape(state)}</p></header>'
        f'<div class="tiles">{boxes}</div><div class="pair"><div class="card"><h3>View families</h3>'
        f"{quota_bars(facts['families'])}</div>{grown}</div>"
    )


def _seeds(store: Store, gallery: Gallery) -> str:
    figures = [
        gallery.picture(store.directory / seed.path, f"{seed.view}, {seed.framing}: {', '.join(seed.tags)}")
        for seed in store.seeds()
    ]
    return f'<h2>Seeds</h2><div class="sheet">{"".join(figures)}</div>' if figures else ""


def _final_set(store: Store, gallery: Gallery) -> str:
    taken = _taken(store, gallery)
    if not taken:
        return '<h2>The set</h2><p class="soft">Nothing is kept yet.</p>'
    return f'<h2>The set <small class="soft">{len(taken)}</small></h2>{gallery.by_family(taken)}'


def _previews(store: Store, gallery: Gallery) -> str:
    frames = store.frames(kind=JobKind.PANEL)
    return f"<h2>What the LoRA draws</h2>{gallery.sheet(frames)}" if frames else ""


def _round(store: Store, gallery: Gallery, one: Round) -> str:
    """What a round drew and kept, how its scores lie against the decoys', and what it did not take."""
    candidates = store.frames(one.number, kind=JobKind.CANDIDATE)
    kinds = {id: verdict.kind for id, verdict in gallery.verdicts.items()}
    taken = [frame for frame in candidates if kinds.get(frame.job.id) in TAKEN]
    others = [frame for frame in candidates if kinds.get(frame.job.id) not in TAKEN]
    decoys = [frame for kind in DECOYS for frame in store.frames(one.number, kind=kind)]
    outcome = one.outcome or {}
    held_out = outcome.get("held_out")
    said = [f"{len(candidates)} candidates", f"{len(decoys)} decoys", f"{len(taken)} taken"]
    said += [] if held_out is None else [f"held-out similarity {held_out:.3f}"]
    notes = "".join(f'<p class="soft">{escape(str(note))}</p>' for note in outcome.get("notes", ()))
    return (
        f'<h2>Round {one.number} <small class="soft">{escape(one.phase)}, goal {one.goal}</small></h2>'
        f'<p class="soft">{" · ".join(said)}</p>{notes}{gallery.sheet(taken)}'
        f"{_histograms(store, candidates, taken, decoys, outcome, gallery)}{gallery.rejected(others)}"
    )


def _histograms(store: Store, candidates: list[Frame], taken: list[Frame], decoys: list[Frame],
                outcome: dict[str, Any], gallery: Gallery) -> str:  # fmt: skip
    """Candidates, taken frames and decoys, scorer by scorer; the combined score too where the round left it."""
    measured = store.measurements([frame.job.id for frame in [*candidates, *decoys]])
    groups = {"decoys": decoys, "candidates": candidates, "kept": taken}
    plots = []
    if outcome.get("decoy_scores"):
        scores = {id: verdict.score for id, verdict in gallery.verdicts.items() if verdict.score is not None}
        series = {name: [scores[f.job.id] for f in frames if f.job.id in scores] for name, frames in groups.items()}
        series["decoys"] = list(outcome["decoy_scores"])
        plots.append(("combined score", histogram(series, outcome.get("threshold"), "combined score")))
    for scorer in dict.fromkeys(name for values in measured.values() for name in values):
        series = {name: _values(frames, measured, scorer) for name, frames in groups.items()}
        if series["candidates"]:
            plots.append((scorer, histogram(series, title=scorer)))
    cards = "".join(f'<div class="card"><h3>{escape(name)}</h3>{plot}</div>' for name, plot in plots)
    legend = "".join(f'<i class="{name}"></i>{name}' for name in groups)
    shown = f'<p class="legend">Each outline to its own scale:{legend}</p><div class="plots">{cards}</div>'
    return f"<details><summary>Scores against decoys</summary>{shown}</details>" if plots else ""


def _values(frames: list[Frame], measured: dict[str, dict[str, Measurement]], scorer: str) -> list[float]:
    found = (measured.get(frame.job.id, {}).get(scorer) for frame in frames)
    return [one.value for one in found if one is not None and one.value is not None and math.isfinite(one.value)]


def _adapters(store: Store) -> str:
    lines = "".join(
        f"<tr><td>{a.round}</td><td>{escape(a.phase)}</td><td><code>{escape(a.path)}</code></td><td>{a.steps}</td>"
        f'<td>{a.final_loss:.4f}</td><td><code title="{a.sha256}">{a.sha256[:12]}</code></td></tr>'
        for a in store.adapters()
    )
    head = "<tr><th>round</th><th>phase</th><th>file</th><th>steps</th><th>loss</th><th>sha256</th></tr>"
    return f'<h2>Adapters</h2><div class="scroll"><table>{head}{lines}</table></div>' if lines else ""


def _timings(seconds: dict[str, float]) -> str:
    top = max(seconds.values(), default=0.0)
    lines = "".join(
        f'<div class="bar"><span>{escape(stage)}</span><div class="track"><b class="time" '
        f'style="width:{100 * spent / top:.1f}%"></b></div><em>{duration(spent)}</em></div>'
        for stage, spent in seconds.items()
    )
    return f'<h2>Where the time went</h2><div class="card bars">{lines}</div>' if top else ""


def _notes(store: Store) -> str:
    lines = "".join(f"<li>{escape(event.text)}</li>" for event in store.events() if isinstance(event, Noted))
    return f"<h2>Notes</h2><ul>{lines}</ul>" if lines else ""
