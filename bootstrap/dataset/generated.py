"""Generated frames as training pictures: the one place where their captions and weights are made.

Training sets and finished datasets take their items from here. Knows no score; which axes a picture does not show was
measured when it was scored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bootstrap.backends.shapes import box_within, shape_of
from bootstrap.captions.wording import Wording
from bootstrap.config import IDENTITY, LoopConfig, RunConfig
from bootstrap.config.run_settings import BASE
from bootstrap.dataset.exposure import factors
from bootstrap.dataset.originals import body_box
from bootstrap.dataset.seen_tags import SeenTags
from bootstrap.pictures.caption_text import caption_parts
from bootstrap.records import Frame, Job, Phase, TrainItem
from scoring.measurement import Measurement
from scoring.sight import Sight

__all__ = ["GeneratedFrames", "balanced", "names_identity", "rare_floor"]

PROVISIONAL_WEIGHT = 0.5
"""How often a provisional frame is sampled, relative to a kept one."""


@dataclass(frozen=True)
class GeneratedFrames:
    """Kept and provisional frames of a run, with what their captions are made from.

    ``measured`` are the measurements by frame; ``written`` the captions of a person's own, by frame;
    ``read`` what a model that reads pictures saw, by frame; ``adapters`` are paths of LoRAs, by id.
    """

    directory: Path
    kept: Sequence[Frame]
    provisional: Sequence[Frame] = ()
    measured: Mapping[str, Mapping[str, Measurement]] = field(default_factory=dict)
    written: Mapping[str, str] = field(default_factory=dict)
    read: Mapping[str, Sight] = field(default_factory=dict)
    adapters: Mapping[str, str] = field(default_factory=dict)

    def items(self, config: RunConfig, wording: Wording, phase: Phase) -> list[TrainItem]:
        """Kept frames, then provisional ones at half weight, with the captions of a phase; outfits by their shares."""
        frames = (*self.kept, *self.provisional)
        items, seen = [], SeenTags(frames, self.measured, config, wording, self.read)
        for frame in self.kept:
            items.append(self._item(frame, "kept", 1.0, seen, phase))
        for frame in self.provisional:
            items.append(self._item(frame, "provisional", PROVISIONAL_WEIGHT, seen, phase))
        worn = [frame.job.shot.axes.get(config.subject.outfit_axis, "") for frame in (*self.kept, *self.provisional)]
        by_outfit = factors(wording.character, worn)
        return [item.weighing(item.weight * factor) for item, factor in zip(items, by_outfit, strict=True)]

    def _item(self, frame: Frame, kind: str, weight: float, seen: SeenTags, phase: Phase) -> TrainItem:
        config = seen.config
        box = body_box(config.panel.composition, frame.job.shot.framing)
        if box is not None:
            box = box_within(box, shape_of(config.base.sampling, frame.job))
        caption, job = self._caption(frame, seen, phase), _job_of_base(frame, config)
        if job is None or (frame.adapter and frame.adapter not in self.adapters):
            return TrainItem(str(self.directory / frame.path), caption, kind, weight, box)
        lora = str(self.directory / self.adapters[frame.adapter]) if frame.adapter else ""
        return TrainItem(str(self.directory / frame.path), caption, kind, weight, box, job=job, drawn_with=lora)

    def _caption(self, frame: Frame, seen: SeenTags, phase: Phase) -> tuple[str, ...]:
        """The tags of a frame: as a person wrote them, else as generated and seen.

        A phase that names the identity names it in a person's caption too.
        """
        written, wording = self.written.get(frame.job.id), seen.wording
        if written is None:
            return seen.caption(frame, phase)
        tags = [wording.character.trigger, *caption_parts(written)]
        tags += wording.named_traits(frame.job.shot, phase).values()
        return tuple(dict.fromkeys(tag for tag in tags if tag))


def _job_of_base(frame: Frame, config: RunConfig) -> Job | None:
    """The job of a frame that the base drew from references, with a LoRA in all of the steps or without; else None."""
    job = frame.job
    by_base = config.base.reference is not None and (job.drawer or config.drawn_by) == BASE
    shown = any(one.strength for one in job.references) and not (frame.adapter and job.lora_start)
    return job if by_base and shown else None


def rare_floor(config: RunConfig, phase: Phase) -> int:
    """Pictures that must show an identity tag for the captions of a phase to withhold it; 0 where none counts them."""
    if names_identity(config, phase) or config.base.dialect == "prose":
        return 0
    return config.base.recipes[phase].rare_tag_floor


def names_identity(config: RunConfig, phase: Phase) -> bool:
    """Whether the captions of a phase name the identity."""
    return not config.subject.withholds(phase, IDENTITY)


def balanced(originals: Sequence[TrainItem], generated: Sequence[TrainItem], loop: LoopConfig) -> list[TrainItem]:
    """Both together, seeds with crops and copies at ``seeds_share`` of the sampled steps, none above ``seed_cap``."""
    if not generated:
        return list(originals)
    if not originals:
        return list(generated)
    total = sum(item.weight for item in generated)
    each = total * loop.seeds_share / (1 - loop.seeds_share) / len(originals)
    return [*(item.weighing(min(each, loop.seed_cap)) for item in originals), *generated]
