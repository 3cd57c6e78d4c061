"""What a panel sees in the pictures of a captioned set beside one another: words of other pictures, others, cut heads.

A panel reads some words badly, but tells the few that a set uses apart: which of the three outfits is this? It is
believed on an axis where it agrees with nearly all captions, and names the few pictures that read as another word as
surely as most read as their own. Knows no seed: who is like whom is judged within the set.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from bootstrap.config import PanelConfig
from bootstrap.dataset.caption_audit import captioned
from bootstrap.dataset.caption_check import contradicted, opened_in_turn
from bootstrap.dataset.caption_tags import FEWEST, MARKS
from bootstrap.dataset.findings import Finding, finding
from bootstrap.dataset.flaws import SEVERAL
from bootstrap.panel.models import PanelModels
from bootstrap.panel.seats import SEEN, caption_panel
from bootstrap.panel.seed_eyes import PanelEyes
from bootstrap.pictures import PictureFile
from bootstrap.pictures.caption_text import folded
from bootstrap.seeds.sifting import cut_off, of_others
from scoring.marks import edge_lettering
from scoring.measurement import Picture
from scoring.zeroshot import log_probabilities

__all__ = ["CloserLook", "closer_look"]

BELIEVED = 0.9
"""Share of the captions with which a panel must agree on an axis to be believed about the others. Of 6 puppet sets it
agrees with .94 to 1 on framings and clothes, .44 to .65 on poses, .53 to .83 on expressions."""
USUAL = 0.15
"""Quantile of the leads of pictures that read as their captions say: as surely must one read as another word."""
LEAST_LEAD = 1.0
"""Log-probability by which it must at least."""
FEWEST_READ = 8
"""Captions that must name a word of an axis for a panel to be judged by them."""
LETTERED = frozenset({*MARKS, "text", "english text", "speech bubble", "sign", "title", "lettering", "comic"})
"""What a caption says of lettering."""
THUMBNAIL = 384
"""Longest side in pixels to which pictures are reduced until they are compared with each other: CCIP's."""


@dataclass(frozen=True)
class CloserLook:
    """What was found, and the axes on which the panel reads these pictures too badly to say anything."""

    findings: tuple[Finding, ...]
    unread: tuple[str, ...] = ()


@dataclass
class _Axis:
    """The words that a set uses on one axis, and how far each picture's own leads the others when it is read."""

    words: list[str]
    leads: dict[Path, float] = field(default_factory=dict)
    other: dict[Path, str] = field(default_factory=dict)
    asked: dict[Path, str] = field(default_factory=dict)

    @property
    def is_believed(self) -> bool:
        """Whether most read as their captions say."""
        return bool(np.mean([lead > 0 for lead in self.leads.values()]) >= BELIEVED)

    def contradicting(self) -> Iterator[Path]:
        """The pictures that read as another word as surely as most others as their own."""
        least = float(np.quantile([lead for lead in self.leads.values() if lead > 0], USUAL))
        for path, lead in self.leads.items():
            if -lead > max(least, LEAST_LEAD):
                yield path


def closer_look(
    folder: Path,
    pictures: Sequence[PictureFile],
    panel_models: PanelModels,
    config: PanelConfig,
    views: Mapping[str, str],
) -> CloserLook:
    """What the panel sees; ``views``: tags of a view → view family."""
    files, eyes = captioned(pictures), PanelEyes(panel_models, config)
    findings = contradicted(folder, pictures, panel_models, config, views)
    axes = _axes_of(files, config, panel_models)
    flaws: dict[tuple[str, str, str], list[Path]] = defaultdict(list)
    small: dict[Path, Image.Image] = {}
    for batch in opened_in_turn(files, config, views):
        for axis, read in axes.items():
            _read(axis, read, batch, panel_models)
        for file, picture in batch:
            for flaw in _flaws_of(file, picture.image, eyes):
                flaws[flaw].append(file.path)
            small[file.path] = picture.image.copy()
            small[file.path].thumbnail((THUMBNAIL, THUMBNAIL))
    if len(small) >= FEWEST:
        for place in of_others(eyes.likeness(list(small.values())), eyes.same):
            hint = "take it out, or crop it to the character"
            flaws["stranger", "it is unlike all others: somebody else?", hint].append(list(small)[place])
    for (kind, message, hint), paths in flaws.items():
        findings.append(finding(folder, kind, "warning", message, paths, hint))
    axes = {axis: read for axis, read in axes.items() if len(read.leads) >= FEWEST_READ}
    for read in axes.values():
        if read.is_believed:
            findings += _contradictions(folder, read)
    return CloserLook(tuple(findings), tuple(axis for axis, read in axes.items() if not read.is_believed))


def _axes_of(files: Sequence[PictureFile], config: PanelConfig, models: PanelModels) -> dict[str, _Axis]:
    """The axes on which captions of the set differ, except those that the panel reads against its whole vocabulary."""
    checked = {name.removeprefix(SEEN) for name in caption_panel(models, config).names()}
    said = {folded(tag) for file in files for tag in file.tags}
    found = {}
    for axis, words in config.vocabulary.items():
        used = [word for word in words if word in said]
        if axis not in checked and len(used) > 1:
            found[axis] = _Axis(used)
    return found


def _read(axis: str, read: _Axis, batch: Sequence[tuple[PictureFile, Picture]], models: PanelModels) -> None:
    """Read an axis of some pictures."""
    own = [(file.path, picture) for file, picture in batch if axis in picture.asked]
    if not own:
        return
    encoder = models.reader(read.words)
    rows = log_probabilities(encoder, models.features, [picture for _, picture in own], read.words)
    for (path, picture), row in zip(own, rows, strict=True):
        place = read.words.index(picture.asked[axis])
        others = np.where(np.arange(len(row)) == place, -np.inf, row)
        read.leads[path], read.asked[path] = float(row[place] - others.max()), picture.asked[axis]
        read.other[path] = read.words[int(others.argmax())]


def _contradictions(folder: Path, read: _Axis) -> Iterator[Finding]:
    files: dict[str, list[Path]] = defaultdict(list)
    for path in read.contradicting():
        files[f'"{read.asked[path]}" is not what the panel sees: reads as "{read.other[path]}"'].append(path)
    for message, paths in files.items():
        hint = "look, and write what the picture shows, or crop it"
        yield finding(folder, "not seen", "warning", message, paths, hint)


def _flaws_of(file: PictureFile, image: Image.Image, eyes: PanelEyes) -> Iterator[tuple[str, str, str]]:
    """Kind, message and hint of what is seen in one picture alone."""
    tags = set(map(folded, file.tags))
    crowd = "" if tags & SEVERAL else eyes.crowd(image)
    if crowd:
        yield "several", f"it shows {crowd}", "crop it to the character"
    elif edge := cut_off(eyes.faces(image)[:1]):
        yield "cut off", f"the head is cut off at the {edge}", "take a whole picture, or leave it out"
    if (row := edge_lettering(image)) and not tags & LETTERED:
        yield "marked", f"lettering at the {row.place}", "crop or retouch it away, or tag it"
