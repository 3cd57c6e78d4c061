"""One adapter as other people get it: kohya and diffusers files, previews, the sidecars of user interfaces, a card.

Everything is read from the run's store, so that a finished run, an earlier round and a later export are one code path.
Knows no model and no order of stages.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from pydantic import ValidationError

from bootstrap.backends.architectures import grammars
from bootstrap.character import Character
from bootstrap.config import RunConfig, stored_config
from bootstrap.dataset.writing import picture_bytes, safe_name
from bootstrap.dataset.provenance import read_provenance
from bootstrap.errors import ConfigError, StoreError
from bootstrap.events import AdapterTrained
from bootstrap.export.card import card
from bootstrap.lora import Lora, load_kohya, metadata_of, save_diffusers, save_kohya
from bootstrap.lora.grammar import Grammar, grammar_of
from bootstrap.lora.metadata import dataset_entries
from bootstrap.pictures.sheets import thumbnail
from bootstrap.records import VIEW_FAMILIES, Adapter, Frame, JobKind
from bootstrap.runs.status import status
from bootstrap.store.files import write_atomic
from bootstrap.store.store import Store

__all__ = ["DIFFUSERS", "Release", "facts_of", "publish", "release_of", "write_diffusers", "write_kohya"]

DIFFUSERS = "pytorch_lora_weights.safetensors"
"""The file name that diffusers looks for."""
PRODUCTS = ("loha", "lokr")
"""Kinds that diffusers does not know; multiplied out, as an export that is asked for, they are large."""


@dataclass(frozen=True)
class Release:
    """An adapter with everything that its files say about it. ``previews`` are frames it drew, best view first."""

    store: Store
    adapter: Adapter
    character: Character
    config: RunConfig
    metadata: dict[str, str]
    previews: Sequence[Frame]

    @property
    def stem(self) -> str:
        """File name without ending, unique for these weights: user interfaces know a LoRA by it."""
        return f"{safe_name(self.character.trigger)}-{self.adapter.sha256[:8]}"

    @property
    def weights(self) -> Lora:
        """The tensors. Raises BackendError when their file cannot be read."""
        names, grammar = json.loads(self.metadata["bootstrap.modules"]), self.grammar
        unet, text, text_2 = (
            [module for name, module in names.items() if grammar.part_of(name) == part] for part in range(3)
        )
        return load_kohya(self.store.directory / self.adapter.path, grammar, unet, text, text_2)

    @property
    def grammar(self) -> Grammar:
        """How files of the base's architecture are written."""
        return grammar_of(self.metadata["modelspec.architecture"], grammars())

    @property
    def recipe(self) -> dict[str, Any]:
        """The settings that it was trained with."""
        found: dict[str, Any] = json.loads(self.metadata["bootstrap.training"])
        return found


def facts_of(store: Store) -> tuple[RunConfig, Character]:
    """The configuration and the character that a run remembers. Raises StoreError when it remembers none."""
    try:
        config = stored_config(store.recall("config"))
        return config, Character.model_validate_json(store.recall("character") or "")
    except (ConfigError, ValidationError) as error:
        raise StoreError(
            f'"{store.directory}" remembers no settings that this version understands',
            "run it with this version first, or export with the version that made it",
        ) from error


def release_of(store: Store, adapter: Adapter) -> Release:
    """Gather what the files of an adapter say. Raises StoreError, or BackendError when its file cannot be read."""
    config, character = facts_of(store)
    drawn = [frame for frame in store.frames(kind=JobKind.PROBE) if frame.adapter == adapter.id]
    previews = sorted(drawn, key=lambda frame: VIEW_FAMILIES.index(frame.job.shot.view_family))
    return Release(store, adapter, character, config, metadata_of(store.directory / adapter.path), previews)


def publish(store: Store, adapter: Adapter, folder: Path) -> Path:
    """Write every format of an adapter into ``folder``, with previews and card; returns the kohya file."""
    release = release_of(store, adapter)
    if release.weights.kind not in PRODUCTS:
        write_diffusers(release, folder)
    return write_kohya(release, folder)


def write_kohya(release: Release, folder: Path) -> Path:
    """Write ``<stem>.safetensors`` with what A1111, Forge and InvokeAI read beside it, previews and the card."""
    path = folder / f"{release.stem}.safetensors"
    save_kohya(path, release.weights, {**release.metadata, **_entries(release)})
    about = {
        "description": f"{release.character.name}: character LoRA for {release.config.base.name}",
        "sd version": release.grammar.interface,
        "activation text": release.character.trigger,
        "preferred weight": 1.0,
        "negative text": ", ".join((*release.character.negative, *release.character.forbidden)),
        "notes": " ".join(filter(None, (release.character.license, release.character.credits))),
    }
    write_atomic(folder / f"{release.stem}.json", (json.dumps(about, ensure_ascii=False, indent=2) + "\n").encode())
    if release.previews:
        picture = release.store.directory / release.previews[0].path
        write_atomic(folder / f"{release.stem}.png", picture_bytes(picture))
    _write_about(release, folder)
    return path


def write_diffusers(release: Release, folder: Path) -> Path:
    """Write ``pytorch_lora_weights.safetensors``, previews and the card."""
    save_diffusers(folder / DIFFUSERS, release.weights)
    _write_about(release, folder)
    return folder / DIFFUSERS


def _write_about(release: Release, folder: Path) -> None:
    """The card, and the previews that it shows."""
    shown = []
    for number, frame in enumerate(release.previews, 1):
        name = f"previews/{number:02d}-{frame.job.shot.view_family}.png"
        write_atomic(folder / name, picture_bytes(release.store.directory / frame.path))
        shown.append((name, frame.job))
    text = card(
        release.character,
        release.config,
        release.adapter,
        release.recipe,
        status(release.store),
        files=(f"{release.stem}.safetensors", *(() if release.weights.kind in PRODUCTS else (DIFFUSERS,))),
        previews=shown,
        architecture=release.grammar.architecture,
    )
    write_atomic(folder / "README.md", text.encode())


def _entries(release: Release) -> dict[str, str]:
    """What only a finished LoRA can say of itself: its name, character, licence, pictures and thumbnail."""
    character, adapter, recipe = release.character, release.adapter, release.recipe
    skip = release.config.base.sampling.clip_skip
    captions, repeats = _captions(release)
    pictures = dataset_entries(captions, repeats, int(recipe.get("batch_size", 1)), adapter.steps)
    made = "Grown from the author's own seeds by lora-bootstrap: trained, generated, scored and chosen in rounds."
    said = {
        "modelspec.author": character.credits,
        "modelspec.license": character.license,
        "modelspec.description": f"{character.name}: a character LoRA. {made}",
        "modelspec.usage_hint": f"write {character.trigger} in the prompt; weight 1.0",
        "modelspec.tags": ", ".join((*character.core, *character.identity)),
        "modelspec.thumbnail": _thumbnail(release),
        "ss_training_comment": made,
        "ss_training_started_at": _started(release),
        "ss_session_id": str(int(adapter.sha256[:8], 16)),
        "ss_sd_model_name": release.config.base.name,
        "ss_clip_skip": str(skip + 1 if skip else None),  # the field counts from 1 for none
        "modelspec.encoder_layer": str(skip + 1 if skip else ""),
    }
    title = f"{character.name} ({character.trigger})"
    named = {"ss_output_name": release.stem, "modelspec.title": title, "modelspec.trigger_phrase": character.trigger}
    return {**named, **pictures, **{key: value for key, value in said.items() if value}}


def _captions(release: Release) -> tuple[dict[str, list[str]], int]:
    """Folder → captions of the pictures that a final adapter learned from, as the provenance tells; and the repeats."""
    rows = read_provenance(release.store.directory / "dataset") if release.adapter.is_final else []
    found: dict[str, list[str]] = defaultdict(list)
    repeats = 1
    for row in rows:
        if float(row["training_weight"] or 0) > 0:
            folder = Path(row["file"]).parent.name
            found["seeds" if row["origin"] != "synthetic" else folder].append(row["caption"])
            if row["origin"] == "synthetic":
                repeats = int(folder.partition("_")[0])
    return dict(found), repeats


def _started(release: Release) -> str:
    """When training began, in seconds since 1970: its end less what it took."""
    finished = release.metadata.get("ss_training_finished_at", "")
    told = [event for event in release.store.events() if isinstance(event, AdapterTrained)]
    seconds = next((event.seconds for event in told if event.adapter == release.adapter.id), None)
    try:
        return "" if seconds is None else str(float(finished) - seconds)
    except ValueError:  # written by an earlier version as a date
        return ""


def _thumbnail(release: Release) -> str:
    """The first preview as a data URI of at most 256 pixels a side; "" without one."""
    if not release.previews:
        return ""
    image: Image.Image = release.store.frame_image(release.previews[0])
    return thumbnail(image, 256)
