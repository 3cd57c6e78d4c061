"""Blurred and strongly compressed pictures of a set whose captions do not say so: the LoRA would learn the flaw.

Knows no model: pixels only.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from PIL import Image

from bootstrap.dataset.findings import Finding, finding
from bootstrap.pictures import PictureFile
from bootstrap.pictures.caption_text import folded
from bootstrap.seeds.quality import ARTIFACTS, BLURRY, quality_tags

__all__ = ["QualityAudit"]

SIDE = 768
"""Pixels that a picture is judged at: guides set smaller ones aside for enlarging."""
SMALLEST = 128
"""Shorter side in pixels of what is judged: less is a toy's."""
SAID = {
    BLURRY: {BLURRY, "blurred", "blur", "motion blur", "depth of field", "low quality", "worst quality"},
    ARTIFACTS: {ARTIFACTS, "compression artifacts", "low quality", "worst quality"},
}
"""Tag → the tags of which one says it."""
KINDS = {BLURRY: "blurred", ARTIFACTS: "compressed"}
"""Tag → what scripts call the finding."""
MESSAGES = {BLURRY: "blurred", ARTIFACTS: "strongly compressed (JPEG)"}


class QualityAudit:
    """Collects what is poor about the pictures of a set, one after another."""

    def __init__(self) -> None:
        self._untold: dict[str, list[Path]] = defaultdict(list)

    def look(self, picture: PictureFile, image: Image.Image) -> None:
        """Look at one picture."""
        if min(image.size) < SMALLEST:
            return
        said = {folded(tag) for tag in picture.tags}
        for tag in quality_tags(image, SIDE):
            if not said & SAID[tag]:
                self._untold[tag].append(picture.path)

    def findings(self, folder: Path) -> list[Finding]:
        """A warning for each flaw that captions do not name."""
        found = []
        for tag, files in self._untold.items():
            message = f"{MESSAGES[tag]}, and the caption does not say so"
            hint = f'add the tag "{tag}", or take better copies'
            found.append(finding(folder, KINDS[tag], "warning", message, files, hint))
        return found
