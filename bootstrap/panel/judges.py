"""The panel of a run: the scorers of configs/scoring/ set before the seeds, and what their answers mean for the loop.

This is where frames become Pictures, the only thing that `scoring` understands. Knows no round and chooses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bootstrap.captions.wording import Wording
from bootstrap.config import PanelConfig, embedded
from bootstrap.errors import BackendError
from bootstrap.panel.downloads import located
from bootstrap.records import Frame, JobKind, Seed
from bootstrap.pictures import open_picture
from bootstrap.seeds import cuts
from bootstrap.store.store import Store
from scoring.base import Measurement, Picture, Scorer, digest_of
from scoring.crops import CROPS, Crops
from scoring.defects import Defects
from scoring.duplicates import CopyOfSeed, difference_hash
from scoring.features import Encoder, Features
from scoring.heldout import HeldOut
from scoring.identity import ClipIdentity
from scoring.panel import Panel, Seat
from scoring.tagger import Tagger
from scoring.tags import TagRule, TagSubjects, TagView
from scoring.zeroshot import TraitCheck, ViewCheck, WordEncoder, read_axis

if TYPE_CHECKING:
    from scoring.clip import ClipEncoder
    from scoring.face import FacePack

__all__ = [
    "ASKED", "FAULTS", "TRAITS", "Eyes", "Judges", "judges_for", "open_eyes",
    "readers_for", "references_of", "seats_for", "view_check",
]  # fmt: skip

TRAITS = "traits"
"""Name of the check of identity traits."""
ASKED = ("view", "framing", "seen ")
"""How the names of the checks begin that read what a shot asks for, identity apart."""
FRAMING = "framing"
"""Name of the check of framings, and of their axis."""
FAULTS = ("defects", "copy", "subjects")
"""Names of the checks of what no picture should have."""
Values = Mapping[str, Measurement]


@dataclass(frozen=True)
class Eyes:
    """The loaded models of a panel, before anybody knows the seeds."""

    encoder: WordEncoder
    features: Features
    faces: FacePack | None
    margin: float
    tagger: Tagger | None = None
    ccip: Encoder | None = None
    dino: Encoder | None = None
    held_out: Encoder | None = None

    def crops(self, config: PanelConfig) -> Crops:
        """Where heads and bodies are cut out of pictures: by composition, or heads by their faces."""
        if config.heads == "composition" or self.faces is None:
            return Crops(config.composition)
        from scoring.heads import FaceHeads

        finder = FaceHeads(self.faces, config.face.min_det_score, config.face.head_per_face)
        return Crops(config.composition, finder=finder)

    def read(self, image: Image.Image, phrases: Sequence[str]) -> str:
        """The phrase that a picture shows; "" when the best does not lead by the margin.

        The tagger reads what it has a tag for, phrase by phrase; CLIP the rest.
        """
        picture = Picture(image, digest_of(image), "", "")
        told = self.tagger is not None and all(self.tagger.knows(phrase) for phrase in phrases)
        reader = self.tagger if self.tagger is not None and told else self.encoder
        return read_axis(reader, self.features, picture, phrases, self.margin)[0] or ""


def open_eyes(config: PanelConfig, cache: Path | None, device: str = "cpu", *, comparing: bool = True) -> Eyes:
    """Load the panel's models; without ``comparing`` only those that read pictures, not those that compare with seeds.

    Raises BackendError naming the file that is missing or does not load.
    """
    from scoring.clip import ScorerUnavailable
    from scoring.face import FacePack

    face, tagger = config.face, config.tagger
    try:
        encoder = _clip(config.clip.model, config.clip.pretrained, device)
        pack = embedded(face.pack)
        faces = FacePack(pack, det_size=face.det_size, upscale_to=face.upscale_to, cache=cache) if face.pack else None
        reader = Tagger(located(tagger.model), tagger.words, tagger.threads) if tagger.model else None
        ccip, dino = _further(config, device) if comparing else (None, None)
        held_out = _held_out(config.held_out, device) if config.held_out and comparing else None
    except ScorerUnavailable as error:
        raise BackendError(str(error), "see configs/scoring/ for what a panel needs") from error
    return Eyes(encoder, Features(cache), faces, config.read_margin, reader, ccip, dino, held_out)


def _clip(model: str, pretrained: str, device: str) -> ClipEncoder:
    from scoring.clip import ClipEncoder

    known = str(embedded(model)) if model.startswith("embedded:") or embedded(model).is_dir() else model
    return ClipEncoder(known, pretrained, device)


def _further(config: PanelConfig, device: str) -> tuple[Encoder | None, Encoder | None]:
    """The encoders of characters and of shapes, where the panel has them."""
    from scoring.ccip import CcipEncoder
    from scoring.dino import DinoEncoder

    ccip = CcipEncoder(located(config.ccip.model), config.ccip.threads) if config.ccip.model else None
    return ccip, DinoEncoder(located(config.dino.model), device) if config.dino.model else None


def _held_out(model: str, device: str) -> Encoder:
    """An ONNX file, or an OpenCLIP model of a folder or of the hub's cache."""
    from scoring.heldout import OnnxEncoder

    return _clip(model, "", device) if embedded(model).is_dir() else OnnxEncoder(embedded(model))


def references_of(seeds: Sequence[Seed], run: Path, config: PanelConfig) -> list[Picture]:
    """The seeds as Pictures, with their tighter crops: the only identity reference there is."""
    found = []
    for seed in seeds:
        image, _ = open_picture(run / seed.path)
        for cut in cuts(image, seed.framing, config.composition, max(256, min(image.size)), seed.head):
            if cut.kind != "altered":
                found.append(Picture(cut.image, digest_of(cut.image), seed.view_family, cut.framing or "upper body"))
    return found


def judges_for(
    eyes: Eyes, config: PanelConfig, wording: Wording, references: Sequence[Picture], approved: Sequence[Picture] = ()
) -> Judges:
    """The panel in front of these seeds, and of what a person ``approved``."""
    encoder, features = eyes.encoder, eyes.features
    panel = Panel(seats_for(eyes, config, references, _checked(config, wording), approved))
    return Judges(wording, encoder, features, panel, Panel(readers_for(eyes, config)), tuple(references))


def seats_for(
    eyes: Eyes,
    config: PanelConfig,
    references: Sequence[Picture],
    axes: Sequence[str] | None,
    approved: Sequence[Picture] = (),
) -> list[Seat]:
    """The panel's scorers with their roles. The trait check reads ``axes``; None: every axis the panel reads well."""
    encoder, features = eyes.encoder, eyes.features
    crops = eyes.crops(config)
    seats = [
        *(_tagger_seats(eyes.tagger, eyes, config, axes) if eyes.tagger else _word_seats(eyes, config, axes, crops)),
        Seat(Defects(references), "check"),
        Seat(CopyOfSeed(encoder, references, features, config.copy_cosine), "check"),
        *_identity_seats(eyes, config, references, approved, crops),
    ]
    if eyes.faces:
        seats += _face_seats(eyes.faces, config, references, counting=eyes.tagger is None)
    if eyes.held_out:
        seats.append(Seat(HeldOut(eyes.held_out, references, features), "held-out"))
    return seats


def _word_seats(eyes: Eyes, config: PanelConfig, axes: Sequence[str] | None, crops: Crops) -> list[Seat]:
    """View and traits, read by CLIP."""
    encoder, features = eyes.encoder, eyes.features
    readable = tuple(config.vocabulary) if config.checked is None else config.checked
    known = config.vocabulary if axes is not None else {a: w for a, w in config.vocabulary.items() if a in readable}
    heads = crops if config.traits_from_head else None
    traits = TraitCheck(encoder, features, known, slack=config.trait_margin, axes=axes, heads=heads)
    return [Seat(view_check(eyes, config), "check"), Seat(traits, "check")]


def _tagger_seats(tagger: Tagger, eyes: Eyes, config: PanelConfig, axes: Sequence[str] | None) -> list[Seat]:
    """View, traits, number of subjects and framing, read by the tagger."""
    said, features = config.tagger, eyes.features
    known = _tagged(tagger, config.vocabulary)
    checked = [axis for axis in said.checked if axes is None or axis in axes]
    traits = TraitCheck(tagger, features, known, slack=said.trait_margin, axes=checked)
    seats = [
        Seat(view_check(eyes, config), "check"),
        Seat(traits, "check"),
        Seat(TagSubjects(tagger, features, said.unseen), "check"),
    ]
    if said.framing_margin is not None and FRAMING in known:
        framing = TraitCheck(tagger, features, {FRAMING: known[FRAMING]}, axes=[FRAMING], slack=said.framing_margin)
        framing.name = FRAMING
        seats.append(Seat(framing, "check"))
    return seats


def _tagged(tagger: Tagger, vocabulary: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The part of the vocabulary that the tagger has tags for; axes of one word tell nothing apart."""
    known = {axis: [word for word in words if tagger.knows(word)] for axis, words in vocabulary.items()}
    return {axis: words for axis, words in known.items() if len(words) > 1}


def _identity_seats(
    eyes: Eyes, config: PanelConfig, references: Sequence[Picture], approved: Sequence[Picture], crops: Crops
) -> list[Seat]:
    """Who compares with the seeds: CCIP and DINOv2 where the panel has them, and CLIP."""
    there: list[tuple[str, Encoder, Sequence[str]]] = []
    for name, encoder, said in (("ccip", eyes.ccip, config.ccip), ("dino", eyes.dino, config.dino)):
        there += [(name, encoder, said.crops)] if encoder is not None else []
    alone = not there and eyes.faces is None
    if use := config.identity_crops or (CROPS if alone else ()):
        there.append(("clip", eyes.encoder, use))
    whole = _with_whole(crops, config) if any("whole" in use for _, _, use in there) else crops
    return [
        Seat(ClipIdentity(
            encoder, references, whole if "whole" in use else crops, eyes.features, name, use, approved
        ), "identity")
        for name, encoder, use in there
    ]  # fmt: skip


def _with_whole(crops: Crops, config: PanelConfig) -> Crops:
    """The same crops, and the whole picture as one of them."""
    whole = {framing: {**boxes, "whole": (0.0, 0.0, 1.0, 1.0)} for framing, boxes in config.composition.items()}
    return Crops(whole, finder=crops.finder)


def _checked(config: PanelConfig, wording: Wording) -> list[str]:
    """The identity axes that every frame is checked for."""
    readable = config.checked if config.checked is not None else tuple(config.vocabulary)
    readable = config.tagger.checked if config.tagger.model else readable
    return [axis for axis in wording.identity if axis in readable]


def _face_seats(faces: FacePack, config: PanelConfig, references: Sequence[Picture], *, counting: bool) -> list[Seat]:
    from scoring.face import FaceIdentity, SubjectCount

    face = config.face
    identity = FaceIdentity(faces, references, face.min_det_score, face.min_size, face.max_yaw, face.families)
    count = [Seat(SubjectCount(faces, face.min_det_score), "check")] if counting else []
    return [*count, Seat(identity, "identity")]


def readers_for(eyes: Eyes, config: PanelConfig, *, all_axes: bool = False) -> list[Seat]:
    """A check of each captioned axis, or of every one that the panel reads well; they filter captions, never frames."""
    encoder: WordEncoder = eyes.tagger or eyes.encoder
    known: Mapping[str, Sequence[str]] = _tagged(eyes.tagger, config.vocabulary) if eyes.tagger else config.vocabulary
    checked = config.tagger.checked if eyes.tagger else config.checked or ()
    axes = (*(config.tagger.captioned if eyes.tagger else config.captioned), *(checked if all_axes else ()))
    return [_reader(axis, known[axis], encoder, eyes.features, config) for axis in axes if axis in known]


def view_check(eyes: Eyes, config: PanelConfig) -> Scorer:
    """Who reads the view: the tagger where there is one, else CLIP."""
    if eyes.tagger is None:
        return ViewCheck(eyes.encoder, eyes.features, config.view_phrases, config.view_margin)
    said = config.tagger
    rules = {view_family: TagRule(rule.shows, rule.never) for view_family, rule in said.views.items()}
    return TagView(eyes.tagger, eyes.features, rules, said.seen, said.unseen)


def _reader(axis: str, words: Sequence[str], encoder: WordEncoder, features: Features, config: PanelConfig) -> Seat:
    check = TraitCheck(encoder, features, {axis: words}, axes=[axis], slack=-config.read_margin)
    check.name = f"seen {axis}"
    return Seat(check, "check")


@dataclass(frozen=True)
class Judges:
    """What the loop asks of the panel."""

    wording: Wording
    encoder: Encoder
    features: Features
    panel: Panel
    readers: Panel
    references: tuple[Picture, ...] = ()

    @cached_property
    def identity(self) -> list[str]:
        """Names of the scorers that are ranked against decoys."""
        return self.panel.names("identity")

    @cached_property
    def held_out(self) -> str:
        """Name of the scorer that never selects; "" if there is none."""
        return next(iter(self.panel.names("held-out")), "")

    @cached_property
    def fingerprints(self) -> dict[str, str]:
        """Scorer → fingerprint; measurements made under another one have expired."""
        return {**self.panel.fingerprints, **self.readers.fingerprints}

    def measure(self, frames: Sequence[Frame], store: Store) -> dict[str, dict[str, Measurement]]:
        """Every scorer's answer, by frame id."""
        pictures = [self.picture(frame, store) for frame in frames]
        rows = zip(self.panel.measure(pictures), self.readers.measure(pictures), strict=True)
        return {frame.job.id: {**judged, **read} for frame, (judged, read) in zip(frames, rows, strict=True)}

    def picture(self, frame: Frame, store: Store) -> Picture:
        """A frame with what was asked of it; an exchanged decoy is asked for the traits it should *not* show."""
        shot = frame.job.shot
        asked = {**self.wording.traits(shot), **self.wording.varying(shot)}
        return Picture(store.frame_image(frame), frame.digest, shot.view_family, shot.framing, asked)

    def failures(self, values: Values, traits_at: float = 0.0) -> list[str]:
        """The checks that a frame fails, in words; traits fail below ``traits_at`` instead of 0."""
        return self.panel.failing(_shifted(values, traits_at))

    def unseen(self, values: Values) -> tuple[str, ...]:
        """The axes whose asked word the picture does not show."""
        return tuple(name.removeprefix("seen ") for name in self.readers.names() if _negative(values.get(name)))

    def usable_decoy(self, frame: Frame, values: Values, traits_at: float = 0.0) -> bool:
        """Whether a decoy passed the candidates' checks; an exchanged one must not show the seed's traits."""
        others = {name: value for name, value in values.items() if name != TRAITS}
        shows = not _negative(_shifted(values, traits_at).get(TRAITS))
        return not self.panel.failing(others) and shows == (frame.job.kind is not JobKind.EXCHANGED)

    def looks(self, frame: Frame, store: Store) -> tuple[NDArray[np.float32], int]:
        """Unit vector of the whole picture, and its perceptual hash."""
        picture = self.picture(frame, store)
        return self.features.vectors(self.encoder, [picture])[0], difference_hash(picture.image)

    @cached_property
    def seed_looks(self) -> list[NDArray[np.float32]]:
        """Unit vectors of the seeds and of their crops, as `looks` gives them: what new frames should differ from."""
        return list(self.features.vectors(self.encoder, self.references)) if self.references else []


def _shifted(values: Values, traits_at: float) -> dict[str, Measurement]:
    """The answers with the margin of the traits counted from ``traits_at``."""
    traits = values.get(TRAITS)
    if traits is None or traits.value is None:
        return dict(values)
    return {**values, TRAITS: Measurement(traits.value - traits_at, traits.why)}


def _negative(answer: Measurement | None) -> bool:
    return answer is not None and answer.value is not None and answer.value < 0
