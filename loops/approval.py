"""The gate between rounds: a round goes on by itself, when a person lets it, or when the time given to them is over.

What a person said, when the gate was closed and how it opened are rows, so a resumed run waits for the same answer and
never asks twice. A gate that nobody can open here ends the process (exit code 3): that is a pause, not an error.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

from bootstrap.errors import Interrupted, Paused
from bootstrap.events import GatePassed, WaitingForPerson
from bootstrap.records import Frame
from bootstrap.report.page import write_sheets
from bootstrap.runs.approval_setting import Closed, ask_for, gate_of
from bootstrap.store.person import PERSON, Heard
from loops.engine import Engine

__all__ = ["pass_gate"]

EVERY = 0.5
"""Seconds between two looks at what a person said."""


def pass_gate(engine: Engine) -> None:
    """Wait until the last round may go on; nothing to do before the first has ended, or while one is under way.

    Raises Paused where a person is asked and nobody waits for them here, Interrupted when a wish to stop is heard.
    """
    ask_for(engine.store, engine.config.loop.gate)
    rounds = engine.store.rounds()
    if not rounds or rounds[-1].outcome is None or engine.store.decision(_passed(rounds[-1].number)):
        return
    number = rounds[-1].number
    engine.store.person.heard = Heard()  # whatever was said by now counts here
    opened = _answered(engine, number) or _opening(engine, number)
    while not opened:
        closed = _close(engine, number)
        if not engine.attended and gate_of(engine.store, engine.config.loop.gate).kind == "human":
            raise Paused(_reason(engine, number), "the same command again")
        if engine.stop_asked:
            raise Interrupted("stopped while waiting for a person")
        rest(EVERY)
        opened = _opening(engine, number, closed)
    _open(engine, number, opened)


def rest(seconds: float) -> None:
    """Wait; a function of its own, so that tests need not."""
    time.sleep(seconds)


def moment() -> datetime:
    """The time, UTC: wall-clock time, which goes on while a laptop sleeps."""
    return datetime.now(UTC)


def _passed(number: int) -> str:
    return f"gate-r{number:02d}"


def _known(engine: Engine, number: int) -> Closed | None:
    text = engine.store.decision(f"gate-closed-r{number:02d}")
    return Closed.of(text) if text else None


def _answered(engine: Engine, number: int) -> str:
    """A run that left at this gate and comes back goes on when a person has spoken since: that was the question."""
    closed = _known(engine, number)
    spoken = closed and (engine.store.person.last().verdict or 0) > closed.spoken
    human = gate_of(engine.store, engine.config.loop.gate).kind == "human"
    return PERSON if spoken and human else ""


def _opening(engine: Engine, number: int, closed: Closed | None = None) -> str:
    """By what the gate opens now; "" if it stays closed."""
    setting = gate_of(engine.store, engine.config.loop.gate)
    if setting.kind == "auto" or engine.store.decision(f"gate-open-r{number:02d}"):
        return "auto" if setting.kind == "auto" else PERSON
    closed = closed or _known(engine, number)
    over = setting.kind == "timed" and closed is not None and moment() >= closed.until(setting)
    return "timed" if over else ""


def _close(engine: Engine, number: int) -> Closed:
    """Close the gate once: write the sheet of what is kept, then say that a person is waited for."""
    if known := _known(engine, number):
        return known
    store, setting = engine.store, gate_of(engine.store, engine.config.loop.gate)
    sheets = {path.name for path in write_sheets(store, store.directory / "sheets")}
    sheet = f"sheets/round-{number}.png" if f"round-{number}.png" in sheets else ""
    closed = Closed(moment(), store.person.last().verdict or 0)
    until = closed.until(setting).isoformat(timespec="seconds") if setting.kind == "timed" else ""
    kept, unseen = store.kept(), _unseen(engine)
    told = WaitingForPerson(number, len(kept), len(unseen), sheet, until)
    return Closed.of(store.decide(f"gate-closed-r{number:02d}", closed.text, told))


def _open(engine: Engine, number: int, by: str) -> None:
    """Store how the gate opened and whose verdicts were nobody's; told where a person was asked."""
    verdicts, unseen = engine.store.verdicts(), _unseen(engine)
    judged = sum(one.by == PERSON for one in verdicts.values())
    asked = _known(engine, number) is not None
    told = GatePassed(number, by, judged, len(unseen)) if asked else None
    value = json.dumps({"by": by, "judged": judged, "unseen": [frame.job.id for frame in unseen]})
    engine.store.decide(_passed(number), value, told)


def _unseen(engine: Engine) -> list[Frame]:
    """Kept frames that no person has judged."""
    verdicts = engine.store.verdicts()
    return [frame for frame in engine.store.kept() if verdicts[frame.job.id].by != PERSON]


def _reason(engine: Engine, number: int) -> str:
    run = engine.store.directory
    sheet = run / "sheets" / f"round-{number}.png"
    look = f"look at '{sheet}' and " if sheet.is_file() else ""
    kept = f"{len(engine.store.kept())} kept, {len(_unseen(engine))} of them seen by nobody"
    judge = f"judge with `bootstrap review {run}`, or let it go on with `bootstrap gate {run} open`"
    return f"round {number} waits for you: {kept}; {look}{judge}"
