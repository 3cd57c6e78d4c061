"""DINOv2 (Apache-2.0) as an encoder of subject crops, through transformers. Nothing is downloaded.

It encodes shape and texture rather than what a picture is about, so crops of a subject compare better with it than
whole pictures with CLIP. Its patches tell a place by its parts, and the statistics of an early layer how a picture is
drawn. `scoring.identity` compares.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image
from pydantic import Field

from scoring.ccip import units
from scoring.clip import ScorerUnavailable
from scoring.features import Vectors
from scoring.identity import Crop, CropIdentity
from scoring.materials import Materials
from scoring.measurement import Picture
from scoring.offloaded import Offloaded
from scoring.place import best_parts
from scoring.settings import Role, ScorerSettings, folder_of_model

__all__ = ["DinoEncoder", "DinoIdentity", "DinoSettings", "Reads"]

Reads = Literal["subject", "texture", "parts"]
"""What is taken of a picture: the class token; mean and deviation of an early layer's channels; its parts in a grid."""

CONFIG, WEIGHTS = "config.json", "model.safetensors"
PATCHES = 16
"""Patches of a side: 224 pixels of 14, the size at which DINOv2 is evaluated."""
GRID = 4
"""Parts of a side, each the mean of as many patches."""
EARLY = 3
"""The layer whose statistics say how a picture is drawn (after Gatys et al. 2016 and Huang and Belongie 2017, who take
early layers of a convolutional network); which one is best was not measured here."""
COUNTED = 0.7
"""Share of a picture's parts that count, the most alike first: the others may show who stands before a place."""
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's normalisation of RGB in 0..1."""


class DinoEncoder:
    """Unit vectors of a crop's class token, shape (n, hidden size).

    Args:
        folder: a model of transformers' Dinov2: ``config.json`` and ``model.safetensors``.
        device: torch device.
        reads: what is taken of a picture.

    Raises:
        ScorerUnavailable: the folder holds no such model.
    """

    def __init__(self, folder: str | Path, device: str = "cpu", reads: Reads = "subject") -> None:
        import torch
        from transformers import Dinov2Config, Dinov2Model

        folder = Path(folder)
        weights = folder / WEIGHTS
        if not _holds_model(folder):
            raise ScorerUnavailable(f"dino: '{folder}' has no config.json with model.safetensors")
        try:
            config = Dinov2Config.from_pretrained(folder, local_files_only=True)
            if config.model_type != "dinov2":
                raise ValueError(f"its model_type is {config.model_type}")
            model = Dinov2Model.from_pretrained(folder, config=config, local_files_only=True, use_safetensors=True)
        except Exception as error:  # configs and weights fail in many ways, all of which mean: not this model
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ScorerUnavailable(f"dino: '{folder}' does not load as DINOv2: {first}") from error
        self._torch, self._device, self._reads = torch, device, reads
        self._model = model.eval()
        self._in_turn = Offloaded([self._model], device)
        self._side = PATCHES * int(config.patch_size)
        with weights.open("rb") as file:
            self.fingerprint = f"dino:{hashlib.file_digest(file, 'sha256').hexdigest()[:16]}:{self._side}"
        if reads != "subject":
            self.fingerprint += f":{reads}:{EARLY if reads == 'texture' else GRID}"

    def embed(self, images: Sequence[Image.Image]) -> Vectors:
        """Unit vectors of RGB images, shape (n, d); images are resized to the square."""
        size = (self._side, self._side)
        pixels = [np.asarray(im.convert("RGB").resize(size, Image.Resampling.BICUBIC), np.float32) for im in images]
        batch = ((np.stack(pixels) / 255 - np.array(MEAN)) / np.array(STD)).transpose(0, 3, 1, 2).astype(np.float32)
        parts = self._in_turn.parts(self._torch.from_numpy(batch))
        with self._torch.no_grad(), self._in_turn:
            rows = [self._taken(part.to(self._device)).cpu() for part in parts]
        return units(self._torch.cat(rows).float().numpy())

    def _taken(self, pixels: Any) -> Any:
        """What is taken of each picture, shape (n, d), on the model's device."""
        found = self._model(pixel_values=pixels, output_hidden_states=self._reads == "texture")
        if self._reads == "subject":
            return found.last_hidden_state[:, 0]
        if self._reads == "texture":
            patches = found.hidden_states[min(EARLY, len(found.hidden_states) - 1)][:, 1:]
            return self._torch.cat([patches.mean(dim=1), patches.std(dim=1)], dim=1)
        patches = found.last_hidden_state[:, 1:].transpose(1, 2).unflatten(2, (PATCHES, PATCHES))
        parts = self._torch.nn.functional.adaptive_avg_pool2d(patches, GRID).flatten(2).transpose(1, 2)
        return self._torch.nn.functional.normalize(parts, dim=2).flatten(1)


def _holds_model(folder: Path) -> bool:
    return (folder / CONFIG).is_file() and (folder / WEIGHTS).is_file()


class DinoSettings(ScorerSettings):
    """Which DINOv2 model, and which crops it compares with the seeds'."""

    kind: Literal["dino"] = "dino"
    role: Role = "identity"
    model: str = Field(min_length=1)
    """Folder of the model, or the name of one in the Hugging Face cache."""
    crops: tuple[Crop, ...] = Field(("head", "body"), min_length=1)
    """What is compared with the same of the seeds."""
    reads: Reads = "subject"
    """What is taken of a crop: ``subject``, what it shows; ``texture``, how it is drawn; ``parts``, a grid of parts,
    each compared with every part of the seeds."""

    @property
    def own_model(self) -> str:
        """The DINOv2 model."""
        return self.model

    def found_in(self, place: Path) -> bool:
        """Whether a folder holds configuration and weights."""
        return _holds_model(folder_of_model(place))

    def load(self, place: Path, device: str) -> DinoEncoder:
        """The encoder on a torch device. Raises ScorerUnavailable."""
        return DinoEncoder(folder_of_model(place), device, self.reads)


class DinoIdentity(CropIdentity):
    """How alike head and body are to the seeds', by a DINOv2 model, which learned from pictures without words."""

    Settings = DinoSettings
    _in_parts = False

    @classmethod
    def make(cls, name: str, settings: DinoSettings, materials: Materials) -> DinoIdentity:
        """In the space of the encoder that its settings loaded."""
        m = materials
        made = cls(m.own[name], m.references, m.crops, m.features, name, settings.crops, m.approved)
        made._in_parts = settings.reads == "parts"
        return made

    def _best(self, pictures: Sequence[Picture], vectors: Vectors, crop: str) -> Vectors:
        """Similarity to the closest reference; of parts the mean over those that are found again best."""
        if not self._in_parts:
            return super()._best(pictures, vectors, crop)
        shown, rows = self.embeddings(self._references, crop)
        if not shown or not pictures:
            return np.full(len(pictures), -np.inf, np.float32)
        return best_parts(_apart(vectors), _apart(rows), COUNTED)


def _apart(rows: Vectors) -> Vectors:
    """The unit vectors of the parts of each picture, shape (n, parts, d)."""
    parts = GRID * GRID
    return np.asarray(rows.reshape(len(rows), parts, -1) * np.sqrt(parts), np.float32)
