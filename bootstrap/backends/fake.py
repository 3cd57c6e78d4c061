"""A backend without a model: paints simple figures from what a job is, "trains" at once, always the same way.

For tests of the loop and for trying the commands. An adapter remembers the mean colour of its pictures; candidates have
that colour, decoys mostly their own, so that even a scorer of colours can tell them apart. Loads no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bootstrap.backends.architectures.sd1 import SD1
from bootstrap.backends.base import Trained, refuse_references, weights_file
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.backends.shapes import shape_of
from bootstrap.backends.shown_pictures import START, RegionFiles, open_shown
from bootstrap.errors import BackendError
from bootstrap.events import Emit, Progress
from bootstrap.lora import Lora, kohya_names, metadata_for, metadata_of, save_kohya
from bootstrap.lora.grammar import Grammar
from bootstrap.pictures import as_rgb, open_any
from bootstrap.records import Job, JobKind, TrainItem, random_seed_of
from bootstrap.training.recipe import TrainRecipe

Color = NDArray[np.float64]
MODULE = "mid_block.attentions.0.proj_in"
COLOR_KEY = "fake_color"
GREY = 128.0
"""The colour of an untrained adapter."""
SHARE = {
    JobKind.CANDIDATE: 0.9, JobKind.PROBE: 0.9, JobKind.TRIAL: 0.9, JobKind.ACCEPTANCE: 0.9, JobKind.SHOWCASE: 0.9,
    JobKind.EXCHANGED: 0.25, JobKind.LOOKALIKE: 0.0, JobKind.STRANGER: 0.0,
}  # fmt: skip
"""How much of the adapter's colour a picture of each kind has."""
HEEDED = 0.8
"""How much of a reference's colour a picture has, at a strength of 1."""
HEAD = {"close-up": 0.42, "portrait": 0.32, "upper body": 0.24, "full body": 0.17}


class FakeBackend:
    """Paints and trains without a model. ``before_picture(n)`` is called before the n-th picture; it may raise.

    References and what jobs begin from have paths relative to ``pictures``; without it, such jobs are refused. LoRA
    files are written in ``grammar``.
    """

    def __init__(
        self,
        settings: SamplingSettings | None = None,
        before_picture: Callable[[int], None] | None = None,
        pictures: Path | None = None,
        grammar: Grammar = SD1.grammar,
    ) -> None:
        self._pictures, self._grammar = pictures, grammar
        self.settings = settings or SamplingSettings(steps=1, batch_size=8)
        self.painted = 0
        self._before_picture = before_picture

    @property
    def name(self) -> str:
        """What a frame records as its drawer."""
        return "fake"

    @property
    def fingerprint(self) -> str:
        """Of the settings: there are no weights."""
        return f"fake-{random_seed_of(self.settings.identity()):016x}"

    @property
    def resolution(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.settings.width, self.settings.height

    @property
    def batch_size(self) -> int:
        """Jobs a batch."""
        return self.settings.batch_size

    def draw(self, jobs: Sequence[Job], adapter: Path | None) -> Iterator[list[tuple[Job, Image.Image]]]:
        """Paint in fixed batches; see `bootstrap.backends.base`."""
        alone = self._pictures is None
        refuse_references(jobs, self.name, references=alone, start=alone, regions=alone)
        color = _color_of(adapter) if adapter else None
        for start in range(0, len(jobs), self.batch_size):
            batch = jobs[start : start + self.batch_size]
            yield [(job, self._several(job) if job.regions else self._paint(job, color)) for job in batch]

    def train(self, items: Sequence[TrainItem], recipe: TrainRecipe, workdir: Path, emit: Emit) -> Trained:
        """Write a small valid LoRA file that remembers the weighted mean colour of ``items``."""
        if not items:
            raise BackendError("there is no picture to train on", "keep at least one frame or give a seed")
        color = np.average(
            [_mean_color(Path(item.path)) for item in items], axis=0, weights=[max(item.weight, 1e-6) for item in items]
        )
        for steps in recipe.kept_steps:
            part = steps / recipe.steps
            self._write(weights_file(workdir, steps), recipe, steps, part * color + (1 - part) * GREY)
        path = weights_file(workdir)
        self._write(path, recipe, recipe.steps, color)
        emit(Progress("training", recipe.steps, recipe.steps, "loss 0.1000"))
        earlier = [Trained(weights_file(workdir, steps), steps, 0.1) for steps in recipe.kept_steps]
        return Trained(path, recipe.steps, 0.1, tuple(earlier))

    def blend(self, adapters: Sequence[tuple[Path, float]], out: Path) -> None:
        """Mix their colours by weight; weights that add up to less than 1 leave the rest grey."""
        total = sum(weight for _, weight in adapters)
        mixed = sum(weight * _color_of(path) for path, weight in adapters) / max(total, 1.0)
        color = mixed + max(0.0, 1.0 - total) * GREY
        self._write(out, TrainRecipe(rank=1), 1, np.asarray(color, np.float64))

    def use_tiles(self) -> bool:
        """There is no VAE."""
        return False

    def close(self) -> None:
        """Nothing to free."""

    def _write(self, path: Path, recipe: TrainRecipe, steps: int, color: Color) -> None:
        """A LoRA file of random weights that remembers a colour."""
        generator = np.random.default_rng(recipe.random_seed)
        down = generator.normal(size=(recipe.rank, 4)).astype(np.float32)
        up = generator.normal(size=(4, recipe.rank)).astype(np.float32)
        modules = self._grammar.modules()[0]
        module = MODULE if MODULE in modules else modules[0]
        lora = Lora({module: (down, up)}, recipe.network_alpha, grammar=self._grammar)
        facts = metadata_for(
            path.parent.name,
            "",
            self.resolution,
            steps,
            grammar=self._grammar,
            objective="epsilon",
            modules=kohya_names(self._grammar, [module]),
            training=recipe.model_dump(),
        )
        save_kohya(path, lora, {**facts, COLOR_KEY: ",".join(f"{value:.3f}" for value in color)})

    def _several(self, job: Job) -> Image.Image:
        """A figure for each region, in the colour of its adapter, side by side."""
        assert self._pictures is not None
        width, height = shape_of(self.settings, job)
        image = Image.new("RGB", (width, height))
        for number, region in enumerate(sorted(job.regions, key=lambda one: one.shift)):
            path = RegionFiles(self._pictures).path(region)
            alone = replace(job, regions=(), references=region.references, random_seed=job.random_seed + number)
            painted = self._paint(alone, _color_of(path) if path else None)
            strip = width // len(job.regions)
            left = (width - strip) // 2
            image.paste(painted.crop((left, 0, left + strip, height)), (number * strip, 0))
        return image

    def _paint(self, job: Job, adapter_color: Color | None) -> Image.Image:
        if self._before_picture:
            self._before_picture(self.painted)
        self.painted += 1
        random = np.random.default_rng(job.random_seed)
        color = _color_for("traits", *sorted(job.traits.items()))
        if adapter_color is not None:
            share = SHARE[job.kind]
            color = share * adapter_color + (1 - share) * color
        if job.references and self._pictures:
            seen = np.mean([_mean_color(self._pictures / one.path) for one in job.references], axis=0)
            share = HEEDED * min(1.0, job.references[0].strength)
            color = share * seen + (1 - share) * color
        color = color + random.normal(0, 3, 3)
        size = shape_of(self.settings, job)
        image = Image.new("RGB", size, _rgb(_color_for("background", job.shot.axes.get("background", "")) * 0.3 + 160))
        self._figure(ImageDraw.Draw(image), job, _rgb(color), random)
        grain = random.normal(0, 4, (size[1], size[0], 3))
        image = Image.fromarray((np.asarray(image, dtype=float) + grain).clip(0, 255).astype(np.uint8))
        if job.start and self._pictures:
            begun = open_shown(self._pictures, job.start, START, 8).resize(size)
            image = Image.blend(begun, image, job.start.strength)
        return image

    def _figure(
        self, draw: ImageDraw.ImageDraw, job: Job, color: tuple[int, int, int], random: np.random.Generator
    ) -> None:
        """A body, a head, and eyes where the view shows them."""
        width, height = shape_of(self.settings, job)
        radius = HEAD.get(job.shot.framing, 0.3) * min(width, height)
        x, y = width / 2 + random.normal(0, width / 40), height * 0.4 + random.normal(0, height / 40)
        worn = job.shot.axes.get("outfit")  # of a kind without outfits the body is the subject too
        body = color if worn is None else _rgb(_color_for("outfit", worn))
        draw.rectangle((x - radius, y + radius / 2, x + radius, height), body)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), color, (20, 20, 20))
        eyes = {"front": (-0.4, 0.4), "three-quarter": (-0.1, 0.6), "profile": (0.6,), "behind": ()}
        for side in eyes.get(job.shot.view_family, (-0.4, 0.4)):
            draw.ellipse((x + side * radius - 2, y - 2, x + side * radius + 2, y + 3), (30, 30, 60))


def _color_for(*parts: object) -> Color:
    """A strong colour from what a thing is, 0-255."""
    return np.random.default_rng(random_seed_of(*parts)).uniform(20, 235, 3)


def _mean_color(path: Path) -> Color:
    """The mean colour where heads are painted."""
    try:
        with open_any(path) as opened:
            image = as_rgb(opened)
    except OSError as error:
        raise BackendError(f'training picture "{path}" cannot be read: {error}', "restore it") from error
    middle = np.asarray(image.resize((20, 20)), dtype=float)[5:11, 7:13]
    return np.asarray(middle.mean(axis=(0, 1)), dtype=float)


def _color_of(adapter: Path) -> Color:
    try:
        return np.array([float(value) for value in metadata_of(adapter)[COLOR_KEY].split(",")])
    except KeyError as error:
        raise BackendError(f'"{adapter}" was not trained by the fake backend', "use --backend diffusers") from error


def _rgb(color: Color) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in np.clip(color, 0, 255))
    return red, green, blue
