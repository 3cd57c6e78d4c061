"""The dataset of a run: the pictures that were taken, with their captions, facts and provenance.

Reads a store; captions need no model, because what each picture does not show was measured when it was scored. Knows no
order of stages: the frames of the set are handed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bootstrap.captions.rare import naming_rare
from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.config import RunConfig
from bootstrap.config.steps import recipe_of
from bootstrap.dataset.detail_close_ups import cut_out_of
from bootstrap.dataset.exposure import folders
from bootstrap.dataset.frame_sights import kept_sights
from bootstrap.dataset.generated import GeneratedFrames, rare_floor
from bootstrap.dataset.provenance import named_references, score_columns, write_provenance
from bootstrap.dataset.writing import Written, write_dataset
from bootstrap.export.retrain import write_trainer_file
from bootstrap.panel.gathered_seeds import sifted_rows
from bootstrap.records import Frame, Seed, TrainItem, Verdict
from bootstrap.retouch.upscaled_files import upscaled_seeds
from bootstrap.store.delivery import Delivery
from bootstrap.store.files import sha256_of
from bootstrap.store.store import Store

__all__ = ["Collection"]


@dataclass(frozen=True)
class Collection:
    """What a dataset is made of. ``trained`` are the items that a LoRA was trained on, None if none was so far."""

    store: Store
    config: RunConfig
    character: Character
    kept: Sequence[Frame]
    provisional: Sequence[Frame] = ()
    trained: Sequence[TrainItem] | None = None

    def write(self, folder: Path, repeats: int, delivery: Delivery | None = None) -> Path:
        """Write pictures, captions, ``metadata.jsonl``, ``provenance.csv`` and ``sd-scripts.toml``.

        Returns the folder with the pictures, or that of the set where outfits have folders of their own. ``delivery``
        is of a run that writes what it hands over.
        """
        frames, items = [*self.kept, *self.provisional], self._items()
        close_ups = self._close_ups()
        frames += [frame for frame, _ in close_ups]
        items += [item for _, item in close_ups]
        for frame in frames:
            self.store.frame_image(frame)  # raises where it is not the picture that was measured
        facts = [self._facts(frame) for frame in frames]
        homes = folders(self.character, [self._outfit(frame) for frame in frames], repeats)
        written = write_dataset(folder, self.character.called, items, facts, repeats, delivery, homes)
        rows: list[dict[str, str]] = []
        for number, seed in enumerate(self.store.seeds()):
            rows += self._original(number, seed)
        rows += self._set_aside()
        scores = self.store.measurements([frame.job.id for frame in frames])
        for frame, item, one in zip(frames, items, written.pictures, strict=True):
            rows.append({**self._synthetic(frame, item, one), **score_columns(scores.get(frame.job.id, {}))})
        write_provenance(folder, rows, delivery)
        base, phase = self.config.base, self.config.subject.finishing.name
        recipe = recipe_of(base, phase, len(self.trained or items))
        write_trainer_file(folder, written.folders, recipe, base.sampling, delivery)
        return written.folder

    def _close_ups(self) -> list[tuple[Frame, TrainItem]]:
        """The close-ups of special details that were trained on, each with the frame that it was cut out of."""
        frames = {Path(frame.path).stem: frame for frame in (*self.kept, *self.provisional)}
        close_ups = [item for item in self.trained or () if item.kind == "detail" and item.seed is None]
        return [(frames[stem], item) for item in close_ups if (stem := cut_out_of(item.path)) in frames]

    def _outfit(self, frame: Frame) -> str:
        return frame.job.shot.axes.get(self.config.subject.outfit_axis, "")

    @cached_property
    def _verdicts(self) -> Mapping[str, Verdict]:
        return self.store.verdicts()

    @cached_property
    def _adapters(self) -> dict[str, str]:
        """Adapter → sha256 of its file."""
        return {adapter.id: adapter.sha256 for adapter in self.store.adapters()}

    @cached_property
    def _weights(self) -> dict[str, float]:
        """Path of a picture → how often it was sampled, relative to a kept frame."""
        return {item.path: item.weight for item in self.trained or ()}

    @cached_property
    def _upscaled(self) -> dict[str, str]:
        """Path of a seed that was enlarged → by what."""
        return {path: one.told for path, one in upscaled_seeds(self.store).items()}

    def _weight(self, path: str) -> str:
        return "" if self.trained is None else f"{self._weights.get(path, 0.0):.6g}"

    def _items(self) -> list[TrainItem]:
        """Kept frames, then provisional ones, as the finishing phase was trained on them, or would be."""
        trained = {item.path: item for item in self.trained or ()}
        paths = [str(self.store.directory / frame.path) for frame in (*self.kept, *self.provisional)]
        if all(path in trained for path in paths):
            return [trained[path] for path in paths]
        return self._untrained_items()

    def _untrained_items(self) -> list[TrainItem]:
        ids = [frame.job.id for frame in (*self.kept, *self.provisional)]
        measured, written = self.store.measurements(ids), self.store.person.captions()
        read = kept_sights(self.store)
        frames = GeneratedFrames(self.store.directory, self.kept, self.provisional, measured, written, read)
        wording, subject = Wording.of(self.character, self.config), self.config.subject
        items = frames.items(self.config, wording, subject.finishing.name)
        floor = rare_floor(self.config, subject.finishing.name)
        if not floor:
            return items
        return naming_rare(items, frames.items(self.config, wording, subject.growing.name), floor)

    def _facts(self, frame: Frame) -> dict[str, object]:
        """Columns of metadata.jsonl beside file, text and origin."""
        verdict = self._verdicts[frame.job.id]
        generator, licence = self._generator(frame)
        return {
            "view": frame.job.shot.view_family,
            "framing": frame.job.shot.framing,
            "prompt": frame.job.prompt,
            "negative_prompt": frame.job.negative,
            "seed": frame.job.random_seed,
            "generator": generator,
            "generator_license": licence,
            "adapter_sha256": self._adapters.get(frame.adapter, ""),
            "references": named_references(frame.job.references),
            "control": named_references([frame.job.control] if frame.job.control else []),
            "begun_from": named_references([frame.job.start] if frame.job.start else []),
            "p": verdict.p,
            "verdict": verdict.kind.value,
            "by": verdict.by,
            "license": self.character.license,
        }

    def _generator(self, frame: Frame) -> tuple[str, str]:
        """What drew a frame, and its licence."""
        base = self.config.base
        for drawer in self.config.drawers:
            if frame.drawer == drawer.name:
                return drawer.title, drawer.license
        return base.short_name, base.license

    def _synthetic(self, frame: Frame, item: TrainItem, written: Written) -> dict[str, str]:
        """The row of a generated picture, or of a close-up that was cut out of it."""
        verdict = self._verdicts[frame.job.id]
        row = {}
        for name, value in self._facts(frame).items():
            row[name] = "" if value is None else str(value)
        return {
            **row,
            "file": written.file,
            "sha256": written.sha256,
            "origin": "synthetic",
            "caption": written.caption,
            "made_from": Path(frame.path).name if item.kind == "detail" else "",
            "training_weight": self._weight(item.path),
            "backend": self.config.backend,
            "adapter": frame.adapter,
            "reasons": "; ".join(verdict.reasons),
            "combined_score": "" if verdict.score is None else f"{verdict.score:.6g}",
            "credits": self.character.credits,
        }

    def _original(self, number: int, seed: Seed) -> list[dict[str, str]]:
        """A seed's row, then one for each crop and altered copy that was trained on."""
        rights = {"license": self.character.license, "credits": self.character.credits}
        rows = [
            {
                "file": f"../{seed.path}",
                "sha256": seed.sha256,
                "origin": "seed",
                "made_from": Path(seed.source).name,
                "retouched": self._upscaled.get(seed.path, ""),
                "caption": "",
                "training_weight": self._weight(""),
                "view": seed.view_family,
                "framing": seed.framing,
                **rights,
            }
        ]
        for item in self.trained or ():
            if item.seed != number:
                continue
            if item.kind == "seed":
                rows[0] |= {"caption": item.caption, "training_weight": self._weight(item.path)}
            else:
                rows.append({**self._derived(item, seed), **rights})
        return rows

    def _set_aside(self) -> list[dict[str, str]]:
        """A row for each picture that a person gave and that was set aside, with the reason."""
        rows = []
        for row in sifted_rows(self.store):
            if row["reason"]:
                told = {"sha256": row["sha256"], "made_from": row["name"], "reasons": row["reason"]}
                rows.append({"origin": "set aside", "training_weight": self._weight(""), **told})
        return rows

    def _derived(self, item: TrainItem, seed: Seed) -> dict[str, str]:
        """The row of a crop or an altered copy of a seed."""
        return {
            "file": f"../{Path(item.path).relative_to(self.store.directory).as_posix()}",
            "sha256": sha256_of(Path(item.path)),
            "origin": item.kind,
            "made_from": Path(seed.source).name,
            "retouched": self._upscaled.get(seed.path, ""),
            "caption": item.caption,
            "training_weight": self._weight(item.path),
            "view": seed.view_family,
        }
