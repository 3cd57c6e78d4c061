"""Faces, or heads, of drawings: a published YOLO detector (deepghs' anime_face_detection and anime_head_detection).

Knows the graph of such a detector and its preprocessing, which are those of dghs-imgutils (generic/yolo): a picture is
squashed to a square of RGB in 0..1; the output ``output0`` holds, for each of n places, the middle, the width and the
height of a box in pixels of that square, and a probability for each class (1, 4 + classes, n), or, of newer exports,
corners, probability and class (1, n, 6). It finds no keypoints and embeds nothing. Nothing is downloaded.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from scoring.clip import ScorerUnavailable
from scoring.faces_found import FoundFace, FoundFaces
from scoring.graphs import Array, Graph
from scoring.measurement import Picture

__all__ = ["DrawnFaces", "is_detector"]

DETECTOR, OUTPUT = "model.onnx", "output0"
CLASSES = ("face", "head")
"""The classes that count, by the names in the graph's metadata."""
LEAST = 0.25
"""Faces of a lower probability are not even found (dghs-imgutils)."""
SAME = 0.5
"""Overlap (intersection over union) from which the less certain of two boxes is left out. dghs-imgutils leaves both
up to 0.7; here faces are counted, and one that is boxed twice would count as two characters."""
CORNERS = 6


def is_detector(place: Path) -> bool:
    """Whether a file or folder has the form of such a detector; insightface's packs name their graphs otherwise."""
    return place.is_file() or (place / DETECTOR).is_file()


class DrawnFaces:
    """A detector of drawn faces as a `scoring.faces_found.FaceFinder`.

    Args:
        folder: with ``model.onnx``, or that file.
        side: of the square in pixels that the detector sees, where its graph leaves that open.
        min_det_score: certainty from which scorers let a face count.
        cache: a directory where what was found is kept across processes; None remembers it in this one only.

    Raises:
        ScorerUnavailable: there is no such graph, or it is no detector of faces or heads.
    """

    embeds = False
    """It finds neither keypoints nor embeddings."""

    def __init__(
        self, folder: str | Path, side: int = 640, min_det_score: float = 0.5, cache: Path | None = None
    ) -> None:
        path = Path(folder)
        path = path / DETECTOR if path.is_dir() else path
        self._graph = Graph(path, "face", threads=0)
        names = _names(self._graph)
        self._classes = [number for number, name in names.items() if name in CLASSES]
        self._size = _size(self._graph, side)
        if not self._classes or not all(self._size) or not self._answers_for(len(names)):
            described = f"{list(self._graph.input_shape)} to {self._graph.outputs}, classes {', '.join(names.values())}"
            raise ScorerUnavailable(f"face: '{path}' is no detector of faces or heads: {described}")
        self.min_det_score = min_det_score
        self.fingerprint = f"drawn-face:{self._graph.digest[:16]}:{self._size}:{LEAST}:{SAME}"
        self._found = FoundFaces(cache, self.fingerprint)

    def faces(self, picture: Picture) -> list[FoundFace]:
        """The faces of a picture, the largest first; each picture is looked at once."""
        self.look([picture])
        return self._found[picture.digest]

    def look(self, pictures: Sequence[Picture]) -> None:
        """Find the faces of pictures not seen before."""
        self._found.look(pictures, self._look)

    def _look(self, image: Image.Image) -> list[FoundFace]:
        squashed = image.resize(self._size, Image.Resampling.BICUBIC)
        pixels = np.ascontiguousarray(np.asarray(squashed).transpose(2, 0, 1)[None] / 255, np.float32)
        boxes, scores = self._read(self._graph.run(pixels, [OUTPUT])[0])
        boxes = np.clip(boxes / np.array([*self._size, *self._size]), 0, 1)
        faces = []
        for place in _apart(boxes, scores):
            left, top, right, bottom = (float(value) for value in boxes[place])
            side = min((right - left) * image.width, (bottom - top) * image.height)
            faces.append(FoundFace((left, top, right, bottom), side, float(scores[place]), float("nan"), None))
        return sorted(faces, key=lambda face: (-face.short_side, face.box))

    def _answers_for(self, classes: int) -> bool:
        """Whether the graph answers in one of the two forms."""
        if OUTPUT not in self._graph.outputs:
            return False
        width, height = self._size
        rows = self._graph.run(np.zeros((1, 3, height, width), np.float32), [OUTPUT])[0]
        return rows.ndim == 2 and (rows.shape[1] == CORNERS or len(rows) == 4 + classes)

    def _read(self, rows: Array) -> tuple[Array, Array]:
        """Corners of the boxes in pixels of the square, shape (n, 4), and their probabilities, shape (n,)."""
        if rows.shape[-1] == CORNERS:
            rows = rows[np.isin(rows[:, 5].astype(int), self._classes) & (rows[:, 4] > LEAST)]
            return rows[:, :4], rows[:, 4]
        scores = rows[[4 + number for number in self._classes]].max(axis=0)
        x, y, width, height = rows[:4, scores > LEAST]
        corners = np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], axis=1)
        return corners, scores[scores > LEAST]


def _names(graph: Graph) -> dict[int, str]:
    """The classes by number, as the graph's metadata name them."""
    try:
        named = dict(ast.literal_eval(graph.metadata.get("names", "{0: 'face'}")))
        return {int(number): str(name) for number, name in named.items()}
    except (ValueError, SyntaxError, TypeError):
        return {}


def _size(graph: Graph, side: int) -> tuple[int, int]:
    """Width and height of what the graph takes, ``side`` where it leaves them open; (0, 0) for no picture."""
    if len(graph.input_shape) != 4 or graph.input_shape[1] != 3:
        return (0, 0)
    height, width = graph.input_shape[2:]
    return (width if isinstance(width, int) else side, height if isinstance(height, int) else side)


def _apart(boxes: Array, scores: Array) -> list[int]:
    """The places of the boxes that overlap no more certain one, the most certain first."""
    kept: list[int] = []
    for place in np.argsort(-scores, kind="stable"):
        if all(_overlap(boxes[place], boxes[other]) < SAME for other in kept):
            kept.append(int(place))
    return kept


def _overlap(one: Array, other: Array) -> float:
    """Intersection over union of two boxes."""
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    inside = float(np.prod(np.maximum(sides, 0)))
    areas = float(np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]))
    return inside / max(areas - inside, 1e-12)
