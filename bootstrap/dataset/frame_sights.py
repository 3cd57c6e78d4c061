"""What a reader sees on generated frames, for their captions: asked once, kept in the run.

Only where a run names a reader (`RunConfig.captions_by`). Knows no round; the reader is handed in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image

from bootstrap.captions.wording import Wording
from bootstrap.dataset.labels import Labeller
from bootstrap.pictures.caption_text import caption_parts
from bootstrap.readers.second_reading import answers_to
from bootstrap.records import Shot
from bootstrap.store.store import Store
from scoring.sight import Sight

__all__ = ["FrameLabels", "keep_sights", "kept_sights"]

FACT = "reader sights"
OF_OTHERS = ("view", "framing", "background", "style")
"""Asked axes that the panel's own scorers judge."""


@dataclass(frozen=True)
class FrameLabels:
    """Asks about frames: what they show, and which of the asked tags they do not."""

    labeller: Labeller
    wording: Wording

    def sight(self, image: Image.Image, shot: Shot) -> Sight:
        """What the picture of a shot shows. Raises BackendError."""
        asked = [part for axis, tags in self.wording.varying(shot).items() if axis not in OF_OTHERS
                 for part in caption_parts(tags)]  # fmt: skip
        seen, unseen = self.labeller.label(image).tags, list[str]()
        if asked:
            answers, _ = answers_to(self.labeller.reader, image, asked, self.labeller.vocabulary)
            unseen = [tag for tag in asked if answers.get(tag) == "no"]
        return Sight(tuple(tag for tag in seen if tag not in unseen), tuple(unseen))


def kept_sights(store: Store) -> dict[str, Sight]:
    """Frame id → what a reader saw; nothing in a run without one."""
    return {id: Sight.read(text) for id, text in json.loads(store.recall(FACT) or "{}").items()}


def keep_sights(store: Store, sights: Mapping[str, Sight]) -> None:
    """Store what a reader saw, beside what is stored."""
    found = {**kept_sights(store), **sights}
    store.remember(FACT, json.dumps({id: sight.text for id, sight in found.items()}))
