"""Measuring: every frame by the whole panel, once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from bootstrap.errors import BackendError
from bootstrap.events import Incident, ScoresMeasured
from bootstrap.panel.judges import Judges
from bootstrap.records import Frame
from bootstrap.store.store import Store
from loops.engine import Engine
from scoring.measurement import Measurement, Picture

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
    chunks = [missing[start : start + AT_ONCE] for start in range(0, len(missing), AT_ONCE)]
    for chunk, measured in zip(
        chunks, _measured(engine, judges, [[by_id[id] for id in ids] for ids in chunks]), strict=True
    ):
        _report_broken(engine, measured)
        seconds, began, done = time.monotonic() - began, time.monotonic(), done + len(chunk)
        event = ScoresMeasured(by_id[chunk[0]].job.round, len(chunk), round(seconds, 2))
        store.add_measurements(measured, fingerprints, seconds, event)
        engine.progress("measuring", done, len(missing))


def _measured(
    engine: Engine, judges: Judges, chunks: Sequence[Sequence[Frame]]
) -> Iterator[Mapping[str, Mapping[str, Measurement]]]:
    """The panel's answers for each chunk, by frame id; shared where several workers measure."""
    if engine.panel_pool is None:
        for chunk in chunks:
            yield judges.measure(chunk, engine.store)
        return
    load = partial(_pictures, judges, engine.store)
    rows_of = engine.panel_pool.measure(judges, [partial(load, chunk) for chunk in chunks])
    for chunk, rows in zip(chunks, rows_of, strict=True):
        yield {frame.job.id: row for frame, row in zip(chunk, rows, strict=True)}


def _pictures(judges: Judges, store: Store, frames: Sequence[Frame]) -> list[Picture]:
    return [judges.picture(frame, store) for frame in frames]


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
