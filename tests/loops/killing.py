"""Plays one run again and again in forked children that are killed: a script, for `test_story.py`.

    python killing.py each FOLDER COUNT:STEP run ARGUMENTS...   killed after event 1, 1 + STEP … COUNT, own folders
    python killing.py chain FOLDER COUNT run ARGUMENTS...       one run, killed after every event until it is finished

One process imports everything once; a child costs what it does.
"""

import os
import signal
import sys

import loops.run  # noqa: F401  (imported before the forks)
from bootstrap.panel.color_models import fake_panel_models  # noqa: F401
from bootstrap.store.journal import Journal
from tests.benchmarks.kills import status_of
from tests.unsynced import without_syncs


def play(arguments, kill_after=None):
    """The exit status of a child that runs the command; with ``kill_after`` it dies by SIGKILL."""
    child = os.fork()
    if not child:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        if kill_after is not None:
            os.dup2(quiet, 2)
            kill_at(kill_after)
        os._exit(status_of(arguments))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill_at(count):
    """Let this process die when ``count`` events are stored, before any listener gets the last one."""
    published, seen = Journal.publish, [0]

    def publish(self, event):
        seen[0] += type(event).__name__ != "Progress"
        if seen[0] >= count:
            os.kill(os.getpid(), signal.SIGKILL)
        published(self, event)

    Journal.publish = publish


def each(folder, counts, arguments):
    """A folder for each event after which the run is killed once and continued."""
    count, step = map(int, counts.split(":"))
    for number in range(1, count + 1, step):
        out = [*arguments, "--out", f"{folder}/killed{number:03d}"]
        if play(out, kill_after=number) != -signal.SIGKILL or play(out) != 0:
            return f"event {number}"
    return ""


def chain(folder, count, arguments):
    """One folder; every start gets one event further."""
    out = [*arguments, "--out", f"{folder}/chain"]
    for _ in range(int(count)):
        if (ended := play(out, kill_after=1)) != -signal.SIGKILL:
            return "" if ended == 0 else f"exit code {ended}"
    return "" if play(out) == 0 else "not finished"


if __name__ == "__main__":
    without_syncs(setattr)
    mode, folder, count, *arguments = sys.argv[1:]
    sys.exit({"each": each, "chain": chain}[mode](folder, count, arguments) or 0)
