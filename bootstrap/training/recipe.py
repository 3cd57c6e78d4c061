"""How a LoRA is trained, as validated data. Knows nothing of why it is trained or of any model."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class TrainRecipe(BaseModel):
    """The settings of one LoRA training. Defaults are for the embedded base; configs/ override them for others."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    rank: int = Field(16, ge=1, le=256)
    """LoRA rank (``network_dim``)."""
    network_alpha: float = Field(16.0, gt=0)
    """LoRA alpha; the weights are scaled by ``network_alpha / rank``."""
    learning_rate: float = Field(1e-3, gt=0, le=1)
    """Peak rate for the UNet's LoRA weights."""
    lr_scheduler: Literal["constant", "cosine", "cosine_with_restarts"] = "cosine"
    """Rate over the steps."""
    lr_warmup_steps: int = Field(10, ge=0)
    """Steps of linear warm-up."""
    steps: int = Field(300, ge=1)
    """Optimiser steps."""
    batch_size: int = Field(8, ge=1)
    """Pictures a step."""
    min_snr_gamma: float | None = Field(5.0, gt=0)
    """Min-SNR loss weighting (arXiv 2303.09556); null switches it off."""
    noise_offset: float = Field(0.0, ge=0, le=1)
    """Constant offset noise a channel."""
    caption_dropout: float = Field(0.05, ge=0, le=1)
    """Probability that a whole caption is emptied."""
    tag_dropout: float = Field(0.1, ge=0, le=1)
    """Probability that a tag after the kept ones is dropped."""
    keep_tokens: int = Field(1, ge=0)
    """Leading tags that are never shuffled or dropped (the trigger)."""
    weight_decay: float = Field(0.01, ge=0)
    """AdamW weight decay."""
    max_grad_norm: float = Field(1.0, gt=0)
    """Gradient clipping."""
    seed: int = Field(0, ge=0)
    """Seed of data order, noise and initialisation."""
    checkpoint_every: int = Field(100, ge=1)
    """Steps between checkpoints from which a killed training continues exactly."""
