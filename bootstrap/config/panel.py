"""The settings of a panel (configs/scoring/). Knows no file and loads no model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from bootstrap.config.frozen import Frozen
from bootstrap.config.scorers import ClipConfig, FaceConfig, IdentityConfig, TaggerConfig

__all__ = ["PanelConfig"]


class PanelConfig(Frozen):
    """Who judges (configs/scoring/)."""

    clip: ClipConfig
    """Identity, views and traits."""
    face: FaceConfig
    """Identity of faces."""
    tagger: TaggerConfig = TaggerConfig()
    """Views, framings, traits and the number of subjects, instead of CLIP."""
    ccip: IdentityConfig = IdentityConfig()
    """Identity of drawn characters."""
    dino: IdentityConfig = IdentityConfig()
    """Identity of subject crops by shape and texture."""
    held_out: str = ""
    """An ONNX identity encoder, or an OpenCLIP model of another view_family; read only to stop and roll back."""
    qualified: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """Scorer → view families in which it was shown, here or by its authors, to tell what it is asked."""
    composition: Mapping[str, Mapping[str, tuple[float, float, float, float]]]
    """Framing → head and body boxes as fractions (left, top, right, bottom), where no detector sees the subject."""
    view_phrases: Mapping[str, tuple[str, ...]]
    """View family → phrases that name it to CLIP."""
    vocabulary: Mapping[str, tuple[str, ...]]
    """Axis → the words CLIP can tell apart; other words are not applicable."""
    identity: tuple[str, ...]
    """Axes of the vocabulary that an exchanged decoy may change; the first is always changed."""
    checked: tuple[str, ...] | None = None
    """Identity axes that CLIP reads well enough to check on every frame; null checks all of the vocabulary."""
    drafted: tuple[str, ...] = ()
    """Further axes that are read well enough off a seed to be filled in by ``bootstrap init``, where they lead."""
    traits_from_head: bool = False
    """Read the checked axes on head crops instead of whole pictures."""
    heads: Literal["composition", "face"] = "composition"
    """Where frames' heads are cut: by ``composition``, right for a base that keeps to its framings, or by the
    ``face`` where one is found, right for one that does not."""
    identity_crops: tuple[Literal["head", "body"], ...] = ("head", "body")
    """Crops whose CLIP embedding tells individuals apart; empty: only where no other scorer of identity is set."""
    captioned: tuple[str, ...] = ()
    """Axes that are read well enough to drop a caption's tag when the picture shows another word of the axis."""
    view_margin: float = 0.0
    """Log-probability by which the asked view must lead."""
    trait_margin: float = -0.5
    """Log-probability by which a visible trait may trail at most."""
    trait_failures: float = Field(0.1, ge=0, lt=1)
    """Share of the base's own look-alikes, who were asked for every trait, that may fail the trait check."""
    on_error: Literal["go on", "stop"] = "go on"
    """When a scorer breaks: judge the pictures that it could not measure without it, or stop the run."""
    read_margin: float = 0.7
    """Log-probability by which a seed's view or background must lead to be believed."""
    copy_cosine: float = Field(0.98, gt=0, le=1)
    """Whole-picture similarity to a seed above which a frame is a copy of it."""
    duplicate_cosine: float = Field(0.985, gt=0, le=1)
    """Similarity of two frames above which one is a near-duplicate."""
    duplicate_bits: int = Field(3, ge=0, le=64)
    """Bits of a 64-bit perceptual hash in which near-duplicates differ at most."""
