"""The pool of a run: this process and workers of a Ray cluster, which draw and measure together."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bootstrap.backends.base import Drawer, Trainer
from bootstrap.config import RunConfig
from bootstrap.studio.cluster import Cluster, joined
from bootstrap.studio.pooled_drawer import PooledDrawer
from bootstrap.studio.pooled_panel import PooledPanel
from bootstrap.studio.pooled_trainer import PooledTrainer
from bootstrap.studio.team import Team
from bootstrap.studio.worker import Files, SharingTrainer, Worker
from bootstrap.studio.workforce import LocalMember, RemoteMember

__all__ = ["Pool", "Pooling", "pooling"]


@dataclass(frozen=True, slots=True)
class Pool:
    """What a run draws and measures with."""

    drawer: Drawer
    panel: PooledPanel
    trainer: Trainer


@dataclass(frozen=True, slots=True)
class Pooling:
    """A cluster that waits for a run: ``workers`` processes work on it, this one counted in.

    With ``train_together`` they also share the passes of a training's steps.
    """

    cluster: Cluster
    workers: int
    train_together: bool = False

    def pool(self, config: RunConfig, drawer: Drawer, trainer: Trainer, run: Path, tell: Callable[[str], None]) -> Pool:
        """The pool of a run in the folder ``run``, whose workers load what ``config`` names; ``tell`` gets notes."""
        ray, fake = self.cluster.ray, config.backend == "fake"
        threads = 0 if fake or _on_a_card() else 1
        kind = self.cluster.actor(Worker)

        def worker() -> RemoteMember:
            return RemoteMember(self.cluster, lambda: kind.remote(config, drawer.fingerprint, threads, ray.get))

        local = LocalMember(threads)
        team = Team([local, *(worker() for _ in range(self.workers - 1))], worker, tell)
        files = Files(ray.put)
        if self.train_together and isinstance(trainer, SharingTrainer):
            trainer = PooledTrainer(trainer, team, self.cluster, files, tell)
        return Pool(PooledDrawer(drawer, team, files, run), PooledPanel(team, ray.put), trainer)


@contextlib.contextmanager
def pooling(address: str, workers: int, *, train_together: bool = False) -> Iterator[Pooling | None]:
    """The cluster for a block, where more than one worker is asked for. Raises ConfigError; see `joined`."""
    if workers < 2:
        yield None
        return
    with joined(address, workers=workers - 1, spare_card=_on_a_card()) as cluster:
        yield Pooling(cluster, workers, train_together)


def _on_a_card() -> bool:
    """Whether this process computes on a graphics card."""
    from bootstrap.machine.device import pick_device

    return pick_device() != "cpu"
