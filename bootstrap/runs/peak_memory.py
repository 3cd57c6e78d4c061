"""The peak memory of a run over all its processes, stored with the run. A listener; does not know what uses memory."""

from __future__ import annotations

import json
import sys

from bootstrap.events import AdapterTrained, Event, FramesJudged, RoundEnded, RunEnded
from bootstrap.store.store import Store

__all__ = ["PEAK", "PeakMemory", "peak_memory"]

PEAK = "peak_memory"
"""The fact under which a run stores it: bytes of the process, and of the accelerator, as JSON."""
STAGE_ENDS = (AdapterTrained, FramesJudged, RoundEnded, RunEnded)


class PeakMemory:
    """A listener that stores the peak at the end of each stage, over all processes that worked on the run."""

    def __init__(self, store: Store) -> None:
        """Write into ``store``."""
        self._store = store

    def __call__(self, event: Event) -> None:
        """Measure when a stage has ended."""
        if not isinstance(event, STAGE_ENDS):
            return
        stored: dict[str, int] = json.loads(self._store.recall(PEAK) or "{}")
        highest = dict(stored)
        for name, value in peak_memory().items():
            highest[name] = max(value, stored.get(name, 0))
        if highest != stored:
            self._store.remember(PEAK, json.dumps(highest))


def peak_memory() -> dict[str, int]:
    """Most bytes that this process ("process") and its accelerator ("device") held at once; 0 where unknown."""
    return {"process": _of_process(), "device": _of_device()}


def _of_process() -> int:
    if sys.platform == "win32":  # pragma: no cover
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if sys.platform == "darwin":
        return peak
    return peak * 1024  # macOS counts bytes, other systems KiB


def _of_device() -> int:
    """CUDA's own count; torch is only asked where something else has imported it."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return 0
    return int(torch.cuda.max_memory_reserved())
