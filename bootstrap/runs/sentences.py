"""Events as sentences for a person. Pure; knows no terminal and no file."""

from __future__ import annotations

from bootstrap import events
from bootstrap.events import Event

__all__ = ["duration", "sentence"]


def duration(seconds: float) -> str:
    """Seconds as a person says them: "42 s", "3 min 05 s", "25 min", "2 h 10 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 3600:
        return f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def sentence(event: Event) -> str:
    """One line that says what happened; "" for `Progress`, which settles nothing."""
    match event:
        case events.RunBegan():
            return f"run of {event.character} on {event.base}: {event.target} pictures wanted"
        case events.RoundBegan():
            return f"round {event.round} ({event.phase} phase): {event.kept} kept, aiming at {event.goal}"
        case events.AdapterTrained():
            drawn_from = f"{event.steps} steps on {event.pictures} pictures, loss {event.loss:.4f}"
            return f"  trained {event.adapter}: {drawn_from}, {duration(event.seconds)}"
        case events.WavePlanned():
            return f"  wave {event.wave} planned: {event.candidates} candidates, {event.decoys} decoys"
        case events.BatchGenerated():
            return f"  drew {event.pictures} pictures in {duration(event.seconds)}"
        case events.ScoresMeasured():
            return f"  measured {event.pictures} pictures in {duration(event.seconds)}"
        case events.FramesJudged():
            rest = f"{event.rejected} rejected, {event.undecided} undecided"
            return f"  wave {event.wave} judged: {event.kept} kept, {rest}"
        case events.RoundEnded():
            held_out = "" if event.held_out is None else f", held-out similarity {event.held_out:.3f}"
            return f"round {event.round} ended: {event.kept} kept in all{held_out}"
        case events.RunEnded():
            extra = f" and {event.provisional} provisional" if event.provisional else ""
            return f"finished: {event.kept} kept{extra}; adapter {event.adapter}, report {event.report}"
        case events.WaitingForPerson():
            until = f" until {event.until}" if event.until else ""
            return f"round {event.round} waits for you{until}: {event.kept} kept, {event.unseen} of them seen by nobody"
        case events.GatePassed():
            who = {"person": "you let it go on", "timed": "the time is over", "auto": "the gate is automatic"}[event.by]
            return f"  round {event.round} goes on ({who}): {event.judged} verdicts yours, {event.unseen} nobody's"
        case events.PersonJudged():
            reasons = f" ({', '.join(event.reasons)})" if event.reasons else ""
            said = {"keep": "kept by you", "reject": "rejected by you"}.get(event.verdict, "your verdict taken back")
            return f"  {event.frame}: {said}{reasons}"
        case events.CaptionWritten():
            return f"  {event.frame}: " + ("captioned by you" if event.caption else "your caption taken back")
        case events.Incident() | events.Noted():
            return f"{event.what if isinstance(event, events.Incident) else 'note'}: {event.text}"
        case events.Progress():
            return ""
