"""The pages' colours hold the contrast of WCAG 2.1 AA in light and dark, and nothing is cut in two on paper."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import bootstrap

HERE = Path(bootstrap.__file__).parent
SHEETS = {"report": HERE / "report" / "page.css", "review": HERE / "review" / "static" / "review.css"}
TEXT, GRAPHIC = 4.5, 3.0
"""Contrast of text (1.4.3), and of what a graphic tells (1.4.11), to what lies behind."""
TEXTS = {
    "report": ("ink", "soft", "link", "kept", "provisional", "threshold"),
    "review": ("ink", "soft", "keep", "reject", "mark"),
}
GRAPHICS = {"report": ("decoys", "candidates"), "review": ("maybe",)}


def variables(sheet: str, scheme: str) -> dict[str, str]:
    """The colours of a scheme: those of the light one, replaced by what the dark one names."""
    text = SHEETS[sheet].read_text(encoding="utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", text, re.DOTALL)[:2]
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]+)", light))
    if scheme == "dark":
        found |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]+)", dark))
    return found


def luminance(colour: str) -> float:
    """Relative luminance by WCAG 2.1."""
    digits = colour.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    linear = []
    for place in (0, 2, 4):
        value = int(digits[place : place + 2], 16) / 255
        linear.append(value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("sheet", list(SHEETS))
def test_text_and_charts_stand_out_from_what_lies_behind(sheet: str, scheme: str) -> None:
    colours = variables(sheet, scheme)
    weak = {}
    for names, least in ((TEXTS[sheet], TEXT), (GRAPHICS[sheet], GRAPHIC)):
        for name in names:
            for behind in ("paper", "card"):
                ratio = contrast(colours[name], colours[behind])
                if ratio < least:
                    weak[name, behind] = round(ratio, 2)
    assert weak == {}
    assert contrast("#fff", "#000") == pytest.approx(21)


def test_on_paper_nothing_is_folded_away_and_no_chart_is_cut() -> None:
    text = SHEETS["report"].read_text(encoding="utf-8")
    paper = text[text.index("@media print") :]
    assert re.search(r"\.card, figure, \.plot[^{]*\{ break-inside: avoid; \}", paper)
    assert "details::details-content { content-visibility: visible" in paper
    assert "print-color-adjust: exact" in paper
    assert "@media (prefers-color-scheme: dark)" not in text, "paper is white, whatever the screen is"
