"""The face detector: a small network in the form of SCRFD (Guo et al. 2021), its targets and its losses.

Three levels (strides 8, 16, 32), two anchors per cell; for each a score, distances to the box's edges and offsets of
five keypoints, in units of the stride. A "face" is the box of a head of which at least two landmarks are visible.
Does NOT know files or identities.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from bootstrap.puppets import scene
from bootstrap.puppets.train import cropping
from bootstrap.puppets.train.blocks import Residual, conv_norm
from bootstrap.puppets.train.individuals import SIZE, TwinGallery

SIDE = 128
"""Side of the training pictures, and the `det_size` to use the detector with."""
STRIDES = (8, 16, 32)
ANCHORS = 2
_RANGES = ((0.0, 58.0), (44.0, 92.0), (74.0, 1e9))
"""Range of the longest side of a face, in pixels of SIDE, at each level; neighbours overlap."""
_BEHIND = scene.ALL_VIEW_FAMILIES.index("behind")


class Detector(nn.Module):
    """(N, 3, H, W) in -1..1, sides divisible by 32, to a list of (N, 2, 15, h, w) per stride: score, box, keypoints."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv_norm(3, 16, 2), conv_norm(16, 32, 2), Residual(32))
        self.down = nn.ModuleList(
            [
                nn.Sequential(conv_norm(32, width, 2), Residual(width)),
                nn.Sequential(conv_norm(width, 64, 2), Residual(64)),
                nn.Sequential(conv_norm(64, 96, 2), Residual(96)),
            ]
        )
        self.lateral = nn.ModuleList(nn.Conv2d(inner, width, 1) for inner in (width, 64, 96))
        self.tower = nn.ModuleList(conv_norm(width, width) for _ in STRIDES)
        self.heads = nn.ModuleList(nn.Conv2d(width, ANCHORS * 15, 3, 1, 1) for _ in STRIDES)
        for head in self.heads:
            nn.init.constant_(head.bias.view(ANCHORS, 15)[:, 0], -3.0)  # type: ignore[operator]

    def forward(self, images: Tensor) -> list[Tensor]:
        """Raw predictions of every level; scores are logits."""
        hidden, features = self.stem(images), []
        for down in self.down:
            hidden = down(hidden)
            features.append(hidden)
        sides = [lateral(feature) for lateral, feature in zip(self.lateral, features, strict=True)]
        for level in (1, 0):
            sides[level] = sides[level] + F.interpolate(sides[level + 1], scale_factor=2.0)
        outputs = [head(tower(side)) for head, tower, side in zip(self.heads, self.tower, sides, strict=True)]
        return [output.unflatten(1, (ANCHORS, 15)) for output in outputs]


class FaceBatch:
    """A batch: pictures, boxes (N, 4) and keypoints (N, 5, 2) in pixels, and whether there is a face.

    `present` is 1 with a face, 0 without, -1 where too little of the face is in the picture to decide.
    """

    def __init__(self, drawings: TwinGallery, batch: int, rng: np.random.Generator) -> None:
        rows = _pick(drawings, batch, rng)
        windows = _windows(batch, rng)
        pictures = cropping.cut(cropping.to_tensor(drawings.images[rows]), torch.from_numpy(windows), SIDE)
        self.images = cropping.disturb(pictures, rng) * 2 - 1
        corner, scale = windows[:, None, :2], SIDE / (windows[:, None, 2:] - windows[:, None, :2])
        box = (drawings.boxes[rows].reshape(-1, 2, 2) / SIZE - corner) * scale
        self.boxes = torch.from_numpy(box.reshape(-1, 4).astype(np.float32))
        keypoints = (drawings.keypoints[rows] / SIZE - corner) * scale
        self.keypoints = torch.from_numpy(keypoints.astype(np.float32))
        self.present = torch.from_numpy(_presence(drawings.visible[rows], box))


def _pick(drawings: TwinGallery, batch: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Random rows; the first sixth of them views from behind, which are no faces."""
    rows = rng.integers(len(drawings), size=batch)
    behind = np.flatnonzero(drawings.view_family == _BEHIND)
    rows[: batch // 6] = rng.choice(behind, batch // 6)
    return rows


def _windows(count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Random crops, (N, 4) in fractions of the picture: most cover nearly all of it, some are far off centre."""
    side = np.where(rng.random(count) < 0.5, 1.0, rng.uniform(0.65, 1.35, count))
    spread = np.where(rng.random(count) < 0.5, 0.03, 0.2)[:, None]
    corner = 0.5 - side[:, None] / 2 + spread * rng.standard_normal((count, 2))
    return np.concatenate([corner, corner + side[:, None]], axis=1).astype(np.float32)


def _presence(visible: NDArray[np.bool_], box: NDArray[np.floating]) -> NDArray[np.int64]:
    """1 with two landmarks visible, 0 with none, -1 in between or where the picture's edge cuts the face."""
    seen = visible.sum(axis=1)
    middle, inside = box.mean(axis=1), np.full(len(box), 1)
    inside[((middle < 0.12 * SIDE) | (middle > 0.88 * SIDE)).any(axis=1)] = -1
    inside[((middle < -0.25 * SIDE) | (middle > 1.25 * SIDE)).any(axis=1)] = 0
    face = np.select([seen >= 2, seen == 0], [inside, 0], -1)
    return face.astype(np.int64)


def centers(level: int, height: int, width: int) -> Tensor:
    """(height, width, 2) x, y of the cells' anchors in pixels: the cells' upper left corners, as SCRFD counts."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([columns, rows], dim=-1).float() * STRIDES[level]


def detection_losses(outputs: list[Tensor], faces: FaceBatch) -> dict[str, Tensor]:
    """Focal loss of the scores; IoU loss of the boxes and relative error of the keypoints on cells that hold a face."""
    score, box, point, cells = [], [], [], 0.0
    for level, output in enumerate(outputs):
        grid = centers(level, *output.shape[-2:])
        positive, ignored = _assign(level, grid, faces)
        logits = output[:, :, 0]
        answers = positive[:, None].expand_as(logits).float()
        weight = (~ignored)[:, None] * (answers - logits.sigmoid()).abs().pow(2)
        score.append((weight * F.binary_cross_entropy_with_logits(logits, answers, reduction="none")).sum())
        picture, row, column = positive.nonzero(as_tuple=True)
        cells += max(len(picture), 0) * ANCHORS
        chosen = output[picture, :, 1:, row, column]
        box.append(_box_loss(level, chosen[..., :4], grid[row, column], faces.boxes[picture]))
        point.append(_point_loss(level, chosen[..., 4:], grid[row, column], faces, picture))
    total = max(cells, 1.0)
    sums = {"score": score, "box": box, "point": point}
    return {name: torch.stack(parts).sum() / total for name, parts in sums.items()}


def _assign(level: int, grid: Tensor, faces: FaceBatch) -> tuple[Tensor, Tensor]:
    """Cells that hold a face's middle, and cells that do not count, bool (N, h, w)."""
    low, high = _RANGES[level]
    longest = (faces.boxes[:, 2:] - faces.boxes[:, :2]).amax(1)
    middle = (faces.boxes[:, :2] + faces.boxes[:, 2:]) / 2
    away = (grid[None] - middle[:, None, None]).abs().amax(-1)
    near = away <= 0.8 * STRIDES[level]
    around = away <= (0.8 * STRIDES[level] + 0.25 * longest[:, None, None])
    fits = ((longest >= low) & (longest < high))[:, None, None]
    face = (faces.present == 1)[:, None, None]
    unsure = (faces.present == -1)[:, None, None].expand_as(near)
    return face & fits & near, unsure | (face & around & ~(fits & near))


def _box_loss(level: int, distances: Tensor, grid: Tensor, boxes: Tensor) -> Tensor:
    """Sum of 1 - IoU of predicted and true edges; both anchors."""
    reach = F.softplus(distances) * STRIDES[level]
    left_top, right_bottom = grid[:, None] - reach[..., :2], grid[:, None] + reach[..., 2:]
    true_left, true_right = boxes[:, None, :2], boxes[:, None, 2:]
    common = (torch.minimum(right_bottom, true_right) - torch.maximum(left_top, true_left)).clamp(min=0).prod(-1)
    union = (right_bottom - left_top).prod(-1) + (true_right - true_left).prod(-1) - common
    return (1 - common / union.clamp(min=1e-3)).sum()


def _point_loss(level: int, offsets: Tensor, grid: Tensor, faces: FaceBatch, picture: Tensor) -> Tensor:
    """Sum of the keypoints' mean distance, in tenths of the face's longest side; both anchors."""
    points = grid[:, None, None] + offsets.reshape(*offsets.shape[:-1], 5, 2) * STRIDES[level]
    boxes = faces.boxes[picture]
    longest = (boxes[:, 2:] - boxes[:, :2]).amax(1)[:, None]
    error = (points - faces.keypoints[picture][:, None]).abs().sum(-1).mean(-1)
    total: Tensor = (10 * error / longest).sum()
    return total
