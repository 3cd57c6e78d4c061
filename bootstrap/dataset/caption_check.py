"""Tags of any captioned folder against what a panel sees in the pictures: those that a picture contradicts.

Only words that exclude each other can be contradicted, and only on axes that the panel reads well. Knows no seed; what
a panel reads is a hint for a person, except the view where the panel is known to read it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bootstrap.captions.several_tags import numbered
from bootstrap.config import PanelConfig, shipped_views
from bootstrap.dataset.caption_audit import captioned
from bootstrap.dataset.findings import Finding, Severity, finding
from bootstrap.errors import PictureError
from bootstrap.panel.models import PanelModels
from bootstrap.panel.seats import SEEN, VIEW, caption_panel
from bootstrap.pictures import PictureFile, open_picture
from bootstrap.pictures.caption_text import folded
from scoring.measurement import Measurement, Picture, digest_of
from scoring.tags import TagViewSettings

__all__ = ["contradicted", "opened_in_turn", "tags_of_views"]

AT_ONCE = 32
"""Pictures that are looked at together."""
SMALLEST = 16
"""Pixels of the shorter side below which a picture is not looked at."""


def contradicted(
    folder: Path,
    pictures: Sequence[PictureFile],
    panel_models: PanelModels,
    config: PanelConfig,
    views: Mapping[str, str],
) -> list[Finding]:
    """What pictures contradict, tag by tag, with the pictures; ``views``: tags of a view → view family.

    A view that the panel is qualified to read is an error, any other tag a warning.
    """
    qualified = config.in_use[VIEW].qualified if VIEW in config.in_use else ()
    files: dict[tuple[Severity, str], list[Path]] = defaultdict(list)
    for file, picture, answers in _measured(captioned(pictures), panel_models, config, views):
        for name, answer in answers.items():
            if answer.value is not None and answer.value < 0:
                axis = name.removeprefix(SEEN)
                message = f'"{picture.asked[axis]}" is not what the panel sees' if axis in picture.asked else ""
                severity: Severity = "warning"
                if axis == VIEW:
                    message = f"{message}: {answer.why}"
                    severity = "error" if picture.view_family in qualified else "warning"
                files[severity, message or f"the picture {answer.why.partition(' (')[0]}"].append(file.path)
    hint, found = "look, and write what the picture shows, or crop it", []
    for (severity, message), paths in files.items():
        found.append(finding(folder, "not seen", severity, message, paths, hint))
    return found


def tags_of_views(panel: PanelConfig) -> dict[str, str]:
    """Tags that name a view → its view family: those of the grid, of the panel's phrases and of its tagger."""
    named: dict[str, str] = {}
    for view_family, plan in shipped_views("standard").families.items():
        named |= dict.fromkeys(plan.views.values(), view_family)
    for view_family, phrases in panel.view_phrases.items():
        named |= dict.fromkeys(phrases, view_family)
    for settings in panel.in_use.values():
        if isinstance(settings, TagViewSettings):
            for view_family, rule in settings.views.items():
                named |= dict.fromkeys(rule.shows, view_family)
    return named


def opened_in_turn(
    files: Sequence[PictureFile], config: PanelConfig, views: Mapping[str, str]
) -> Iterator[list[tuple[PictureFile, Picture]]]:
    """Batches of the files that can be opened, each with its picture and what its caption asks for."""
    axes = {word: axis for axis, words in config.vocabulary.items() for word in words}
    for start in range(0, len(files), AT_ONCE):
        opened = []
        for file in files[start : start + AT_ONCE]:
            if picture := _picture(file, axes, views):
                opened.append((file, picture))
        yield opened


def _measured(
    files: Sequence[PictureFile], panel_models: PanelModels, config: PanelConfig, views: Mapping[str, str]
) -> Iterator[tuple[PictureFile, Picture, Mapping[str, Measurement]]]:
    """Each file that can be opened, with what its caption asks for and what the panel's readers answer."""
    panel = caption_panel(panel_models, config)
    for opened in opened_in_turn(files, config, views):
        answers = panel.measure([picture for _, picture in opened])
        for (file, picture), row in zip(opened, answers, strict=True):
            yield file, picture, row


def _picture(file: PictureFile, axes: Mapping[str, str], views: Mapping[str, str]) -> Picture | None:
    """A picture with what its caption says of it, axis by axis; None for one that cannot be opened."""
    try:
        image, _ = open_picture(file.path, SMALLEST)
    except PictureError:
        return None
    tags = [folded(tag) for tag in file.tags]
    phrases = [phrase for phrase in views if set(phrase.split(", ")) <= set(tags)]
    view = max(phrases, key=len, default="")
    view_family = views.get(view, "")
    asked = numbered([("view", view), *((axes[tag], tag) for tag in tags if tag in axes)])
    return Picture(image, digest_of(image), view_family, asked.get("framing", ""), asked)
