"""Measuring: every frame by the whole panel, once."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from bootstrap.errors import BackendError
from bootstrap.events import Incident, ScoresMeasured
from bootstrap.panel.judges import Judges
from bootstrap.records import Frame
from loops.engine import Engine
from scoring.measurement import Measurement

__all__ = ["measure"]

AT_ONCE = 64
LONGEST_REASON = 160


def measure(engine: Engine, frames: Sequence[Frame], judges: Judges | None = None) -> None:
    """Measure the frames that lack a measurement by any scorer with its present fingerprint.

    ``judges`` are the engine's with more words, for shots that the character does not plan.
    A scorer that breaks leaves errors, never zeros. Raises BackendError where `PanelConfig.on_error` says stop.
    """
    store, judges = engine.store, judges or engine.judges
    fingerprints = judges.fingerprints
    by_id = {frame.job.id: frame for frame in frames}
    missing = store.unmeasured(list(by_id), fingerprints)
    began, done = time.monotonic(), 0
    for start in range(0, len(missing), AT_ONCE):
        chunk = missing[start : start + AT_ONCE]
        measured = judges.measure([by_id[id] for id in chunk], store)
        _report_broken(engine, measured)
        seconds, began, done = time.monotonic() - began, time.monotonic(), done + len(chunk)
        event = ScoresMeasured(by_id[chunk[0]].job.round, len(chunk), round(seconds, 2))
        store.add_measurements(measured, fingerprints, seconds, event)
        engine.progress("measuring", done, len(missing))


def _report_broken(engine: Engine, measured: Mapping[str, Mapping[str, Measurement]]) -> None:
    """Emit which scorers broke, each failure once a run; or raise before anything is stored, as the panel says."""
    broken: dict[str, str] = {}
    for values in measured.values():
        broken |= {name: value.why for name, value in values.items() if value.failed}
    if not broken:
        return
    known = {event.text for event in engine.store.events() if isinstance(event, Incident)}
    for name, why in broken.items():
        failure = f'scorer "{name}" failed ({why[:LONGEST_REASON]})'
        if engine.config.panel.on_error == "stop":
            raise BackendError(failure, "mend it and run the same command again, or --set panel.on_error='go on'")
        text = f"{failure}; the pictures that it could not measure are judged without it"
        if text not in known:
            engine.emit(Incident("scorer", text))
