"""The base of every config: immutable, strict about its keys, each field documented by the text under it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

__all__ = ["Frozen"]

LARGEST = 2**63 - 1
"""The largest whole number that SQLite stores."""


class Frozen(BaseModel):
    """Base of every config: no change, no unknown key, each field documented by the text under it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    @field_validator("*", mode="before")
    @classmethod
    def _number(cls, value: Any, info: ValidationInfo) -> Any:
        """Raises ValueError for a whole number that no database stores, and for "yes" where a number is wanted."""
        field = cls.model_fields.get(info.field_name or "")
        if isinstance(value, bool) and field is not None and field.annotation in (int, float):
            raise ValueError("write a number")
        if isinstance(value, int) and abs(value) > LARGEST:
            raise ValueError(f"must be at most {LARGEST}")
        return value
