"""Sample sheets of a base model: `python -m bootstrap.puppets.train.samples FOLDER OUT.png`.

Rows are prompts, columns are random seeds. Does NOT know how a model was trained.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from numpy.typing import NDArray
from PIL import Image

_WHO = "blue hair, twintails, green eyes, cat ears, fair skin, red shirt, white skirt"
PROMPTS = (
    f"1girl, solo, {_WHO}, from front, upper body, smile, standing, simple background, cel shading",
    f"1girl, solo, {_WHO}, three-quarter view, facing left, portrait, open mouth, sky, cel shading",
    f"1girl, solo, {_WHO}, from side, facing right, full body, frown, walking, forest, cel shading",
    f"1girl, solo, {_WHO}, from behind, upper body, standing, beach, cel shading",
    f"1girl, solo, {_WHO}, from above, full body, smile, arms up, night, cel shading",
    "1girl, solo, blonde hair, short hair, red eyes, purple witch hat, dark skin, green hoodie, from front, portrait,"
    " closed eyes, sunset, cel shading",
    "1girl, solo, pink hair, curly hair, aqua eyes, glasses, tan, yellow dress, from front, close-up, surprised,"
    " room, cel shading",
    "1girl, solo, black hair, braid, brown eyes, red scarf, fair skin, blue jacket, black pants, from below,"
    " full body, smile, hands on hips, city street, cel shading",
)


def load(folder: Path, device: str = "cpu") -> StableDiffusionPipeline:
    """The pipeline in full precision, without progress bars."""
    pipeline = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(device)


def draw(
    pipeline: Any, prompts: Sequence[str], random_seed: int, steps: int = 20, guidance_scale: float = 4.0
) -> NDArray[np.uint8]:
    """One picture for each prompt, from the same noise: uint8 (N, H, W, 3)."""
    noise = [torch.Generator("cpu").manual_seed(random_seed) for _ in prompts]
    drawn = pipeline(
        list(prompts), num_inference_steps=steps, guidance_scale=guidance_scale, generator=noise, output_type="np"
    )
    pictures: NDArray[np.uint8] = (np.asarray(drawn.images) * 255).round().astype(np.uint8)
    return pictures


def write_sheet(folder: Path, path: Path, columns: int = 4, device: str = "cpu", guidance_scale: float = 4.0) -> None:
    """Draw `PROMPTS` with several random seeds and write them as one picture."""
    pipeline = load(folder, device)
    drawn = [draw(pipeline, PROMPTS, random_seed, guidance_scale=guidance_scale) for random_seed in range(columns)]
    rows = np.concatenate(drawn, axis=2)  # the pictures of one prompt, side by side
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"draft-{path.name}")
    Image.fromarray(rows.reshape(-1, rows.shape[2], 3)).save(draft)
    draft.replace(path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and draw."""
    parser = argparse.ArgumentParser(prog="python -m bootstrap.puppets.train.samples", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--columns", type=int, default=4)
    parser.add_argument("--guidance-scale", type=float, default=4.0)
    given = parser.parse_args(arguments)
    write_sheet(given.folder, given.out, given.columns, guidance_scale=given.guidance_scale)


if __name__ == "__main__":
    main()
