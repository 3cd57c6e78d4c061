"""Two puppets in one picture: their own small runs, a marriage of both, and what is right about who is who.

Each half of a picture is compared with the truth of its shot; who stands where is decided by the better match. Does NOT
know how a marriage works.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bootstrap.captions.relations import RELATIONS
from bootstrap.captions.wording import Wording
from bootstrap.cli import main as command
from bootstrap.dataset.bundle_members import BundleMember
from bootstrap.events import RunEnded
from bootstrap.puppets.casting import puppet_shot
from bootstrap.puppets.judge import similarity
from bootstrap.puppets.pairs import alone_at
from bootstrap.puppets.scene import FRAMES
from bootstrap.puppets.train.judge_truth import AXES, NOTHING, labels
from bootstrap.records import Job, Shot, TrainItem
from bootstrap.store.files import make_folder, write_image
from bootstrap.store.store import Store
from loops.couple_shots import FRAMING, JointShot, JointShots
from loops.training_set import recipe_for
from tests.benchmarks.kinds.settings import CONTESTANTS, SURE, USUAL, KindSettings
from tests.benchmarks.puppetbench import contestants, rows
from tests.benchmarks.puppetbench.panels import Images, panel_path, write_panel
from tests.benchmarks.puppetbench.settings import Settings
from tests.benchmarks.puppetbench.stage import Stage

log = logging.getLogger(__name__)

NEXT = 1000
"""Added to the number of the first for that of the second."""
READ = ("hair_color", "eye_color", "ears", "hat", "skin", "top_color")
"""Traits that the judge reads surely, and by which two may differ."""
PHASE = "character"
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Couple:
    """Two prepared puppets. ``folder`` holds what is made for both."""

    folder: Path
    stages: tuple[Stage, Stage]
    settings: KindSettings

    @cached_property
    def shots(self) -> JointShots:
        """Plans joint shots and puts them into words."""
        members = [BundleMember(str(stage.folder), stage.character, ()) for stage in self.stages]
        wordings = [Wording.of(stage.character, stage.config) for stage in self.stages]
        return JointShots(members, wordings, self.stages[0].config, RELATIONS)

    @cached_property
    def panel(self) -> list[JointShot]:
        """The test: the same shots and random seeds for every contestant."""
        return self.shots.plan(self.settings.panel, "kinds")

    @cached_property
    def cuts(self) -> list[tuple[float, float]]:
        """For each of both the likeness that half, and that 1 %, of the base's look-alikes pass."""
        found = []
        for stage in self.stages:
            shots = stage.engine.planner.plan({("front", FRAMING): self.settings.lookalikes}, [])
            drawn = np.stack([middle(image) for image in stage.draw(shots, None, "base")])
            likeness = similarity(stage.truth.judge.embed(drawn), self.true_vectors(stage, shots))
            found.append((float(np.quantile(likeness, 1 - USUAL)), float(np.quantile(likeness, 1 - SURE))))
        return found

    @cached_property
    def own(self) -> list[Path]:
        """The finished LoRA of each, by a whole run of its own, which is closed again."""
        found = []
        for stage in self.stages:
            adapter = contestants.ours(stage).adapter
            stage.stores.pop().close()
            assert adapter is not None
            found.append(adapter)
        return found

    def true_vectors(self, stage: Stage, shots: Sequence[Shot]) -> Floats:
        """The judge's vectors of one of both as it should be."""
        painted = stage.truth.paint(shots)
        return stage.truth.judge.embed(np.stack([middle(image) for image in painted]))

    def draw(self, adapter: Path | None, *, trigger: bool = True) -> Images:
        """The panel by one prompt a picture: uint8 (N, 96, 96, 3)."""
        jobs = [self.shots.by_words(one, 1, f"panel-{n:03d}", trigger=trigger) for n, one in enumerate(self.panel)]
        return drawn_by(self.stages[0], jobs, adapter)

    def collages(self, shots: Sequence[JointShot]) -> Images:
        """True pictures of joint shots: the middles of both alone, beside each other, through the autoencoder."""
        pictures = []
        for one in shots:
            halves = [
                self.stages[member].truth.paint([shot])[0] for member, shot in zip(one.order, one.each, strict=True)
            ]
            wide = halves[0].shape[1]
            pictures.append(np.concatenate([half[:, wide // 4 : 3 * wide // 4] for half in halves], axis=1))
        return np.stack(pictures)

    def taught(self, name: str, items: Sequence[TrainItem]) -> Path:
        """The file of a LoRA on these pictures, by the recipe of the finished LoRA."""
        stage, workdir = self.stages[0], self.folder / "adapters" / name
        make_folder(workdir)
        recipe = recipe_for(stage.config, PHASE, 1, len(items)).model_copy(update={"keep_tokens": 2})
        return stage.backend.train(items, recipe, workdir, lambda event: None).path


def drawn_by(stage: Stage, jobs: Sequence[Job], adapter: Path | None) -> Images:
    """Pictures of jobs, in their order."""
    found = {}
    for batch in stage.backend.draw(jobs, adapter):
        found |= {job.id: np.asarray(image.convert("RGB").resize((96, 96))) for job, image in batch}
    return np.stack([found[job.id] for job in jobs])


def middle(image: Images) -> Images:
    """A picture of one alone as `alone_at` cuts it out of a picture of two."""
    return alone_at(image, *FRAMES[FRAMING])


def seeds(couple: Couple) -> Path:
    """A LoRA on the plain seed pictures of both."""
    items = [item for stage in couple.stages for item in stage.training_set(PHASE) if item.kind == "seed"]
    return couple.taught("seeds", items)


def solos(couple: Couple) -> Path:
    """The finished LoRAs of both, at full weight each."""
    path = couple.folder / "solos.safetensors"
    couple.stages[0].backend.blend([(one, 1.0) for one in couple.own], path)
    return path


def ours(couple: Couple) -> Path:
    """The LoRA of `bootstrap marry` on the finished runs of both. What is finished is not made again."""
    _ = couple.own
    together = couple.folder / "together"
    runs = [str(stage.folder / "ours") for stage in couple.stages]
    try:
        command(["marry", *runs, "--out", str(together), "--target", str(couple.settings.drawings)])
    except SystemExit as ended:
        if ended.code:
            raise
    with Store.open(together) as store:
        ended_with = [event for event in store.events() if isinstance(event, RunEnded)][-1]
        return next(together / one.path for one in store.adapters() if one.id == ended_with.adapter)


def ceiling(couple: Couple) -> Path:
    """A LoRA on as many true pictures of both as a marriage may keep."""
    shots = couple.shots.plan(couple.settings.drawings, "true drawings")
    items = []
    for place, (one, image) in enumerate(zip(shots, couple.collages(shots), strict=True)):
        path = couple.folder / "true drawings" / f"{place:03d}.png"
        write_image(path, Image.fromarray(image))
        items.append(TrainItem(str(path), couple.shots.caption(one), "kept"))
    return couple.taught("ceiling", items)


WAYS: Mapping[str, Callable[[Couple], Path | None]] = {
    "base": lambda couple: None,
    "seeds": seeds,
    "solos": solos,
    "ours": ours,
    "ceiling": ceiling,
}


def play(number: int, work: Path, settings: KindSettings, names: Sequence[str] | None) -> Iterator[rows.Row]:
    """The rows of a couple, one after the other: read, or made and stored."""
    work = work / "couple"
    folder = work / "subjects" / str(number)
    own = Settings(overrides=settings.overrides, backend=settings.backend)
    stages = [Stage(one, folder / str(one), own) for one in (number, number + NEXT)]
    couple = Couple(folder, (stages[0], stages[1]), settings)
    key = hashlib.sha256(f"{stages[0].key} {settings}".encode()).hexdigest()[:16]
    rows.require_key(work, key)
    try:
        for name in names or CONTESTANTS:
            yield rows.read(work, number, name) or _competed(couple, number, name, work, key)
    finally:
        for stage in stages:
            stage.close()


def _competed(couple: Couple, number: int, name: str, work: Path, key: str) -> rows.Row:
    began = time.monotonic()
    adapter = WAYS[name](couple)
    seconds = time.monotonic() - began
    images = couple.draw(adapter, trigger=name != "base")
    write_panel(panel_path(work, number, name), images)
    write_panel(panel_path(work, number, "truth"), couple.collages(couple.panel))
    names = " and ".join(stage.character.name for stage in couple.stages)
    row = {
        "key": key, "character": number, "name": names, "contestant": name, "seconds": round(seconds, 1),
        "facts": {"cuts": [[round(one, 4) for one in both] for both in couple.cuts]},
        "all": {"pictures": len(images), **judged(couple, images)},
    }  # fmt: skip
    rows.write(work, row)
    log.info("%s %s: %s, %d s", names, name, row["all"], seconds)
    return row


def judged(couple: Couple, images: Images) -> dict[str, float]:
    """Likeness of both to the truth, the share of pictures with both, and of readings that are the other's trait.

    A picture has ``both`` where each half is more like its own truth than like the other's, and than half of the base's
    look-alikes of it are; ``surely``: than 99 % of them.
    """
    halves = {}
    for place in (0, 1):
        cut = [
            alone_at(image, _column(one, place), *FRAMES[FRAMING][1:])
            for image, one in zip(images, couple.panel, strict=True)
        ]
        halves[place] = np.stack(cut)
    judge = couple.stages[0].truth.judge
    seen = {place: judge.embed(half) for place, half in halves.items()}
    read = {place: judge.read(half) for place, half in halves.items()}
    likeness, both, sure, bled, read_at_all = [], 0, 0, 0, 0
    true = [couple.true_vectors(stage, [_shot_of(one, member) for one in couple.panel])
            for member, stage in enumerate(couple.stages)]  # fmt: skip
    for n, one in enumerate(couple.panel):
        found = [[float(seen[place][n] @ true[member][n]) for place in (0, 1)] for member in (0, 1)]
        places = max(((0, 1), (1, 0)), key=lambda order: found[0][order[0]] + found[1][order[1]])
        values = [found[member][places[member]] for member in (0, 1)]
        likeness.append(float(np.mean(values)))
        others = [found[1 - member][places[member]] for member in (0, 1)]
        both, sure = both + shown(values, others, couple.cuts, 0), sure + shown(values, others, couple.cuts, 1)
        for member in (0, 1):
            answers = {axis: read[places[member]][axis][n] for axis in READ}
            wrong, counted = _bled(couple, one, member, answers)
            bled, read_at_all = bled + wrong, read_at_all + counted
    return {
        "likeness": round(float(np.mean(likeness)), 4),
        "both": round(both / len(images), 4),
        "surely": round(sure / len(images), 4),
        "bleed": round(bled / max(read_at_all, 1), 4),
    }


def shown(values: Sequence[float], others: Sequence[float], cuts: Sequence[tuple[float, float]], sure: int) -> bool:
    """Whether each of both is itself: liker than its look-alikes, and than the other in its place."""
    return all(values[member] > max(others[member], cuts[member][sure]) for member in (0, 1))


def _bled(couple: Couple, one: JointShot, member: int, answers: Mapping[str, str]) -> tuple[int, int]:
    """How many traits of one of both are read as the other's, and how many could be."""
    specs = [(couple.stages[each].puppet, puppet_shot(_shot_of(one, each))) for each in (member, 1 - member)]
    own, others = labels(specs)
    wrong = counted = 0
    for column, axis in enumerate(AXES):
        if axis in answers and own[column] != NOTHING != others[column] and own[column] != others[column]:
            counted += 1
            wrong += answers[axis] == AXES[axis][others[column]]
    return wrong, counted


def _shot_of(one: JointShot, member: int) -> Shot:
    """The shot of a member in a joint shot."""
    return one.each[one.order.index(member)]


def _column(one: JointShot, place: int) -> float:
    """Where the middle of a figure should be, in widths of the picture."""
    return 0.5 + (place - 0.5) * min(one.relation.apart, 0.5)
