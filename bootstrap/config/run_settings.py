"""The settings of a run as one frozen record: the base, the views, the subject, the loop, the panel.

Knows no file: `bootstrap.config.reading` reads and merges them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from bootstrap.backends.control_settings import ControlSettings
from bootstrap.backends.outside.drawer_kinds import AnyDrawerSettings
from bootstrap.backends.outside.drawer_settings import DrawerSettings, ShownSettings
from bootstrap.backends.reference_settings import ReferenceSettings
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.backends.variation_settings import VariationSettings
from bootstrap.config.frozen import Frozen
from bootstrap.config.loop import LoopConfig
from bootstrap.config.panel_settings import PanelConfig
from bootstrap.config.reference_recipes import check_recipes
from bootstrap.config.seed_cuts import SeedCutsConfig
from bootstrap.config.subject import SubjectConfig
from bootstrap.training.recipe import TrainRecipe
from scoring.settings import is_none

__all__ = ["BASE", "BaseConfig", "RunConfig", "ViewFamilyPlan", "ViewsConfig"]


BASE = "base"
"""What names the base where drawers are named."""


class BaseConfig(Frozen):
    """A base model and the settings that suit it (configs/base/)."""

    name: str
    """What character.json and --base call it."""
    path: str
    """A diffusers folder, a .safetensors checkpoint, or the id of a model in the Hugging Face cache.

    ``embedded:base`` is the one this package ships.
    """
    about: str = ""
    """What it draws, in a few words, for a person who must choose."""
    license: str = ""
    """Its licence, as the Hugging Face Hub or its authors name it; empty: not known."""
    license_link: str = ""
    """Where a licence is found that the Hub does not know."""
    memory: float = Field(8, gt=0)
    """GiB that drawing and training take on the device."""
    demonstration: bool = False
    """Draws only the embedded world: never proposed for a person's own pictures."""
    quality: str = ""
    """Quality tags appended to every prompt."""
    negative: str = ""
    """Negative prompt placed before the character's own."""
    dialect: Literal["tags", "prose"] = "tags"
    """Whether prompts and captions are tags or the clauses of a sentence."""
    enlarged: str = ""
    """Tag of a seed, or a crop of one, that had to be enlarged to the base's size ("lowres"); empty: none."""
    sampling: SamplingSettings
    """How pictures are sampled."""
    upscaled: str = ""
    """Tag of a seed that a model enlarged or restored before training ("upscaled"); empty: none."""
    cuts: SeedCutsConfig = SeedCutsConfig()
    """What is made of a seed for training besides itself and its tighter framings."""
    reference: ReferenceSettings | None = None
    """What draws from the seeds, as references; null draws from words alone."""
    control: ControlSettings | None = None
    """What steers view and pose by control pictures; null leaves them to the words."""
    variations: VariationSettings | None = None
    """Which candidates begin from a seed or a picture that a person approved; null: none."""
    recipes: Mapping[str, TrainRecipe]
    """How a LoRA is trained, by the name of the phase."""
    steps_per_picture: float = Field(8, gt=0)
    """Optimiser steps a picture of the training set; the recipe's ``steps`` is the cap."""
    minimum_steps: int = Field(100, ge=1)
    """Fewest optimiser steps."""
    scoring: str = "puppet"
    """The panel of configs/scoring/ that can read this base's pictures."""
    profiles: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    """What this base changes of a profile of configs/machines/, by its name: speeds, and settings of base and loop."""

    @property
    def networks(self) -> tuple[str, ...]:
        """The kinds of networks that its recipes train."""
        return tuple(recipe.network for recipe in self.recipes.values())

    @property
    def short_name(self) -> str:
        """Its name without folders: what other people get names none of this machine."""
        return Path(self.name).name


class ViewFamilyPlan(Frozen):
    """What a view family asks of the dataset."""

    share: float = Field(gt=0, le=1)
    """Share of the dataset."""
    views: Mapping[str, str] = Field(min_length=1)
    """Name of each view → the tags that ask for it; they are drawn in turn."""
    hides: tuple[str, ...] = ()
    """Axes that cannot be seen from there ("eyes", "expression"): left out of prompts and captions."""


class ViewsConfig(Frozen):
    """The grid of views and framings (configs/views/)."""

    families: Mapping[str, ViewFamilyPlan] = Field(min_length=1)
    """View family → what it asks of the dataset; in this order they are shown."""
    framings: Mapping[str, float] = Field(min_length=1)
    """Share of each framing, from the tightest to the widest."""
    framing_hides: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """Axes that a framing cannot show."""
    framing_shows: Mapping[str, Mapping[str, tuple[str, ...]]] = Field(default_factory=dict)
    """Framing → axis → phrases: a value with none of them is not seen there. It is asked for, and not captioned.

    May tell of framings that this plan does without."""
    framing_lacks: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """Framing → last words of tags ("boots") that are not seen there: asked for, and not captioned."""

    @model_validator(mode="after")
    def _complete(self) -> ViewsConfig:
        totals = {
            "families": sum(plan.share for plan in self.families.values()),
            "framings": sum(self.framings.values()),
        }
        for name, total in totals.items():
            if abs(total - 1) > 0.01:
                raise ValueError(f"shares of {name} add up to {total:.2f}, not 1")
        for framing in self.framing_hides:
            if framing not in self.framings:
                raise ValueError(f'framing_hides "{framing}" is none of the framings: {", ".join(self.framings)}')
        names = [name for plan in self.families.values() for name in plan.views]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f'the view "{name}" occurs in two families')
        return self

    @property
    def phrases(self) -> tuple[str, ...]:
        """The tags of every view, in order."""
        return tuple(tags for plan in self.families.values() for tags in plan.views.values())

    def tags_of(self, view: str) -> str:
        """The tags of a view by its name; what is no name as it is."""
        named = {name: tags for plan in self.families.values() for name, tags in plan.views.items()}
        return named.get(view, view)

    def hidden(self, view_family: str, framing: str) -> frozenset[str]:
        """The axes that this view family or this framing cannot show."""
        return frozenset(self.families[view_family].hides) | frozenset(self.framing_hides.get(framing, ()))

    def shows(self, framing: str, axis: str, tag: str) -> bool:
        """Whether a picture in this framing shows what the tag of an axis names."""
        words = tag.lower().replace("_", " ").split()
        phrases = self.framing_shows.get(framing, {}).get(axis)
        if phrases is not None and not any(f" {phrase} " in f" {' '.join(words)} " for phrase in phrases):
            return False
        return not {*words[-1:]} & {*self.framing_lacks.get(framing, ())}


class RunConfig(Frozen):
    """Everything a run is made of, besides the character and its seeds."""

    base: BaseConfig
    views: ViewsConfig
    subject: SubjectConfig
    loop: LoopConfig
    panel: PanelConfig
    random_seed: int = Field(0, ge=0)
    """Random seed of the whole run."""
    profile: str = ""
    """The profile of configs/machines/ that was taken; "" for none."""
    backend: Literal["diffusers", "fake"] = "diffusers"
    """What generates and trains; ``fake`` paints without a model, for tests and for trying the commands."""
    upscale: str = ""
    """What enlarges seeds below the training size at the start: a model's file, or "lanczos"; empty: nothing does."""
    captions_by: str = ""
    """What reads the kept frames for their captions, beside the panel: a reader as `bootstrap label` takes one; empty:
    none does."""
    judge: str = ""
    """What looks at the frames that the gate leaves undecided, each beside a seed: a reader, as ``captions_by``; empty:
    none does."""
    drawer: AnyDrawerSettings | None = None
    """What draws candidates in place of the base, which is still what the LoRA is trained on; null: the base."""
    second: AnyDrawerSettings | Literal["base"] | None = None
    """What shares the candidates with ``drawer``: another drawer, or "base"; null: it draws them all."""

    @field_validator("captions_by", "judge", mode="before")
    @classmethod
    def _no_reader(cls, given: Any) -> Any:
        return "" if is_none(given) else given

    @property
    def readers(self) -> tuple[str, ...]:
        """The readers of the run, each once."""
        return tuple(sorted({self.captions_by, self.judge} - {""}))

    @model_validator(mode="after")
    def _trainable(self) -> RunConfig:
        for phase in self.subject.phases:
            if phase.name not in self.base.recipes:
                names = ", ".join(self.base.recipes)
                message = f'base.recipes has none for the phase "{phase.name}": add base.recipes.{phase.name}'
                raise ValueError(f"{message} (it has {names})")
        return self

    @model_validator(mode="after")
    def _fake_draws_by_words(self) -> RunConfig:
        if self.backend == "fake" and self.base.control is not None:
            raise ValueError("the fake backend draws along no control picture: leave --control out")
        return self

    @model_validator(mode="after")
    def _families_of_scorers(self) -> RunConfig:
        if problems := self.panel.unknown_families(self.views.families):
            raise ValidationError.from_exception_data("RunConfig", problems)
        return self

    @model_validator(mode="after")
    def _families_of_control(self) -> RunConfig:
        control = self.base.control
        accepted = {*self.views.families, *self.panel.view_phrases}
        for name in control.view_families if control else ():
            if name not in accepted:
                families = ", ".join(self.views.families)
                raise ValueError(f"base.control.view_families: no view family '{name}'; there are {families}")
        return self

    @model_validator(mode="after")
    def _trained_with_references(self) -> RunConfig:
        growing = self.base.recipes[self.subject.growing.name] if self.trains_to_draw else None
        check_recipes(self.base.recipes, growing, self.finishing_recipe, self.base.reference)
        return self

    @model_validator(mode="after")
    def _one_drawer(self) -> RunConfig:
        for name in ("reference", "control", "variations"):
            shares = name != "control" and self.second == BASE
            if self.drawer is not None and getattr(self.base, name) is not None and not shares:
                raise ValueError(f'base.{name}: the drawer "{self.drawer.name}" draws, not the base: leave one out')
        return self

    @model_validator(mode="after")
    def _two_that_can_share(self) -> RunConfig:
        if self.second is None:
            return self
        if self.drawer is None:
            raise ValueError("second: there is no drawer with which to share the work: name it with --drawer")
        both = self.alone
        if both[0].drawn_by == both[1].drawn_by:
            raise ValueError(f'the drawer "{self.drawer.name}" is given twice: leave one out, or give one another name')
        for one in self.drawers:
            if one.kind == "folder":
                raise ValueError('the drawer "folder" shares the work with no other: leave one out')
        if all(one.price for one in both):
            raise ValueError("both drawers are paid: give one that costs nothing beside the other")
        if all(one.shown is not None and one.shown.strengths for one in both):
            raise ValueError("both drawers try strengths: set the strengths of one to []")
        return self

    @property
    def drawers(self) -> tuple[AnyDrawerSettings, ...]:
        """The drawers that are not the base."""
        return tuple(one for one in (self.drawer, self.second) if isinstance(one, DrawerSettings))

    @property
    def drawn_by(self) -> str:
        """The name of what draws candidates, or of the first of two."""
        return BASE if self.drawer is None else self.drawer.name

    @property
    def price(self) -> float:
        """What a candidate costs in money, drawn by the first of two."""
        return 0.0 if self.drawer is None else self.drawer.price

    @property
    def alone(self) -> tuple[RunConfig, ...]:
        """The run as each of two drawers would play it without the other; the run itself where one draws."""
        if self.second is None:
            return (self,)
        found = []
        for one in (self.drawer, self.second):
            changes: dict[str, object] = {"drawer": None, "second": None}
            if isinstance(one, DrawerSettings):
                changes["drawer"] = one
                changes["base"] = self.base.model_copy(update=dict.fromkeys(("reference", "control", "variations")))
            found.append(self.model_copy(update=changes))
        return tuple(found)

    @property
    def shown(self) -> ShownSettings | None:
        """How what draws candidates is shown references, the first of two; None where it is shown none."""
        if self.drawer is None:
            return self.base.reference
        return self.drawer if self.drawer.most else None

    @property
    def trains_to_draw(self) -> bool:
        """Whether rounds train a LoRA that draws; not where what draws from references does so without one."""
        if self.second is not None:
            return any(one.trains_to_draw for one in self.alone)
        if self.drawer is not None:
            return self.drawer.with_lora
        return self.base.reference is None or self.base.reference.with_lora

    @property
    def trains_beside(self) -> bool:
        """Whether the base draws from references with a LoRA that is trained beside them, once, on the seeds."""
        reference, subject = self.base.reference, self.subject
        draws = self.drawer is None and reference is not None and reference.with_lora and reference.beside_steps > 0
        return draws and subject.growing.name != subject.finishing.name

    @property
    def filling_phase(self) -> str:
        """The phase of the rounds that fill the set: one whose LoRA can draw with what the base is shown."""
        subject = self.subject
        return subject.growing.name if self.trains_beside else subject.finishing.name

    @property
    def schedule(self) -> LoopConfig:
        """The loop as its drawer needs it: one that never changes has no goal before the target, and one from outside
        may say how many candidates and decoys; of two, the larger numbers hold."""
        changes: dict[str, object] = {}
        if not self.trains_to_draw or self.trains_beside:
            changes["goals"] = ()
        if self.second is not None:
            both = [one.schedule for one in self.alone]
            for name in ("lookalikes", "candidates_a_place"):
                changes[name] = max(getattr(one, name) for one in both)
        elif self.drawer is not None:
            own = {"lookalikes": self.drawer.decoys, "candidates_a_place": self.drawer.candidates_a_place}
            changes |= {name: value for name, value in own.items() if value is not None}
        return self.loop.model_copy(update=changes) if changes else self.loop

    @property
    def finishing_recipe(self) -> TrainRecipe:
        """How the LoRAs of the finishing phase are trained, the finished one among them."""
        return self.base.recipes[self.subject.finishing.name]
