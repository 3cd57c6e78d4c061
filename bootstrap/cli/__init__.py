"""The command line: the only room that may import loops. Every expected failure is one line and an exit code.

Heavy libraries are imported inside the commands, so that ``--help`` is quick.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence

from rich.console import Console

from bootstrap.cli.renamed import refuse_renamed
from bootstrap.errors import BootstrapError, Interrupted, Paused, UsageError

__all__ = ["main"]

STOPPED = "stopped; nothing finished is lost. Run the same command again to go on."


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0 done, 1 failed, 2 unusable input, 3 waits for a person, 130 stopped."""
    from bootstrap.cli.app import app

    words = [*sys.argv[1:]] if arguments is None else [*arguments]
    stderr = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        refuse_renamed(words)
        app(words, standalone_mode=True)
    except BootstrapError as error:
        stderr.print(f"error: {error.message}", markup=False, style="bold red")
        if error.hint:
            stderr.print(f"hint: {error.hint}", markup=False)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        stderr.print(f'error: "{error.filename}" is too long a path', markup=False, style="bold red")
        sys.exit(UsageError.exit_code)
    except Paused as pause:
        stderr.print(f"{pause.reason}; then run: {pause.then_run}", markup=False)
        sys.exit(pause.exit_code)
    except Interrupted:
        stderr.print(STOPPED, markup=False)
        sys.exit(Interrupted.exit_code)
    except SystemExit as ended:
        if ended.code == Interrupted.exit_code:  # Ctrl-C at once: the command library caught it
            stderr.print(STOPPED, markup=False)
        raise
