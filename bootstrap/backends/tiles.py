"""A VAE that works in tiles, for cards whose memory a whole picture is too much for. Imports no model library."""

from __future__ import annotations

from typing import Any

__all__ = ["TILE", "use_tiles"]

TILE = 512
"""Pixels of a side of a tile. Decoding one takes .76 GiB, a picture of 1024 pixels 3."""


def use_tiles(pipe: Any) -> None:
    """Let a pipeline's VAE work in tiles of `TILE` pixels; its own are as large as the pictures it was trained on."""
    pipe.vae.enable_tiling()
    pipe.vae.tile_sample_min_size, pipe.vae.tile_latent_min_size = TILE, TILE // pipe.vae_scale_factor
