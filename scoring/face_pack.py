"""Finding faces: an insightface pack, its settings, and the yaw of a face. Knows no seed and judges nothing.

insightface is imported when a pack is loaded; nothing is downloaded.
"""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from scoring.clip import ScorerUnavailable
from scoring.crops import HEAD_PER_FACE
from scoring.faces_found import FoundFace, FoundFaces
from scoring.measurement import Picture
from scoring.settings import ModelSettings

__all__ = ["FaceModel", "FacePack", "yaw_of"]

NOSE_REACH = 0.5
"""How far the nose stands before the eyes, in eye distances: yaw = atan(offset / (distance · reach))."""


class FaceModel(ModelSettings):
    """The insightface pack, or the detector of drawn faces, that finds faces; ``none`` does without."""

    pack: str = ""
    """Folder of a pack, or of a detector of drawn faces or heads (``model.onnx``), or the name of one that was fetched;
    ``embedded:face`` is the shipped pack; empty: no faces."""
    offered: str = ""
    """A model that can be fetched and named as ``pack``: check and doctor say so where there is none."""
    det_size: int = Field(640, ge=32)
    """Side in pixels that the detector sees."""
    upscale_to: int = Field(0, ge=0)
    """Pictures smaller than this are enlarged before detection; 0 leaves them."""
    min_det_score: float = Field(0.5, ge=0, le=1)
    """Certainty of the detector below which a face does not count."""
    head_per_face: float = Field(HEAD_PER_FACE, gt=0)
    """Side of a head over the longer side of its face box; 1 for a pack or detector that boxes whole heads."""


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
        self.embeds = "recognition" in self._analysis.models
        self.fingerprint = f"face:{content[:16]}:{det_size}:{upscale_to}:{det_score}:{nose_reach}"
        self._found = FoundFaces(cache, self.fingerprint)

    def faces(self, picture: Picture) -> list[FoundFace]:
        """The faces of a picture, the largest first; each picture is looked at once."""
        self.look([picture])
        return self._found[picture.digest]

    def look(self, pictures: Sequence[Picture]) -> None:
        """Find the faces of pictures not seen before."""
        self._found.look(pictures, self._look)

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
