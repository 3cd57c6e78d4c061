"""The peak memory of a run over all its processes, stored with the run. A listener; does not know what uses memory."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path

from bootstrap.events import AdapterTrained, Event, FramesJudged, RoundEnded, RunEnded
from bootstrap.store.store import Store

__all__ = ["PEAK", "PeakMemory", "Watch", "peak_memory"]

PEAK = "peak_memory"
"""The fact under which a run stores it: bytes of the process, and of the accelerator, as JSON."""
STAGE_ENDS = (AdapterTrained, FramesJudged, RoundEnded, RunEnded)
EVERY = 0.5
"""Seconds between two looks at what the process holds."""
STATUS = Path("/proc/self/status")
HELD = ("RssAnon:", "RssShmem:")
"""What the process holds itself, in KiB; pages of mapped files (RssFile) are the system's, which takes them back."""


class PeakMemory:
    """A listener that stores the peak at the end of each stage, over all processes that worked on the run."""

    def __init__(self, store: Store) -> None:
        """Write into ``store``; what the process holds is watched from now on."""
        self._store = store
        peak_memory()

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


class Watch:
    """Looks now and then at what the process holds, from a thread of its own, and remembers the most."""

    def __init__(self, held: Callable[[], int]) -> None:
        """Begin to look with ``held``, which gives bytes."""
        self._held, self._most = held, held()
        self._lock = threading.Lock()
        threading.Thread(target=self._keep_looking, name="memory watch", daemon=True).start()

    def most(self) -> int:
        """The most bytes seen so far, now included."""
        with self._lock:
            self._most = max(self._most, self._held())
            return self._most

    def _keep_looking(self) -> None:
        pause = threading.Event()
        while not pause.wait(EVERY):
            self.most()


def peak_memory() -> dict[str, int]:
    """Most bytes that this process ("process") and its accelerator ("device") held at once; 0 where unknown."""
    return {"process": _of_process(), "device": _of_device()}


def _of_process() -> int:
    if STATUS.is_file():
        return _watch().most()
    return _with_mapped_pages()


@cache
def _watch() -> Watch:
    """The watch of this process, begun when it is first asked for."""
    return Watch(_held)


def _held() -> int:
    """Bytes that this process holds now, without pages of mapped files such as a base's weights."""
    found = 0
    for line in STATUS.read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(HELD):
            found += int(line.split()[1]) * 1024
    return found


def _with_mapped_pages() -> int:
    """The most that was resident, on systems that do not tell mapped pages apart; 0 on Windows."""
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
