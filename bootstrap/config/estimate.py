"""What a run will cost, known before a model is loaded.

Pictures and steps follow from the configuration; seconds from the size of the denoiser and the speed of the machine,
and are rough. Knows no run directory and no device.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bootstrap.config.loop import LoopConfig
from bootstrap.config.run_settings import RunConfig
from bootstrap.config.steps import steps_for
from scoring.calibrate import FEWEST

__all__ = [
    "MADE_UP_WORDS",
    "PREVIEWS",
    "Cost",
    "acceptance_pictures",
    "cost_of",
    "decoys_of",
    "passes_a_step",
    "pictures_outside",
    "rounds_expected",
    "rounds_that_fit",
    "slower_drawing",
]

REDRAWN = 4.0
"""Candidates of a whole run over those of one wave for every place, as measured on the embedded base."""
FURTHER_DECOYS = 1.2
"""Decoys drawn over those asked for at first: some fail the checks and are replaced."""
PREVIEWS = 2
"""Pictures of the probe a view family."""
PORTRAITS = 16
"""Other individuals whose portraits the base draws where decoys are drawn from references, once a run."""
MADE_UP_WORDS = 3
"""Words that mean nothing, beside which the trigger is drawn at the start."""
SHOWCASE_ROWS = 2
"""Rows of the showcase that are drawn for it: the base's and the first LoRA's."""
OPERATIONS = 0.17
"""Operations of a UNet for each weight and latent pixel: 0.19 in Stable Diffusion 1.5, 0.14 in SDXL."""
TWICE_AS_MANY_KEYS = 1.18
"""A pass of a UNet whose self-attentions see as many further places, over one without: 1.18 in both (operations)."""
SEEN_BESIDE = 1.15
"""What a pass of FLUX.2 klein takes more for each reference of the size of the picture (operations)."""
CONTROL_SHARE = 0.45
"""A pass of a ControlNet over one of its UNet: .45 in SDXL, .35 in Stable Diffusion 1.5 (operations)."""
BACKWARD = 6.0
"""A training sample over a forward pass, as measured on the embedded base; arithmetic alone gives half of it."""
OVERHEAD = 1.1
"""Everything over drawing and training: scoring, choosing, writing."""
GIB = 1 << 30
BYTES_A_PIXEL = 2.5
"""Of a PNG."""
ADAPTER_SHARE = 0.2
"""An adapter with its checkpoint and optimiser state over the denoiser's float32 weights, at rank 16."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run takes, roughly: pictures drawn, optimiser steps, seconds (0.0: not known), GiB on the disk."""

    pictures: int
    steps: int
    seconds: float
    disk: float


def rounds_expected(loop: LoopConfig) -> int:
    """Rounds when every goal is reached at the first try."""
    return min(loop.rounds, len(_goals(loop)) + 1)


def cost_of(config: RunConfig, seeds: int, parameters: int, speed: float) -> Cost:
    """The cost of a run from ``seeds`` pictures with a denoiser of that many ``parameters`` at ``speed`` FLOP/s."""
    pictures, trainings = _pictures(config), _trainings(config, seeds)
    sampling, recipe = config.base.sampling, config.finishing_recipe
    a_sample = BACKWARD + bool(recipe.reference_distillation and config.base.reference)
    samples = sum(trainings) * a_sample * recipe.batch_size * recipe.gradient_accumulation_steps
    pixels = sampling.width * sampling.height
    width, height = recipe.size_for((sampling.width, sampling.height))
    samples *= width * height / pixels
    passes = pictures * sampling.steps * passes_a_step(config) * slower_drawing(config) + samples
    seconds = 0.0
    if speed:
        seconds = passes * OPERATIONS * parameters * (pixels / 64) * OVERHEAD / speed
    adapters = len(trainings) * parameters * 4 * ADAPTER_SHARE * recipe.rank / 16
    return Cost(pictures, sum(trainings), seconds, (pictures * pixels * BYTES_A_PIXEL + adapters) / GIB)


def passes_a_step(config: RunConfig) -> int:
    """Passes of the denoiser for a step of one picture: guidance takes a second one."""
    return 2 if config.base.sampling.guidance_scale > 1 else 1


def slower_drawing(config: RunConfig) -> float:
    """Seconds of a picture over those of one from words alone.

    Attention to references records them in a pass of its own at each step, once a batch. The few tokens of an
    IP-Adapter take no time that counts.
    """
    slower, references, control = 1.0, config.base.reference, config.base.control
    if references is not None and references.attention:
        recorded = references.most / (config.base.sampling.batch_size * passes_a_step(config))
        slower += (TWICE_AS_MANY_KEYS - 1) * references.most + recorded
    if references is not None and references.native:
        slower += SEEN_BESIDE * references.most
    if control is not None:
        slower += CONTROL_SHARE * len(control.view_families) / len(config.views.families)
    return slower


def rounds_that_fit(config: RunConfig, seeds: int, parameters: int, speed: float, seconds: float) -> int:
    """How many rounds, with the finished LoRA after them, ``seconds`` are enough for; 0 where not even one is.

    The showcase is left out before a round is.
    """
    for rounds in range(rounds_expected(config.schedule), 0, -1):
        fewer = config.model_copy(update={"loop": config.loop.model_copy(update={"rounds": rounds, "showcase": 0})})
        if cost_of(fewer, seeds, parameters, speed).seconds <= seconds:
            return rounds
    return 0


def acceptance_pictures(config: RunConfig) -> int:
    """Pictures by which the finished LoRA is judged besides the previews: lower weights, unseen things, the base."""
    settings, subject, families = config.loop.acceptance, config.subject, len(config.views.families)
    if not settings.weights:
        return 0
    unseen = settings.unseen * (bool(subject.pose_axis) + bool(subject.outfit_axis) + len(subject.unseen))
    rows = len({*settings.weights} - {1.0}) + 1 + settings.rows_beside
    return families * (PREVIEWS * (rows + 2 * len(settings.also)) + 2 * unseen)


def decoys_of(config: RunConfig) -> int:
    """Pictures of a run that only calibrate the gate."""
    return math.ceil(_decoys(config))


def _goals(loop: LoopConfig) -> list[int]:
    """The goals of the growing phase that lie before the target."""
    return [goal for goal in loop.goals if goal < loop.target]


def _pictures(config: RunConfig) -> int:
    """Candidates, decoys of both kinds, trials of references and of the finished LoRA, and the showcase."""
    loop = config.loop
    drawn, both = 0.0, config.alone
    for one in both:
        if one.drawer is None:
            drawn += _candidates(one) / len(both) + _decoys(one) + _trials(one)
        elif one.shown is None:  # the base draws only who stands beside them
            drawn += _decoys(one)
    if any(one.drawer is not None and one.shown is not None for one in both):
        drawn += PORTRAITS
    finished = loop.compared * PREVIEWS * len(config.views.families) + acceptance_pictures(config)
    finished += _starts_tried(config)
    words = 0 if config.base.demonstration else 2 + MADE_UP_WORDS  # without any, the trigger, the others
    return math.ceil(drawn + finished + SHOWCASE_ROWS * loop.showcase + words * loop.trigger_pictures)


def pictures_outside(config: RunConfig, sharing: int = 1) -> int:
    """Pictures that a drawer from outside is asked for, one of so many that share the candidates in equal parts; 0
    where the base draws them, or they lie in a folder."""
    if config.drawer is None or config.shown is None:
        return 0
    return math.ceil(_candidates(config) / sharing + _decoys(config) + _trials(config))


def _candidates(config: RunConfig) -> float:
    return config.loop.target * config.schedule.candidates_a_place * REDRAWN


def _trials(config: RunConfig) -> int:
    """Pictures by which the strength of references is chosen, half of them of somebody else."""
    references = config.shown
    if references is None or len(references.strengths) < 2:
        return 0
    return 2 * len(config.views.families) * len(references.strengths) * references.trial_pictures


def _starts_tried(config: RunConfig) -> int:
    """Pictures by which is chosen when each round's LoRA joins the base, those of the base alone among them."""
    starts = config.loop.lora_starts
    if len(starts) == 1 or not config.trains_to_draw:
        return 0
    return rounds_expected(config.schedule) * PREVIEWS * len(config.views.families) * (len(starts) + 1)


def _decoys(config: RunConfig) -> float:
    loop = config.schedule
    decoys = loop.lookalikes
    if loop.calibrate_on != "lookalikes" and config.shown is None and config.drawer is None:
        decoys += loop.exchanged * rounds_expected(loop)
    if config.base.variations is not None:
        decoys += min(loop.lookalikes, FEWEST) * rounds_expected(loop)
    return len(config.views.families) * decoys * FURTHER_DECOYS


def _trainings(config: RunConfig, seeds: int) -> list[int]:
    """Optimiser steps of each training, the finished LoRA's among them."""
    loop, subject = config.schedule, config.subject
    kept_before = [0, *_goals(loop)][: rounds_expected(loop)]
    trainings = [(subject.growing.name, kept) for kept in kept_before[:-1]]
    if config.trains_to_draw:
        trainings.append((config.filling_phase, kept_before[-1]))
    trainings.append((subject.finishing.name, loop.target))
    steps = [steps_for(config.base, phase, kept + seeds * config.base.cuts.most) for phase, kept in trainings]
    if config.base.reference and config.trains_beside:
        steps[0] = config.base.reference.beside_steps
    return [*steps, steps_for(config.base, subject.finishing.name, seeds)] if loop.seeds_alone else steps
