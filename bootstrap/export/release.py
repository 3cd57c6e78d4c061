"""One adapter as other people get it: kohya and diffusers files, previews, sidecars for user interfaces, a card.

Everything is read from the run's store, so that a finished run, an earlier round and a later export are one code path.
Knows no model and no order of stages.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bootstrap.backends.architectures import ARCHITECTURES, grammars
from bootstrap.backends.base_weights import BaseWeights
from bootstrap.captions.prose import articled
from bootstrap.character import Character, stored_character
from bootstrap.config import RunConfig, embedded, stored_config
from bootstrap.dataset.bleed_of_members import likenesses_of, ways_of
from bootstrap.dataset.bundle_members import BundleMember, members_of
from bootstrap.dataset.exposure import with_folders
from bootstrap.dataset.provenance import read_provenance
from bootstrap.dataset.writing import picture_bytes, safe_name
from bootstrap.errors import BackendError, CharacterError, ConfigError, StoreError
from bootstrap.events import AdapterTrained
from bootstrap.export.bundle_card import bundle_card, previews_of_each
from bootstrap.export.card import card
from bootstrap.export.card_use import ReleaseFiles
from bootstrap.export.comfyui_graph import comfyui_files
from bootstrap.export.licences import LICENSE_FILE, license_text
from bootstrap.export.usage import Usage
from bootstrap.lora import Lora, load_kohya, metadata_of, save_diffusers, save_kohya
from bootstrap.lora.grammar import Grammar, grammar_of
from bootstrap.lora.metadata import dataset_entries
from bootstrap.lora.plain import PlainLora, as_plain, metadata_of_plain, rank_for, share_in_words
from bootstrap.pictures.sheets import thumbnail
from bootstrap.records import Adapter, Frame, Job, JobKind
from bootstrap.runs.accepted import accepted_of
from bootstrap.runs.status import status
from bootstrap.store.files import write_atomic
from bootstrap.store.replacing import require_whole
from bootstrap.store.store import Store

__all__ = ["DIFFUSERS", "Release", "publish", "release_of", "run_settings", "write_diffusers", "write_kohya"]

DIFFUSERS = "pytorch_lora_weights.safetensors"
"""The file name that diffusers looks for."""
COMPARED = Path("compare") / "compare.json"
"""What `bootstrap compare` leaves in a run."""
LONGEST_STEM = 80
"""Characters of the triggers in the name of a file."""
WEIGHT = 1.0
"""The weight that a LoRA is trained for."""
PLAIN = "-plain"
"""How the name of a plain LoRA ends that stands for a DoRA, LoHa or LoKr."""
PRODUCTS = ("loha", "lokr")
"""Kinds that diffusers cannot load; multiplied out they are large, so that is only done when asked for."""


@dataclass(frozen=True)
class Release:
    """An adapter with everything that its files say about it. ``previews`` are frames it drew, best view first.

    Where it drew no probe they are the first that were kept of what it drew in its round. ``members`` are those of a
    LoRA of several.
    """

    store: Store
    adapter: Adapter
    character: Character
    config: RunConfig
    metadata: dict[str, str]
    previews: Sequence[Frame]
    members: Sequence[BundleMember] = ()

    @property
    def triggers(self) -> tuple[str, ...]:
        """The words that call what it draws: of each member, where it has several."""
        own = (self.character.trigger,) if self.character.trigger else ()
        return tuple(member.trigger for member in self.members) or own

    @property
    def stem(self) -> str:
        """File name without ending, unique for these weights: user interfaces know a LoRA by it."""
        names = safe_name("-".join(self.triggers) or self.character.called)[:LONGEST_STEM]
        return f"{names}-{self.adapter.sha256[:8]}"

    @property
    def called(self) -> str:
        """What a user interface puts into the prompt: the words of one subject, or the triggers of all."""
        return ", ".join(self.triggers) if self.members else self.usage.call

    @property
    def is_a(self) -> str:
        """What kind of LoRA it is, for descriptions."""
        return "a LoRA of several members" if self.members else f"{articled((self.config.subject.called,))} LoRA"

    @property
    def weight(self) -> float:
        """The weight to draw with."""
        return self.recommended[0]

    @property
    def recommended(self) -> tuple[float, str]:
        """The weight to draw with, and in words what found it: a person's comparison, the run's acceptance, or ""."""
        if found := self._compared:
            return float(found["recommended"]["weight"]), _found_by("`bootstrap compare`", found.get("summary", ""))
        if accepted := accepted_of(self.store, self.adapter.id):
            return accepted.weight, _found_by("the run's own trial", accepted.found.get("summary", ""))
        return WEIGHT, ""

    @property
    def beside(self) -> list[str]:
        """In words, the weights at which it stands beside each other LoRA that it was tried with."""
        accepted = accepted_of(self.store, self.adapter.id)
        trials = [self._compared, accepted.found if accepted else {}]
        told = {one["file"]: one["summary"] for found in reversed(trials) for one in found.get("pairs", ())}
        return [*told.values()]

    @property
    def _compared(self) -> Mapping[str, Any]:
        """What a person's comparison found of these weights; empty where there is none."""
        try:
            found = json.loads((self.store.directory / COMPARED).read_text(encoding="utf-8"))
            if found["recommended"]["checkpoint"] == self.adapter.id and float(found["recommended"]["weight"]):
                return dict(found)
        except (OSError, ValueError, TypeError, KeyError):
            pass
        return {}

    @property
    def usage(self) -> Usage:
        """How it is asked for."""
        return Usage.of(self.character, self.config, self.adapter, [frame.job for frame in self.previews])

    @property
    def weights(self) -> Lora:
        """The tensors. Raises BackendError when their file cannot be read."""
        grammar = self.grammar
        parts: tuple[list[str], list[str], list[str]] = ([], [], [])  # the denoiser, then the text encoders
        for name, module in json.loads(self.metadata["bootstrap.modules"]).items():
            parts[grammar.part_of(name)].append(module)
        return load_kohya(self.store.directory / self.adapter.path, grammar, *parts)

    @property
    def plain(self) -> PlainLora | None:
        """A plain LoRA in place of another kind; None of one that is plain, or of a DoRA whose base is not here."""
        weights = self.weights
        if weights.kind == "lora":
            return None
        base = None
        if weights.kind == "dora":
            architecture = ARCHITECTURES[weights.grammar.architecture]
            base = BaseWeights(embedded(self.config.base.path), architecture).read
        try:
            return as_plain(weights, rank_for(weights), base)
        except BackendError:  # the card says how to make it where the base is
            return None

    @property
    def grammar(self) -> Grammar:
        """How files of the base's architecture are written."""
        return grammar_of(self.metadata["modelspec.architecture"], grammars())

    @property
    def recipe(self) -> dict[str, Any]:
        """The settings that it was trained with."""
        found: dict[str, Any] = json.loads(self.metadata["bootstrap.training"])
        return found


def run_settings(store: Store) -> tuple[RunConfig, Character]:
    """The configuration and the character that a run has stored. Raises StoreError where they cannot be read."""
    try:
        config, character = stored_config(store.recall("config")), stored_character(store.recall("character"))
        return with_folders(config, character), character
    except (ConfigError, CharacterError) as error:
        raise StoreError(
            f'"{store.directory}" has stored no settings that this version can read',
            "run it with this version first, or export with the version that made it",
        ) from error


def release_of(store: Store, adapter: Adapter) -> Release:
    """Gather what an adapter's files hold. Raises StoreError, or BackendError when its file cannot be read."""
    config, character = run_settings(store)
    require_whole(store.directory / adapter.path, adapter.sha256, "weights")
    order = list(config.views.families)
    previews = [frame for frame in store.frames(kind=JobKind.PROBE) if frame.adapter == adapter.id]
    previews = previews or _kept_with(store, adapter)
    previews.sort(key=lambda frame: order.index(frame.job.shot.view_family) if frame.job.shot.view_family else -1)
    metadata = metadata_of(store.directory / adapter.path)
    members = members_of(store)
    if members:  # each has the same place as the others
        previews = previews_of_each(previews)
    return Release(store, adapter, character, config, metadata, previews, members)


def _kept_with(store: Store, adapter: Adapter) -> list[Frame]:
    """The first kept picture of each view family that an adapter drew from words alone."""
    found: dict[str, Frame] = {}
    for frame in store.kept():
        if frame.adapter == adapter.id and not frame.job.references and not frame.job.control:
            found.setdefault(frame.job.shot.view_family, frame)
    return list(found.values())


def publish(store: Store, adapter: Adapter, folder: Path) -> Path:
    """Write every format of an adapter into ``folder``, with previews and card; returns the kohya file.

    Beside a DoRA, LoHa or LoKr lies a plain LoRA that stands for it, in kohya's grammar.
    """
    release = release_of(store, adapter)
    if release.weights.kind not in PRODUCTS:
        write_diffusers(release, folder)
    return write_kohya(release, folder)


def write_kohya(release: Release, folder: Path, *, half: bool = False) -> Path:
    """Write ``<stem>.safetensors`` with the sidecars of A1111, Forge and InvokeAI, previews and the card.

    What is no plain LoRA gets one beside it, ``<stem>-plain.safetensors``, which every program reads alike. ``half``
    stores the weights in float16, as those of the plain one always are.
    """
    path = folder / f"{release.stem}.safetensors"
    metadata = {**release.metadata, **_entries(release)}
    save_kohya(path, release.weights, metadata, half=half)
    _write_sidecars(release, folder, release.stem)
    plain = release.plain
    if plain:
        stem = f"{release.stem}{PLAIN}"
        own = metadata_of_plain(plain, {**metadata, "ss_output_name": stem})
        save_kohya(folder / f"{stem}.safetensors", plain.lora, own, half=True)
        _write_sidecars(release, folder, stem)
    _write_card(release, folder, plain)
    return path


def _write_sidecars(release: Release, folder: Path, stem: str) -> None:
    """What user interfaces read beside a kohya file: ``<stem>.json`` and ``<stem>.png``."""
    character, usage = release.character, release.usage
    sidecar = {
        "description": f"{character.name}: {release.is_a.removeprefix('a ')} for {release.config.base.short_name}",
        "sd version": release.grammar.interface,
        "activation text": release.called,
        "preferred weight": release.weight,
        "negative text": usage.negative,
        "notes": " ".join(filter(None, (character.license, character.credits, *release.beside))),
    }
    write_atomic(folder / f"{stem}.json", (json.dumps(sidecar, ensure_ascii=False, indent=2) + "\n").encode())
    if release.previews:
        picture = release.store.directory / release.previews[0].path
        write_atomic(folder / f"{stem}.png", picture_bytes(picture))


def write_diffusers(release: Release, folder: Path, *, half: bool = False) -> Path:
    """Write ``pytorch_lora_weights.safetensors``, in float16 with ``half``, previews and the card."""
    save_diffusers(folder / DIFFUSERS, release.weights, half=half)
    _write_card(release, folder)
    return folder / DIFFUSERS


def _write_card(release: Release, folder: Path, plain: PlainLora | None = None) -> None:
    """The card, and the previews that it shows; it names the diffusers and the plain file where there are such."""
    previews: list[tuple[str, Job]] = []
    for number, frame in enumerate(release.previews, 1):
        name = f"previews/{number:02d}-{frame.job.shot.view_family}.png"
        write_atomic(folder / name, picture_bytes(release.store.directory / frame.path))
        previews.append((name, frame.job))
    weight, found_by = release.recommended
    files = ReleaseFiles(
        _if_there(folder, f"{release.stem}.safetensors"),
        _if_there(folder, DIFFUSERS),
        previews,
        release.weights.kind,
        f"{release.stem}{PLAIN}.safetensors" if plain else "",
        plain.about if plain else "",
        share_in_words(plain.misread) if plain else "",
        plain is None or plain.misread < plain.error,
        weight,
        found_by,
    )
    base, architecture = release.config.base, release.grammar.architecture
    graphs: dict[str, bytes] = {}
    if files.kohya:
        graphs = comfyui_files(release.usage, base, files.for_comfy, weight, architecture)
    for name, data in graphs.items():
        write_atomic(folder / name, data)
    files = replace(files, graph=next(iter(graphs), ""))
    facts = status(release.store)
    captions = [one for several in _captions(release).values() for one in several]
    given = (release.character, release.config, release.adapter, release.recipe)
    if release.members:
        measured = likenesses_of(release.store)
        text = bundle_card(release.members, measured, *given, files, architecture, ways_of(release.store))
    else:
        text = card(*given, facts, files, architecture, captions)
    write_atomic(folder / "README.md", text.encode())
    if licence := license_text(release.character.license, release.character.credits):
        write_atomic(folder / LICENSE_FILE, licence.encode())


def _if_there(folder: Path, name: str) -> str:
    """A file's name; "" where the folder has none of it."""
    return name if (folder / name).is_file() else ""


def _found_by(who: str, summary: str) -> str:
    """What found a weight, with its numbers; ``summary`` is the sentence of `bootstrap.compare.advice`."""
    numbers = summary.partition(": ")[2]
    return f"found by {who}: {numbers}" if numbers else f"found by {who}"


def _entries(release: Release) -> dict[str, str]:
    """Metadata that only a finished LoRA has: its name, character, licence, pictures and thumbnail."""
    character, adapter = release.character, release.adapter
    pictures = dataset_entries(_captions(release), int(release.recipe.get("batch_size", 1)), adapter.steps)
    entries = {
        "ss_output_name": release.stem,
        "modelspec.title": f"{character.name} ({', '.join(release.triggers)})" if release.triggers else character.name,
        "modelspec.trigger_phrase": ", ".join(release.triggers),
        **pictures,
    }
    for name, value in _optional_entries(release).items():
        if value:
            entries[name] = value
    return entries


def _hint(release: Release) -> str:
    """How it is used, in a line."""
    if not release.triggers:
        return f"no trigger word; weight {release.weight:g}"
    return f"write {release.called} in the prompt; weight {release.weight:g}"


def _optional_entries(release: Release) -> dict[str, str]:
    """Metadata that is left out where its value is ""."""
    character = release.character
    skip = release.config.base.sampling.clip_skip
    made = "Grown from the author's own seeds by lora-bootstrap: trained, generated, scored and chosen in rounds."
    return {
        "modelspec.author": character.credits,
        "modelspec.license": character.license,
        "modelspec.description": f"{character.name}: {release.is_a}. {made}",
        "modelspec.usage_hint": _hint(release),
        "modelspec.tags": ", ".join((*character.core, *character.identity)),
        "modelspec.thumbnail": _thumbnail(release),
        "ss_training_comment": made,
        "ss_training_started_at": _started(release),
        "ss_session_id": str(int(release.adapter.sha256[:8], 16)),
        "ss_sd_model_name": release.config.base.short_name,
        "ss_clip_skip": str(skip + 1 if skip else None),  # the field counts from 1 for none
        "modelspec.encoder_layer": str(skip + 1 if skip else ""),
    }


def _captions(release: Release) -> dict[str, list[str]]:
    """Folder → captions of the pictures that a final adapter was trained on, by the provenance."""
    found: dict[str, list[str]] = defaultdict(list)
    if not release.adapter.is_final:
        return {}
    for row in read_provenance(release.store.directory / "dataset"):
        if float(row["training_weight"] or 0) <= 0 or (release.adapter.of_seeds and row["origin"] == "synthetic"):
            continue
        if row["origin"] == "synthetic":
            found[Path(row["file"]).parent.name].append(row["caption"])
        else:
            found["seeds"].append(row["caption"])
    return dict(found)


def _started(release: Release) -> str:
    """When training began, in seconds since 1970: its end less its duration; "" if unknown."""
    finished = release.metadata.get("ss_training_finished_at", "")
    for event in release.store.events():
        if isinstance(event, AdapterTrained) and event.adapter == release.adapter.id:
            try:
                return str(float(finished) - event.seconds)
            except ValueError:  # written by an earlier version as a date
                return ""
    return ""


def _thumbnail(release: Release) -> str:
    """The first preview as a data URI of at most 256 pixels a side; "" without one."""
    if not release.previews:
        return ""
    return thumbnail(release.store.frame_image(release.previews[0]), 256)
