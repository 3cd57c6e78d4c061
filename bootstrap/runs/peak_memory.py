"""The most memory that a run has ever taken, remembered with the run. A listener; knows nothing of what took it."""

from __future__ import annotations

import json
import sys

from bootstrap.events import AdapterTrained, Event, FramesJudged, RoundEnded, RunEnded
from bootstrap.store.store import Store

__all__ = ["PEAK", "PeakMemory", "peak_memory"]

PEAK = "peak_memory"
"""The fact under which a run remembers it: bytes of the process, and of the accelerator, as JSON."""
TELLING = (AdapterTrained, FramesJudged, RoundEnded, RunEnded)


class PeakMemory:
    """A listener that writes down the peak at the end of each stage, over all processes that worked on the run."""

    def __init__(self, store: Store) -> None:
        """Write into ``store``."""
        self._store = store

    def __call__(self, event: Event) -> None:
        """Look after a stage ended."""
        if not isinstance(event, TELLING):
            return
        before = json.loads(self._store.recall(PEAK) or "{}")
        highest = {name: max(value, before.get(name, 0)) for name, value in peak_memory().items()}
        if highest != before:
            self._store.remember(PEAK, json.dumps(highest))


def peak_memory() -> dict[str, int]:
    """Most bytes that this process ("process") and its accelerator ("device") held at once; 0 where nobody can tell."""
    return {"process": _of_process(), "device": _of_device()}


def _of_process() -> int:
    if sys.platform == "win32":  # pragma: no cover
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS says bytes, others KiB


def _of_device() -> int:
    """CUDA's own count; torch is asked only where somebody else loaded it."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return 0
    return int(torch.cuda.max_memory_reserved())
