"""Progress of a run on stderr: a bar with an estimate, and one lasting line for each event, wrapped between words.

A stage that cannot be counted has a spinner. Where stderr is no terminal, plain lines without times, and a stage's
progress at each quarter. NO_COLOR is honoured.
Knows nothing of the run but its events; a terminal that was closed never stops a run.
"""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from bootstrap import events
from bootstrap.events import Event
from bootstrap.machine.plain_console import PlainConsole, print_line
from bootstrap.runs.sentences import sentence

__all__ = ["Terminal"]

STYLES = {
    events.Noted: "yellow", events.Incident: "yellow", events.RoundBegan: "bold",
}  # fmt: skip
WIDE = 80
"""Columns from which a bar has room for all."""
QUIET = (events.BatchGenerated, events.ScoresMeasured)  # the bar shows these already
TOLD_BY_RUN = (events.RunEnded,)
"""What the command itself tells at the end, with the paths."""


class Terminal:
    """A listener: call it with events and close it at the end, or use it as a context manager."""

    def __init__(self, console: Console | None = None) -> None:
        """Write to ``console``, by default stderr."""
        self._console = console or PlainConsole(stderr=True)
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._stage = ""
        self._quarter = -1

    def __call__(self, event: Event) -> None:
        """Show one event."""
        with contextlib.suppress(OSError, ValueError):  # closed stream, broken pipe: nobody reads any more
            if isinstance(event, events.Progress):
                self._advance(event)
            elif not isinstance(event, (*QUIET, *TOLD_BY_RUN)):
                self._print(event)

    def close(self) -> None:
        """Remove the bar; a second call does nothing."""
        bar, self._bar, self._task, self._stage = self._bar, None, None, ""
        if bar:
            with contextlib.suppress(OSError, ValueError):
                bar.stop()

    def __enter__(self) -> Self:
        """The listener itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave a clean terminal, whatever happened."""
        self.close()

    def _print(self, event: Event) -> None:
        print_line(self._console, sentence(event), style=STYLES.get(type(event), ""))

    def _advance(self, event: events.Progress) -> None:
        new_stage = event.stage != self._stage
        self._stage = event.stage
        if self._console.is_terminal:
            self._draw(event, new_stage)
        else:
            self._print_quarters(event, new_stage)

    def _draw(self, event: events.Progress, new_stage: bool) -> None:
        """Move the bar; a stage that is done leaves no bar behind."""
        if new_stage and self._bar:
            self._bar.stop()
            self._bar = None
        if self._bar is None:
            self._bar = _bar(self._console) if event.total > 1 else _spinner(self._console)
            self._task = self._bar.add_task(event.stage, total=event.total, detail="")
            self._bar.start()
        assert self._task is not None
        self._bar.update(self._task, completed=event.done, total=event.total, detail=event.detail)
        if event.done >= event.total:
            self.close()

    def _print_quarters(self, event: events.Progress, new_stage: bool) -> None:
        """A line at 25, 50, 75 and 100 %; one when a stage begins that cannot be counted."""
        if new_stage:
            self._quarter = 0
        if new_stage and event.total == 1 and not event.done:
            self._quarter = 4
            self._console.print(Text(f"  {event.stage} …"), soft_wrap=True)
        quarter = 4 * event.done // max(event.total, 1)
        if quarter > self._quarter:
            self._quarter = quarter
            detail = f" ({event.detail})" if event.detail else ""
            self._console.print(Text(f"  {event.stage} {event.done}/{event.total}{detail}"), soft_wrap=True)
        if event.done >= event.total:
            self._stage = ""


def _spinner(console: Console) -> Progress:
    """The layout of a stage that cannot be counted."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description} …", markup=False),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


def _bar(console: Console) -> Progress:
    """The layout of a stage's bar; a narrow terminal shows how far it is and the time left, and no more."""
    columns: list[ProgressColumn] = [TextColumn("  [progress.description]{task.description:<9}")]
    if console.width < WIDE:
        columns += [BarColumn(bar_width=8), MofNCompleteColumn(), TextColumn("left"), TimeRemainingColumn()]
    else:
        columns += [BarColumn(bar_width=30), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left")]
        columns += [TimeRemainingColumn(), TextColumn("{task.fields[detail]}", markup=False)]
    return Progress(*columns, console=console, transient=True)
