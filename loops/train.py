"""Training in the story: which pictures an adapter of this round learns from, and how long.

Always from the base, never from an earlier adapter. Seeds with crops and altered copies fill a fixed share of steps.
"""

from __future__ import annotations

import time

from bootstrap.backends.base import Trained
from bootstrap.captions.rare import naming_rare
from bootstrap.dataset.items import balanced, frame_items, seed_items
from bootstrap.errors import BackendError
from bootstrap.events import AdapterTrained, Emit, Event, Progress
from bootstrap.records import Adapter, Frame, Phase, Round, TrainItem, random_seed_of
from bootstrap.store.files import make_folder, sha256_of
from bootstrap.training.recipe import TrainRecipe
from loops.engine import Engine
from loops.memory import trained_within_memory
from loops.stopping import best_round, usable_rounds

__all__ = [
    "drawing_round",
    "named_traits",
    "recipe_for",
    "teach",
    "teach_round",
    "teachable",
    "trained",
    "training_set",
]


def teach_round(engine: Engine, number: int, phase: Phase) -> Adapter | None:
    """The adapter of a round; None while nothing is kept and the seeds may not be trained on: then the base draws.

    After a drift it is an earlier round's.
    """
    if best := drawing_round(engine, number):
        engine.note(
            f"round {number}: teaching more led to drift; the LoRA of round {best.number} draws what is missing"
        )
        return engine.adapter(_name(best))
    if not teachable(engine, number, phase):
        engine.note(f'round {number}: "seeds_train" leaves nothing to train on yet; the base draws from words alone')
        return None
    return teach(engine, number, phase, _name(Round(number, phase, 0, None)))


def drawing_round(engine: Engine, number: int) -> Round | None:
    """The earlier round whose adapter draws this one, once a round before it has drifted: the best that was sound.

    None while none has drifted, where the run shall stop then, or where no sound round's weights are there.
    """
    done = [one for one in engine.store.rounds() if one.number < number and one.outcome is not None]
    sound = usable_rounds(done)
    if len(sound) == len(done) or engine.config.loop.after_drift == "stop":
        return None
    return best_round([one for one in done if one.number in sound and _there(engine, one)])


def _there(engine: Engine, one: Round) -> bool:
    """Whether a round's weights can draw: trained, and not freed since."""
    made = engine.adapter(_name(one))
    return made is not None and (engine.store.directory / made.path).is_file()


def _name(one: Round) -> str:
    return f"r{one.number:02d}-{one.phase}"


def teachable(engine: Engine, number: int, phase: Phase) -> bool:
    """Whether a round has anything to train on: seeds that it may, or what earlier rounds kept."""
    return engine.character.trains_seeds(phase) or bool(_kept_before(engine, number))


def teach(engine: Engine, number: int, phase: Phase, name: str) -> Adapter:
    """The adapter ``name`` of this round, trained on the archive as it stood when the round began.

    Raises BackendError when there is nothing that it may be trained on.
    """
    if done := engine.adapter(name):
        return done
    (adapter,), told = trained(engine, number, phase, name)
    engine.store.add_adapter(adapter, told.seconds, told)
    return adapter


def trained(
    engine: Engine, number: int, phase: Phase, name: str, provisional: tuple[Frame, ...] = (), candidates: int = 1
) -> tuple[list[Adapter], AdapterTrained]:
    """Train; the weights that may be chosen from, by their steps, the finished ones last, and the event that tells it.

    Nothing is registered yet. Raises BackendError when there is nothing that it may be trained on.
    """
    began = time.monotonic()
    items = training_set(engine, number, phase, provisional)
    if not items:
        raise BackendError(
            f'nothing was kept, and "seeds_train": "{engine.character.seeds_train}" keeps the seeds out',
            'begin a run with more rounds or candidates, or with "seeds_train": "always"',
        )
    recipe = recipe_for(engine, phase, number, len(items)).model_copy(update={"candidates": candidates})
    workdir = engine.store.directory / "adapters" / name
    make_folder(workdir)
    last = trained_within_memory(engine.store, engine.trainer, items, recipe, workdir, _hearing(engine))
    seconds = time.monotonic() - began
    adapters = [_adapter(engine, one, f"{name}-step{one.steps}", phase, number) for one in last.earlier]
    told = AdapterTrained(number, name, last.steps, len(items), last.final_loss, round(seconds, 1))
    return [*adapters, _adapter(engine, last, name, phase, number)], told


def _adapter(engine: Engine, made: Trained, id: str, phase: Phase, number: int) -> Adapter:
    path = made.path.resolve().relative_to(engine.store.directory.resolve()).as_posix()
    return Adapter(id, phase, number, path, sha256_of(made.path), made.steps, made.final_loss)


def training_set(engine: Engine, number: int, phase: Phase, provisional: tuple[Frame, ...] = ()) -> list[TrainItem]:
    """Seeds where they may be trained on, every frame kept before this round, and provisional ones at half weight."""
    items = _captioned(engine, number, phase, provisional)
    floor = _recipe(engine, phase).rare_tag_floor
    if phase == "style" or not floor:
        return items
    return naming_rare(items, _captioned(engine, number, "style", provisional), floor)


def named_traits(engine: Engine, number: int, phase: Phase) -> frozenset[str]:
    """The identity tags that a round may be asked in: all in the style phase and from the base, later the rare ones."""
    own = frozenset(engine.character.identity)
    if phase == "style" or not teachable(engine, number, phase):
        return own
    if not _recipe(engine, phase).rare_tag_floor:
        return frozenset()
    return own & {tag for item in training_set(engine, number, phase) for tag in item.tags}


def _captioned(engine: Engine, number: int, phase: Phase, provisional: tuple[Frame, ...]) -> list[TrainItem]:
    """The pictures of `training_set`, each with its phase's caption and its weight."""
    run, composition = engine.store.directory, engine.config.panel.composition
    originals = [
        item
        for index, seed in enumerate(engine.seeds if engine.character.trains_seeds(phase) else ())
        for item in seed_items(seed, index, run, engine.captioner, composition, engine.side, phase)
    ]
    kept = _kept_before(engine, number)
    unseen = engine.unseen([*kept, *provisional])
    mine = engine.store.person.captions()
    generated = [
        *frame_items(kept, run, engine.wording, phase, unseen, written=mine, composition=composition),
        *frame_items(
            provisional, run, engine.wording, phase, unseen,
            kind="provisional", weight=0.5, written=mine, composition=composition,
        ),
    ]  # fmt: skip
    return balanced(originals, generated, engine.config.loop)


def _kept_before(engine: Engine, number: int) -> list[Frame]:
    return [frame for frame in engine.usable_keeps() if frame.job.round < number]


def recipe_for(engine: Engine, phase: Phase, number: int, pictures: int) -> TrainRecipe:
    """The phase's recipe with steps grown by the number of pictures, up to its own cap, and a seed of the round's."""
    base, recipe = engine.config.base, _recipe(engine, phase)
    wanted = recipe.epoch_steps(pictures) or max(base.minimum_steps, round(base.steps_per_picture * pictures))
    steps = min(recipe.steps, wanted)
    return recipe.model_copy(
        update={
            "steps": steps,
            "random_seed": random_seed_of(engine.config.random_seed, "train", number, phase) % 2**31,
        }
    )


def _recipe(engine: Engine, phase: Phase) -> TrainRecipe:
    return engine.config.base.recipes[phase]


def _hearing(engine: Engine) -> Emit:
    """Progress of the trainer goes through the engine, which also hears a wish to stop."""

    def hear(event: Event) -> None:
        if isinstance(event, Progress):
            engine.progress(event.stage, event.done, event.total, event.detail)
        else:
            engine.emit(event)

    return hear
