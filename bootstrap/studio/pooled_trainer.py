"""A trainer that shares the passes of each step among this process and idle workers of a team.

Only a recipe with ``gradient_accumulation_steps`` above 1 has passes to share. The LoRA is the one that a process alone
trains, up to the order in which gradients are added.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bootstrap.backends.base import Trained
from bootstrap.backends.masks import mask_of
from bootstrap.errors import BootstrapError, Interrupted
from bootstrap.events import Emit
from bootstrap.records import TrainItem
from bootstrap.studio.cluster import Cluster
from bootstrap.studio.team import Team
from bootstrap.studio.worker import TRAINING, Files, SharingTrainer
from bootstrap.training.checkpoint import NAME as CHECKPOINT
from bootstrap.training.processes import Meeting, joined_processes
from bootstrap.training.recipe import TrainRecipe

__all__ = ["PooledTrainer"]


class PooledTrainer:
    """Trains with ``trainer`` and the workers of ``team``; ``files`` hands files to them, ``tell`` gets notes.

    ``run`` is the folder where the references of drawn pictures lie, and the LoRAs that drew them.
    """

    def __init__(
        self,
        trainer: SharingTrainer,
        team: Team,
        cluster: Cluster,
        files: Files,
        run: Path,
        tell: Callable[[str], None],
    ) -> None:
        """Train nothing yet."""
        self._trainer, self._team, self._cluster, self._files = trainer, team, cluster, files
        self._run, self._tell = run, tell

    def train(self, items: Sequence[TrainItem], recipe: TrainRecipe, workdir: Path, emit: Emit) -> Trained:
        """Train a LoRA, together where there are passes to share; see `bootstrap.backends.base`.

        Where a worker is lost meanwhile this process goes on alone from the last checkpoint.
        """
        helpers = self._team.idle_actors()[: recipe.gradient_accumulation_steps - 1]
        if not helpers:
            return self._trainer.train(items, recipe, workdir, emit)
        try:
            return self._together(helpers, items, recipe, workdir, emit)
        except (BootstrapError, Interrupted):
            raise
        except RuntimeError as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            self._tell(f"training together failed ({reason[:120]}); this process goes on alone")
        return self._trainer.train(items, recipe, workdir, emit)

    def _together(
        self, helpers: Sequence[Any], items: Sequence[TrainItem], recipe: TrainRecipe, workdir: Path, emit: Emit
    ) -> Trained:
        address, port = self._cluster.own_address(), _free_port()
        files, there = [], []
        for number, item in enumerate(items):
            path = Path(item.path)
            for one in (path, mask_of(path)):
                if one is not None:
                    files.append(self._files.file(f"{TRAINING}/{number}/{one.name}", one))
            there.append(replace(item, path=f"{TRAINING}/{number}/{path.name}", drawn_with=self._inside(item)))
        files += [self._files.file(path, self._run / path) for path in self._shown(items, recipe)]
        if (checkpoint := workdir / CHECKPOINT).is_file():
            files.append(self._files.file(f"{TRAINING}/{CHECKPOINT}", checkpoint))
        for number, actor in enumerate(helpers, start=1):
            meeting = Meeting(number, len(helpers) + 1, address, port)
            self._team.occupy(actor, actor.train.remote(there, recipe, files, meeting))
        with joined_processes(Meeting(0, len(helpers) + 1, address, port)) as processes:
            return self._trainer.train(items, recipe, workdir, emit, processes)

    def _shown(self, items: Sequence[TrainItem], recipe: TrainRecipe) -> list[str]:
        """The files of the run that a training reads beside its pictures: references, and LoRAs that drew."""
        found = [one.path for item in items for one in item.beside]
        if recipe.reference_distillation:
            drawn = [item for item in items if item.job]
            found += [one.path for item in drawn if item.job for one in item.job.references]
            found += [path for item in drawn if (path := self._inside(item))]
        return list(dict.fromkeys(found))

    def _inside(self, item: TrainItem) -> str:
        """The LoRA that drew a picture, as a path in the run; "" for none."""
        return Path(item.drawn_with).relative_to(self._run).as_posix() if item.drawn_with else ""

    def use_tiles(self) -> bool:
        """Let the VAE work in tiles; see `bootstrap.backends.base`."""
        return self._trainer.use_tiles()

    def blend(self, adapters: Sequence[tuple[Path, float]], out: Path) -> None:
        """Write several adapters as one; see `bootstrap.backends.base`."""
        self._trainer.blend(adapters, out)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("", 0))
        return int(found.getsockname()[1])
