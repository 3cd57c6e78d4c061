"""Which preset of configs/base/ fits a checkpoint or folder, what it predicts, and how each of these is known.

Metadata and files of model managers come first, then whole words of its name and folder. What none of them says is left
open: the sha256 may be that of a published file; else the command line asks a person, and the answer is kept by the
sha256. Imports no model library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bootstrap.backends.architectures import Architecture
from bootstrap.backends.architectures.architecture import Presets
from bootstrap.backends.bases import check_base
from bootstrap.backends.checkpoint_names import FEW_STEPS, FINETUNES, marks_in, names_a_plain_base
from bootstrap.backends.predictions import BY_SCHEDULER, Prediction, prediction_of_file, prediction_of_folder
from bootstrap.backends.preset_answers import BaseAnswer, remembered
from bootstrap.backends.side_files import side_files
from bootstrap.backends.single_file import read_checkpoint
from bootstrap.backends.whole_digest import whole_digest
from bootstrap.errors import BackendError
from bootstrap.machine.hub import hub_id

__all__ = ["DISTILLED", "Identity", "identify"]

DISTILLED: dict[str, dict[str, Any]] = {
    "turbo": {"steps": 8, "guidance_scale": 2.0, "scheduler": "euler_a"},
    "lightning": {"steps": 8, "guidance_scale": 1.5, "scheduler": "euler"},
    "lcm": {"steps": 8, "guidance_scale": 1.5, "scheduler": "euler_a"},
    "dmd": {"steps": 8, "guidance_scale": 1.0, "scheduler": "euler_a"},
    "hyper": {"steps": 8, "guidance_scale": 1.5, "scheduler": "euler"},
}
"""How bases of few steps are drawn: what authors of such merges recommend (4 to 10 steps, guidance 1 to 2)."""
BEGINS_IN_NOISE = {"timestep_spacing": "trailing"}
"""Distilled bases were trained to begin in pure noise (SDXL-Lightning, arXiv 2402.13929)."""
STATED = ("modelspec.title", "modelspec.tags", "ss_base_model_version", "ss_sd_model_name")
"""Metadata that names a model."""
KNOWN_HASHES = {
    "31e35c80fc": "sdxl base",
    "e6bb9ea85b": "sdxl base",
    "6ce0161689": "sd15",
    "67ab2fd8ec": "pony",
}
"""Begin of the sha256 of a published file, as A1111 shows it → its name."""
OWN_NAMES = ("by its name", "by its id", "by its hash")
DRAWN, PHOTO, TAGS, SENTENCES, SCORES = "drawn", "photo", "tags", "sentences", "scores"


@dataclass
class Said:
    """What the sources said of a base; "" where none did."""

    finetune: str = ""
    look: str = ""
    words: str = ""
    distilled: str = ""
    how: str = ""
    conflict: str = ""
    """Two finetunes that exclude each other."""
    torn: bool = False
    """Whether one source speaks of drawings and of photographs."""


@dataclass(frozen=True)
class Identity:
    """What a base is, as far as it is known without loading it."""

    architecture: Architecture
    preset: str
    """Name of a file of configs/base/; the plain one where ``unknown`` is not empty."""
    settings: Mapping[str, Any]
    """What replaces settings of the preset, as in its file."""
    how: str
    """How the preset is known, for a person."""
    prediction: Prediction
    distilled: str
    """The way in which it was distilled to few steps, see `FEW_STEPS`; "" for none."""
    unknown: tuple[str, ...]
    """What a person must say: "look" (drawn or photo), "words" (tags or sentences)."""
    said: Said

    def answered(self, answer: BaseAnswer) -> Identity:
        """The same base with what a person said of it."""
        said = Said(
            "" if self.said.conflict else self.said.finetune,
            answer.look or self.said.look,
            answer.words or self.said.words,
            answer.distilled or self.said.distilled,
            "by your answer",
        )
        return _identity(self.architecture, self.prediction, said)


def identify(base: Path, *, by_hash: bool = True) -> Identity:
    """The preset for a checkpoint file or a diffusers folder. Raises BackendError where it cannot be used.

    What neither layers nor names tell is looked up by the hash of all its bytes, unless ``by_hash`` is False.
    """
    if base.is_file():
        file = read_checkpoint(base, vae_given=True)
        architecture, prediction = file.architecture, prediction_of_file(base, file)
        sources = _sources(base, file.metadata)
    else:
        architecture, prediction = check_base(base), prediction_of_folder(base)
        sources = _sources(base, {})
    found = _read(sources, architecture.presets)
    if any("edm" in marks_in(name) for name in (base.stem, hub_id(base))):
        message = f'"{base}" is an EDM variant (Playground 2.5, CosXL), by its name'
        raise BackendError(message, "choose one that predicts noise or v")
    identity = _identity(architecture, prediction, found)
    if not identity.unknown or not by_hash:
        return identity
    digest = whole_digest(base)
    if title := _published(digest):
        return _identity(architecture, prediction, _read([(title, "by its hash"), *sources], architecture.presets))
    answer = remembered(digest)
    return identity.answered(answer) if answer else identity


def _sources(base: Path, metadata: Mapping[str, str]) -> list[tuple[str, str]]:
    """Texts that speak of a base, the surest first, and how a person is told of each."""
    beside = side_files(base)
    stated = " ".join(metadata[name] for name in STATED if name in metadata)
    hub = hub_id(base)
    names = [(hub, f'by its id on the hub, "{hub}"')] if hub else []
    names.append((base.stem if base.is_file() else base.name, f'by its name, "{base.name}"'))
    folders = [] if hub else [folder.name for folder in base.absolute().parents[:2] if folder != Path.home()]
    return [
        (_published(base.resolve().name), "by its hash"),  # the hub's cache names files by their sha256
        (f"{beside.kind} | {beside.title}", f'by "{beside.described_in}" beside it'),
        (stated, "by its metadata"),
        *names,
        *((folder, f'by its folder, "{folder}"') for folder in folders),
    ]


def _published(digest: str) -> str:
    """The name of the published file with this sha256; "" for any other."""
    return next((title for begin, title in KNOWN_HASHES.items() if digest.startswith(begin)), "")


def _read(sources: Sequence[tuple[str, str]], presets: Presets) -> Said:
    """What the sources say; for each question the first that answers it counts, finetunes of two sources conflict."""
    found = Said()
    for text, how in sources:
        marks = marks_in(text)
        for name in FEW_STEPS:
            if name in marks and not found.distilled:
                found.distilled = name
        if found.finetune and how.startswith("by its folder"):
            continue
        _note_finetune(found, [name for name in FINETUNES if name in marks & presets.finetunes.keys()], how)
        looks = [look for look in (DRAWN, PHOTO) if look in marks]
        if not found.look and looks:
            found.look = looks[0] if len(looks) == 1 else ""
            found.torn = len(looks) > 1
            found.how = found.how or how
        if how.startswith(OWN_NAMES) and names_a_plain_base(text) and not (found.finetune or found.look):
            found.look, found.words, found.how = PHOTO, SENTENCES, how
        if "prose" in marks and not found.words:
            found.words = SENTENCES
    return found


def _note_finetune(found: Said, finetunes: Sequence[str], how: str) -> None:
    """Keep the finetune; NoobAI descends from Illustrious, any others exclude each other."""
    for finetune in finetunes:
        both = {finetune, found.finetune}
        if both == {"noobai", "illustrious"}:
            found.finetune = "noobai"
        elif found.finetune and len(both) > 1:
            found.conflict = f"both {found.finetune} and {finetune}"
        elif not found.finetune:
            found.finetune, found.how = finetune, how


def _identity(architecture: Architecture, prediction: Prediction, found: Said) -> Identity:
    presets = architecture.presets
    preset, settings, unknown = _chosen(presets, found, velocity=prediction.is_velocity)
    sampling: dict[str, Any] = {}
    if prediction.how != BY_SCHEDULER:
        sampling = {"prediction_type": prediction.kind, "zero_terminal_snr": prediction.zero_terminal_snr}
    if prediction.is_velocity and preset != presets.velocity:
        sampling["scheduler"] = "euler"  # as NoobAI's preset has it: the others' fit no schedule that ends in noise
    if found.distilled:
        sampling |= DISTILLED[found.distilled] | BEGINS_IN_NOISE
    how = found.how or "nothing says more than its architecture"
    if found.conflict:
        how = f"its name and metadata say {found.conflict}"
    settings = {**settings, "sampling": sampling}
    return Identity(architecture, preset, settings, how, prediction, found.distilled, unknown, found)


def _chosen(presets: Presets, found: Said, *, velocity: bool) -> tuple[str, dict[str, Any], tuple[str, ...]]:
    """The preset, what replaces settings of it, and what is unknown."""
    settings = {"scoring": PHOTO} if found.look == PHOTO else {}
    if not presets.drawings:  # there is nothing to choose
        return presets.plain, {}, ()
    if found.conflict:
        return presets.plain, {}, ("look", "words")
    torn = ("look",) if found.torn and not found.look else ()
    if velocity and found.finetune in ("", "illustrious", "noobai") and presets.velocity != presets.plain:
        return presets.velocity, settings, torn
    if found.finetune:
        return presets.finetunes[found.finetune], settings, torn
    look, words = found.look, found.words or _usual_words(presets, found.look)
    if look and words:
        return *_by_answers(presets, look, words), ()
    unknown = [name for name, value in (("look", look), ("words", words)) if not value]
    return presets.plain, {}, tuple(unknown)


def _usual_words(presets: Presets, look: str) -> str:
    """What finetunes of a look take; "" where they differ."""
    if look == DRAWN:
        return TAGS if presets.drawn_by_tags else ""
    return SENTENCES if look == PHOTO else ""


def _by_answers(presets: Presets, look: str, words: str) -> tuple[str, dict[str, Any]]:
    """The preset, and what replaces settings of it, for a look and the words that prompts are made of."""
    scored = presets.finetunes.get("pony", "")
    if words == SCORES and scored:
        return scored, {"scoring": look}
    if words == SENTENCES:
        return presets.plain, {"scoring": look}
    if look == DRAWN:
        return presets.drawings, {}
    return presets.plain, {"scoring": look, "dialect": TAGS}
