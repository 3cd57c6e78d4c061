"""`python -m bootstrap.studio.tied PARENT …`: the command line in a process that ends with its parent, on Linux.

Elsewhere such a process goes on alone, and whoever continues its run waits for it.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys

ON_DEATH_OF_PARENT = 1
"""PR_SET_PDEATHSIG of Linux's prctl."""


def tie_to(parent: int) -> None:
    """Let the system kill this process when its parent dies."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(ON_DEATH_OF_PARENT, signal.SIGKILL)
    if os.getppid() != parent:  # it died before this
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    tie_to(int(sys.argv[1]))
    sys.argv = ["bootstrap", *sys.argv[2:]]
    runpy.run_module("bootstrap", run_name="__main__", alter_sys=True)
