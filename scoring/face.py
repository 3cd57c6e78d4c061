"""Faces: an insightface pack finds them, and their embedding is compared with the seeds' in the views where it can.

A face embedding sees nothing from behind and is wrong in profile; its answer there is *not applicable*, never 0. The
gates and their order are those of insightface's users: size, certainty, yaw. insightface is imported when a pack is
loaded; nothing is downloaded.
"""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from scoring.clip import ScorerUnavailable
from scoring.crops import HEAD_PER_FACE
from scoring.faces_found import FoundFace, FoundFaces
from scoring.measurement import Measurement, Picture, not_applicable
from scoring.settings import ModelSettings, Role, ScorerSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scoring.materials import Materials

NOSE_REACH = 0.5
"""How far the nose stands before the eyes, in eye distances: yaw = atan(offset / (distance · reach))."""
BYSTANDER = 0.5
"""A second face counts when its shorter side is at least this fraction of the largest one's."""


class FaceModel(ModelSettings):
    """The insightface pack that finds faces; ``none`` does without."""

    pack: str = ""
    """Folder of the pack; ``embedded:face`` is the shipped one; empty: no pack."""
    det_size: int = Field(640, ge=32)
    """Side in pixels that the detector sees."""
    upscale_to: int = Field(0, ge=0)
    """Pictures smaller than this are enlarged before detection; 0 leaves them."""
    min_det_score: float = Field(0.5, ge=0, le=1)
    """Certainty of the detector below which a face does not count."""
    head_per_face: float = Field(HEAD_PER_FACE, gt=0)
    """Side of a head over the longer side of its face box; 1 for a pack that boxes whole heads."""


class FacePack:
    """An insightface model pack: a folder with a detector and a recogniser in ONNX.

    Args:
        pack: folder of the pack, or the name of one under ``root``/models.
        root: where named packs live.
        det_size: side in pixels that the detector sees; 0 for insightface's own choice (128 and 640).
        upscale_to: pictures with a shorter longest side are enlarged to it first; 0 leaves them.
        det_score: faces that the detector is less sure of are not even found.
        nose_reach: see `NOSE_REACH`.
        cache: a directory where what was found is kept across processes; None remembers it in this one only.
        min_det_score: certainty from which scorers let a face count.

    Raises:
        ScorerUnavailable: the pack is not on this machine or does not load.
    """

    def __init__(
        self,
        pack: str | Path,
        root: str | Path = "~/.insightface",
        det_size: int = 640,
        upscale_to: int = 0,
        det_score: float = 0.3,
        nose_reach: float = NOSE_REACH,
        cache: Path | None = None,
        min_det_score: float = 0.5,
    ) -> None:
        self.min_det_score = min_det_score
        folder = _local(pack, Path(root).expanduser())
        self._upscale_to, self._nose_reach = upscale_to, nose_reach
        self._analysis = _analysis(folder, det_size, det_score)
        content = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(folder.glob("*.onnx")))).hexdigest()
        self.fingerprint = f"face:{content[:16]}:{det_size}:{upscale_to}:{det_score}:{nose_reach}"
        self._found = FoundFaces(cache, self.fingerprint)

    def faces(self, picture: Picture) -> list[FoundFace]:
        """The faces of a picture, the largest first; each picture is looked at once."""
        self.look([picture])
        return self._found[picture.digest]

    def look(self, pictures: Sequence[Picture]) -> None:
        """Find the faces of pictures not seen before, and keep them together: one shard a batch."""
        new = {picture.digest: picture for picture in pictures if picture.digest not in self._found}
        self._found.add({digest: self._look(picture.image.convert("RGB")) for digest, picture in new.items()})

    def _look(self, image: Image.Image) -> list[FoundFace]:
        factor = max(1.0, self._upscale_to / max(image.size))
        size = (round(image.width * factor), round(image.height * factor))
        seen = image if size == image.size else image.resize(size, Image.Resampling.BICUBIC)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # insightface's alignment uses names that its libraries retire
            found = self._analysis.get(np.ascontiguousarray(np.asarray(seen)[:, :, ::-1]))  # it reads BGR
        faces = [self._face(face, seen.size) for face in found]
        return sorted(faces, key=lambda face: (-face.short_side, face.box))

    def _face(self, face: Any, size: tuple[int, int]) -> FoundFace:
        x0, y0, x1, y1 = (float(v) for v in face.bbox)
        width, height = size
        pose = face.pose  # [pitch, yaw, roll] of packs with 3-D landmarks
        yaw = float(pose[1]) if pose is not None else yaw_of(np.asarray(face.kps), self._nose_reach)
        raw = face.normed_embedding
        return FoundFace(
            (x0 / width, y0 / height, x1 / width, y1 / height),
            min(x1 - x0, y1 - y0),
            float(face.det_score),
            yaw,
            None if raw is None or not np.isfinite(raw).all() else np.asarray(raw, np.float32),
        )


def yaw_of(keypoints: NDArray[np.floating[Any]], nose_reach: float = NOSE_REACH) -> float:
    """Yaw in degrees from five keypoints (two eyes, nose, two mouth corners), shape (5, 2); NaN if they collapse.

    Along the line of the eyes (roll does not matter), the nose leaves the middle of the eyes as tan(yaw).
    """
    left, right, nose = (np.asarray(point, np.float64) for point in keypoints[:3])
    along = right - left
    distance = float(np.linalg.norm(along))
    if not math.isfinite(distance) or distance < 1e-6:
        return math.nan
    offset = float((nose - (left + right) / 2) @ along) / distance
    return math.degrees(math.atan(offset / (distance * nose_reach)))


class FaceSettings(ScorerSettings):
    """When a face is compared with the seeds'."""

    kind: Literal["face"] = "face"
    role: Role = "identity"
    min_size: float = Field(64, gt=0)
    """Shortest side of a face box, in pixels of the picture shown to the detector."""
    max_yaw: float = Field(40, gt=0, le=90)
    """A face turned further is not compared, in degrees."""
    families: tuple[str, ...] | None = None
    """View families in which this pack tells individuals apart; elsewhere it is not applicable. null: everywhere."""

    @property
    def uses(self) -> tuple[str, ...]:
        """The face pack."""
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
        pack: the face models.
        references: the seeds.
        min_det_score: surer than this.
        min_size: shorter side of the face box, in pixels of the picture as the detector saw it.
        max_yaw: degrees.
        families: view families in which this pack's embedding was found to tell individuals apart; None: in all.
    """

    Settings = FaceSettings

    def __init__(
        self,
        pack: FacePack,
        references: Sequence[Picture],
        min_det_score: float = 0.5,
        min_size: float = 64,
        max_yaw: float = 40,
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
        """Against the faces of the seeds, as the panel's pack finds them."""
        pack, gates = materials.face_pack, (settings.min_size, settings.max_yaw)
        return cls(pack, materials.references, pack.min_det_score, *gates, settings.families, name)

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
        if not abs(face.yaw) <= max_yaw:  # NaN is not frontal
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
        """The face pack."""
        return ("face",)


class SubjectCount:
    """One subject? 0.5 for one face, −0.5 for two, and so on; not applicable without a face.

    Faces much smaller than the largest, or that the detector is unsure of, do not count.

    Args:
        pack: the face models.
        min_det_score: a face that counts is surer than this.
    """

    Settings = SubjectSettings

    def __init__(self, pack: FacePack, min_det_score: float = 0.5, name: str = "subjects") -> None:
        self.name = name
        self._pack, self._min = pack, min_det_score
        self.fingerprint = f"{pack.fingerprint}:{min_det_score}:{BYSTANDER}"

    @classmethod
    def make(cls, name: str, settings: SubjectSettings, materials: Materials) -> SubjectCount:
        """By the faces that the panel's pack finds."""
        return cls(materials.face_pack, materials.face_pack.min_det_score, name)

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


def _local(pack: str | Path, root: Path) -> Path:
    for folder in (Path(pack).expanduser(), root / "models" / str(pack)):
        if folder.is_dir() and any(folder.glob("*.onnx")):
            return folder
    raise ScorerUnavailable(f"face: '{pack}' is neither a folder with ONNX models nor a pack in {root / 'models'}")


def _analysis(folder: Path, det_size: int, det_score: float) -> Any:
    from insightface.app import FaceAnalysis

    try:
        # Detector and recogniser only; no liveness addon: it withholds the embedding of every generated face.
        analysis = FaceAnalysis(
            name=str(folder.resolve()),
            allowed_modules=["detection", "recognition", "landmark_3d_68"],
            providers=["CPUExecutionProvider"],
        )
        analysis.prepare(ctx_id=-1, det_thresh=det_score, det_size=(det_size, det_size))
    except Exception as error:  # asserts, ONNX runtime errors: whatever a broken pack raises
        raise ScorerUnavailable(f"face: '{folder}' does not load: {type(error).__name__}: {error}") from error
    return analysis
