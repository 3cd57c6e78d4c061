"""Every failure the engine expects, each a sentence that a person can act on.

    BootstrapError            exit 1   something went wrong while working
    ├── BackendError                   a drawer or trainer could not do its job
    │   └── OutOfMemoryError           memory ran out; smaller batches may fit
    └── UsageError            exit 2   what the person gave cannot be used
        ├── StoreError                 a run directory is damaged or of another version
        ├── CharacterError             character.json
        ├── PictureError               a picture file
        ├── SeedError                  the seed pictures, or what is written of them
        ├── ConfigError                a shipped or own configuration, or a --set
        └── OutputError                the folder to write to, or a run that is already in use
    Paused                    exit 3   not an error: a person is asked
    Interrupted               exit 130 not an error: a person pressed Ctrl-C

A message says what, where, the value in quotes; the hint says what to do. Knows nothing of terminals.
"""

from __future__ import annotations


class BootstrapError(Exception):
    """Base of all expected failures: ``try: ... except BootstrapError as error: print(error)``."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        """Keep ``message`` (what, where, the value) and ``hint`` (what to do; may be empty) apart."""
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """One line: the message, then the hint."""
        return f"{self.message}; {self.hint}" if self.hint else self.message


class BackendError(BootstrapError):
    """A drawer or trainer could not do its job (weights missing, loss not finite)."""


class OutOfMemoryError(BackendError):
    """Memory of the machine or its accelerator ran out; smaller batches may fit."""


class UsageError(BootstrapError):
    """What the person gave cannot be used."""

    exit_code = 2


class StoreError(UsageError):
    """A run directory is damaged, or was written by another version."""


class CharacterError(UsageError):
    """character.json cannot be read or does not validate."""


class PictureError(UsageError):
    """A picture file is missing, broken or unusable."""


class SeedError(UsageError):
    """The seeds are not 1 to 1000 pictures, none of them can be taken, or what is written of one cannot be used."""


class ConfigError(UsageError):
    """A configuration file or an override does not validate."""


class OutputError(UsageError):
    """The output folder cannot be written, or another process works in it."""


class Paused(Exception):
    """A person is asked before the run goes on; nothing is lost (exit code 3)."""

    exit_code = 3

    def __init__(self, reason: str, then_run: str) -> None:
        """Say why the run waits and which command continues it."""
        super().__init__(reason)
        self.reason = reason
        self.then_run = then_run


class Interrupted(Exception):
    """The run stopped at a safe point because a person (or the system) asked (exit code 130)."""

    exit_code = 130
