"""How each identity scorer by itself ranks a frame among the decoys of its view family: its p, for the explanation.

The gate's own p is of the panel as a whole and stored with its verdict; these are counted here, over all decoys that
were measured. Reads a store; decides nothing and knows no request.
"""

from __future__ import annotations

from threading import Lock

import numpy as np
from numpy.typing import NDArray

from bootstrap.records import Frame
from bootstrap.report.scores import DECOYS, IDENTITY
from bootstrap.store.store import Store
from scoring.calibrate import empirical_p

__all__ = ["Chances"]

Nulls = dict[tuple[str, str], NDArray[np.float64]]


class Chances:
    """Each scorer's p of the frames of an open run; decoys are counted once, and again for a frame drawn since."""

    def __init__(self, store: Store) -> None:
        """Count over what ``store`` has measured."""
        self._store, self._lock = store, Lock()
        self._nulls: Nulls = {}
        self._latest = -1

    def of(self, frame: Frame) -> dict[str, float]:
        """Scorer → chance of a decoy of this view scoring as high, 0..1; scorers that could tell, and have decoys."""
        nulls, view_family = self._read(frame), frame.job.shot.view_family
        answers = self._store.measurements([frame.job.id]).get(frame.job.id, {})
        return {
            name: round(empirical_p(one.value, nulls[view_family, name]), 4)
            for name, one in sorted(answers.items())
            if one.value is not None and (view_family, name) in nulls
        }

    def _read(self, frame: Frame) -> Nulls:
        with self._lock:
            if frame.job.round > self._latest:
                self._latest, self._nulls = frame.job.round, _nulls(self._store)
            return self._nulls


def _nulls(store: Store) -> Nulls:
    """View family and scorer → the values of the decoys."""
    decoys = {frame.job.id: frame.job.shot.view_family for kind in DECOYS for frame in store.frames(kind=kind)}
    found: dict[tuple[str, str], list[float]] = {}
    for id, answers in store.measurements(list(decoys)).items():
        for name in IDENTITY:
            if name in answers and (value := answers[name].value) is not None:
                found.setdefault((decoys[id], name), []).append(value)
    return {place: np.array(values, np.float64) for place, values in found.items()}
