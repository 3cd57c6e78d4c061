"""A run as one self-contained HTML page, and its contact sheets as pictures.

Light and dark, no script, no request to anywhere: thumbnails and charts lie inside the page. Reads a store; decides
nothing, and a picture that is lost leaves a grey place instead of an error.
"""

from __future__ import annotations

import io
import os
import re
from collections import Counter
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bootstrap.events import Noted
from bootstrap.pictures.sheets import contact_sheet
from bootstrap.records import Frame, JobKind, Seed, VerdictKind
from bootstrap.report.frame_figures import Gallery
from bootstrap.report.plots import quota_bars
from bootstrap.report.rounds import over_rounds, round_section, timings
from bootstrap.report.scores import by_family
from bootstrap.report.verdict_section import person
from bootstrap.runs.incidents import night
from bootstrap.runs.sentences import duration
from bootstrap.runs.status import status
from bootstrap.store.files import write_atomic
from bootstrap.store.store import Store

__all__ = ["write_report", "write_sheets"]

TAKEN = (VerdictKind.KEEP, VerdictKind.PROVISIONAL)
VARIES = ("expression", "pose", "outfit", "background", "style")
SHEET_COLUMNS = 8


def write_report(store: Store, out: Path, title: str) -> Path:
    """Write the page to ``out`` and contact sheets to ``sheets/`` beside it; returns ``out``. Raises OutputError."""
    gallery = Gallery(store, out.parent)
    facts = status(store)
    parts = [
        _progress(facts, _taken(store, gallery)),
        _seeds(store, gallery),
        _final_set(store, gallery),
        _previews(store, gallery),
        _scores(store, gallery),
        *(round_section(store, gallery, one) for one in reversed(store.rounds())),
        person(store, gallery),
        _adapters(store),
        _files(store, out.parent),
        timings(store, facts["seconds"]),
        night(store),
        _notes(store),
    ]
    rest = "".join(parts)
    body = _headline(title, facts, rest) + rest
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{style}</style><body>{body}</body></html>\n"
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
            labels = [f"{frame.job.shot.view_family}, {frame.job.shot.framing}" for frame in frames]
            buffer = io.BytesIO()
            contact_sheet([gallery.image(frame) for frame in frames], SHEET_COLUMNS, labels).save(buffer, format="PNG")
            write_atomic(folder / f"{name}.png", buffer.getvalue())
            paths.append(folder / f"{name}.png")
    return paths


def _taken(store: Store, gallery: Gallery) -> list[Frame]:
    """Kept and provisional frames, in plan order."""
    return store.frames(ids=[id for id, verdict in gallery.verdicts.items() if verdict.kind in TAKEN])


def _menu(rest: str) -> str:
    """Links to the sections that the ``rest`` of the page has."""
    sections = re.findall(r'<h2 id="([\w-]+)">([^<]+)', rest)
    links = "".join(f'<a href="#{place}">{name.strip()}</a>' for place, name in sections)
    return f"<nav>{links}</nav>"


def _headline(title: str, facts: dict[str, Any], rest: str) -> str:
    """The numbers that matter, and where on the page the rest is."""
    state = "finished" if facts["finished"] else f"{facts['phase'] or 'not begun'}, not finished"
    wanted = f" of {facts['target']}" if facts["target"] else ""
    tiles = {f"kept{wanted}": facts["kept"], "provisional": facts["provisional"], "seeds": facts["seeds"],
             "rounds": len(facts["rounds"]), "pictures drawn": facts["frames"],
             "work": duration(sum(facts["seconds"].values()))}  # fmt: skip
    if facts["peak_memory_mib"]:
        tiles["peak memory"] = f"{facts['peak_memory_mib'] / 1024:.1f} GiB"
    boxes = "".join(
        f'<div class="tile"><b>{value}</b><span>{escape(name)}</span></div>' for name, value in tiles.items()
    )
    return (
        f'<header><h1>{escape(title)}</h1><p class="soft">character LoRA run · {escape(state)}</p></header>'
        f'{_menu(rest)}<div class="tiles">{boxes}</div>'
    )


def _progress(facts: dict[str, Any], taken: list[Frame]) -> str:
    """View families and framings against their quotas, and how the set grew."""
    return (
        f'<div class="pair"><div class="card"><h3>View families</h3>{quota_bars(facts["families"])}</div>'
        f'<div class="card"><h3>Framings</h3>{quota_bars(facts["framings"])}</div>'
        f"{over_rounds(facts['rounds'])}{_variety(taken)}</div>"
    )


def _variety(taken: list[Frame]) -> str:
    """What varies in the set, value by value: a quick look for what is missing."""
    if not taken:
        return ""
    lines = []
    for axis in VARIES:
        counts = Counter(frame.job.shot[axis] for frame in taken)
        said = ", ".join(f"{escape(value)} <b>{count}</b>" for value, count in counts.most_common())
        lines.append(f"<dt>{axis}</dt><dd>{said}</dd>")
    return f'<div class="card"><h3>What varies</h3><dl>{"".join(lines)}</dl></div>'


def _seeds(store: Store, gallery: Gallery) -> str:
    figures = [
        gallery.picture(store.directory / seed.path, ", ".join(filter(None, (seed.view, seed.framing, *_tags(seed)))))
        for seed in store.seeds()
    ]
    return f'<h2>Seeds</h2><div class="sheet">{"".join(figures)}</div>' if figures else ""


def _tags(seed: Seed) -> list[str]:
    """What a seed shows, without the names of the axes."""
    return [tag.partition("=")[2] or tag.rstrip("=") + "?" if "=" in tag else tag for tag in seed.tags]


def _final_set(store: Store, gallery: Gallery) -> str:
    taken = _taken(store, gallery)
    if not taken:
        return '<h2 id="set">The set</h2><p class="soft">Nothing is kept yet.</p>'
    return f'<h2 id="set">The set <small class="soft">{len(taken)}</small></h2>{gallery.by_family(taken)}'


def _previews(store: Store, gallery: Gallery) -> str:
    shipped = {adapter.id for adapter in store.adapters()}  # the panel was drawn with weights not chosen, too
    frames = [frame for frame in store.frames(kind=JobKind.PROBE) if frame.adapter in shipped]
    return f'<h2 id="previews">What the LoRA draws</h2>{gallery.clusters(frames)}' if frames else ""


def _scores(store: Store, gallery: Gallery) -> str:
    """Identity scores of the run against the decoys', by view family."""
    shown = by_family(store, gallery.verdicts)
    return f'<h2 id="scores">Scores against decoys</h2>{shown}' if shown else ""


def _adapters(store: Store) -> str:
    lines = "".join(
        f"<tr><td>{a.round}</td><td>{escape(a.phase)}</td><td><code>{escape(a.path)}</code></td><td>{a.steps}</td>"
        f'<td>{a.final_loss:.4f}</td><td><code title="{a.sha256}">{a.sha256[:12]}</code></td></tr>'
        for a in store.adapters()
    )
    head = "<tr><th>round</th><th>phase</th><th>file</th><th>steps</th><th>loss</th><th>sha256</th></tr>"
    return f'<h2>Adapters</h2><div class="scroll"><table>{head}{lines}</table></div>' if lines else ""


def _files(store: Store, folder: Path) -> str:
    """Links to what the run leaves for other programs."""
    run = store.directory
    found = [*sorted(run.glob("lora/*.safetensors")), run / "lora" / "README.md",
             *(run / "dataset" / name for name in ("metadata.jsonl", "provenance.csv"))]  # fmt: skip
    links = "".join(
        f'<li><a href="{quote(Path(os.path.relpath(path, folder)).as_posix())}">'
        f"{escape(path.relative_to(run).as_posix())}</a></li>"
        for path in found
        if path.is_file()
    )
    return f'<h2 id="files">Files</h2><ul>{links}</ul>' if links else ""


def _notes(store: Store) -> str:
    lines = "".join(f"<li>{escape(event.text)}</li>" for event in store.events() if isinstance(event, Noted))
    return f"<h2>Notes</h2><ul>{lines}</ul>" if lines else ""
