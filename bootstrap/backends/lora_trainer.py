"""The training of a LoRA on a loaded base: pictures encoded, a new adapter attached, samples drawn, the file written.

The training itself is `bootstrap.training.train_lora`. Knows no run and no round.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from bootstrap.backends.attaching import AttachedAdapter
from bootstrap.backends.base import Trained, weights_file
from bootstrap.backends.drawing import draw_batch
from bootstrap.backends.framing import Framed, framed
from bootstrap.backends.latents import encode_pictures
from bootstrap.backends.loaded import LoadedBase
from bootstrap.backends.loaded_references import ShownToBatch
from bootstrap.backends.native_references import ShowsReferences
from bootstrap.backends.regularisation import NO_SHOT
from bootstrap.backends.saving_memory import checkpointing, moved, without_checkpointing
from bootstrap.backends.shown_predictions import ShownPredictions, predicted_from
from bootstrap.events import Emit
from bootstrap.lora import kohya_names, metadata_for, save_kohya
from bootstrap.lora.network import Network
from bootstrap.machine.device import arithmetic, autocast
from bootstrap.pictures.sheets import contact_sheet
from bootstrap.records import Job, JobKind, TrainItem
from bootstrap.store.files import write_image
from bootstrap.training.inputs import Predict, TrainingInputs
from bootstrap.training.losslog import SAMPLES
from bootstrap.training.passes import Passes
from bootstrap.training.processes import ALONE, Processes
from bootstrap.training.recipe import TrainRecipe
from bootstrap.training.train_lora import train_lora

__all__ = ["LoraTrainer"]

SAMPLED = 4
"""Pictures of a sheet of samples."""


class LoraTrainer:
    """Trains adapters on a loaded base, in place."""

    def __init__(self, base: LoadedBase, adapter: AttachedAdapter, references: ShowsReferences | None = None) -> None:
        self._base, self._adapter, self._references = base, adapter, references

    def train(
        self,
        items: Sequence[TrainItem],
        recipe: TrainRecipe,
        workdir: Path,
        emit: Emit,
        regularisation: Sequence[TrainItem] = (),
        processes: Processes = ALONE,
    ) -> Trained:
        """Train a new adapter and write its files; see `bootstrap.backends.base`. Raises BackendError."""

        def keep(steps: int) -> None:
            self._save(weights_file(workdir, steps), items, recipe, steps)

        def sample(steps: int) -> None:
            self._sample(items, recipe, workdir / SAMPLES / f"step{steps:08d}.png")

        base = self._base
        trained = base.text_encoders if recipe.text_encoder and base.settings.offload else []
        with moved(trained, base.device, back="cpu"):
            inputs = self.inputs(items, recipe, regularisation)
            unused = self._unused(inputs, items, recipe)
            with (
                checkpointing(base.denoiser, recipe),
                moved(unused, "cpu", back=base.device),
                self._held(items, recipe),
            ):
                outcome = train_lora(inputs, items, recipe, workdir, emit, keep, sample, processes)
        path = weights_file(workdir)
        self._save(path, items, recipe, outcome.steps)
        earlier = [Trained(weights_file(workdir, one.steps), one.steps, one.final_loss) for one in outcome.earlier]
        return Trained(path, outcome.steps, outcome.final_loss, tuple(earlier))

    def inputs(
        self, items: Sequence[TrainItem], recipe: TrainRecipe, regularisation: Sequence[TrainItem] = ()
    ) -> TrainingInputs:
        """A new adapter, the pictures as latents, and the base as functions that predict."""
        base = self._base
        weights, text_weights = self._adapter.begin(
            Network.of(recipe), recipe.random_seed, text_encoder=recipe.text_encoder
        )
        size = recipe.size_for(base.resolution)
        pictures = [framed(item, size, recipe, crop) for item in items for crop in range(recipe.latent_crops)]
        pictures += [framed(item, size, recipe) for item in regularisation]
        encoded = encode_pictures(base, pictures, recipe)
        return TrainingInputs(
            weights,
            text_weights,
            encoded.means,
            self._predict(items, pictures, recipe, with_gradients=recipe.text_encoder),
            base.objective,
            base.device,
            content="|".join([base.digest, *encoded.digests, *predicted_from(items, recipe)]),
            scales_loss=arithmetic(base.device, base.settings.dtype) == torch.float16,
            crops=recipe.latent_crops,
            deviations=encoded.deviations,
            masks=encoded.masks,
            regularisation=regularisation,
            predict_base=self._predict_base(items, pictures, recipe),
            predict_shown=self._predict_shown(items, pictures, recipe),
        )

    def _predict(
        self, items: Sequence[TrainItem], pictures: Sequence[Framed], recipe: TrainRecipe, *, with_gradients: bool
    ) -> Predict:
        """The denoiser with captions; ``with_gradients`` encodes these through the text encoders, anew each time.

        It is shown each item's references where the recipe trains beside them.
        """
        base = self._base
        encode = base.prompts.encode_with_gradients if with_gradients else base.prompts.encode
        time_scale = base.objective.time_scale
        if self._references is not None and _beside(items, recipe):
            beside = [item.beside for item in items for _ in range(recipe.latent_crops)]
            return partial(ShownPredictions(base, self._references, beside, pictures).predict, encode=encode)

        def predict(
            latents: torch.Tensor, times: torch.Tensor, captions: Sequence[str], entries: Sequence[int]
        ) -> torch.Tensor:
            cuts = [pictures[entry].cut for entry in entries]
            with autocast(base.device, base.settings.dtype):
                return base.predict(latents, times * time_scale, encode(captions), cuts)

        return predict

    def _predict_base(self, items: Sequence[TrainItem], pictures: Sequence[Framed], recipe: TrainRecipe) -> Predict:
        """The same without the adapter that is in training, and without gradients."""
        predict = self._predict(items, pictures, recipe, with_gradients=False)

        def predict_base(
            latents: torch.Tensor, times: torch.Tensor, captions: Sequence[str], entries: Sequence[int]
        ) -> torch.Tensor:
            with self._adapter.switched_off(text_encoder=recipe.text_encoder), torch.no_grad():
                return predict(latents, times, captions, entries)

        return predict_base

    def _predict_shown(
        self, items: Sequence[TrainItem], pictures: Sequence[Framed], recipe: TrainRecipe
    ) -> Predict | None:
        """What drew pictures predicts of them, shown what they were drawn from; None where it is not asked."""
        if self._references is None or not recipe.reference_distillation:
            return None
        every = [item for item in items for _ in range(recipe.latent_crops)]
        references = [item.job.references if item.job else () for item in every]
        shown = ShownPredictions(self._base, self._references, references, pictures)
        lent = self._adapter.lending([Path(item.drawn_with) for item in items if item.job and item.drawn_with])

        def predict_shown(
            latents: torch.Tensor, times: torch.Tensor, prompts: Sequence[str], entries: Sequence[int]
        ) -> torch.Tensor:
            found = torch.zeros_like(latents, dtype=torch.float32)
            drawn_with = [every[entry].drawn_with for entry in entries]
            for file in dict.fromkeys(drawn_with):
                rows = [row for row, one in enumerate(drawn_with) if one == file]
                given = [prompts[row] for row in rows], [entries[row] for row in rows]
                with lent(Path(file) if file else None), torch.no_grad():
                    found[rows] = shown.predict(latents[rows], times[rows], *given)
            return found

        return predict_shown

    def _held(self, items: Sequence[TrainItem], recipe: TrainRecipe) -> contextlib.AbstractContextManager[None]:
        """References stay attached for a training beside them: checkpointed activations are computed again later."""
        if self._references is None or not _beside(items, recipe):
            return contextlib.nullcontext()
        return self._references.held(items[0].beside)

    def _shown(
        self, items: Sequence[TrainItem], recipe: TrainRecipe, count: int
    ) -> contextlib.AbstractContextManager[ShownToBatch | None]:
        """What samples of a training beside references are shown: what the first picture is."""
        if self._references is None or not _beside(items, recipe):
            return contextlib.nullcontext()
        return self._references.shown([items[0].beside] * count)

    def _unused(self, inputs: TrainingInputs, items: Sequence[TrainItem], recipe: TrainRecipe) -> list[Any]:
        """The parts that a training does without, because every caption it can ask for is encoded here."""
        if recipe.text_encoder or not recipe.text_variants:
            return []
        self._base.prompts.preload(Passes(inputs, items, recipe).texts())
        return [] if self._base.device == "cpu" else self._base.beside_denoiser

    def _sample(self, items: Sequence[TrainItem], recipe: TrainRecipe, path: Path) -> None:
        """Write a sheet of what the weights in training draw of the first captions, always from the same noise."""
        base, device = self._base, torch.device(self._base.device).type
        captions = list(dict.fromkeys(item.caption for item in items))[:SAMPLED]
        jobs = [Job(f"{n}", JobKind.PROBE, 0, 0, NO_SHOT, caption, "", n, {}) for n, caption in enumerate(captions)]
        offloaded: list[Any] = []
        if recipe.text_variants:
            offloaded = [part for part in base.beside_denoiser if part.device.type != device]
        if recipe.text_encoder:
            base.prompts.clear()  # the text encoders have changed since
        size, pictures = base.settings.batch_size, []
        with without_checkpointing(base.denoiser), moved(offloaded, base.device, back="cpu"):
            for start in range(0, len(jobs), size):
                batch = jobs[start : start + size]
                with self._shown(items, recipe, len(batch)) as shown:
                    pictures += draw_batch(base, batch, shown)
        if recipe.text_encoder:
            base.prompts.clear()
        write_image(path, contact_sheet(pictures, SAMPLED, captions, max(base.resolution)), {})

    def _save(self, path: Path, items: Sequence[TrainItem], recipe: TrainRecipe, steps: int) -> None:
        """Write the attached adapter, with its pedigree."""
        base = self._base
        lora = self._adapter.weights(recipe.rank, recipe.network_alpha, text_encoder=recipe.text_encoder)
        trigger = items[0].tags[0] if items[0].tags else ""
        metadata = metadata_for(
            f"{trigger}-{path.parent.name}",
            trigger,
            recipe.size_for(base.resolution),
            steps,
            grammar=lora.grammar,
            objective=base.objective.name,
            modules=kohya_names(lora.grammar, *lora.parts),
            training={**recipe.model_dump(), "text_encoder_lr": recipe.text_rate if recipe.text_encoder else None},
            zero_terminal_snr=base.zero_terminal_snr,
        )
        save_kohya(path, lora, metadata)


def _beside(items: Sequence[TrainItem], recipe: TrainRecipe) -> bool:
    """Whether a training shows references with its pictures: where the recipe asks for it, and they say which."""
    return recipe.beside_references and all(item.beside for item in items)
