"""Decisions on who draws, and how: a record type for each, as in `bootstrap.store.decisions`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

__all__ = ["DrawerChosen", "LoraStartChosen", "SharesChosen", "StrengthsChosen"]


@dataclass(frozen=True, slots=True)
class DrawerChosen:
    """The round whose LoRA draws a round: its own number, or that of an earlier one that draws better."""

    KEY: ClassVar = ("round",)
    round: int
    drawn_by: int


@dataclass(frozen=True, slots=True)
class LoraStartChosen:
    """After which share of the steps a LoRA joins the base in its rounds; ``yields`` are those of every share that was
    tried."""

    KEY: ClassVar = ("adapter",)
    adapter: str
    start: float
    yields: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class StrengthsChosen:
    """How strongly each view family heeds the references; ``yields`` are those of every strength that was tried."""

    KEY: ClassVar = ()
    strengths: Mapping[str, float]
    yields: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class SharesChosen:
    """View family → drawer → share of a wave's candidates that it draws; ``yields`` are frames that passed for each
    unit that they cost, empty in the first wave."""

    KEY: ClassVar = ("round", "wave")
    round: int
    wave: int
    shares: Mapping[str, Mapping[str, float]]
    yields: Mapping[str, Mapping[str, float]]
