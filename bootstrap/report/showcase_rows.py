"""The showcase of a run: the same shots by the base, by what draws from the seeds alone, and by the finished LoRA.

Says what each row was asked, and how alike its pictures are to the seeds by the panel. Reads a store; knows no page.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from bootstrap.character import stored_character
from bootstrap.config import stored_config
from bootstrap.errors import CharacterError, ConfigError
from bootstrap.records import Adapter, Frame, JobKind, Shot
from bootstrap.report.scorer_roles import scorers_of
from bootstrap.store.store import Store

__all__ = ["Showcase", "ShowcaseRow", "drawn_with", "showcase_of"]


@dataclass(frozen=True)
class ShowcaseRow:
    """What drew a row and what it was asked, its frames, and how alike they are to the seeds ("" if not measured)."""

    label: str
    frames: Sequence[Frame]
    likeness: str = ""


@dataclass(frozen=True)
class Showcase:
    """The rows over the same shots; ``base`` says what they were drawn with, ``found`` which LoRA is more alike.

    ``absent`` says why there is no row of a LoRA on the seeds alone, "" where there is one.
    """

    base: str
    rows: Sequence[ShowcaseRow]
    found: str = ""
    absent: str = ""

    @property
    def columns(self) -> list[str]:
        """What each shot asks for besides the character: view and framing, then whatever varies and can be seen."""
        captions, frames = [], self.rows[0].frames
        for frame in frames:
            shot = frame.job.shot
            words = [word for word in _varying(shot, [other.job.shot for other in frames]) if word in frame.job.prompt]
            captions.append(", ".join((f"{shot.view_family} {shot.framing}", *words)))
        return captions


def showcase_of(store: Store) -> Showcase | None:
    """The latest showcase whose pictures are all drawn; None where a run has none."""
    rounds = sorted({job.round for job in store.jobs(kind=JobKind.SHOWCASE)}, reverse=True)
    for number in rounds:
        drawn = store.frames(number, kind=JobKind.SHOWCASE)
        shots = list(dict.fromkeys(frame.job.shot for frame in drawn))
        finished = _finished(store, number, shots)
        if finished and not store.missing_jobs(number, kind=JobKind.SHOWCASE):
            return _showcase(store, drawn, finished)
    return None


def _finished(store: Store, number: int, shots: Sequence[Shot]) -> list[Frame]:
    """The finished LoRA's pictures of these shots, in their order; [] where one is missing."""
    name = Adapter.final_id(number)
    chosen = {adapter.id for adapter in store.adapters() if adapter.training == name}
    frames = [frame for frame in store.frames(number, kind=JobKind.PROBE) if frame.adapter in chosen]
    by_shot = {frame.job.shot: frame for frame in frames}
    return [by_shot[shot] for shot in shots] if by_shot.keys() >= set(shots) else []


def _showcase(store: Store, drawn: Sequence[Frame], finished: Sequence[Frame]) -> Showcase:
    pictures = "pictures" if len(store.seeds()) > 1 else "picture"
    by_base = [frame for frame in drawn if not frame.adapter]
    first = [frame for frame in drawn if frame.adapter and not frame.job.references]
    beside = [frame for frame in drawn if frame.adapter and frame.job.references]
    asked = {
        "base, every trait in words": [frame for frame in by_base if not frame.job.references],
        f"base shown your {pictures}, every trait in words": [frame for frame in by_base if frame.job.references],
        f"LoRA on your {pictures} alone, every trait in words": first,
        f"LoRA beside your {pictures}, shown too, every trait in words": beside,
        f"this LoRA, {_asked(store, finished)}": finished,
    }
    rows = {label: frames for label, frames in asked.items() if frames}
    held_out = scorers_of(store, "held-out")
    scorers = [*held_out, *scorers_of(store, "identity")]
    measured = {}
    for name in scorers:
        if paired := _paired(store, list(rows.values()), name):
            measured[name] = paired
    shown = []
    for number, (label, frames) in enumerate(rows.items()):
        means = [f"{name} {fmean(values[number]):.2f}" for name, values in measured.items()]
        shown.append(ShowcaseRow(label, frames, ", ".join(means)))
    found = ""
    if first and measured:
        scorer, values = next(iter(measured.items()))
        apart = "which never selects" if scorer in held_out else "which also selects"
        found = _compared(f"{scorer}, {apart},", values[-2], values[-1], pictures)
    absent = "" if first else _absent(store, pictures, shown=any(frame.job.references for frame in drawn))
    return Showcase(drawn_with(store), shown, found, absent)


def _asked(store: Store, finished: Sequence[Frame]) -> str:
    """How the finished LoRA was asked: by its trigger only, or with the traits that its prompts name too."""
    words = {word for frame in finished for word in frame.job.prompt.split(", ")}
    named = [tag for tag in _identity(store) if tag in words]
    return f"trigger and {', '.join(named)}" if named else "trigger only"


def _paired(store: Store, rows: Sequence[Sequence[Frame]], scorer: str) -> list[list[float]]:
    """A scorer's values of each row, of the shots that it can measure in all of them; [] where there are none."""
    measured = store.measurements([frame.job.id for frames in rows for frame in frames])
    paired: list[list[float]] = []
    for frames in zip(*rows, strict=True):
        values = [measured.get(frame.job.id, {}).get(scorer) for frame in frames]
        known = [value.value for value in values if value is not None and value.value is not None]
        if len(known) == len(rows):
            paired.append(known)
    return [list(values) for values in zip(*paired, strict=True)]


def _compared(scorer: str, first: Sequence[float], finished: Sequence[float], pictures: str) -> str:
    """Which of the two LoRAs a scorer finds more alike to the seeds, and in how many shots."""
    apart = [two - one for one, two in zip(first, finished, strict=True)]
    error = stdev(apart) / math.sqrt(len(apart)) if len(apart) > 1 else 0.0
    means = f"{max(fmean(first), fmean(finished)):.2f} against {min(fmean(first), fmean(finished)):.2f}"
    if abs(fmean(apart)) <= error:
        return f"{scorer} finds both LoRAs about as alike to your {pictures} ({means})."
    if fmean(apart) > 0:
        won = sum(one > 0 for one in apart)
        return f"{scorer} finds this LoRA more alike to your {pictures} ({means}; in {won} of {len(apart)} shots)."
    won = sum(one < 0 for one in apart)
    alone = f"{scorer} finds the LoRA on your {pictures} alone more alike ({means}; in {won} of {len(apart)} shots)"
    return f"{alone}. It needs every trait in every prompt: `bootstrap export RUN --round 1` writes it."


def _absent(store: Store, pictures: str, *, shown: bool) -> str:
    """Why no LoRA on the seeds alone drew; ``shown`` where the base was given the seeds instead."""
    why = "this run trained none"
    if any(adapter.round == 1 and not adapter.is_final for adapter in store.adapters()):
        why = "its file had been deleted"
    if shown:
        why = f"the base is shown your {pictures} instead"
    return f"A LoRA on your {pictures} alone was not drawn in this run: {why}."


def drawn_with(store: Store) -> str:
    """What everything was drawn with; what only demonstrates or tests the loop is called so. "" if unknown."""
    try:
        config = stored_config(store.recall("config"))
    except ConfigError:
        return ""
    base = config.base
    if config.backend == "fake":
        return "A fake run: painted discs stand in for pictures, and no number says anything about a LoRA."
    size = f"{base.sampling.width}x{base.sampling.height} pixels"
    if base.demonstration:
        return f"Drawn by the embedded toy model ({base.name}, {size}): a demonstration of the loop."
    return f"Drawn by {base.name}, {size}."


def _identity(store: Store) -> tuple[str, ...]:
    """The identity tags of the character; none where the run has stored no readable one."""
    try:
        return stored_character(store.recall("character")).identity
    except CharacterError:
        return ()


def _varying(shot: Shot, shots: Sequence[Shot]) -> list[str]:
    """The values of a shot on the axes on which the shots differ."""
    return [value for axis, value in shot.axes.items() if any(other[axis] != value for other in shots)]
