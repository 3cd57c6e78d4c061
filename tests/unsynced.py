"""Writing without waiting for the disk, which is most of the time that a small run takes.

A killed process leaves the same files either way; only a power cut would tell, and `tests/loops/power.py` plays that on
a disk of its own.
"""

import os
import sqlite3
from functools import partial


class UnsyncedConnection(sqlite3.Connection):
    """A connection that leaves it to the system when its pages reach the disk."""

    def execute(self, sql, *parameters):
        return super().execute(sql.replace("synchronous = FULL", "synchronous = OFF"), *parameters)


def without_syncs(patch):
    """Let this process wait for no disk; ``patch`` is called as ``setattr`` is."""
    patch(os, "fsync", lambda descriptor: None)
    patch(sqlite3, "connect", partial(sqlite3.connect, factory=UnsyncedConnection))
