"""Editing on the review page: a copy of a frame, cropped or with a region covered, and tags of many captions at once.

The frame stays as it is; its copy is a candidate beside it, like a picture of the person's own. Knows no request and no
model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from bootstrap.config import stored_config
from bootstrap.errors import UsageError
from bootstrap.events import CaptionWritten
from bootstrap.pictures.caption_text import caption_parts, folded
from bootstrap.records import Box, Frame
from bootstrap.retouch.covering import covered
from bootstrap.review.album import caption_of
from bootstrap.review.uploads import add_picture
from bootstrap.store.store import Store

__all__ = ["Edit", "edited_copy", "retagged"]

Edit = Literal["crop", "cover"]
LEAST = 0.5
"""Longer side of a crop over that of its frame: a smaller one blurs when it is trained on."""


def edited_copy(store: Store, frame: Frame, edit: Edit, box: Box, framing: str = "") -> Frame:
    """Register a copy of a frame with ``box`` (fractions) cut out or covered; the same edit again changes nothing.

    ``framing`` is what a crop shows now; "" leaves that of the frame. Raises UsageError for a box that is empty, leaves
    the picture or is too small, and for a framing that the run does not have.
    """
    image = store.frame_image(frame)
    left, top, right, bottom = (
        round(edge * side) for edge, side in zip(box, (image.width, image.height) * 2, strict=True)
    )
    if not (0 <= left < right <= image.width and 0 <= top < bottom <= image.height):
        raise UsageError(f'the region "{list(box)}" is empty or leaves the picture', "mark a part of the picture")
    if edit == "cover":
        return add_picture(store, frame, covered(image, (left, top, right, bottom)), f"covered in {frame.job.id}")
    least = round(LEAST * max(image.size))
    if max(right - left, bottom - top) < least:
        size = f"{right - left}x{bottom - top}"
        raise UsageError(f'the crop of "{size}" pixels is too small', f"mark at least {least} pixels a side")
    framings = stored_config(store.recall("config")).views.framings
    if framing and framing not in framings:
        raise UsageError(f'"{framing[:40]}" is no framing', f"choose from: {', '.join(framings)}")
    shot = replace(frame.job.shot, framing=framing or frame.job.shot.framing)
    like = replace(frame, job=replace(frame.job, shot=shot))
    return add_picture(store, like, image.crop((left, top, right, bottom)), f"cropped out of {frame.job.id}")


def retagged(store: Store, frames: Sequence[Frame], add: str, drop: str) -> dict[str, str]:
    """Add tags to the captions of frames and drop others; both are tags with commas between them.

    Returns what was changed: frame id → the caption that a person had written before, "" for the generated one.
    """
    added, dropped = caption_parts(add), {folded(tag) for tag in caption_parts(drop)}
    if not added and not dropped:
        raise UsageError("no tag is named", "write the tags to add or to drop")
    before, written = {}, store.person.captions()
    for frame in frames:
        tags = caption_parts(caption_of(store, frame))
        present = {folded(tag) for tag in tags}
        changed = [tag for tag in tags if folded(tag) not in dropped]
        changed += [tag for tag in added if folded(tag) not in present]
        if changed and changed != list(tags):
            text = ", ".join(changed)
            before[frame.job.id] = written.get(frame.job.id, "")
            store.person.write_caption(frame.job.id, text, CaptionWritten(frame.job.id, text))
    return before
