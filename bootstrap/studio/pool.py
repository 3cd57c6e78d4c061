"""The pool of a run: this process and workers of a Ray cluster, which draw and measure together."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bootstrap.backends.base import Drawer, Trainer
from bootstrap.config import RunConfig
from bootstrap.errors import ConfigError
from bootstrap.studio.cluster import AUTO, Cluster, joined
from bootstrap.studio.pooled_drawer import PooledDrawer
from bootstrap.studio.pooled_panel import PooledPanel
from bootstrap.studio.team import Team
from bootstrap.studio.worker import Files, Same, SharingTrainer, Worker
from bootstrap.studio.workforce import LocalMember, RemoteMember

CPU = "cpu"
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
        ray, device = self.cluster.ray, "" if config.backend == "fake" else _device()
        threads = _threads() if device else 0
        kind, same = self.cluster.actor(Worker), Same(drawer.fingerprint, device)

        def worker() -> RemoteMember:
            return RemoteMember(self.cluster, lambda: kind.remote(config, same, threads, ray.get))

        local = LocalMember(threads)
        team = Team([local, *(worker() for _ in range(self.workers - 1))], worker, tell)
        files = Files(ray.put)
        if self.train_together and isinstance(trainer, SharingTrainer):
            from bootstrap.studio.pooled_trainer import PooledTrainer

            trainer = PooledTrainer(trainer, team, self.cluster, files, run, tell)
        return Pool(PooledDrawer(drawer, team, files, run), PooledPanel(team, ray.put), trainer)


@contextlib.contextmanager
def pooling(address: str | None, workers: int | None, *, train_together: bool = False) -> Iterator[Pooling | None]:
    """The cluster at ``address`` for a block, where more than one worker is asked for; None without any.

    ``workers`` None takes what a cluster has: one on each of its cards, or on each processor where it has none. Raises
    ConfigError; see `joined`.
    """
    if workers == 1 or (workers is None and address is None):
        if train_together:
            raise ConfigError("one worker has nobody to train together with", "add --workers 2")
        yield None
        return
    with joined(address or AUTO, workers=(workers or 1) - 1, spare_card=_on_a_card()) as cluster:
        yield Pooling(cluster, workers or 1 + int(cluster.gpus or cluster.cpus), train_together)


def _on_a_card() -> bool:
    """Whether this process computes on a graphics card."""
    return _device() != CPU


def _device() -> str:
    from bootstrap.machine.device import pick_device

    return pick_device()


def _threads() -> int:
    """What torch computes with on a processor; other numbers of threads add numbers up in another order."""
    import torch

    return torch.get_num_threads()
