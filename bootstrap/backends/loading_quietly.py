"""Loading models without the libraries' own words, and failures of theirs as one line. Knows no kind of model."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path

from bootstrap.errors import BackendError
from bootstrap.machine.device import reporting_memory

__all__ = ["loading"]


@contextlib.contextmanager
def loading(path: Path, where_short: str) -> Iterator[None]:
    """A block that loads what is at ``path``; ``where_short`` says what to do where memory runs out.

    Raises BackendError, in one line, for anything that a library raises.
    """
    try:
        with _quiet(), reporting_memory(where_short):
            yield
    except BackendError:
        raise
    except Exception as error:  # a damaged file makes the libraries raise anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise BackendError(f'"{path}" does not load: {reason}', "fetch the model again") from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the libraries' own bars and deprecations: a person sees our lines only."""
    from diffusers.utils import logging as diffusers_log
    from transformers.utils import logging as transformers_log

    for log in (diffusers_log, transformers_log):
        log.set_verbosity_error()
        log.disable_progress_bar()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
