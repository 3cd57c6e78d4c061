"""Seeds as training pictures: whole, tighter crops, an altered copy. Knows no round; writes each picture once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from PIL import Image

from bootstrap.captions.several_tags import axis_in, numbered
from bootstrap.captions.wording import SEEN_TAG
from bootstrap.config.seed_cuts import SeedCutsConfig
from bootstrap.pictures import open_picture
from bootstrap.records import Box, Phase, Seed, TrainItem
from bootstrap.seeds import Composition, Cut, SeedCaptioner, cuts
from bootstrap.seeds.alpha import subject_of
from bootstrap.seeds.more_cuts import MoreCuts, altered
from bootstrap.seeds.quality import quality_tags
from bootstrap.seeds.views import UPSCALED
from bootstrap.store.files import make_folder, write_image
from scoring.measurement import digest_of

__all__ = ["body_box", "seed_items"]

PLAIN = SeedCutsConfig()
ALTERED: tuple[Literal["greyscale", "rotation", "sepia"], ...] = ("greyscale", "rotation", "sepia")
"""How crops are altered, in this order."""


def seed_items(
    seed: Seed,
    index: int,
    run: Path,
    captioner: SeedCaptioner,
    composition: Composition,
    side: int,
    phase: Phase,
    wanted: SeedCutsConfig = PLAIN,
    least: int = 0,
) -> list[TrainItem]:
    """One seed as training pictures with the captions of a phase: whole alone where it does not anchor.

    Args:
        seed: the seed, whose file lies in the run's folder.
        index: its place among the seeds, from 0.
        run: the folder of the run; pictures go to ``train`` in it.
        captioner: what says what the seed shows.
        composition: framing → where head and body stand in it.
        side: of the training pictures, in pixels.
        phase: whose captions the items get.
        wanted: parts and altered copies that are made besides tighter framings.
        least: pictures that are made of a seed that anchors: where these are fewer, its crops are altered too.
    """
    image, _ = open_picture(run / seed.path)
    poor = quality_tags(image, side) if captioner.wording.enlarged else ()
    mask, masks = subject_of(run / seed.path, image.size), []
    hidden = captioner.wording.views.hidden(seed.view_family, "")
    if mask:
        whole, *others = _cuts(mask, seed, composition, side, wanted, hidden)
        masks = [whole.image, *(whole.image if cut.recolored else cut.image for cut in others)]
    found = _cuts(image, seed, composition, side, wanted, hidden)
    more = _altered_crops(found, least - len(found)) if seed.anchor else []
    masks += [_mask_of(masks[number], cut) for number, cut in more if masks]
    items = []
    for number, cut in enumerate([*found, *(cut for _, cut in more)]):
        path = run / "train" / f"seed{index}-{number}-{cut.kind}.png"
        _write(path, cut.image, masks[number] if masks else None)
        marks = poor
        if seed.path.endswith(UPSCALED) and captioner.wording.upscaled:
            marks = (*marks, captioner.wording.upscaled)
        shown = replace(cut, extra=(*cut.extra, *marks))
        caption = _caption(seed, shown, captioner, phase)
        subject = body_box(composition, cut.framing) if cut.composed else None
        items.append(TrainItem(str(path), caption, cut.kind, subject=subject, seed=index))
    return items


def _cuts(
    image: Image.Image, seed: Seed, composition: Composition, side: int, wanted: SeedCutsConfig, hidden: frozenset[str]
) -> list[Cut]:
    """Everything that is made of a seed; itself alone where it does not anchor."""
    found = cuts(image, seed.framing, composition, side, seed.head)
    if not seed.anchor:
        return found[:1]
    if not seed.head_known:
        found = [cut for cut in found if cut.kind != "crop" or cut.framing != next(iter(composition))]
    head = seed.head or composition.get(seed.framing, {}).get("head")
    more = MoreCuts(wanted, composition, side).of(image, seed.framing, head if seed.head_known else None, hidden)
    if "greyscale" not in wanted.altered:
        found = found[:-1]
    return [*found, *more]


def _altered_crops(found: Sequence[Cut], missing: int) -> list[tuple[int, Cut]]:
    """``missing`` altered copies of the crops, or as many as there can be; each with the place of its crop."""
    crops = [(place, cut) for place, cut in enumerate(found) if cut.kind == "crop"]
    copies = [(place, altered(cut, how)) for how in ALTERED for place, cut in crops]
    return copies[: max(0, missing)]


def _mask_of(mask: Image.Image, cut: Cut) -> Image.Image:
    """The mask of an altered copy, made from that of its crop."""
    return mask if cut.recolored else altered(Cut(mask, "crop", cut.framing), "rotation").image


def body_box(composition: Composition, framing: str) -> Box | None:
    """Where the subject of such a framing stands; None where the composition does not say."""
    return composition.get(framing, {}).get("body")


def _write(path: Path, image: Image.Image, mask: Image.Image | None) -> None:
    """Write a cut and its mask, unless the files show them already."""
    make_folder(path.parent)
    for place, picture in ((path.with_name(f"{path.stem}_mask.png"), mask), (path, image)):
        if picture is not None and not _shows(place, picture):
            write_image(place, picture, {})


def _shows(path: Path, image: Image.Image) -> bool:
    """Whether a file holds this picture; one that was damaged is written again."""
    try:
        with Image.open(path) as opened:
            return digest_of(opened) == digest_of(image)
    except Exception:  # a decoder fed with a damaged file may raise anything
        return False


def _caption(seed: Seed, cut: Cut, captioner: SeedCaptioner, phase: Phase) -> tuple[str, ...]:
    """The caption of a cut: what the seed shows, as far as the cut shows it, and what was done to it."""
    wording, shown = captioner.wording, captioner.shown(seed)
    hidden = wording.views.hidden(seed.view_family, cut.framing)
    hidden |= set(cut.hides)
    if (
        cut.framing in ("", seed.framing) and not cut.hides
    ):  # the whole picture: it shows what a person says that it shows
        hidden -= {axis_in(tag.partition("=")[0]) for tag in seed.tags}
    else:
        shown = _framed(shown, cut.framing)
        shown = {axis: tag for axis, tag in shown.items() if wording.views.shows(cut.framing, axis_in(axis), tag)}
    if not (cut.composed and cut.framing in ("", seed.framing)):  # a part may not show what was seen on the whole
        shown = _without(shown, SEEN_TAG)
    if cut.recolored:
        for axis in wording.subject.altered_hides:
            shown = _without(shown, axis)
    shown |= numbered([("altered", tag) for tag in cut.extra])
    if cut.enlarged and wording.enlarged:
        shown["enlarged"] = wording.enlarged
    return wording.seed_caption(phase, shown, hidden)


def _framed(shown: Mapping[str, str], framing: str) -> dict[str, str]:
    """What is shown, with another framing in place of those that a person named."""
    found = {}
    for key, tag in shown.items():
        if axis_in(key) == "framing":
            found["framing"] = framing
        else:
            found[key] = tag
    return {**found, "framing": framing}


def _without(shown: Mapping[str, str], axis: str) -> dict[str, str]:
    """What is shown, without the tags of an axis."""
    return {key: tag for key, tag in shown.items() if axis_in(key) != axis}
