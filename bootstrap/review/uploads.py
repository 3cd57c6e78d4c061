"""A person's own picture as a candidate: decoded, encoded anew, registered beside the drawn ones.

It stands in for a frame: same shot, so that quotas, caption and view family are known. The engine measures it at its
next boundary and judges it like any other; the person may keep it at once. Knows no request and no model.
"""

from __future__ import annotations

from dataclasses import replace

from PIL import Image

from bootstrap.records import Frame, Job, JobKind
from bootstrap.review.thumbnails import decoded
from bootstrap.store.store import PERSON, Store
from scoring.measurement import digest_of

__all__ = ["add_picture", "add_upload"]

TAKES_OF_UPLOADS = 1000
"""Added to the take of the shot, so that an uploaded picture is another take than any drawn one."""


def add_upload(store: Store, like: Frame, data: bytes) -> Frame:
    """Register the picture in ``data`` with the shot of the frame ``like``; the same one again changes nothing.

    Raises UsageError when it is not a picture. Only its pixels are kept: no metadata, no original bytes.
    """
    return add_picture(store, like, decoded(data), "a picture of one's own")


def add_picture(store: Store, like: Frame, image: Image.Image, prompt: str) -> Frame:
    """Register a picture with the shot of the frame ``like``; ``prompt`` says where it comes from."""
    mark = digest_of(image)[:10]
    job = Job(
        id=f"candidate-r00w0-{mark}",
        kind=JobKind.CANDIDATE,
        round=0,  # of no round: no stage waits for it, none draws it again
        wave=0,
        shot=replace(like.job.shot, take=like.job.shot.take + TAKES_OF_UPLOADS),
        prompt=f"{prompt} ({mark})",
        negative="",
        random_seed=0,
        traits=like.job.traits,
    )
    existing = store.frame(job.id)
    if existing is not None:
        return existing
    store.plan([job])
    return store.add_frames([(job, image, "")], adapter="", drawer=PERSON)[0]
