"""Faces: their embedding is compared with the seeds' in the views where it can, and they are counted.

A face embedding sees nothing from behind and is wrong in profile; its answer there is *not applicable*, never 0. The
gates and their order are those of insightface's users: size, certainty, yaw. Finds no face: `scoring.face_pack` and
`scoring.drawn_faces` do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from pydantic import Field

from scoring.face_crops import FaceCrops
from scoring.faces_found import FaceFinder, FoundFace
from scoring.materials import Materials
from scoring.measurement import Measurement, Picture, not_applicable
from scoring.settings import Role, ScorerSettings

__all__ = ["FaceIdentity", "FaceSettings", "SubjectCount", "SubjectSettings"]

BYSTANDER = 0.5
"""A second face counts when its shorter side is at least this fraction of the largest one's."""


class FaceSettings(ScorerSettings):
    """When a face is compared with the seeds'."""

    kind: Literal["face"] = "face"
    role: Role = "identity"
    min_size: float = Field(64, gt=0)
    """Shortest side of a face box, in pixels of the picture shown to the detector."""
    max_yaw: float = Field(40, gt=0, le=90)
    """A face turned further is not compared, in degrees, where the models of ``models.face`` tell that."""
    encoder: Literal["clip", "ccip", "dino"] = "ccip"
    """The scorer whose model embeds the faces of a detector without a recogniser; CLIP where the panel does without."""
    margin: float = Field(1.5, ge=1)
    """Side of what that encoder sees over the longer side of the face's box."""
    families: tuple[str, ...] | None = None
    """View families in which this pack tells individuals apart; elsewhere it is not applicable. null: everywhere."""

    @property
    def uses(self) -> tuple[str, ...]:
        """The face pack, or the detector."""
        return ("face",)

    @property
    def view_families(self) -> Mapping[str, Sequence[str]]:
        """Those in which faces are compared too."""
        return {"qualified": self.qualified, "families": self.families or ()}


class FaceIdentity:
    """Cosine of the largest face with the seeds' faces, −1..1; the best seed counts.

    Not applicable, with the reason: no face; too small; the detector is unsure; turned too far; no embedding. A seed is
    a reference only where its own face passes these gates; without any such seed nothing is applicable.

    Args:
        pack: finds and embeds faces.
        references: the seeds.
        min_det_score: surer than this.
        min_size: shorter side of the face box, in pixels of the picture as the detector saw it.
        max_yaw: degrees; None for faces whose yaw is not known.
        families: view families in which this pack's embedding was found to tell individuals apart; None: in all.
    """

    Settings = FaceSettings

    def __init__(
        self,
        pack: FaceFinder,
        references: Sequence[Picture],
        min_det_score: float = 0.5,
        min_size: float = 64,
        max_yaw: float | None = 40,
        families: Sequence[str] | None = None,
        name: str = "face",
    ) -> None:
        self.name = name
        self._pack, self._gates = pack, (min_det_score, min_size, max_yaw)
        self._families = None if families is None else frozenset(families)
        usable = [self._scorable(picture) for picture in references]
        self._references = [face.embedding for face in usable if isinstance(face, FoundFace)]
        digests = "".join(sorted(p.digest for p in references))
        gates = f"{self._gates}:{'everywhere' if families is None else sorted(families)}"
        self.fingerprint = f"{pack.fingerprint}:{gates}:{hashlib.sha256(digests.encode()).hexdigest()[:12]}"

    @classmethod
    def make(cls, name: str, settings: FaceSettings, materials: Materials) -> FaceIdentity:
        """Against the faces of the seeds, as the panel's pack or detector finds them."""
        pack, max_yaw = materials.face_finder, None
        if pack.embeds:
            max_yaw = settings.max_yaw
        else:
            encoder = materials.own.get(settings.encoder, materials.clip)
            pack = FaceCrops(pack, encoder, materials.features, settings.margin)
        gates = (pack.min_det_score, settings.min_size, max_yaw)
        return cls(pack, materials.references, *gates, settings.families, name)

    def score(self, pictures: Sequence[Picture]) -> list[Measurement]:
        """One cosine, or the reason why not, for each picture."""
        if self._references:
            self._pack.look([picture for picture in pictures if self._judges(picture.view_family)])
        return [self._measure(picture) for picture in pictures]

    def _measure(self, picture: Picture) -> Measurement:
        if not self._references:
            return not_applicable("no seed shows a face to compare with")
        face = self._scorable(picture)
        if isinstance(face, str):
            return not_applicable(face)
        return Measurement(max(float(np.dot(face.embedding, own)) for own in self._references))  # type: ignore[arg-type]

    def _judges(self, view_family: str) -> bool:
        return self._families is None or view_family in self._families

    def _scorable(self, picture: Picture) -> FoundFace | str:
        """The face that may be embedded, or why there is none."""
        min_det_score, min_size, max_yaw = self._gates
        if not picture.view_family:
            return "the view is not known"
        if not self._judges(picture.view_family):
            return f"this face pack does not know faces {_phrase(picture.view_family)}"
        faces = self._pack.faces(picture)
        if not faces:
            return "no face from behind" if picture.view_family == "behind" else "no face"
        face = faces[0]
        if face.short_side < min_size:
            return f"face too small: {face.short_side:.0f} < {min_size:.0f} px"
        if face.det_score < min_det_score:
            return f"face not clear: {face.det_score:.2f} < {min_det_score:.2f}"
        if max_yaw is not None and not abs(face.yaw) <= max_yaw:  # NaN is not frontal
            return f"face turned: {abs(face.yaw):.0f}° > {max_yaw:.0f}°"
        return face if face.embedding is not None else "face has no embedding"


def _phrase(view_family: str) -> str:
    return f"in {view_family}" if view_family in ("profile", "three-quarter") else f"from {view_family}"


class SubjectSettings(ScorerSettings):
    """Counting subjects by their faces."""

    kind: Literal["subjects"] = "subjects"
    role: Role = "check"

    @property
    def uses(self) -> tuple[str, ...]:
        """The face pack, or the detector."""
        return ("face",)


class SubjectCount:
    """One subject? 0.5 for one face, −0.5 for two, and so on; not applicable without a face.

    Faces much smaller than the largest, or that the detector is unsure of, do not count.

    Args:
        pack: finds faces.
        min_det_score: a face that counts is surer than this.
    """

    Settings = SubjectSettings

    def __init__(self, pack: FaceFinder, min_det_score: float = 0.5, name: str = "subjects") -> None:
        self.name = name
        self._pack, self._min = pack, min_det_score
        self.fingerprint = f"{pack.fingerprint}:{min_det_score}:{BYSTANDER}"

    @classmethod
    def make(cls, name: str, settings: SubjectSettings, materials: Materials) -> SubjectCount:
        """By the faces that the panel's pack or detector finds."""
        return cls(materials.face_finder, materials.face_finder.min_det_score, name)

    def score(self, pictures: Sequence[Picture]) -> list[Measurement]:
        """The count of each picture as a check."""
        self._pack.look(pictures)
        return [self._measure(picture) for picture in pictures]

    def _measure(self, picture: Picture) -> Measurement:
        sure = [face for face in self._pack.faces(picture) if face.det_score >= self._min]
        if not sure:
            return not_applicable("no face to count")
        count = sum(face.short_side >= BYSTANDER * sure[0].short_side for face in sure)
        return Measurement(1.5 - count, f"{count} faces" if count > 1 else "")
