"""A checkpoint that does not say what it draws: a person is asked once, on a terminal; elsewhere the options are named.

The answer is kept by the file's sha256 (`bootstrap.backends.preset_answers`). Also the lines of ``check`` about a base.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Collection

import typer

from bootstrap.backends.checkpoint_names import FEW_STEPS
from bootstrap.backends.predictions import predicted, prediction_of
from bootstrap.backends.preset_answers import BaseAnswer, remember
from bootstrap.backends.presets import Identity
from bootstrap.backends.samplers import unfitting_line
from bootstrap.backends.whole_digest import whole_digest
from bootstrap.config import BaseConfig, embedded, identity_of
from bootstrap.errors import BackendError, ConfigError
from bootstrap.listeners.waiting import waiting

__all__ = ["base_lines", "base_notes", "settle_base"]

LARGE = 200 << 20
"""Bytes of a file that takes a second to read."""
SAID_BY = {"look": "base.scoring", "words": "base.dialect"}
"""What is unknown → the setting that says it."""
VALUES = {"look": "drawn|photo", "words": "tags|prose"}
"""What is unknown → the values of its setting."""


def settle_base(base: str, stated: Collection[str], *, preset: str | None = None) -> None:
    """Ask what neither a file nor its name tells, and remember the answer; nothing for a base that tells enough.

    ``stated`` are dotted paths of settings that a person gave; a named ``preset`` says all. Raises ConfigError where
    nobody can be asked, or nobody answers.
    """
    identity = None if preset else identity_of(base, by_hash=False)
    if identity is None or not identity.unknown:
        return
    with _hashing(base):
        identity = identity_of(base) or identity
    unknown = [name for name in identity.unknown if SAID_BY[name] not in stated]
    if not unknown:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise _unsettled(base, identity)
    title = identity.architecture.title
    typer.echo(f'"{base}" is {title}; neither it nor its name says what it draws. This is asked once.', err=True)
    try:
        answer = _asked(identity, unknown)
    except typer.Abort:
        raise _unsettled(base, identity) from None
    remember(whole_digest(embedded(base)), answer)


def _hashing(base: str) -> contextlib.AbstractContextManager[None]:
    """What is shown while a file is read whole, where that takes seconds."""
    file = embedded(base)
    if not file.is_file() or file.stat().st_size < LARGE:
        return contextlib.nullcontext()
    return waiting(f'reading the whole of "{base}", to know it by its hash; a file is read once')


def base_lines(base: str, config_preset: str) -> list[str]:
    """Architecture, preset and prediction of a file or folder, and how each is known; [] for a preset's name."""
    identity = identity_of(base)
    if identity is None:
        return []
    how = "by --preset" if config_preset else identity.how
    prediction = identity.prediction
    predicts = predicted(prediction.kind, zero_terminal_snr=prediction.zero_terminal_snr)
    tested = "" if prediction.certain else "; tested on its weights when they are loaded"
    lines = [
        f"base       {identity.architecture.title}, by its layers",
        f"           preset {config_preset or identity.preset}, {how}",
        f"           predicts {predicts}, {prediction.how}{tested}",
    ]
    if identity.distilled:
        steps, scale = (identity.settings["sampling"][name] for name in ("steps", "guidance_scale"))
        lines.append(f"           few steps ({identity.distilled}): drawn with {steps} steps at guidance {scale:g}")
    return lines


def base_notes(base: BaseConfig) -> list[str]:
    """What speaks against a base, though it can be used, and what of its settings does not fit it."""
    notes, identity = [], identity_of(base.name)
    if identity is not None and identity.distilled:
        notes.append(
            f'"{base.name}" was distilled to few steps ({identity.distilled}): a LoRA trained on it comes out blurred'
            " or overdone; train on the checkpoint that it was made from, and draw with this one"
        )
    if line := unfitting_line(base.name, base.sampling.scheduler, ends_in_noise=_ends_in_noise(base)):
        notes.append(line)
    return notes


def _ends_in_noise(base: BaseConfig) -> bool:
    """Whether a base is sampled on a schedule with zero terminal SNR, by its settings or as its files say."""
    if base.sampling.zero_terminal_snr is not None:
        return base.sampling.zero_terminal_snr
    try:
        return prediction_of(embedded(base.path)).zero_terminal_snr
    except BackendError:  # a base that cannot be used is told of elsewhere
        return False


def _asked(identity: Identity, unknown: Collection[str]) -> BaseAnswer:
    """The answers typed on the terminal."""
    look = words = ""
    if "look" in unknown:
        look = _choice("Does it make drawings or photographs", ("drawn", "photo"))
    if "words" in identity.unknown:
        kinds: tuple[str, ...] = ("tags", "sentences")
        if "pony" in identity.architecture.presets.finetunes:
            kinds = ("tags", "scores", "sentences")
            typer.echo('scores: tags that begin with "score_9, score_8_up", as Pony\'s do', err=True)
        words = _choice("What are its prompts", kinds)
    distilled = _choice("Is it made for few steps", ("no", *FEW_STEPS), default="no")
    return BaseAnswer(look, words, "" if distilled == "no" else distilled)


def _choice(question: str, choices: tuple[str, ...], default: str | None = None) -> str:
    """One of the choices, or how it begins; asked again until it is one."""
    while True:
        typed = typer.prompt(f"{question} ({', '.join(choices)})", default=default, err=True)
        found = [choice for choice in choices if typed and choice.startswith(str(typed).strip().lower())]
        if len(found) == 1:
            return found[0]


def _unsettled(base: str, identity: Identity) -> ConfigError:
    """The error where nobody can be asked: what is not known, and the options that say it."""
    presets = identity.architecture.presets
    names = list(dict.fromkeys([presets.plain, presets.drawings, *presets.finetunes.values()]))
    asked = {"look": "whether it makes drawings or photographs", "words": "whether its prompts are tags or sentences"}
    unknown = " and ".join(asked[name] for name in identity.unknown)
    settings = " ".join(f"--set {SAID_BY[name]}={VALUES[name]}" for name in identity.unknown)
    message = f'"{base}" does not say {unknown} ({identity.how})'
    return ConfigError(message, f"give --preset {'|'.join(filter(None, names))}, or {settings}")
