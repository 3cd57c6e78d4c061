"""The command line: the only room that may import loops. Every expected failure is one line and an exit code.

Heavy libraries are imported inside the commands, so that ``--help`` is quick.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from rich.console import Console

from bootstrap.cli.closed_streams import open_closed_streams
from bootstrap.cli.renamed import refuse_renamed
from bootstrap.errors import BootstrapError, Interrupted, Paused
from bootstrap.machine.plain_console import PlainConsole, print_line
from bootstrap.machine.plain_output import one_line, plain_streams

__all__ = ["main"]

LOST = "the work is done; what would have been said is lost"
STOPPED = "stopped; nothing finished is lost. Run the same command again to go on."


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0 done, 1 failed, 2 unusable input, 3 waits for a person, 130 stopped."""
    words = [*sys.argv[1:]] if arguments is None else [*arguments]
    open_closed_streams()
    with plain_streams() as stdout:
        stderr = PlainConsole(stderr=True, soft_wrap=True)
        try:
            _work(words, stderr)
        except SystemExit as ended:
            if ended.code or not stdout.failure:
                raise
            _fail(stderr, BootstrapError(f"stdout cannot be written ({stdout.failure.strerror})", LOST))


def _work(words: Sequence[str], stderr: Console) -> NoReturn:
    """Run a command; exits in any case."""
    try:
        refuse_renamed(words)
        _command()(words, standalone_mode=True)
        sys.exit()
    except BootstrapError as error:
        _fail(stderr, error)
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
    except Exception as error:  # no traceback is ever shown
        from bootstrap.cli.unforeseen import in_a_line

        _fail(stderr, in_a_line(error, words))


@functools.cache
def _command() -> Callable[..., Any]:
    """All commands as one, built once in a process."""
    from typer.main import get_command

    from bootstrap.cli.app import app

    return get_command(app)


def _fail(stderr: Console, error: BootstrapError) -> NoReturn:
    """Print an error with its hint, and exit."""
    print_line(stderr, f"error: {one_line(error.message)}", style="bold red")
    if error.hint:
        print_line(stderr, f"hint: {one_line(error.hint)}")
    sys.exit(error.exit_code)
