"""Exports a model from time to time while it trains, and measures each export.

Does NOT know what is exported or measured.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from torch import nn

from bootstrap.puppets.train import training_state

log = logging.getLogger(__name__)

_SECONDS = 600
"""Least time between two exports: each takes a minute or so."""


class PeriodicExport:
    """Writes the averaged model and logs its measurements, at most every `_SECONDS` seconds."""

    def __init__(
        self, name: str, workdir: Path, write: Callable[[nn.Module], None], measure: Callable[[], Mapping[str, float]]
    ) -> None:
        """Prepare; the first export is due after `_SECONDS`.

        Args:
            name: of the model, in the log.
            workdir: of the training; measurements are appended to `<workdir>/<name>/measures.csv`.
            write: writes a model where `measure` reads it.
            measure: measurements of what was written, by name.
        """
        self.name, self.path = name, workdir / name / "measures.csv"
        self._write, self._measure = write, measure
        self._due = training_state.Timer(_SECONDS)

    def when_due(self, model: nn.Module) -> None:
        """Export if the last export is long ago."""
        if self._due():
            self.export(model)

    def export(self, model: nn.Module) -> None:
        """Write the model, measure what was written, and log it."""
        self._write(model)
        scores = self._measure()
        log_scores(self.name, scores)
        training_state.append_row(self.path, scores)


def log_scores(name: str, scores: Mapping[str, float]) -> None:
    """Log measurements in one line."""
    log.info("%s %s", name, " ".join(f"{measure} {value:.3f}" for measure, value in scores.items()))
