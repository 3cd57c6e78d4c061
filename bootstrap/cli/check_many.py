"""``bootstrap check`` and ``init`` with more pictures than can anchor, or a sheet: what becomes of each, told by the
panel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.cli.findings import Findings
from bootstrap.config import PanelConfig, RunConfig
from bootstrap.config.training_pixels import side_of
from bootstrap.dataset.seed_tags import seed_tagging
from bootstrap.listeners.waiting import waiting
from bootstrap.machine.inventory import cache_folder
from bootstrap.machine.plain_output import one_line
from bootstrap.panel.availability import missing_models
from bootstrap.panel.gathered_seeds import gathered_seeds, sifting_sentences
from bootstrap.panel.models import PanelModels, open_panel_models
from bootstrap.retouch.upscale_models import open_upscaler
from bootstrap.seeds import MOST_SEEDS, SeedCaptioner, unread
from bootstrap.seeds.checks import names_of, notes_without_picture
from bootstrap.seeds.sifting import Improved

__all__ = ["panel_models_of", "print_many"]


def panel_models_of(panel: PanelConfig, *, fake: bool = False, comparing: bool = True) -> PanelModels:
    """The panel's models, loaded; those of the ``fake`` backend, and of the fake panel, are none to load.

    Without ``comparing`` only those that read pictures, not those that compare them with seeds.
    """
    if fake or panel.fake:
        from bootstrap.panel.color_models import fake_panel_models

        return fake_panel_models()
    from bootstrap.machine.device import pick_device

    return open_panel_models(panel, cache_folder() / "features", pick_device(), comparing=comparing)


def _improved_by(config: RunConfig) -> Improved:
    """What small and blurred pictures can count on. Raises UsageError where what enlarges cannot be loaded."""
    if not config.upscale:
        return Improved()
    scale = open_upscaler(config.upscale, "cpu").scale
    return Improved(scale, scale == 1)


def print_many(character: Character, config: RunConfig, pictures: Sequence[Path], found: Findings) -> int:
    """A line for each picture: an anchor, one that only trains, or set aside. Returns how many are taken.

    Where the panel is not on this machine, all count as taken.
    """
    if len(pictures) > MOST_SEEDS:
        found.notes += notes_without_picture(character, names_of(pictures))
    if config.backend != "fake" and missing_models(config.panel):
        typer.echo(f"seeds      {len(pictures)} pictures: the panel tells which are taken, and is not on this machine")
        return len(pictures)
    with found.collecting():
        with waiting(f"loading the panel, which sifts {len(pictures)} pictures"):
            models = panel_models_of(config.panel, fake=config.backend == "fake")
            tag = seed_tagging(models.tagger, character, config.panel)
            captioner = SeedCaptioner(Wording.of(character, config), models.read, tag)
            gathered = gathered_seeds(pictures, captioner, models, config, side_of(config.base), _improved_by(config))
        whole, *others = sifting_sentences(gathered.rows, gathered.seeds)
        typer.echo(f"seeds      {one_line(whole)}")
        for picture, seed in gathered.taken:
            kind = "anchor" if seed.anchor else "trains"
            shown = ", ".join(captioner.shown(seed).values())
            missing = f" (not read: {', '.join(unread(seed))})" if unread(seed) else ""
            typer.echo(one_line(f"{kind:<10} {picture.name}: {shown}{missing}"))
        for sentence in others:
            typer.echo(f"seeds      {one_line(sentence)}")
        return len(gathered.taken)
    return 0
