"""Training sets and the finished dataset: which pictures, with which captions and weights, in which files.

Seeds (with crops and altered copies) and generated frames are counted apart, always. Knows no model and no score; the
archive of everything ever kept is the store's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bootstrap.captions import Wording
from bootstrap.config import LoopConfig
from bootstrap.records import Frame, Phase, Seed, TrainItem
from bootstrap.seeds import Composition, SeedCaptioner, cuts, open_seed
from bootstrap.store.files import make_folder, write_atomic, write_image

__all__ = ["balanced", "frame_items", "seed_items", "write_dataset"]


def seed_items(
    seed: Seed, index: int, run: Path, captioner: SeedCaptioner, composition: Composition, side: int, phase: Phase
) -> list[TrainItem]:
    """One seed as training pictures: whole, tighter crops, a greyscale copy; files are written once."""
    image, _ = open_seed(run / seed.path)
    items = []
    for number, cut in enumerate(cuts(image, seed.framing, composition, side)):
        path = run / "train" / f"seed{index}-{number}-{cut.kind}.png"
        if not path.is_file():
            make_folder(path.parent)
            write_image(path, cut.image, {})
        shown = captioner.shown(seed) | ({"framing": cut.framing} if cut.framing else {})
        if cut.extra:
            shown = {axis: tag for axis, tag in shown.items() if axis != "style"} | dict.fromkeys(
                ["altered"], cut.extra[0]
            )
        hides = captioner.wording.views.hidden(seed.family, cut.framing)
        items.append(TrainItem(str(path), captioner.wording.seed_caption(phase, shown, hides), cut.kind))
    return items


def frame_items(
    frames: Iterable[Frame],
    run: Path,
    wording: Wording,
    phase: Phase,
    unseen: Mapping[str, Sequence[str]],
    *,
    kind: str = "kept",
    weight: float = 1.0,
) -> list[TrainItem]:
    """Generated frames as training pictures; ``unseen`` names, by frame, the axes that the picture does not show."""
    return [
        TrainItem(
            str(run / frame.path), wording.caption(frame.job.shot, phase, unseen.get(frame.job.id, ())), kind, weight
        )
        for frame in frames
    ]


def balanced(originals: Sequence[TrainItem], generated: Sequence[TrainItem], loop: LoopConfig) -> list[TrainItem]:
    """Both together, seeds with crops and copies at ``seeds_share`` of the sampled steps, none above ``seed_cap``."""
    if not generated:
        return list(originals)
    if not originals:
        return list(generated)
    together = sum(item.weight for item in generated)
    each = together * loop.seeds_share / (1 - loop.seeds_share) / len(originals)
    return [*(item.weighing(min(each, loop.seed_cap)) for item in originals), *generated]


def write_dataset(
    folder: Path, trigger: str, items: Sequence[TrainItem], facts: Sequence[Mapping[str, object]]
) -> Path:
    """The finished set as trainers read it: ``10_<trigger>/NNN.png + .txt`` and ``metadata.jsonl`` (HF imagefolder).

    ``facts`` are further columns of each row, in the order of ``items``. Returns the folder with the pictures.
    """
    pictures = folder / f"10_{trigger}"
    make_folder(pictures)
    rows = []
    for number, (item, fact) in enumerate(zip(items, facts, strict=True), 1):
        name = f"{number:03d}"
        write_atomic(pictures / f"{name}.png", Path(item.path).read_bytes())
        write_atomic(pictures / f"{name}.txt", f"{item.caption}\n".encode())
        row = {"file_name": f"{pictures.name}/{name}.png", "text": item.caption, "origin": item.kind, **fact}
        rows.append(json.dumps(row, ensure_ascii=False))
    write_atomic(folder / "metadata.jsonl", ("\n".join(rows) + "\n").encode())
    return pictures
