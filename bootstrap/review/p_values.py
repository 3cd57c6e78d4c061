"""How each identity scorer by itself ranks a frame among the decoys of its view family: its p, for the explanation.

The gate's own p is of the panel as a whole and stored with its verdict; these are counted here, over all decoys that
were measured. Reads a store; decides nothing and knows no request.
"""

from __future__ import annotations

from threading import Lock

import numpy as np
from numpy.typing import NDArray

from bootstrap.records import Frame
from bootstrap.report.scorer_roles import identity_scorers
from bootstrap.report.scores import decoys_of
from bootstrap.store.store import Store
from scoring.calibrate import empirical_p

__all__ = ["PValues"]

DecoyScores = dict[tuple[str, str], NDArray[np.float64]]
"""View family and scorer → the values of the decoys."""


class PValues:
    """Each scorer's p of a run's frames; decoys are counted once, and again for a frame of a later round."""

    def __init__(self, store: Store) -> None:
        """Count over the measurements in ``store``."""
        self._store, self._lock = store, Lock()
        self._decoys: DecoyScores = {}
        self._latest_round = -1

    def of(self, frame: Frame) -> dict[str, float]:
        """Scorer → share of decoys of this view that score as high, 0..1; only applicable scorers that have decoys."""
        decoys, view_family = self._read(frame), frame.job.shot.view_family
        measured = self._store.measurements([frame.job.id]).get(frame.job.id, {})
        found = {}
        for name, measurement in sorted(measured.items()):
            if measurement.value is not None and (view_family, name) in decoys:
                found[name] = round(empirical_p(measurement.value, decoys[view_family, name]), 4)
        return found

    def _read(self, frame: Frame) -> DecoyScores:
        with self._lock:
            if frame.job.round > self._latest_round:
                self._latest_round, self._decoys = frame.job.round, _decoy_scores(self._store)
            return self._decoys


def _decoy_scores(store: Store) -> DecoyScores:
    families = {frame.job.id: frame.job.shot.view_family for frame in decoys_of(store)}
    scorers = identity_scorers(store)
    found: dict[tuple[str, str], list[float]] = {}
    for id, measured in store.measurements(list(families)).items():
        for name in scorers:
            value = measured[name].value if name in measured else None
            if value is not None:
                found.setdefault((families[id], name), []).append(value)
    return {place: np.array(values, np.float64) for place, values in found.items()}
