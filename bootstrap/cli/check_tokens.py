"""``bootstrap check``, the length of its prompts: how many tokens of CLIP they have, where the base has a CLIP."""

from __future__ import annotations

import contextlib

import typer

from bootstrap.backends.bases import check_base
from bootstrap.captions.clip_tokens import CHUNK, clip_tokens, too_long
from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.cli.findings import Findings
from bootstrap.config import RunConfig, embedded
from bootstrap.errors import BackendError
from bootstrap.shots import Planner, quotas

__all__ = ["print_tokens"]


def print_tokens(character: Character, config: RunConfig, found: Findings) -> None:
    """Print how long the prompts of a set are; what of them other programs would cut is noted."""
    if config.base.demonstration or not _reads_by_clip(config):
        return
    wording = Wording.of(character, config)
    shots = Planner(character, config.views, config.subject).plan(quotas(config.loop.target, config.views), [])
    prompts = list(dict.fromkeys(wording.prompt(shot, wording.traits(shot)) for shot in shots))
    counts = [clip_tokens(prompt) for prompt in prompts]
    typer.echo(f"tokens     prompts with every trait have {min(counts)} to {max(counts)}; CLIP sees {CHUNK} at once")
    if longer := too_long(prompts, "prompts"):
        found.notes.append(
            f"{longer}: they are drawn and trained whole here and in user interfaces, chunk by chunk; diffusers and"
            " trainers with one chunk cut them"
        )


def _reads_by_clip(config: RunConfig) -> bool:
    """Whether the base is here and has a CLIP as text encoder."""
    if config.backend == "fake":
        return False
    with contextlib.suppress(BackendError):
        return "clip_skip" not in check_base(embedded(config.base.path)).limits.without
    return False
