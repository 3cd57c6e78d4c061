"""A run of several subjects opened: its members gathered once, its models loaded, what judges each of them.

Knows no order of stages.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.compare.likeness_matrix import Cohort, TraitReader
from bootstrap.config import PanelConfig, RunConfig
from bootstrap.dataset.bundle_members import MEMBERS, BundleMember, balanced_members, members_of, require_apart
from bootstrap.errors import ConfigError
from bootstrap.events import Noted, Progress, RunBegan
from bootstrap.export.gathered_members import GivenMember, gather_member
from bootstrap.panel.judges import Judges, judges_for
from bootstrap.panel.references import references_of
from bootstrap.pictures import open_picture, square
from bootstrap.records import Frame, Phase, TrainItem
from bootstrap.runs.run_models import open_models
from bootstrap.seeds import SeedCaptioner
from bootstrap.store.store import Store
from loops.archive import Archive
from loops.engine import Engine
from loops.resume import require_same_models
from loops.training_set import TrainingSets
from scoring.measurement import Picture, digest_of

__all__ = ["Several", "open_several", "trained_with", "with_steps_for"]

COMPARED = 8
"""Pictures of each member's set that tell what is usual."""


@dataclass(frozen=True)
class MemberSets(TrainingSets):
    """The training set of a run of several: every member's, seen alike. Another archive changes nothing."""

    members: Sequence[BundleMember] = ()

    def items(self, archive: Archive, number: int, phase: Phase, provisional: Sequence[Frame] = ()) -> list[TrainItem]:
        """All members' pictures."""
        return balanced_members(self.members, self.directory)


@dataclass(frozen=True)
class Several:
    """An open run of several, and its members."""

    engine: Engine
    members: tuple[BundleMember, ...]

    @cached_property
    def wordings(self) -> dict[str, Wording]:
        """Trigger → the words of that member."""
        config = self.engine.config
        return {member.trigger: Wording.of(member.character, config) for member in self.members}

    @cached_property
    def judges(self) -> dict[str, Judges]:
        """Trigger → the panel before that member's seeds."""
        engine, found = self.engine, {}
        for member in self.members:
            wording = self.wordings[member.trigger]
            references = references_for(member, engine.store.directory, engine.config.panel)
            found[member.trigger] = judges_for(engine.panel_models, engine.config.panel, wording, references)
        return found

    @cached_property
    def cohort(self) -> Cohort:
        """The judges of all, over what is usual among the members' sets."""
        directory, sets = self.engine.store.directory, {}
        for member in self.members:
            kept = [item for item in member.items if item.kind == "kept"] or list(member.items)
            count = min(COMPARED, len(kept))
            shown = [kept[number * len(kept) // count] for number in range(count)]
            sets[member.trigger] = [seen_alone(directory / item.path) for item in shown]
        return Cohort.of(self.judges, sets)

    @cached_property
    def reader(self) -> TraitReader:
        """What reads words of one member on pictures of another."""
        return TraitReader(self.engine.panel_models, self.engine.config.panel, self.wordings)


def open_several(
    store: Store, given: Sequence[GivenMember], config: RunConfig, name: str = "", together: bool = False
) -> Several:
    """Everything that a run of several works with; ``together``: pictures of all of them are trained on.

    Raises UsageError where members cannot stand in one LoRA, and ConfigError where the run was begun with others.
    """
    require_apart({one.source: one.trigger for one in given})
    members = _settled(store, given, config, name)
    if together:
        config = with_triggers_kept(with_steps_of_joint(config, len(members)), len(members))
    else:
        config = with_steps_for(config, len(members))
    store.append_event(Progress("loading the weights", 0, 1))
    models = open_models(config, store.directory)
    if models.sampling:
        config = config.model_copy(update={"base": config.base.model_copy(update={"sampling": models.sampling})})
    require_same_models(store, {"base": models.drawer.fingerprint})
    wording = Wording.of(members[0].character, config)
    references = references_for(members[0], store.directory, config.panel)
    judges = judges_for(models.panel_models, config.panel, wording, references)
    character = joint_character(members, name)
    engine = Engine(store, models.drawer, models.trainer, judges, models.panel_models, config, character)
    trained_with(engine, members)
    for text in models.notes:
        engine.note(text)
    return Several(engine, members)


def trained_with(engine: Engine, members: Sequence[BundleMember]) -> None:
    """Let the LoRA of a run be trained on these members."""
    captioner = SeedCaptioner(engine.wording, lambda image, phrases: "")
    given = engine.store.directory, engine.config, engine.wording, captioner, (), engine.side
    engine.training_sets = MemberSets(*given, members)


def with_steps_for(config: RunConfig, members: int) -> RunConfig:
    """The settings with room for the steps of so many members: the cap of a recipe is that of one."""
    phase = config.subject.finishing.name
    recipe = config.base.recipes[phase]
    longer = recipe.model_copy(update={"steps": recipe.steps * members}).of_folders(members)
    base = config.base.model_copy(update={"recipes": {**config.base.recipes, phase: longer}})
    return config.model_copy(update={"base": base})


def with_steps_of_joint(config: RunConfig, members: int) -> RunConfig:
    """The settings of a training on pictures of everyone: each teaches so many members, and takes as many steps more.

    LOG "What teaches a couple": 400 steps on 24 pictures of two teach less than 800.
    """
    base, phase = config.base, config.subject.finishing.name
    recipe = base.recipes[phase]
    known = {name: getattr(recipe, name) for name in ("steps", "epochs", "target_steps")}
    changes = {name: value * members for name, value in known.items() if value}
    recipes = {**base.recipes, phase: recipe.model_copy(update=changes)}
    longer = {"recipes": recipes, "steps_per_picture": base.steps_per_picture * members}
    return config.model_copy(update={"base": base.model_copy(update=longer)})


def with_triggers_kept(config: RunConfig, members: int) -> RunConfig:
    """The settings of a training that leaves the triggers of all at the head of a caption when it shuffles the rest."""
    phase = config.subject.finishing.name
    recipe = config.base.recipes[phase]
    kept = recipe.model_copy(update={"keep_tokens": max(recipe.keep_tokens, members)})
    base = config.base.model_copy(update={"recipes": {**config.base.recipes, phase: kept}})
    return config.model_copy(update={"base": base})


def joint_character(members: Sequence[BundleMember], name: str = "") -> Character:
    """The first member under the name of all: what a run of several stores where one of a single subject stores its
    own."""
    called = name or f"{', '.join(one.name for one in members[:-1])} and {members[-1].name}"
    licences = dict.fromkeys(one.character.license for one in members if one.character.license)
    credits = dict.fromkeys(one.character.credits for one in members if one.character.credits)
    told = {"name": called, "license": "; ".join(licences), "credits": "; ".join(credits)}
    return members[0].character.model_copy(update=told)


def seen_alone(path: Path) -> Picture:
    """A picture of which no shot is known."""
    image = square(open_picture(path, 8)[0])
    return Picture(image, digest_of(image), "", "")


def references_for(member: BundleMember, directory: Path, panel: PanelConfig) -> list[Picture]:
    """What a member's likeness is judged against: the seeds of its run with their crops, or pictures of its folder."""
    if any(seed.view_family for seed in member.seeds):
        return references_of(member.seeds, directory, panel)
    return [seen_alone(directory / seed.path) for seed in member.seeds]


def _settled(store: Store, given: Sequence[GivenMember], config: RunConfig, name: str) -> tuple[BundleMember, ...]:
    """The members, gathered by the first call, and compared by a later one."""
    known = members_of(store)
    if known:
        before = {member.source: member.trigger for member in known}
        now = {one.source: one.trigger for one in given}
        if before != now:
            first = ", ".join(before)
            raise ConfigError(f'"{store.directory}" was begun with other members ({first})', "choose another --out")
        return tuple(known)
    members = []
    for number, one in enumerate(given):
        store.append_event(Progress("gathering the members", number, len(given), one.trigger))
        most = (one.config or config).subject.bundled
        members.append(gather_member(one, store.directory, most))
    character = joint_character(members, name)
    store.remember("character", character.model_dump_json())
    store.remember("config", config.model_dump_json())
    plain = json.dumps([member.plain for member in members], ensure_ascii=False)
    total = sum(len(member.items) for member in members)
    store.remember(MEMBERS, plain, RunBegan(character.name, config.base.name, total))
    for member in members:
        kept = sum(item.kind in ("kept", "provisional") for item in member.items)
        store.append_event(Noted(f"{member.trigger}: {kept} pictures of {member.source}"))
    return tuple(members)
