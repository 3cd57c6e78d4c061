"""Other checkpoints of a base's architecture, on which a finished LoRA is tried as well. Loads nothing.

A LoRA is used on more checkpoints than the one it was trained on. The run's panel judges them all.
"""

from __future__ import annotations

from collections.abc import Sequence

from bootstrap.backends.bases import check_base
from bootstrap.config import RunConfig, embedded, identity_of, load
from bootstrap.config.run_settings import BaseConfig
from bootstrap.errors import BackendError, ConfigError, UsageError

__all__ = ["on_other_bases"]

OPTION = "--also"


def on_other_bases(config: RunConfig, names: Sequence[str]) -> list[RunConfig]:
    """The configuration of a run on each of these presets or files, prompted and sampled as that base asks for.

    A file that does not say what it draws is prompted and sampled as the run's own base is. Raises UsageError for a
    base of another architecture, one that cannot be used, and a name that is none; BackendError where the run's own
    base cannot be used.
    """
    found = []
    for name in names:
        try:
            base = _base_of(config, name)
            other = check_base(embedded(base.path), base.sampling.vae)
        except (BackendError, ConfigError) as error:
            raise UsageError(f'{OPTION} "{name}": {error.message}', error.hint) from error
        own = check_base(embedded(config.base.path))
        if own.name != other.name:
            fits = f"a LoRA for {own.title} fits no other"
            raise UsageError(f'{OPTION} "{name}" is {other.title}: {fits}', f"name checkpoints of {own.title}")
        found.append(config.model_copy(update={"base": base}))
    return found


def _base_of(config: RunConfig, name: str) -> BaseConfig:
    """A base that draws from words alone: what is compared is the LoRA."""
    alone = {"reference": None, "control": None}
    identity = identity_of(name)
    if identity is not None and identity.unknown:
        return config.base.model_copy(update={**alone, "name": name, "path": name})
    return load(name).base.model_copy(update=alone)
