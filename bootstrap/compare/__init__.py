"""A finished LoRA under test: checkpoints x weights, what it was never taught, other LoRAs beside it; and what to do.

Knows no order of stages: how pictures are ranked among a run's decoys is handed in by the command.
"""

from __future__ import annotations

from bootstrap.compare.advice import Advice, verdict_of
from bootstrap.compare.grid import Cell, Companion, TriedWeights, grid
from bootstrap.compare.open_run import OpenRun, open_bench
from bootstrap.compare.comparison_page import write_page
from bootstrap.compare.results import Comparison, Result, results
from bootstrap.compare.trial_shots import Trials, trials_for

__all__ = [
    "Advice",
    "Cell",
    "Companion",
    "Comparison",
    "OpenRun",
    "Result",
    "Trials",
    "TriedWeights",
    "grid",
    "open_bench",
    "results",
    "trials_for",
    "verdict_of",
    "write_page",
]
