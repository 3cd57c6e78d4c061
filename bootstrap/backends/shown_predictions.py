"""What a base predicts of pictures in training when it is shown references, in two uses.

Distillation (arXiv 1503.02531): a LoRA learns what the base, with the LoRA that drew a picture if any, predicts of it
when it is shown what it was drawn from. Each drawn picture has errors of its own, which the prediction has not. And a
LoRA that is trained beside references, which learns what these leave out. Knows no loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch

from bootstrap.backends.drawing import beside_references
from bootstrap.backends.framing import Framed
from bootstrap.backends.loaded import LoadedBase
from bootstrap.backends.native_references import ShowsReferences
from bootstrap.backends.prompts import TextStates
from bootstrap.machine.device import autocast
from bootstrap.records import Reference, TrainItem
from bootstrap.store.files import sha256_of
from bootstrap.training.recipe import TrainRecipe

__all__ = ["ShownPredictions", "predicted_from"]


class ShownPredictions:
    """The base with the references of each entry; it encodes them when it is made.

    Args:
        base: the loaded base, with what is attached to it while it predicts.
        references: what shows it references.
        shown: the references of each entry; only entries that have some can be predicted.
        pictures: the entries' pictures as they are trained on.

    Raises:
        BackendError: a reference is missing, or not the picture that was planned with.
    """

    def __init__(
        self,
        base: LoadedBase,
        references: ShowsReferences,
        shown: Sequence[Sequence[Reference]],
        pictures: Sequence[Framed],
    ) -> None:
        self._base, self._references, self._shown, self._pictures = base, references, shown, pictures
        references.prepare([one for row in shown for one in row])

    def predict(
        self,
        latents: torch.Tensor,
        times: torch.Tensor,
        texts: Sequence[str],
        entries: Sequence[int],
        encode: Callable[[Sequence[str]], TextStates] | None = None,
    ) -> torch.Tensor:
        """Predictions (n, c, h, w) from noised latents, times (n,), n texts and the numbers of entries.

        ``encode`` encodes the texts; None: as the base does, without gradients for its text encoders.
        """
        found = torch.zeros_like(latents, dtype=torch.float32)
        base, times = self._base, times * self._base.objective.time_scale
        for rows in self._together(times, entries):
            cuts = [self._pictures[entries[row]].cut for row in rows]
            with self._references.shown([self._shown[entries[row]] for row in rows]) as shown:
                if shown.look:
                    shown.look(times[rows[0]])
                text = (encode or base.prompts.encode)([texts[row] for row in rows])
                with autocast(base.device, base.settings.dtype):
                    text = beside_references(text, shown, guided=False)
                    found[rows] = base.predict(latents[rows], times[rows], text, cuts).float()
        return found

    def _together(self, times: torch.Tensor, entries: Sequence[int]) -> Iterator[list[int]]:
        """The rows that are predicted at once: those that are shown as many pictures as strongly."""
        groups: dict[tuple[float, ...], list[int]] = {}
        for row, entry in enumerate(entries):
            at = (float(times[row]),) if self._references.by_timestep else ()
            groups.setdefault((*self._references.alike(self._shown[entry]), *at), []).append(row)
        yield from groups.values()


def predicted_from(items: Sequence[TrainItem], recipe: TrainRecipe) -> list[str]:
    """What tells trainings apart that show other references, or other LoRAs' predictions, with the same pictures."""
    found = []
    for item in items:
        if recipe.beside_references:
            found += _named(item.beside)
        if recipe.reference_distillation and item.job:
            lora = [sha256_of(Path(item.drawn_with))] if item.drawn_with else []
            found.append("+".join([item.job.prompt, *_named(item.job.references), *lora]))
    return found


def _named(references: Sequence[Reference]) -> list[str]:
    """What identifies references: the digest and strength of each."""
    return [f"{one.sha256}@{one.strength:g}" for one in references]
