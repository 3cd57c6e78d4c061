"""What is attached to draw a picture: weights of the run as they are, or times a number and with other files beside.

A `Blend` is written to one file for as long as it draws. Knows no model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bootstrap.compare.grid import Companion
from bootstrap.errors import BackendError, StoreError
from bootstrap.records import Adapter, random_seed_of
from bootstrap.store.decisions import Blend
from bootstrap.store.files import make_folder
from bootstrap.store.replacing import is_whole
from loops.engine import Engine
from loops.weights_again import whole_adapter

__all__ = ["Weights", "attached", "blend_of", "blended", "can_be_attached", "is_here"]

Weights = Adapter | Blend


def blend_of(engine: Engine, adapter: Adapter, weight: float, companions: Sequence[Companion] = ()) -> Weights:
    """An adapter at a weight, beside others; stored, so that its pictures can be drawn again. Itself at weight 1."""
    if weight == 1 and not companions:
        return adapter
    name = f"{adapter.id}@{weight:g}"
    for one in companions:
        name += f"+{one.name}-{one.sha256[:6]}@{one.weight:g}"
    files = tuple(str(one.path.absolute()) for one in companions)
    digests, beside = tuple(one.sha256 for one in companions), tuple(one.weight for one in companions)
    return engine.store.decide(Blend(name, adapter.id, weight, files, digests, beside))


def is_here(engine: Engine, blend: Blend) -> bool:
    """Whether a blend's own weights are known, and the other files there and the same."""
    others = zip(blend.files, blend.digests, strict=True)
    return engine.adapter(blend.adapter) is not None and all(is_whole(Path(file), digest) for file, digest in others)


@contextmanager
def attached(engine: Engine, weights: Weights | None) -> Iterator[Path | None]:
    """The file that draws in the block, None for the base alone; a run's own file is trained again where it is lost.

    Raises BackendError for what cannot be blended: a DoRA, or a file that does not fit the base.
    """
    directory = engine.store.directory
    if not isinstance(weights, Blend):
        yield directory / whole_adapter(engine, weights).path if weights else None
        return
    adapter = engine.adapter(weights.adapter)
    if adapter is None:
        raise StoreError(f'"{directory}" knows no weights "{weights.adapter}"', "run the same command again")
    own = directory / whole_adapter(engine, adapter).path
    with blended(engine, [(own, weights.weight), *zip(map(Path, weights.files), weights.beside, strict=True)]) as file:
        yield file


def can_be_attached(engine: Engine, weights: Weights | None, untried: str) -> bool:
    """Whether weights can be attached; where not, a note says ``untried`` and why."""
    try:
        with attached(engine, weights):
            return True
    except BackendError as error:
        engine.note(f"{untried}: {error.message}")
        return False


@contextmanager
def blended(engine: Engine, parts: Sequence[tuple[Path, float]]) -> Iterator[Path]:
    """Several files as one for the block. Raises BackendError for what cannot be blended, or does not fit the base.

    Each blend has a file name of its own: a drawer keeps what it has loaded from a path.
    """
    file = engine.store.directory / "adapters" / f"blend-{random_seed_of(*parts):016x}.safetensors"
    make_folder(file.parent)
    try:
        engine.trainer.blend(parts, file)
        yield file
    finally:
        file.unlink(missing_ok=True)
