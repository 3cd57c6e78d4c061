"""A studio on paper: how long many characters take on many workers that fail, and where it stops scaling.

    python -m tests.benchmarks.studio_simulation [--characters 1000] [--workers 64] [--failures 1]

Seconds of stages are those that `check` tells for the shipped profiles; what Ray and the database take was measured
(`DISPATCH`, `TRANSACTION`). Workers fail at random (exponential, --failures an hour and worker), come back after a
pause, and lose what was not stored: the batch under way, or the steps since the last checkpoint. Prints Markdown.
"""

import argparse
import heapq
import random
from dataclasses import dataclass
from functools import cache

from bootstrap.config import load
from bootstrap.config.estimate import BYTES_A_PIXEL, cost_of, slower_drawing
from bootstrap.config.profiles import profiles

PROFILES = ("12gb", "16gb", "24gb")
GIVEN = {"80 GB card (H100)": ("24gb", 1.1, 0.32)}
"""A card that no profile is for: its profile, seconds a picture and a training sample (SDXL at 1024; the H200's
measured passes, 28 steps with guidance)."""
SCORING = 0.12
"""Seconds of the panel a picture, on the card."""
LOADING = 45.0
"""Seconds until a worker that came back has loaded its weights."""
AWAY = 300.0
"""Seconds until a worker that failed is back."""
DISPATCH = 0.02
"""Seconds of the queue's process for each character that begins or ends, or is begun again."""
TRANSACTION = 0.015
"""Seconds in which a run's database stores a batch, on its worker."""
PASSES = 4
"""Passes of a training step that workers share: batches of 4 in single pictures."""
LINK = 110e6
"""Bytes a second of shared storage behind one gigabit link."""


@dataclass(frozen=True)
class Card:
    """What a character takes on a card: seconds, and the seconds of work that a failure can lose at once."""

    name: str
    drawing: float
    training: float
    batch: float
    checkpoint: float
    written: float

    @property
    def whole(self):
        return self.drawing + self.training


@cache
def card(name):
    """A shipped profile or one of GIVEN, for SDXL from one seed."""
    profile, picture, sample = GIVEN.get(name, (name, 0.0, 0.0))
    settings = profiles()[profile]
    picture, sample = picture or settings.seconds_a_picture, sample or settings.seconds_a_sample
    config = load("illustrious", profile=profile)
    cost, recipe, sampling = cost_of(config, 1, 0, 0.0), config.finishing_recipe, config.base.sampling
    picture = picture * slower_drawing(config) + SCORING + TRANSACTION / sampling.batch_size
    step = sample * recipe.batch_size * recipe.gradient_accumulation_steps
    written = cost.pictures * sampling.width * sampling.height * BYTES_A_PIXEL
    drawing, training = cost.pictures * picture, cost.steps * step
    return Card(name, drawing, training, sampling.batch_size * picture, recipe.checkpoint_every * step, written)


@dataclass
class Outcome:
    """Hours until the last character ended, shares of all work, bytes a second to shared storage."""

    hours: float
    lost: float
    dispatching: float
    storage: float


def play(one, characters, workers, failures, seed=0):
    """A studio's nights: characters in order, one that was cut off goes on first, on the next free worker."""
    chance, cut_off, untouched = random.Random(seed), [], characters
    events = [(0.0, number, None) for number in range(workers)]  # a worker is free, or a character's rest is there
    idle, lost, dispatched, end = 0, 0.0, 0.0, 0.0
    while events:
        now, number, rest = heapq.heappop(events)
        if rest is None:
            idle += 1
        else:
            cut_off.append(rest)
        while idle and (cut_off or untouched):
            idle, left = idle - 1, cut_off.pop() if cut_off else one.whole
            untouched -= 0 if left < one.whole else 1
            dispatched += DISPATCH
            fails = chance.expovariate(failures / 3600) if failures else float("inf")
            if fails >= LOADING + left:
                end = max(end, now + LOADING + left)
                heapq.heappush(events, (now + LOADING + left, number, None))
                continue
            done = max(0.0, fails - LOADING)
            piece = one.batch if left > one.training else one.checkpoint
            kept = done - chance.random() * min(piece, done)
            lost += fails - kept
            heapq.heappush(events, (now + fails, number, min(left - kept, one.whole - 1e-6)))
            heapq.heappush(events, (now + fails + AWAY, number, None))
    total = one.whole * characters
    return Outcome(end / 3600, lost / (total + lost), dispatched / end, one.written * characters / end)


def pooled(one, workers, *, together=False):
    """Hours of one character by a pool: drawing is shared; training where it is asked for, four passes a step."""
    return (one.drawing / workers + one.training / (min(workers, PASSES) if together else 1)) / 3600


def rows(characters, counts, failures):
    names = (*PROFILES, *GIVEN)
    yield "| card | workers | failures an hour | hours | characters a night of 8 h | work lost | queue | storage MB/s |"
    yield "|---|---|---|---|---|---|---|---|"
    for name in names:
        for count in counts:
            for rate in (0, failures):
                found = play(card(name), characters, count, rate)
                night = characters / found.hours * 8
                yield (
                    f"| {name} | {count} | {rate:g} | {found.hours:,.1f} | {night:,.0f} | {found.lost:.1%} | "
                    f"{found.dispatching:.2%} | {found.storage / 1e6:.1f} |"
                )


def scaling():
    yield "| card | hours: drawing + training | 2 workers (training together) | 4 | 8 | 64 | storage is full at |"
    yield "|---|---|---|---|---|---|---|"
    for name in (*PROFILES, *GIVEN):
        one = card(name)
        cells = " | ".join(
            f"{pooled(one, workers):.1f} ({pooled(one, workers, together=True):.1f})" for workers in (2, 4, 8, 64)
        )
        most = LINK / (one.written / one.whole)
        yield f"| {name} | {one.drawing / 3600:.1f} + {one.training / 3600:.1f} | {cells} | {most:,.0f} workers |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--characters", type=int, default=1000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 8, 64, 256])
    parser.add_argument("--failures", type=float, default=1.0)
    given = parser.parse_args()
    for line in (*rows(given.characters, given.workers, given.failures), "", *scaling()):
        print(line)  # noqa: T201
