"""The JSON that the page's script may send, validated: no unknown field, no other type, bounded lengths."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bootstrap.review.edits import Edit

__all__ = [
    "Body", "CaptionBody", "EditBody", "EmptyBody", "TagsBody", "UndoBody", "UndoManyBody", "VerdictBody",
    "VerdictsBody",
]  # fmt: skip

ID = Field(min_length=1, max_length=200)
KEY = Field(None, min_length=8, max_length=64, pattern=r"^[A-Za-z0-9-]+$")
SEEN = Field(None, ge=0, le=2**53)
FRACTION = Field(ge=0, le=1, allow_inf_nan=False)


class Body(BaseModel):
    """Base of every body: only the fields that are named."""

    model_config = ConfigDict(extra="forbid", strict=True)


class VerdictBody(Body):
    """Keep or reject. ``seen`` is the version that the page showed; ``key`` marks a request that is sent again."""

    id: str = ID
    verdict: Literal["keep", "reject"]
    reasons: list[str] = Field(default_factory=list, max_length=20)
    seen: int | None = SEEN
    key: str | None = KEY


class UndoBody(Body):
    """Withdraw the last verdict."""

    id: str = ID
    seen: int | None = SEEN
    key: str | None = KEY


class VerdictsBody(Body):
    """Verdicts on several frames that are one action; ``key`` marks it when it is sent again."""

    verdicts: list[VerdictBody] = Field(min_length=1, max_length=100)
    key: str = Field(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9-]+$")


class UndoManyBody(Body):
    """Withdraw the last verdict on each of several frames: those of one action."""

    frames: list[UndoBody] = Field(min_length=1, max_length=100)
    key: str = Field(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9-]+$")


class CaptionBody(Body):
    """A caption in a person's own words; "" brings the generated one back."""

    id: str = ID
    caption: str = Field(max_length=2000)


class EditBody(Body):
    """A copy of a frame, cropped to a region or with it covered; the region in fractions of the picture."""

    id: str = ID
    edit: Edit
    left: float = FRACTION
    top: float = FRACTION
    right: float = FRACTION
    bottom: float = FRACTION
    framing: str = Field("", max_length=100)


class TagsBody(Body):
    """Tags to add to and to drop from the captions of frames."""

    ids: list[str] = Field(min_length=1, max_length=200)
    add: str = Field("", max_length=2000)
    drop: str = Field("", max_length=2000)


class EmptyBody(Body):
    """A request without details."""
