"""A drawer that shares whole batches among the members of a team. Knows no verdict.

A picture depends on its job, the adapter and its place in its batch, never on who drew it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from bootstrap.backends.base import Drawer
from bootstrap.backends.outside.refusals import refusal_card
from bootstrap.records import Job
from bootstrap.studio.team import DEADLY, SET_ASIDE, Team
from bootstrap.studio.worker import File, Files
from bootstrap.studio.workforce import Task

__all__ = ["PooledDrawer"]

WHY = f"it ended {DEADLY} workers"


class PooledDrawer:
    """Draws as ``drawer`` does, with all members of ``team``; ``files`` hands files to workers.

    ``run`` is the folder where references and other pictures of jobs lie.
    """

    def __init__(self, drawer: Drawer, team: Team, files: Files, run: Path) -> None:
        """Draw nothing yet."""
        self._drawer, self._team, self._files, self._run = drawer, team, files, run
        self._tiles = False

    @property
    def name(self) -> str:
        """What a frame records as its drawer."""
        return self._drawer.name

    @property
    def fingerprint(self) -> str:
        """That of the drawer: who draws changes nothing."""
        return self._drawer.fingerprint

    @property
    def resolution(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._drawer.resolution

    @property
    def batch_size(self) -> int:
        """Jobs a batch."""
        return self._drawer.batch_size

    def draw(self, jobs: Sequence[Job], adapter: Path | None) -> Iterator[list[tuple[Job, Image.Image]]]:
        """Draw in fixed batches, in order; see `bootstrap.backends.base`. A batch that kills workers is refused."""
        batches = [jobs[start : start + self.batch_size] for start in range(0, len(jobs), self.batch_size)]
        if len(batches) < 2:
            yield from self._drawer.draw(jobs, adapter)
            return
        weights = None
        if adapter:  # a path of its own: whoever has attached a file does not look into it again
            weights = self._files.file(f"adapters/{adapter.parent.name}/{adapter.name}", adapter)
        tasks = [self._task(batch, adapter, weights) for batch in batches]
        for batch, drawn in zip(batches, self._team.results(tasks), strict=True):
            if drawn is SET_ASIDE:
                drawn = [refusal_card(self.resolution, WHY) for _ in batch]
            yield list(zip(batch, drawn, strict=True))

    def _task(self, batch: Sequence[Job], adapter: Path | None, weights: File | None) -> Task:
        def drawn() -> list[Image.Image]:
            return [image for part in self._drawer.draw(batch, adapter) for _, image in part]

        def there(actor: Any) -> Any:
            return actor.draw.remote(batch, weights, self._shown(batch), tiles=self._tiles)

        return Task(f"a batch of {len(batch)} pictures, the first {batch[0].id}", lambda: drawn, there)

    def _shown(self, batch: Sequence[Job]) -> list[File]:
        """The pictures that jobs show to the drawer, or begin from."""
        shown = [one for job in batch for one in (*job.references, job.control, job.start) if one is not None]
        paths = dict.fromkeys(one.path for one in shown)
        return [self._files.file(path, self._run / path) for path in paths]

    def use_tiles(self) -> bool:
        """Let the VAE of every member work in tiles from now on; see `bootstrap.backends.base`."""
        self._tiles = True
        return self._drawer.use_tiles()

    def close(self) -> None:
        """Let the members go, then free the model."""
        self._team.close()
        self._drawer.close()
