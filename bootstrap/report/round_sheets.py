"""Contact sheets of a run as PNG files: what each round took, and the whole set. Reads a store; decides nothing."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from bootstrap.pictures.sheets import contact_sheet
from bootstrap.records import Frame
from bootstrap.report.frame_figures import FrameFigures
from bootstrap.store.files import write_atomic
from bootstrap.store.store import Store

__all__ = ["write_sheets"]

COLUMNS = 8


def write_sheets(store: Store, folder: Path, figures: FrameFigures | None = None) -> list[Path]:
    """Write ``round-<n>.png`` for each round and ``final.png``: the frames that were taken. Returns the paths."""
    figures = figures or FrameFigures(store, folder)
    taken = figures.taken()
    paths = []
    for one in store.rounds():
        frames = [frame for frame in taken if frame.job.round == one.number]
        if frames:
            paths.append(_write_sheet(folder / f"round-{one.number}.png", frames, figures))
    if taken:
        paths.append(_write_sheet(folder / "final.png", taken, figures))
    return paths


def _write_sheet(path: Path, frames: Sequence[Frame], figures: FrameFigures) -> Path:
    images = [figures.image(frame) for frame in frames]
    labels = [f"{frame.job.shot.view_family}, {frame.job.shot.framing}" for frame in frames]
    buffer = io.BytesIO()
    contact_sheet(images, COLUMNS, labels).save(buffer, format="PNG")
    write_atomic(path, buffer.getvalue())
    return path
