"""How a shot is put into an instruction for a drawer that edits a reference, as validated data. Knows no shot."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["ANY", "NOTHING", "PLACEHOLDER", "CameraWords", "InstructionSettings"]

PLACEHOLDER = re.compile(r"\{(\w+)\}")
GIVEN = ("subject", "traits", "clothes", "usual_clothes", "other_clothes", "camera", "view", "framing")
"""Placeholders that every instruction may have, besides those of the axes in ``words``."""
ANY, NOTHING = "*", "none"
"""Keys of `InstructionSettings.words`: any other value, for which ``{}`` stands; a shot that has none."""
CAMERA = ("azimuth", "elevation", "distance")

Words = Mapping[str, str]


class CameraWords(BaseModel):
    """The words that a camera LoRA was trained with, for our views and framings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    template: str
    """What ``{camera}`` stands for, with {azimuth}, {elevation} and {distance}."""
    azimuth: Words
    """View, or its view family → words; ``*`` for any other."""
    elevation: Words
    """The same for the height of the camera."""
    distance: Words
    """Framing → words; ``*`` for any other."""

    @model_validator(mode="after")
    def _complete(self) -> CameraWords:
        _known("template", self.template, CAMERA)
        for name in CAMERA:
            if ANY not in getattr(self, name):
                raise ValueError(f'{name} has no "{ANY}": write one, for views and framings that have no words')
        return self


class InstructionSettings(BaseModel):
    """The sentences of an instruction and the words in them."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    sentences: tuple[str, ...] = Field(min_length=1)
    """In order. A sentence with a placeholder (``{pose}``) for which a shot has nothing is left out; so is a part in
    square brackets (``[, {expression}]``) alone. {clothes} are those of the shot. {usual_clothes} stands for them where
    the seeds show its outfit, by character.json or because it is the first one there, {other_clothes} elsewhere. The
    others are {subject}, {traits}, {camera}, {view}, {framing} and the axes in ``words``."""
    words: Mapping[str, Words] = Field(default_factory=dict)
    """Axis → its value → what an instruction calls it; of a view by its name or its view family. ``*`` stands for any
    other value, which is ``{}`` in it, ``none`` for a shot without one."""
    negative: str = ""
    """Negative prompt, before what the character forbids."""

    @model_validator(mode="after")
    def _placeholders(self) -> InstructionSettings:
        for sentence in self.sentences:
            if sentence.count("[") != sentence.count("]"):
                raise ValueError(f'sentences: "{sentence}" has a square bracket without the other')
            _known("sentences", sentence, (*GIVEN, *self.words))
        return self


def _known(field: str, text: str, names: tuple[str, ...]) -> None:
    """Raise ValueError for a placeholder that stands for nothing."""
    for name in PLACEHOLDER.findall(text):
        if name not in names:
            raise ValueError(f'{field}: "{{{name}}}" stands for nothing; there are {", ".join(dict.fromkeys(names))}')
