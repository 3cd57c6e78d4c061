"""Events as sentences for a person. Pure; knows no terminal and no file."""

from __future__ import annotations

from bootstrap import events
from bootstrap.events import Event
from bootstrap.runs.standing import Standing

__all__ = ["duration", "kept_of", "now_told", "purpose", "sentence", "short_sentence"]

PURPOSES = {
    "style": "it collects pictures; captions name every trait",
    "character": "it completes the set; captions leave out the identity, which the trigger is to stand for",
}
"""Phase → what a round of it is for; other kinds of subjects may have phases of their own."""
OTHER_PURPOSE = "it grows the set"


def duration(seconds: float) -> str:
    """Seconds in words: "42 s", "3 min 05 s", "25 min", "2 h 10 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 3600:
        return f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def kept_of(kept: int, target: int | None) -> str:
    """Counts of kept pictures: "4 of 6 kept"; "6 kept (4 wanted)" where the target was lowered since."""
    if not target:
        return f"{kept} kept"
    return f"{kept} of {target} kept" if kept <= target else f"{kept} kept ({target} wanted)"


def now_told(now: Standing) -> str:
    """The present stage, how far it is, and how long it takes: "round 2, drawing 8/24, about 40 s left"."""
    told = f"round {now.round}, {now.stage}"
    if now.total > 1:
        told += f" {now.done}/{now.total}"
    if now.left is not None:
        told += f", about {duration(now.left)} left"
    return told


def purpose(phase: str) -> str:
    """What a round of a phase is for, in a sentence without its first capital and full stop."""
    return PURPOSES.get(phase, OTHER_PURPOSE)


def sentence(event: Event) -> str:
    """One line about what happened; "" for `Progress`, which is a hint and not a result."""
    match event:
        case events.RunBegan():
            return f"run of {event.character} on {event.base}: {event.target} pictures wanted"
        case events.RoundBegan():
            aim = f"{event.kept} kept, aiming at {event.goal}"
            return f"round {event.round} ({event.phase} phase): {aim}; {purpose(event.phase)}"
        case events.AdapterTrained():
            training = f"{event.steps} steps on {event.pictures} pictures, loss {event.loss:.4f}"
            return f"  trained {event.adapter}: {training}, {duration(event.seconds)}"
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
        case events.WaitingForPerson() | events.ApprovalGiven():
            return _approval(event)
        case events.PersonJudged() | events.CaptionWritten():
            return _person(event)
        case events.Incident():
            return f"{event.what}: {event.text}"
        case events.Noted():
            return f"note: {event.text}"
        case events.Progress():
            return ""


def short_sentence(event: Event) -> str:
    """The same without what a round is for, for a page that tells this beside the present stage."""
    whole = sentence(event)
    return whole.partition("; ")[0] if isinstance(event, events.RoundBegan) else whole


def _approval(event: events.WaitingForPerson | events.ApprovalGiven) -> str:
    """That a round waits for a person's approval, or goes on."""
    if isinstance(event, events.WaitingForPerson):
        until = f" until {event.until}" if event.until else ""
        return (
            f"round {event.round} waits for your approval{until}: {event.kept} kept, {event.unseen} not judged by you"
        )
    reasons = {"person": "you approved it", "timed": "the time is over", "auto": "approval is automatic"}
    verdicts = f"{event.judged} verdicts are yours, {event.unseen} kept frames not judged by you"
    return f"  round {event.round} goes on ({reasons[event.by]}): {verdicts}"


def _person(event: events.PersonJudged | events.CaptionWritten) -> str:
    """What a person decided about a frame, or wrote as its caption."""
    if isinstance(event, events.CaptionWritten):
        return f"  {event.frame}: " + ("captioned by you" if event.caption else "your caption withdrawn")
    reasons = f" ({', '.join(event.reasons)})" if event.reasons else ""
    verdict = {"keep": "kept by you", "reject": "rejected by you"}.get(event.verdict, "your verdict withdrawn")
    return f"  {event.frame}: {verdict}{reasons}"
