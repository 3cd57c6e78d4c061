"""What a base predicts of pictures in training when it is shown the references that they were drawn from.

A LoRA that learns this target draws without references what the base draws with them: distillation (arXiv 1503.02531).
Each drawn picture has errors of its own, which the prediction has not. Knows no adapter in training and no loss.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from bootstrap.backends.drawing import beside_references
from bootstrap.backends.framing import CropWindow, Framed
from bootstrap.backends.loaded import LoadedBase
from bootstrap.backends.native_references import ShowsReferences
from bootstrap.machine.device import autocast
from bootstrap.records import Job, TrainItem
from bootstrap.training.recipe import TrainRecipe

__all__ = ["ShownPredictions", "distilled_from"]


class ShownPredictions:
    """The base with the references of each item; it encodes them when it is made.

    Args:
        base: the loaded base, whose LoRA is switched off while it predicts.
        references: what shows it references.
        items: those of the training; only those with a ``job`` can be predicted.
        pictures: the items' pictures as they are trained on, ``crops`` of each.

    Raises:
        BackendError: a reference is missing, or not the picture that was planned with.
    """

    def __init__(
        self,
        base: LoadedBase,
        references: ShowsReferences,
        items: Sequence[TrainItem],
        pictures: Sequence[Framed],
        crops: int,
    ) -> None:
        self._base, self._references, self._pictures = base, references, pictures
        self._jobs = [item.job for item in items for _ in range(crops)]
        jobs = [job for job in self._jobs if job]
        references.prepare([one for job in jobs for one in job.references])

    def predict(self, latents: torch.Tensor, times: torch.Tensor, entries: Sequence[int]) -> torch.Tensor:
        """Predictions (n, c, h, w) from noised latents, times (n,) and the numbers of entries that have jobs."""
        found = torch.zeros_like(latents, dtype=torch.float32)
        times = times * self._base.objective.time_scale
        for rows in self._together(times, entries):
            jobs = [job for row in rows if (job := self._jobs[entries[row]])]
            cuts = [self._pictures[entries[row]].cut for row in rows]
            found[rows] = self._predict(latents[rows], times[rows], jobs, cuts).float()
        return found

    def _predict(
        self, latents: torch.Tensor, times: torch.Tensor, jobs: Sequence[Job], cuts: Sequence[CropWindow]
    ) -> torch.Tensor:
        """The predictions for jobs that are shown as many references as strongly."""
        base = self._base
        with self._references.shown(jobs) as shown:
            if shown.look:
                shown.look(times[0])
            text = beside_references(base.prompts.encode([job.prompt for job in jobs]), shown, guided=False)
            with autocast(base.device, base.settings.dtype):
                return base.predict(latents, times, text, cuts)

    def _together(self, times: torch.Tensor, entries: Sequence[int]) -> Iterator[list[int]]:
        """The rows that are predicted at once: those that are shown as many pictures as strongly."""
        groups: dict[tuple[float, ...], list[int]] = {}
        for row, entry in enumerate(entries):
            job = self._jobs[entry]
            assert job is not None
            at = (float(times[row]),) if self._references.by_timestep else ()
            groups.setdefault((*self._references.alike(job), *at), []).append(row)
        yield from groups.values()


def distilled_from(items: Sequence[TrainItem], recipe: TrainRecipe) -> list[str]:
    """What tells trainings apart that learn from the same pictures, shown other references: digests and strengths."""
    if not recipe.reference_distillation:
        return []
    found = []
    for job in (item.job for item in items if item.job):
        shown = [f"{one.sha256}@{one.strength:g}" for one in job.references]
        found.append("+".join([job.prompt, *shown]))
    return found
