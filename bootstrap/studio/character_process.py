"""What a worker does for a character of a queue: `bootstrap run` in a process that ends with the worker.

Knows no Ray and no queue.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap.runs.following import engine_is_running
from bootstrap.runs.queue_work import Ended

__all__ = ["NotShared", "run_here"]

TIED = "bootstrap.studio.tied"
LOOK_EVERY = 0.5


@dataclass(frozen=True, slots=True)
class NotShared:
    """A character cannot be worked on here, and why."""

    why: str


def run_here(words: Sequence[str], folder: str, run: str) -> Ended | NotShared:
    """Run a character in ``folder``; its process ends when this one is killed, so that another may go on at once.

    Where a process still works on it, on a system that does not end it, that one is waited for.
    """
    if not Path(folder).is_dir():
        return NotShared(f'the folder "{folder}" is not on the machine {platform.node()}: share it with every machine')
    while engine_is_running(Path(run)):
        time.sleep(LOOK_EVERY)
    command = [sys.executable, "-m", TIED, str(os.getpid()), "run", *words]
    same_code = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}  # Ray adds the driver's folders to a worker's
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, env=same_code) as child:
        try:
            return Ended(child.wait())
        except BaseException:  # the task is cancelled: the run ends at its next safe point
            child.terminate()
            child.wait()
            raise
