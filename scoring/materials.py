"""What scorers are made from besides their settings: references, loaded encoders, words. Loads nothing itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scoring.crops import Crops
from scoring.faces_found import FaceFinder
from scoring.features import Encoder, Features, Vocabulary, WordEncoder
from scoring.measurement import Picture
from scoring.settings import Reader
from scoring.tagger import Tagger

__all__ = ["Materials"]


@dataclass(frozen=True)
class Materials:
    """What a panel hands to each of its scorers when it is made.

    ``references`` are the seeds with their crops; ``approved`` are pictures that a person approved, each a reference in
    its own view family. ``own`` maps a scorer's name to the encoder that its settings loaded. ``vocabulary`` maps an
    axis to the words that exclude each other, ``view_phrases`` a view family to the phrases that name it. ``identity``
    are the axes of the subject's own traits; None where no subject is described: then every axis may be asked for.
    """

    clip: WordEncoder
    features: Features
    crops: Crops
    references: Sequence[Picture] = ()
    approved: Sequence[Picture] = ()
    faces: FaceFinder | None = None
    tagger: Tagger | None = None
    own: Mapping[str, Encoder] = field(default_factory=dict)
    vocabulary: Vocabulary = field(default_factory=dict)
    view_phrases: Vocabulary = field(default_factory=dict)
    identity: Sequence[str] | None = None

    @property
    def face_finder(self) -> FaceFinder:
        """The face pack or detector. Raises ValueError where none is loaded."""
        if self.faces is None:
            raise ValueError("this scorer needs a face pack; set models.face")
        return self.faces

    @property
    def tag_reader(self) -> Tagger:
        """The tagger. Raises ValueError where none is loaded."""
        if self.tagger is None:
            raise ValueError("this scorer needs a tagger; set models.tagger")
        return self.tagger

    def reader(self, name: Reader) -> WordEncoder:
        """The encoder that reads words. Raises ValueError where it is not loaded."""
        return self.tag_reader if name == "tagger" else self.clip

    def words(self, name: Reader) -> Vocabulary:
        """The part of the vocabulary that a reader knows; axes of one word tell nothing apart, they are left out."""
        if name == "clip":
            return self.vocabulary
        found = {}
        for axis, words in self.vocabulary.items():
            tagged = [word for word in words if self.tag_reader.knows(word)]
            if len(tagged) > 1:
                found[axis] = tagged
        return found
