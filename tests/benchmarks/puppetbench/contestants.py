"""The contestants: each takes a stage and returns a LoRA, the phase of its prompts, and its costs.

Does NOT know how anything is measured. Only the perfect gate and the ceiling use the truth; they are upper bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PIL import Image

from bootstrap.captions.rare import naming_rare
from bootstrap.compare.open_run import BESIDE_LORA
from bootstrap.events import AdapterTrained, RunEnded
from bootstrap.puppets.anatomy import Puppet
from bootstrap.records import Phase, Shot, TrainItem
from bootstrap.shots import places, quotas
from bootstrap.store.files import make_folder, write_image
from loops.run import run
from loops.shown import Shown
from tests.benchmarks.puppetbench import growing
from tests.benchmarks.puppetbench.counting import Counting, drawing_costs, training_costs
from tests.benchmarks.puppetbench.known import guessed
from tests.benchmarks.puppetbench.panels import Images
from tests.benchmarks.puppetbench.perfect import perfect_set
from tests.benchmarks.puppetbench.run_stage import RunStage
from tests.benchmarks.puppetbench.settings import SEED_VIEWS
from tests.benchmarks.puppetbench.stage import Stage


@dataclass(frozen=True)
class Entry:
    """The result of a contestant: ``adapter`` (None: the base alone) and the ``phase`` whose prompts fit its captions.

    ``drawn`` and ``trained``: evaluations of the UNet before the panel. ``facts`` go into its row. ``shown`` are the
    references that the panel is drawn from; None: from words, as a finished LoRA is used.
    """

    adapter: Path | None
    phase: str
    drawn: int = 0
    trained: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)
    shown: Shown | None = None


Contestant = Callable[[Stage], Entry]


def base(stage: Stage) -> Entry:
    """The base and the prompt, every trait named."""
    return Entry(None, "base")


def seeds(stage: Stage) -> Entry:
    """A LoRA on the plain seed picture, captioned and trained as our final one: the least effort."""
    return trained_entry(stage, _plain(stage.training_set("character")), "character", "seeds")


def named(stage: Stage) -> Entry:
    """The same with every trait in caption and prompt: the base draws what words express, the LoRA the rest."""
    return trained_entry(stage, _plain(stage.training_set("style")), "style", "named")


def crops(stage: Stage) -> Entry:
    """A LoRA on the seed with its crops and altered copies, every trait named: our first round."""
    return trained_entry(stage, stage.training_set("style"), "style", "crops")


def reference(stage: Stage) -> Entry:
    """The base shown the seed, every trait named."""
    return Entry(None, "base", shown=shown_seeds(stage))


def crops_reference(stage: Stage) -> Entry:
    """Our first round's LoRA, every trait named, shown the seed as well."""
    return replace(crops(stage), shown=shown_seeds(stage, BESIDE_LORA))


def beside(stage: Stage) -> Entry:
    """The same trained beside the seed: what draws for us, where the base draws from references."""
    shown = shown_seeds(stage)
    if shown is None:
        return crops(stage)
    items = [replace(item, beside=shown.nearest(SEED_VIEWS[0])) for item in stage.training_set("style")]
    return replace(trained_entry(stage, items, "style", "beside"), shown=shown)


def once(stage: Stage) -> Entry:
    """48 pictures that fill the quotas, drawn without a gate by what draws for us, and one training on them."""
    draws = beside if stage.config.trains_beside else crops
    first = draws(stage) if stage.config.trains_to_draw else base(stage)
    shots = stage.engine.planner.plan(quotas(stage.config.loop.target, stage.config.views), stage.panel)
    shown = shown_seeds(stage)
    images = stage.draw(shots, first.adapter, first.phase, shown=shown)
    asked = shown if first.adapter is None or first.shown else None
    entry = taught(stage, "once", shots, images, shown=asked, drawn_by=first)
    drawn = drawing_costs(len(shots), stage.config.base.sampling)
    return replace(entry, drawn=drawn, trained=first.trained + entry.trained)


def shown_seeds(stage: Stage, strength: float | None = None) -> Shown | None:
    """The seeds as references, by the preset's strength or another one; None where the base draws from words."""
    settings = stage.config.base.reference
    if settings is None:
        return None
    if strength is not None:
        settings = settings.model_copy(update={"strength": strength})
    return Shown(settings, stage.engine.seeds, ())


def _plain(items: Sequence[TrainItem]) -> list[TrainItem]:
    return [item for item in items if item.kind == "seed"]


def ceiling(stage: Stage) -> Entry:
    """A LoRA on as many painted drawings as a finished set holds, captioned and trained as our final one."""
    return _drawings(stage, "ceiling", stage.puppet)


def knowable(stage: Stage) -> Entry:
    """The same of a puppet that agrees with the truth in all that seed and words say, and is random elsewhere."""
    return _drawings(stage, "knowable", guessed(stage.puppet, SEED_VIEWS[: stage.settings.seeds]))


def _drawings(stage: Stage, name: str, puppet: Puppet) -> Entry:
    number = stage.settings.drawings
    shots = stage.engine.planner.plan(places(number, number, stage.config.views), stage.panel)
    return taught(stage, name, shots, stage.truth.paint(shots, puppet))


def taught(
    stage: RunStage,
    name: str,
    shots: Sequence[Shot],
    images: Images,
    phase: Phase = "character",
    shown: Shown | None = None,
    drawn_by: Entry | None = None,
) -> Entry:
    """A LoRA of the last phase on pictures of these shots, captioned and trained as our final one.

    ``shown`` are the references that they were drawn from by ``drawn_by``; None: something else made them.
    """
    wording, plain, full = stage.engine.wording, [], []
    naming = stage.config.subject.growing.name
    for place, (image, shot) in enumerate(zip(images, shots, strict=True)):
        path = stage.folder / f"{name} pictures" / f"{place:03d}.png"
        write_image(path, Image.fromarray(image))
        item = TrainItem(str(path), wording.caption(shot, phase), "kept")
        if shown and drawn_by:
            job = replace(stage.job(place, shot, drawn_by.phase), references=shown.candidate(shot))
            item = replace(item, job=job, drawn_with=str(drawn_by.adapter or ""))
        plain.append(item)
        full.append(TrainItem(str(path), wording.caption(shot, naming), "kept"))
    if floor := stage.config.base.recipes[phase].rare_tag_floor:
        plain = naming_rare(plain, full, floor)
    return trained_entry(stage, plain, phase, name)


def ours(stage: RunStage) -> Entry:
    """A whole run, unattended, and its final LoRA. An interrupted run continues."""
    engine = stage.open_run("ours")
    done = run(engine)
    store, config = engine.store, stage.config
    ended = [event for event in store.events() if isinstance(event, RunEnded)][-1]
    adapter = next(one for one in store.adapters() if one.id == ended.adapter)
    steps = [event.steps for event in store.events() if isinstance(event, AdapterTrained)]
    facts = {"kept": done.kept, "provisional": done.provisional, "rounds": len(store.rounds()), "adapter": adapter.id}
    return Entry(
        store.directory / adapter.path,
        adapter.phase,
        drawing_costs(len(store.frames()), config.base.sampling),
        sum(training_costs(one, config.base.recipes["character"]) for one in steps),
        facts,
    )


def perfect(stage: Stage) -> Entry:
    """The candidates of our run, chosen by the judge: the result of a gate that knows the truth."""
    return trained_entry(stage, perfect_set(stage), "character", "perfect")


def topk(stage: Stage) -> Entry:
    """Grown with the pictures that the CLIP scorer ranks highest, without gate or coverage."""
    return _grown(stage, "topk", growing.best_by_clip)


def face(stage: Stage) -> Entry:
    """Grown with the pictures above a face similarity of 0.5, a common threshold."""
    return _grown(stage, "face", growing.faces_above)


def chosen_one(stage: Stage) -> Entry:
    """The procedure of The Chosen One, from the description alone."""
    backend = Counting(stage.backend, stage.config.base.sampling)
    path, facts = growing.the_chosen_one(stage, backend)
    return Entry(path, "character", backend.drawn, backend.trained, facts)


def trained_entry(stage: RunStage, items: Sequence[TrainItem], phase: Phase, name: str) -> Entry:
    """A LoRA on ``items`` by the phase's own recipe."""
    backend = Counting(stage.backend, stage.config.base.sampling)
    workdir = stage.folder / "adapters" / name
    make_folder(workdir)
    recipe = stage.recipe(items, phase)
    done = backend.train(items, recipe, workdir, lambda event: None)
    return Entry(done.path, phase, 0, backend.trained, {"pictures": len(items), "steps": done.steps})


def _grown(stage: Stage, name: str, rule: growing.Rule) -> Entry:
    backend = Counting(stage.backend, stage.config.base.sampling)
    path, facts = growing.grow(stage, backend, name, rule)
    return Entry(path, "character", backend.drawn, backend.trained, facts)


CONTESTANTS: Mapping[str, Contestant] = {
    "base": base,
    "reference": reference,
    "seeds": seeds,
    "named": named,
    "crops": crops,
    "crops_reference": crops_reference,
    "chosen_one": chosen_one,
    "topk": topk,
    "face": face,
    "beside": beside,
    "once": once,
    "ours": ours,
    "perfect": perfect,
    "knowable": knowable,
    "ceiling": ceiling,
}
