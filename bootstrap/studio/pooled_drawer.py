"""A drawer that shares whole batches among the members of a team. Knows no verdict.

A picture depends on its job, the adapter and its place in its batch, never on who drew it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from bootstrap.backends.base import Drawer
from bootstrap.backends.outside.refusals import refusal_card
from bootstrap.records import Job
from bootstrap.studio.members import Task
from bootstrap.studio.team import DEADLY, SET_ASIDE, Team
from bootstrap.studio.worker import File, key_of

__all__ = ["PooledDrawer"]

WHY = f"it ended {DEADLY} workers"


class PooledDrawer:
    """Draws as ``drawer`` does, with all members of ``team``; ``ship`` hands a content to workers.

    ``run`` is the folder where references and other pictures of jobs lie.
    """

    def __init__(self, drawer: Drawer, team: Team, ship: Callable[[bytes], Any], run: Path) -> None:
        """Draw nothing yet."""
        self._drawer, self._team, self._ship, self._run = drawer, team, ship, run
        self._shipped: dict[str, File] = {}
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
        weights = self._file(adapter.name, adapter.read_bytes()) if adapter else None
        tasks = [self._task(batch, adapter, weights) for batch in batches]
        for batch, drawn in zip(batches, self._team.results(tasks), strict=True):
            if drawn is SET_ASIDE:
                drawn = [refusal_card(self.resolution, WHY) for _ in batch]
            yield list(zip(batch, drawn, strict=True))

    def _task(self, batch: Sequence[Job], adapter: Path | None, weights: File | None) -> Task:
        def drawn() -> list[Image.Image]:
            return [image for part in self._drawer.draw(batch, adapter) for _, image in part]

        def there(actor: Any) -> Any:
            return actor.draw.remote(batch, weights, self._files(batch), tiles=self._tiles)

        return Task(f"a batch of {len(batch)} pictures, the first {batch[0].id}", lambda: drawn, there)

    def _files(self, batch: Sequence[Job]) -> list[File]:
        """The pictures that jobs show to the drawer, or begin from."""
        shown = [one for job in batch for one in (*job.references, job.control, job.start) if one is not None]
        paths = dict.fromkeys(one.path for one in shown)
        return [self._file(path, (self._run / path).read_bytes()) for path in paths]

    def _file(self, path: str, content: bytes) -> File:
        """A file as workers get it; a content is handed over once."""
        key = key_of(content)
        if path not in self._shipped or self._shipped[path].key != key:
            self._shipped[path] = File(path, key, self._ship(content))
        return self._shipped[path]

    def use_tiles(self) -> bool:
        """Let the VAE of every member work in tiles from now on; see `bootstrap.backends.base`."""
        self._tiles = True
        return self._drawer.use_tiles()

    def close(self) -> None:
        """Let the members go, then free the model."""
        self._team.close()
        self._drawer.close()
