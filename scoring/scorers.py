"""Every scorer: its kind, as a panel's settings name it, and its class. A new scorer is one file and one line here."""

from __future__ import annotations

from typing import Any, Protocol

from scoring.axis import AxisCheck
from scoring.ccip import CcipIdentity
from scoring.contrast import PhraseContrast
from scoring.defects import Defects
from scoring.dino import DinoIdentity
from scoring.duplicates import CopyOfSeed
from scoring.face import FaceIdentity, SubjectCount
from scoring.heldout import HeldOut
from scoring.identity import ClipIdentity
from scoring.marks import MarkAbsence
from scoring.materials import Materials
from scoring.measurement import Scorer
from scoring.place import PlaceLikeness
from scoring.seed_scene import SceneOfSeed
from scoring.settings import ScorerSettings
from scoring.sight import SightByClip, SightByTagger
from scoring.tags import TagAbsence, TagSubjects, TagView
from scoring.texture import TextureIdentity
from scoring.zeroshot import TraitCheck, ViewCheck

__all__ = ["SCORERS", "ScorerClass"]


class ScorerClass(Protocol):
    """A class of scorers (`scoring.measurement.Scorer`) with the settings that one is made from."""

    @property
    def Settings(self) -> type[ScorerSettings]:
        """The settings of this kind."""

    def make(self, name: str, settings: Any, materials: Materials) -> Scorer:
        """The scorer called ``name``, the key of its measurements. ``settings`` are an instance of ``Settings``."""


SCORERS: dict[str, ScorerClass] = {
    "view": ViewCheck,
    "tag-view": TagView,
    "traits": TraitCheck,
    "axis": AxisCheck,
    "subjects": SubjectCount,
    "tag-subjects": TagSubjects,
    "tag-absence": TagAbsence,
    "sight": SightByClip,
    "tag-sight": SightByTagger,
    "marks": MarkAbsence,
    "contrast": PhraseContrast,
    "defects": Defects,
    "copy": CopyOfSeed,
    "scene": SceneOfSeed,
    "ccip": CcipIdentity,
    "dino": DinoIdentity,
    "clip": ClipIdentity,
    "face": FaceIdentity,
    "texture": TextureIdentity,
    "place": PlaceLikeness,
    "held-out": HeldOut,
}
