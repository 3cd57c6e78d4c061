"""Which LoRAs `bootstrap compare` tries: the finished one's checkpoints, or those that a person names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bootstrap.errors import UsageError
from bootstrap.records import Adapter
from bootstrap.runs.accepted import finished_lora
from bootstrap.store.decisions import FinalCandidates
from bootstrap.store.store import Store

__all__ = ["chosen_weights"]

ALL = "all"


def chosen_weights(store: Store, names: Sequence[str]) -> list[Adapter | Path]:
    """The LoRAs to try; without ``names`` the finished one's, else the latest. Raises UsageError."""
    trained = _trained(store)
    if not trained:
        raise UsageError(f'"{store.directory}" has trained nothing yet', "wait for its first round")
    words: list[str] = []
    for text in names:
        words += [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        return _last_training(trained, finished_lora(store))
    chosen: dict[Adapter | Path, None] = {}
    for word in words:
        file = Path(word).expanduser()
        if word == ALL:
            chosen |= dict.fromkeys(trained.values())
        elif word in trained:
            chosen[trained[word]] = None
        elif file.is_file():
            chosen[file] = None
        else:
            message = f'--checkpoints "{word}" is neither a file nor a LoRA of this run'
            raise UsageError(message, f"it has {', '.join(trained)}")
    return list(chosen)


def _last_training(trained: dict[str, Adapter], finished: Adapter | None) -> list[Adapter | Path]:
    """The checkpoints of the training that the finished LoRA is from, or the latest adapter where there is none."""
    last = finished or list(trained.values())[-1]
    if not last.is_final:
        return [last]
    return [adapter for adapter in trained.values() if adapter.training == last.training]


def _trained(store: Store) -> dict[str, Adapter]:
    """All adapters of a run whose files are there, by name, in the order of their training."""
    adapters = [adapter for adapter in store.adapters() if not adapter.is_final]
    for candidates in store.decisions(FinalCandidates):
        adapters += candidates.adapters
    adapters += [adapter for adapter in store.adapters() if adapter.is_final]
    return {adapter.id: adapter for adapter in adapters if (store.directory / adapter.path).is_file()}
