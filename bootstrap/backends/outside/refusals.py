"""A drawer that will not draw a job, however often it is asked: it hands over a card that says so, and why.

Such a frame is stored like any other, measured, and rejected with that reason.
"""

from __future__ import annotations

from PIL import Image, ImageDraw

__all__ = ["refusal_card", "why_refused"]

REASON = "refused"
GROUND, INK = (236, 236, 236), (90, 90, 90)


def refusal_card(size: tuple[int, int], why: str) -> Image.Image:
    """A grey picture of ``size`` pixels in place of the one that was refused; ``why`` ends a sentence."""
    card = Image.new("RGB", size, GROUND)
    pen = ImageDraw.Draw(card)
    pen.line((0, 0, *size), INK)
    pen.text((4, 4), "not drawn", INK)
    card.info[REASON] = " ".join(why.split())
    return card


def why_refused(image: Image.Image) -> str:
    """Why a job was refused of which this is the card; "" for a picture."""
    return str(image.info.get(REASON, ""))
