"""Tags of any captioned folder against what a panel sees in the pictures: those that a picture contradicts.

Only words that exclude each other can be contradicted, and only on axes that the panel is said to read well. Knows no
seed; what a panel says is a hint for a person, not a verdict.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from bootstrap.config import PanelConfig
from bootstrap.dataset.caption_audit import Captioned, Finding
from bootstrap.errors import SeedError
from bootstrap.panel.judges import Eyes, readers_for, view_check
from bootstrap.seeds import open_seed
from scoring.base import Picture, digest_of
from scoring.panel import Panel, Seat

__all__ = ["contradicted"]

AT_ONCE = 32
"""Pictures that are looked at together."""
SMALLEST = 16
"""Pixels of the shorter side below which a picture is not looked at."""


def contradicted(
    folder: Path, set_: Sequence[Captioned], eyes: Eyes, config: PanelConfig, views: Mapping[str, str]
) -> list[Finding]:
    """A warning for each tag that pictures contradict, with the pictures; ``views``: tags of a view → its view_family."""
    seats = readers_for(eyes, config, all_axes=True)
    panel = Panel([Seat(view_check(eyes, config), "check"), *seats])
    words = {word: axis for axis, known in config.vocabulary.items() for word in known}
    found: dict[tuple[str, str], list[Path]] = defaultdict(list)
    told = [one for one in set_ if one.tags]
    for start in range(0, len(told), AT_ONCE):
        shown = [(one, picture) for one in told[start : start + AT_ONCE] if (picture := _picture(one, words, views))]
        for (one, picture), answers in zip(shown, panel.measure([p for _, p in shown]), strict=True):
            for name, answer in answers.items():
                if answer.value is not None and answer.value < 0:
                    axis = name.removeprefix("seen ")
                    said = picture.asked.get(axis, picture.view_family), answer.why if axis == "view" else ""
                    found[said].append(one.path)
    return [
        Finding(
            "not seen", "warning", f'"{tag}" is not what the panel sees' + (f": {why}" if why else ""),
            tuple(path.relative_to(folder).as_posix() for path in files), "look, and write what the picture shows",
        )
        for (tag, why), files in found.items()
    ]  # fmt: skip


def _picture(one: Captioned, words: Mapping[str, str], views: Mapping[str, str]) -> Picture | None:
    """A picture with what its caption says of it, axis by axis; None for one that cannot be opened."""
    try:
        image, _ = open_seed(one.path, SMALLEST)
    except SeedError:
        return None
    tags = one.tags or ()
    said = [phrase for phrase in views if set(phrase.split(", ")) <= set(tags)]
    view_family = views[max(said, key=len)] if said else ""
    asked = {words[tag]: tag for tag in tags if tag in words}
    return Picture(image, digest_of(image), view_family, asked.get("framing", ""), asked)
