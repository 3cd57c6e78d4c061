"""Which pictures a LoRA is trained on, with which captions and weights.

Seeds that anchor, with crops and altered copies, fill a fixed share of the steps; the rest shows the other seeds and
what earlier rounds kept. Knows no trainer; the same archive gives the same set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap.captions.rare import naming_rare
from bootstrap.captions.wording import Wording
from bootstrap.config import RunConfig
from bootstrap.config.seed_cuts import EVERY_CUT
from bootstrap.config.steps import recipe_of
from bootstrap.dataset.detail_close_ups import DetailCloseUps
from bootstrap.dataset.generated import GeneratedFrames, balanced, names_identity, rare_floor
from bootstrap.dataset.originals import seed_items
from bootstrap.records import Frame, Phase, Seed, TrainItem, random_seed_of
from bootstrap.seeds import SeedCaptioner
from bootstrap.training.recipe import TrainRecipe
from loops.archive import Archive

__all__ = ["TrainingSets", "recipe_for"]


@dataclass(frozen=True)
class TrainingSets:
    """Composes the training sets of a run. ``directory`` is the run's; ``side`` that of training pictures in pixels."""

    directory: Path
    config: RunConfig
    wording: Wording
    captioner: SeedCaptioner
    seeds: Sequence[Seed]
    side: int

    def items(self, archive: Archive, number: int, phase: Phase, provisional: Sequence[Frame] = ()) -> list[TrainItem]:
        """Seeds where they may be trained on, every frame kept before a round, and provisional ones at half weight.

        What does not anchor weighs as much as a kept frame.
        """
        seen = (archive.measurements, archive.captions, archive.sights, archive.adapters)
        frames = GeneratedFrames(self.directory, archive.kept_before(number), provisional, *seen)
        taken = (*frames.kept, *provisional)
        generated, close_ups = frames.items(self.config, self.wording, phase), self._close_ups(taken, phase)
        anchored, others = self._originals(phase, anchor=True), self._originals(phase, anchor=False)
        anchored += [one for one in close_ups if one.seed is not None]
        generated += [one for one in close_ups if one.seed is None]
        items = balanced(anchored, [*others, *generated], self.config.loop)
        floor = rare_floor(self.config, phase)
        if not floor:
            return items
        growing = self.config.subject.growing.name
        originals = [*self._originals(growing, anchor=True), *self._originals(growing, anchor=False)]
        full = [*originals, *frames.items(self.config, self.wording, growing), *self._close_ups(taken, growing)]
        return naming_rare(items, full, floor)

    def named_traits(self, archive: Archive, number: int, phase: Phase) -> frozenset[str]:
        """The identity tags that prompts of a round may name.

        All where captions name them, and where the base draws; else those that are too rare to be withheld.
        """
        own = frozenset(self.wording.character.identity)
        if names_identity(self.config, phase) or not self.possible(archive, number, phase):
            return own
        if not rare_floor(self.config, phase):
            return frozenset()
        return own & {tag for item in self.items(archive, number, phase) for tag in item.tags}

    def possible(self, archive: Archive, number: int, phase: Phase) -> bool:
        """Whether a round has anything to train on: seeds that it may, or what earlier rounds kept."""
        return self.wording.character.trains_seeds(phase) or bool(archive.kept_before(number))

    def _close_ups(self, frames: Sequence[Frame], phase: Phase) -> list[TrainItem]:
        """Close-ups of special details: of seeds, which weigh as these do, and of frames, which weigh as kept ones."""
        seeds = self.seeds if self.wording.character.trains_seeds(phase) else ()
        return DetailCloseUps(self.directory, self.config, self.captioner, self.side).items(seeds, frames, phase)

    def _originals(self, phase: Phase, *, anchor: bool) -> list[TrainItem]:
        """The seeds that anchor, with their crops and altered copies, or the others, where the phase may have them."""
        if not self.wording.character.trains_seeds(phase):
            return []
        composition, wanted, items = self.config.panel.composition, self.config.base.cuts, []
        least, anchors = self.config.loop.first_pictures, sum(seed.anchor for seed in self.seeds)
        if least:
            wanted, least = EVERY_CUT, -(-least // max(1, anchors))
        for index, seed in enumerate(self.seeds):
            if seed.anchor == anchor:
                given = (seed, index, self.directory, self.captioner, composition, self.side, phase)
                items += seed_items(*given, wanted, least)
        return items


def recipe_for(config: RunConfig, phase: Phase, number: int, pictures: int) -> TrainRecipe:
    """The phase's recipe with steps grown by the number of pictures, up to its own cap, and the round's random seed.

    A LoRA that is trained beside references has its own steps.
    """
    random_seed = random_seed_of(config.random_seed, "train", number, phase) % 2**31
    recipe = recipe_of(config.base, phase, pictures).model_copy(update={"random_seed": random_seed})
    reference = config.base.reference
    if reference is None or not config.trains_beside or phase != config.filling_phase:
        return recipe
    return recipe.lasting(reference.beside_steps).model_copy(update={"beside_references": True})
