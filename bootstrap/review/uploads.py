"""A picture of a person's own as a candidate: decoded, encoded anew, registered beside those that were drawn.

It stands in for a frame: same shot, so that quotas, caption and view family are known. The engine measures it at its
next boundary and judges it like any other; the person may keep it at once. Knows no request and no model.
"""

from __future__ import annotations

from dataclasses import replace

from bootstrap.records import Frame, Job, JobKind
from bootstrap.review.thumbnails import decoded
from bootstrap.store.store import PERSON, Store
from scoring.base import digest_of

__all__ = ["add_own"]


def add_own(store: Store, like: Frame, data: bytes) -> Frame:
    """Register the picture in ``data`` with the shot of the frame ``like``; the same one again changes nothing.

    Raises UsageError when it is no picture. Only its pixels are kept: no metadata, no original bytes.
    """
    image = decoded(data)
    mark = digest_of(image)[:10]
    job = Job(
        id=f"candidate-r00w0-{mark}",
        kind=JobKind.CANDIDATE,
        round=0,  # of no round: no stage waits for it, none draws it again
        wave=0,
        shot=replace(like.job.shot, take=like.job.shot.take + 1000),
        prompt=f"a picture of one's own ({mark})",
        negative="",
        random_seed=0,
        traits=like.job.traits,
    )
    if (there := store.frame(job.id)) is not None:
        return there
    store.plan([job])
    return store.add_frames([(job, image, "")], adapter="", drawer=PERSON)[0]
