"""More pictures than can anchor, and sheets: sorted out by a panel, captioned, the anchors chosen. Writes nothing.

`check` and `init` say what becomes of each picture, a run takes in what is taken: all three ask here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bootstrap.config import RunConfig
from bootstrap.panel.models import PanelModels
from bootstrap.panel.seed_eyes import PanelEyes
from bootstrap.records import Seed
from bootstrap.seeds import MOST_SEEDS, SeedCaptioner, anchors_of
from bootstrap.seeds.gathering import GatheredPicture, sort_out
from bootstrap.seeds.heads import with_head
from bootstrap.seeds.sifting import Improved, Sifter
from bootstrap.seeds.views import MOST_PICTURES
from bootstrap.store.store import Store

__all__ = ["SIFTED", "GatheredSeeds", "gathered_seeds", "sifted_rows", "sifting_sentences"]

SIFTED = "sifted"
"""The fact of a run that holds what became of each of many pictures: its sha256 and the row of `GatheredSeeds`."""
AS_GIVEN = Improved()
SURPLUS = f"is beyond the {MOST_PICTURES} that are taken, which are more alike to the others or show other sides"


@dataclass(frozen=True)
class GatheredSeeds:
    """What becomes of each picture, and the seeds of those that are taken, the anchors first; their files are not
    written yet, and have no digest."""

    pictures: Sequence[GatheredPicture]
    taken: Sequence[tuple[GatheredPicture, Seed]]

    @property
    def seeds(self) -> list[Seed]:
        """The seeds, the anchors first."""
        return [seed for _, seed in self.taken]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Each picture as plain data: its name, its number in a sheet, and the fields of its `Sifted`."""
        return [{"name": one.name, "number": one.number, **asdict(one.sifted)} for one in self.pictures]


def gathered_seeds(
    pictures: Sequence[Path],
    captioner: SeedCaptioner,
    models: PanelModels,
    config: RunConfig,
    side: int,
    improved: Improved = AS_GIVEN,
) -> GatheredSeeds:
    """Sort the pictures out for a base that draws ``side`` pixels. Raises SeedError where none can be taken."""
    few = len(pictures) <= MOST_SEEDS
    eyes, subject = PanelEyes(models, config.panel), config.subject
    sifter = Sifter(eyes, side, config.panel.duplicate_bits, few, improved, subject.anyone, subject.figures)
    sorted_out = sort_out(pictures, sifter, captioner.described_whole, captioner.is_character)
    found, likeness, close_ups = [], [], models.close_ups(config.panel)
    for one in sorted_out:
        if one.taken and one.image is not None:
            seed = captioner.caption(one.path, "", "", one.image, one.number)
            if not config.panel.fake and config.backend != "fake":
                seed = with_head(seed, one.image, models.faces, config.panel, close_ups)
            found.append((one, seed))
            likeness.append(one.sifted.likeness)
    marked = [place for place, (one, _) in enumerate(found) if one.sifted.marked]
    anchors = anchors_of([seed for _, seed in found], likeness, config.views, marked)
    others = [place for place in range(len(found)) if place not in anchors]

    def rank(place: int) -> tuple[bool, float]:
        one = found[place][0]
        return (not captioner.is_character(one.path, one.number), -likeness[place])

    trains = sorted(others, key=rank)[: MOST_PICTURES - len(anchors)]
    taken = [found[place] for place in anchors]
    taken += [(found[place][0], replace(found[place][1], anchor=False)) for place in sorted(trains)]
    surplus = {found[place][0].name for place in others if place not in trains}
    for place, one in enumerate(sorted_out):
        if one.name in surplus:
            sorted_out[place] = replace(one, sifted=replace(one.sifted, reason=SURPLUS))
    return GatheredSeeds(sorted_out, taken)


def sifted_rows(store: Store) -> list[dict[str, Any]]:
    """What became of each picture of a run that was begun with many, or with a sheet; none for any other."""
    rows: list[dict[str, Any]] = json.loads(store.recall(SIFTED) or "[]")
    return rows


def sifting_sentences(rows: Sequence[Mapping[str, Any]], seeds: Sequence[Seed]) -> list[str]:
    """A sentence for the whole, and for what is cropped, doubtful or set aside, of `GatheredSeeds.rows`."""
    aside = sum(bool(row["reason"]) for row in rows)
    anchors = ", ".join(f'"{Path(seed.source).name}"' for seed in seeds if seed.anchor)
    others = sum(not seed.anchor for seed in seeds)
    sentences, alike = [], dict[str, list[str]]()
    for row in rows:
        if row["reason"] and row["reason"] != SURPLUS:
            sentences.append(f'"{row["name"]}" is set aside: it {row["reason"]}')
        elif told := row["reason"] or row["remark"]:
            alike.setdefault(told, []).append(f'"{row["name"]}"')
    together = []
    for told, names in alike.items():
        verb = "is set aside: it " if told == SURPLUS else ""
        if len(names) > 1:
            verb = "are set aside: each " if told == SURPLUS else "each "
        together.append(f"{', '.join(names)} {verb}{told}")
    train, are = "trains" if others == 1 else "train", "is" if aside == 1 else "are"
    whole = f"{len(rows)} pictures: identity is judged by {anchors}; {others} more {train}; {aside} {are} set aside"
    return [whole, *together, *sentences]
