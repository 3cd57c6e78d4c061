"""The loaded models of a panel, before any seed is known. Downloads nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bootstrap.config import PanelConfig, embedded
from bootstrap.errors import BackendError
from bootstrap.panel.downloads import located
from bootstrap.seeds.pictured_heads import CloseUps
from scoring.color_histograms import COLORS, ColorHistograms
from scoring.crops import Crops
from scoring.drawn_faces import DrawnFaces, is_detector
from scoring.features import Encoder, Features, WordEncoder
from scoring.measurement import Picture, digest_of
from scoring.settings import ScorerSettings
from scoring.tagger import Tagger
from scoring.zeroshot import log_probabilities, read_axis

if TYPE_CHECKING:
    from scoring.faces_found import FaceFinder

__all__ = ["PanelModels", "open_panel_models"]

FRAMING = "framing"
"""The axis whose words say how close a picture is."""


@dataclass(frozen=True)
class PanelModels:
    """The models that scorers share, the encoders of single scorers by the scorer's name, and the cache of embeddings.

    ``margin`` is the log-probability by which a phrase must lead to be read off a seed.
    """

    clip: WordEncoder
    features: Features
    margin: float
    faces: FaceFinder | None = None
    tagger: Tagger | None = None
    own: Mapping[str, Encoder] = field(default_factory=dict)

    def serve(self, name: str, settings: ScorerSettings) -> bool:
        """Whether everything that a scorer needs is loaded."""
        reads = not isinstance(self.clip, ColorHistograms)
        loaded = {"clip": reads, "face": self.faces is not None, "tagger": self.tagger is not None}
        shared = all(loaded[model] for model in settings.uses)
        return shared and (not settings.own_model or name in self.own)

    def crops(self, config: PanelConfig) -> Crops:
        """Where heads and bodies are cut out of pictures: by composition, or heads by their faces."""
        usual = config.usual_framing
        if config.heads == "composition" or self.faces is None:
            return Crops(config.composition, usual)
        from scoring.face_heads import FaceHeads

        face = config.models.face
        return Crops(config.composition, usual, finder=FaceHeads(self.faces, face.min_det_score, face.head_per_face))

    def close_ups(self, config: PanelConfig) -> CloseUps | None:
        """What reads how surely pictures are close-ups; None where the panel has no words for framings."""
        framings, closest = config.vocabulary.get(FRAMING, ()), next(iter(config.composition), "")
        if len(framings) < 2 or closest not in framings:
            return None

        def read(images: Sequence[Image.Image]) -> NDArray[np.float64]:
            pictures = [Picture(image, digest_of(image), "", "") for image in images]
            rows = log_probabilities(self.reader(framings), Features(), pictures, framings)
            return rows[:, framings.index(closest)]

        return read

    def read(self, image: Image.Image, phrases: Sequence[str]) -> str:
        """The phrase that a picture shows; "" when the best does not lead by the margin.

        The tagger reads phrases that all have tags; CLIP reads the others.
        """
        picture = Picture(image, digest_of(image), "", "")
        return read_axis(self.reader(phrases), self.features, picture, phrases, self.margin)[0] or ""

    def reader(self, phrases: Sequence[str]) -> WordEncoder:
        """The tagger for phrases that all have tags, else CLIP."""
        if self.tagger is not None and all(self.tagger.knows(phrase) for phrase in phrases):
            return self.tagger
        return self.clip


def open_panel_models(
    config: PanelConfig, cache: Path | None, device: str = "cpu", *, comparing: bool = True
) -> PanelModels:
    """Load the panel's models; without ``comparing`` only those that read pictures, not those that compare with seeds.

    Raises BackendError naming the file that is missing or does not load.
    """
    from scoring.clip import ScorerUnavailable

    clip = config.models.clip
    try:
        return PanelModels(
            clip=_clip(clip.model, clip.pretrained, device),
            features=Features(cache),
            margin=config.read_margin,
            faces=_faces(config, cache),
            tagger=tagger_of(config),
            own=_own(config, device, None if comparing else config.read_by),
        )
    except ScorerUnavailable as error:
        raise BackendError(str(error), "bootstrap setup --base BASE fetches what the panel of a base needs") from error


def _clip(model: str, pretrained: str, device: str) -> WordEncoder:
    if model == COLORS:
        return ColorHistograms()
    from scoring.clip import ClipEncoder

    place = embedded(model)
    on_disk = model.startswith("embedded:") or place.is_dir()
    return ClipEncoder(str(place) if on_disk else model, pretrained, device)


def _faces(config: PanelConfig, cache: Path | None) -> FaceFinder | None:
    """An insightface pack, or a detector alone, whichever form the folder has."""
    face = config.models.face
    if not face.pack:
        return None
    if is_detector(place := located(face.pack)):
        return DrawnFaces(place, face.det_size, face.min_det_score, cache)
    from scoring.face_pack import FacePack

    return FacePack(
        place,
        det_size=face.det_size,
        upscale_to=face.upscale_to,
        cache=cache,
        min_det_score=face.min_det_score,
    )


def tagger_of(config: PanelConfig) -> Tagger | None:
    """The panel's tagger; None where it has none. Raises ScorerUnavailable where it cannot be loaded."""
    tagger = config.models.tagger
    return Tagger(located(tagger.model), tagger.words, tagger.threads) if tagger.model else None


def _own(config: PanelConfig, device: str, only: Collection[str] | None) -> dict[str, Encoder]:
    """The encoder of each scorer that has one of its own, by the scorer's name; with ``only`` of those."""
    wanted = {name: settings for name, settings in config.in_use.items() if settings.own_model}
    if only is not None:
        wanted = {name: settings for name, settings in wanted.items() if name in only}
    return {name: settings.load(located(settings.own_model), device) for name, settings in wanted.items()}
