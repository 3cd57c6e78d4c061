"""The showcase of a run at the head of its page, and as one picture file to be shown elsewhere. Decides nothing."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup
from PIL import Image

from bootstrap.errors import UsageError
from bootstrap.pictures.row_sheets import PictureRow, RowSheet
from bootstrap.report.document import TEMPLATES
from bootstrap.report.frame_figures import Figure, FrameFigures
from bootstrap.report.showcase_rows import Showcase
from bootstrap.store.files import write_atomic
from bootstrap.store.store import Store

__all__ = ["SHOWCASE", "SIDE", "showcase_html", "write_showcase"]

SHOWCASE = "showcase.png"
SIDE = 160  # pixels
MOST_SEEDS = 4
ABOUT = "On the left what was given; below, the same shots with the same random seeds in every row."
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}


def showcase_html(store: Store, figures: FrameFigures, showcase: Showcase | None, without: str = "") -> Markup:
    """Seeds, then a row for each that drew the shots; on a narrow screen a column for each.

    ``without`` is what to say of a run that has no showcase; its page leads with the seeds alone.
    """
    columns, rows = showcase.columns if showcase else [], []
    for row in showcase.rows if showcase else ():
        shown = []
        for figure, asked in zip(figures.figures(row.frames), columns, strict=True):
            shown.append(Figure(figure.image, figure.link, f"{row.label}: {asked}", figure.title))
        rows.append({"label": row.label, "likeness": row.likeness, "figures": shown})
    seeds = []
    for seed in store.seeds()[:MOST_SEEDS]:
        seeds.append(figures.of_picture(store.directory / seed.path, "your picture", seed.sha256))
    about = {"showcase": showcase, "without": without, "file": SHOWCASE}
    return TEMPLATES.render("showcase", columns=columns, rows=rows, seeds=seeds, **about)


def write_showcase(
    store: Store, out: Path, figures: FrameFigures, showcase: Showcase, title: str, side: int = SIDE
) -> Path:
    """Write the showcase to ``out``, each picture ``side`` pixels, in the format of its suffix; returns ``out``.

    Raises UsageError for a suffix that is none of FORMATS, OutputError.
    """
    format = FORMATS.get(out.suffix.lower())
    if format is None:
        raise UsageError(f'"{out}" has the suffix "{out.suffix}"', f"use one of: {', '.join(FORMATS)}")
    rows = []
    for row in showcase.rows:
        rows.append(PictureRow(row.label, row.likeness, [figures.image(frame) for frame in row.frames]))
    text = [ABOUT, showcase.base]
    sheet = RowSheet(title, text, _seed_pictures(store, figures), showcase.columns, rows)
    buffer = io.BytesIO()
    sheet.drawn(side).save(buffer, format=format, quality=90)
    write_atomic(out, buffer.getvalue())
    return out


def _seed_pictures(store: Store, figures: FrameFigures) -> Sequence[Image.Image]:
    return [figures.picture(store.directory / seed.path, seed.sha256) for seed in store.seeds()[:MOST_SEEDS]]
