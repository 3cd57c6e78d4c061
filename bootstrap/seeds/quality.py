"""What is technically poor about a picture, as captions call it: blurred, or strongly compressed. Pixels only."""

from __future__ import annotations

from PIL import Image

from bootstrap.seeds.blockiness import COMPRESSED, blockiness
from bootstrap.seeds.sharpness import BLURRED, sharpness

__all__ = ["ARTIFACTS", "BLURRY", "SENTENCES", "quality_sentences", "quality_tags"]

BLURRY, ARTIFACTS = "blurry", "jpeg artifacts"
SENTENCES = {
    BLURRY: 'is blurred: a sharper picture teaches more; its captions say "blurry"',
    ARTIFACTS: 'shows the blocks of strong JPEG compression: take a better copy; its captions say "jpeg artifacts"',
}


def quality_tags(image: Image.Image, side: int) -> tuple[str, ...]:
    """The booru tags of what is poor about a picture that is trained on at ``side`` pixels; none where all is well."""
    found = []
    if 0 < sharpness(image, side) < BLURRED:
        found.append(BLURRY)
    if blockiness(image) >= COMPRESSED:
        found.append(ARTIFACTS)
    return tuple(found)


def quality_sentences(image: Image.Image, side: int) -> list[str]:
    """The same in words that follow the picture's name."""
    return [SENTENCES[tag] for tag in quality_tags(image, side)]
