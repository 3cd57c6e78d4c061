"""Opening a run, new or old: its settings are stored once, its models are loaded, its seeds are taken in.

Which settings a continued run may change is decided in `loops.resume`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.character.complexity import sameness_warnings
from bootstrap.character.core_tag import core_warnings, with_core_tag
from bootstrap.config import RunConfig
from bootstrap.config.estimate import acceptance_pictures
from bootstrap.config.training_pixels import resolution_warnings, side_of
from bootstrap.dataset.exposure import with_folders
from bootstrap.events import Incident, Progress
from bootstrap.panel.judges import judges_for
from bootstrap.panel.references import references_of
from bootstrap.runs.encoder import remember_encoder
from bootstrap.runs.outside_drawers import open_drawers, purse_of
from bootstrap.runs.run_models import open_models
from bootstrap.store.store import Store
from bootstrap.studio.pool import Pooling
from loops.acceptance import check_beside
from loops.budget import Budget, originals_of
from loops.engine import Engine
from loops.intake import take_in
from loops.intake_many import sifting_notes
from loops.remarks import input_warnings, seed_notes
from loops.resume import require_same_models, settle
from loops.seed_enlarging import upscaling_notes
from loops.time_left import Hours
from loops.training_set import recipe_for

__all__ = ["open_engine"]


def open_engine(
    store: Store,
    config: RunConfig,
    character: Character,
    pictures: Sequence[Path],
    hours: Hours | None = None,
    workers: Pooling | None = None,
) -> Engine:
    """Everything a run works with, in the given hours, with these workers beside this process.

    Raises ConfigError when it was begun with other settings.
    """
    remarks = [*sameness_warnings(character, config), *resolution_warnings(config)]
    if not config.base.demonstration:
        remarks += core_warnings(character, config.subject.core_tag)
    character = with_core_tag(character, config.subject.core_tag)
    settle(store, config, character, pictures)
    opened = config = with_folders(config, character)
    store.append_event(Progress("loading the weights", 0, 1))
    models = open_models(config, store.directory)
    if models.sampling:  # what files and pictures tell of; workers open the base as this process did
        config = config.model_copy(update={"base": config.base.model_copy(update={"sampling": models.sampling})})
    panel_models = models.panel_models
    wording = Wording.of(character, config)
    seeds = take_in(store, wording, panel_models, config, side_of(config.base, models.drawer.resolution), pictures)
    references = references_of(seeds, store.directory, config.panel)
    judging = partial(judges_for, panel_models, config.panel, wording, references)
    judges = judging()
    purse = purse_of(config, store)
    outside = open_drawers(config, store, models.drawer, purse)
    drawers = {"base": models.drawer.fingerprint}
    for name, drawer in zip(("drawer", "second"), outside.values(), strict=False):
        drawers[name] = drawer.fingerprint
    require_same_models(store, {**drawers, **judges.fingerprints})
    remember_encoder(store, judges.encoder.fingerprint)
    engine = Engine(store, models.drawer, models.trainer, judges, panel_models, config, character, judging=judging)
    engine.outside, engine.purse = outside, purse
    if workers is not None:
        pool = workers.pool(opened, models.drawer, models.trainer, store.directory, partial(_tell, engine))
        engine.drawer, engine.trainer, engine.panel_pool = pool.drawer, pool.trainer, pool.panel
    if hours is not None:
        engine.budget = budget_of(config, originals_of(seeds, config.base), hours)
    given = (pictures, seeds, store.directory, config.upscale)
    told = [*models.notes, *sifting_notes(store), *upscaling_notes(store)]
    told += input_warnings(character, config, panel_models, engine.side, *given)
    for text in (*told, *remarks, *seed_notes(seeds, engine.captioner, wording)):
        engine.note(text)
    check_beside(engine)
    store.snapshot()  # of what the run was begun with
    return engine


def _tell(engine: Engine, text: str) -> None:
    """Emit what became of a worker."""
    engine.emit(Incident("worker", text))


def budget_of(config: RunConfig, originals: int, hours: Hours) -> Budget:
    """The hours with what the finish takes of them: the last training, on a full set, and its trials."""
    recipe = recipe_for(config, config.subject.finishing.name, 0, config.loop.target + originals)
    return Budget(hours, recipe.steps, config.loop.compared, acceptance_pictures(config))
