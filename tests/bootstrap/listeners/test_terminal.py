from __future__ import annotations

import io

import pytest
from rich.console import Console

from bootstrap import events
from bootstrap.listeners.terminal import Terminal
from bootstrap.machine.plain_console import PlainConsole
from bootstrap.runs.sentences import duration, sentence

STORY: list[events.Event] = [
    events.RoundBegan(1, "style", 0, 4),
    events.Progress("loading the weights", 0, 1),
    events.Progress("training", 1, 4),
    events.Progress("training", 2, 4, "loss 0.1"),
    events.Progress("training", 4, 4),
    events.BatchGenerated(1, 0, 8, 3.0),
    events.Noted("the tag [mole] cannot be checked"),
]


def output_of(console: Console) -> str:
    with Terminal(console) as terminal:
        for event in STORY:
            terminal(event)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_plain_lines_where_there_is_no_terminal() -> None:
    assert output_of(Console(file=io.StringIO(), width=20)).splitlines() == [
        "round 1 (style phase): 0 kept, aiming at 4; it collects pictures; captions name every trait",
        "  loading the weights …",
        "  training 1/4",
        "  training 2/4 (loss 0.1)",
        "  training 4/4",
        "note: the tag [mole] cannot be checked",
    ]


def test_a_bar_with_an_estimate_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    screen = output_of(Console(file=io.StringIO(), force_terminal=True, width=100, color_system="standard"))
    for part in ("loading the weights …", "training", "4/4", "left", "\x1b[1m", "[mole]"):
        assert part in screen


@pytest.mark.parametrize("width", [60, 80, 100])
def test_a_bar_is_cut_at_no_width(width: int) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None)
    with Terminal(console) as terminal:
        for done in (1, 500):
            terminal(events.Progress("looking at the trigger", done, 800, "loss 0.1234"))
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue()
    assert "500/800" in said
    assert "…" not in said


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[33m" not in output_of(
        Console(file=io.StringIO(), force_terminal=True, width=100, color_system="standard")
    )


def test_a_terminal_that_went_away_stops_nothing() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    terminal = Terminal(PlainConsole(file=Gone()))
    for event in STORY:
        terminal(event)
    terminal.close()


def test_every_event_has_its_sentence() -> None:
    story = [
        events.RunBegan("Mika", "puppet", 48), events.AdapterTrained(1, "a1", 300, 12, 0.05, 75.0),
        events.WavePlanned(1, 1, 16, 100), events.ScoresMeasured(1, 16, 2.0),
        events.FramesJudged(1, 1, 4, 3, 9),
        events.RoundEnded(1, 4, None), events.RoundEnded(2, 8, 0.5),
        events.WaitingForPerson(1, 12, 12, "", ""), events.ApprovalGiven(1, "timed", 3, 9),
        events.PersonJudged("c1", "reject", ["hands"]), events.PersonJudged("c1", "withdrawn", []),
        events.CaptionWritten("c1", "mikachr"), events.Incident("disk", "half full"),
        events.RunEnded(40, 2, "a2", "report.html"), *STORY,
    ]  # fmt: skip
    kinds = {type(event) for event in story}
    assert kinds == set(events.Event.__args__)
    assert [event for event in story if not sentence(event)] == [e for e in STORY if isinstance(e, events.Progress)]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.4, "0 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (1511, "25 min"), (7800, "2 h 10 min")],
)
def test_duration(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected
