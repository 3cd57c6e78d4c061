"""Trains the OpenCLIP model: pictures and captions in one space, in which an individual also stays herself.

`python -m bootstrap.puppets.train clip --minutes 50 --batch 96`. Four losses: captions (contrastive, with every true
pairing a positive), single tags (each axis a zero-shot choice), unnamed traits, identity. Two towers that know nothing
teach each other slowly, so the image tower learns tags from a table of free prototypes, and the text tower learns,
every few steps, to meet the image tower where it is. Needs the base model's autoencoder.
Does NOT know how scores are made of the embeddings.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import open_clip
import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny
from numpy.typing import NDArray
from torch import Tensor, nn

from bootstrap.puppets import models, scene
from bootstrap.puppets.train import attributes, checkpoint, clip_folder, clip_words, crops
from bootstrap.puppets.train.clip_folder import EMBEDDING, SIDE
from bootstrap.puppets.train.clip_lesson import (
    DEVIATION,
    HEAD_AXES,
    MEAN,
    Lesson,
    caption_loss,
    draw_lesson,
    phrase_truths,
    tag_loss,
)
from bootstrap.puppets.train.identity import identity_loss
from bootstrap.puppets.train.individuals import PER_GROUP, SHOTS, Gallery, gallery
from bootstrap.puppets.train.material import Material, gather
from bootstrap.puppets.train.measures import identity_aucs
from bootstrap.puppets.train.options import TrainOptions
from bootstrap.puppets.train.orthogonal import Muon
from bootstrap.puppets.train.phrases import AXES, PHRASES

log = logging.getLogger(__name__)

GROUPS = 1400
RATES = (3e-3, 2e-3)
"""Of Muon on the image tower's convolutions, and of Adam on everything else."""
TEXT_EVERY = 2
TAG_WEIGHT = 6.0
"""The tag loss is a mean over axes that pull in different directions: unweighted, identity drowns it."""
ATTRIBUTE_WEIGHT = 3.0
WORDS_SHARE = 0.12
"""Of the minutes, for the text tower alone, at the end."""
_SHARPNESS = 16.0
_FIRST_WITH_BODY = scene.ALL_FRAMINGS.index("upper body")


def train(options: TrainOptions) -> None:
    """Train, log, checkpoint and export the CLIP model."""
    device = checkpoint.pick_device(options.device, options.threads)
    drawings = gallery(GROUPS, "individuals", options.workdir, options.workers)
    vae = AutoencoderTiny.from_pretrained(models.base_dir() / "vae", dtype=torch.float32)
    material = gather(drawings.images, drawings.specs, "single", vae, options, "individuals")
    out = options.out or models.clip_dir()
    clip_folder.write_configuration(out)
    Run(options, material, device, out).go()


class Run:
    """One training with its state."""

    def __init__(self, options: TrainOptions, material: Material, device: torch.device, out: Path) -> None:
        torch.manual_seed(options.seed)
        self.options, self.material, self.device, self.out = options, material, device, out
        self.truths = phrase_truths(list(material.specs))
        self.words = clip_folder.Words(out)
        self.model = clip_folder.new_model(out).to(device)
        self.model.visual.to(memory_format=torch.channels_last)
        self.prototypes = nn.Parameter(torch.linalg.qr(torch.randn(EMBEDDING, EMBEDDING))[0][: len(PHRASES)].to(device))
        self.unnamed = nn.Linear(EMBEDDING, attributes.OUTPUTS).to(device)
        self.optimizers = _optimizers(self.model, [self.prototypes, *self.unnamed.parameters()])
        self.average = checkpoint.Ema(self.model, 0.995)
        self.clock = checkpoint.Clock(options.minutes * (1 - WORDS_SHARE), options.steps)
        self.rng = np.random.default_rng(options.seed)
        self.path = options.workdir / "clip" / "state.pt"
        self._restore()

    def go(self) -> None:
        """Train to the end of the schedule, then export."""
        note, keep, show = checkpoint.Every(15), checkpoint.Every(100), checkpoint.Every(150)
        latest: dict[str, float] = {}
        while not self.clock.done:
            losses = self.step()
            self.clock.tick()
            latest |= losses
            if note():
                self._log(latest)
            if keep():
                self._save()
            if show():
                self.export()
                self.clock.pause()
        self._save()
        self.finish()

    def finish(self) -> None:
        """Teach the text tower the averaged image tower, then export."""
        self.model.load_state_dict(self.average.shadow)
        clock = checkpoint.Clock(self.options.minutes * WORDS_SHARE, self.options.steps)
        toward = self.prototypes.detach()
        clip_words.learn_words(self.model, self.words, self.material, self.truths, toward, clock, self.options.seed)
        self.average = checkpoint.Ema(self.model)
        self.export()

    def step(self) -> dict[str, float]:
        """One optimiser step; the losses by name."""
        self.model.train()
        for rate, optimizer in zip(RATES, self.optimizers, strict=True):
            checkpoint.set_rate(optimizer, rate * checkpoint.cosine(self.clock.progress))
            optimizer.zero_grad()
        lesson = draw_lesson(self.material, self.truths, self.options.batch, self.rng)
        losses = self._losses(lesson)
        weights = {
            "tag": TAG_WEIGHT,
            "unnamed": ATTRIBUTE_WEIGHT,
            "identity": self._identity_weight(),
            "caption": 1.0,
            "phrase": TAG_WEIGHT / 2,
        }
        total = torch.stack([weights[name] * value for name, value in losses.items()]).sum()
        total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
        self.model.logit_scale.data.clamp_(max=float(np.log(100)))
        self.average.update(self.model)
        return {name: float(value.detach()) for name, value in losses.items()}

    def _identity_weight(self) -> float:
        """Nothing, then more: before the tower sees colours and shapes, twins are noise that drowns the tags."""
        return min(max(self.clock.progress - 0.1, 0.0) / 0.1, 1.0)

    def _losses(self, lesson: Lesson) -> dict[str, Tensor]:
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            images = self.model.visual(lesson.images.to(self.device, memory_format=torch.channels_last))
        images = F.normalize(images.float(), dim=1)
        truth = lesson.truth.to(self.device)
        twins = lesson.individuals >= 0
        crop = lesson.cropped.nonzero().ravel()
        losses = {
            "tag": tag_loss(_SHARPNESS * images, F.normalize(self.prototypes, dim=1), truth),
            "unnamed": attributes.attribute_loss(
                self.unnamed(_SHARPNESS * images[crop]), lesson.unnamed.of(crop.numpy())
            ),
            "identity": identity_loss(images[twins], lesson.individuals[twins].to(self.device)),
        }
        if self.clock.step % TEXT_EVERY == 0:
            losses |= self._text_losses(images[~lesson.cropped].detach(), lesson)
        return losses

    def _text_losses(self, images: Tensor, lesson: Lesson) -> dict[str, Tensor]:
        scaled = self.model.logit_scale.exp() * images
        truth, said = lesson.truth[~lesson.cropped].to(self.device), lesson.said[~lesson.cropped].to(self.device)
        texts = clip_folder.encode_text(self.model, self.words.captions(said.cpu()).to(self.device))
        phrases = clip_folder.encode_text(self.model, self.words.phrases.to(self.device))
        matches = (said.float() @ (~truth).float().T == 0).T
        return {"caption": caption_loss(scaled, texts, matches), "phrase": tag_loss(scaled, phrases, truth)}

    def export(self) -> dict[str, float]:
        """Write the averaged weights and measure them on unseen puppets."""
        clip_folder.write_weights(self.out, self.average.shadow)
        unseen = gallery(100, "unseen", self.options.workdir, self.options.workers)
        scores = measure(self.out, unseen)
        log.info("clip %s", " ".join(f"{name} {value:.3f}" for name, value in scores.items()))
        checkpoint.append_row(self.path.with_name("measures.csv"), {"step": self.clock.step, **scores})
        return scores

    def _log(self, losses: dict[str, float]) -> None:
        pace = self.clock.step / max(self.clock.spent, 1e-3) * self.options.batch
        row = {"step": self.clock.step, "seconds": round(self.clock.spent), "pace": round(pace), **losses}
        checkpoint.append_row(self.path.with_name("log.csv"), row)
        log.info("clip %s", " ".join(f"{name} {value:.3g}" for name, value in row.items()))

    def _save(self) -> None:
        state = {
            "model": self.model.state_dict(),
            "prototypes": self.prototypes.detach(),
            "unnamed": self.unnamed.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "average": self.average.state(),
            "clock": self.clock.state(),
        }
        checkpoint.save_checkpoint(self.path, state)

    def _start(self) -> None:
        """Go on from a shipped model, if one was named; its words stand in for the prototypes."""
        if self.options.start is None:
            return
        shipped, words = clip_folder.load(self.options.start)
        self.model.load_state_dict({name: value.float() for name, value in shipped.state_dict().items()})
        with torch.no_grad():
            phrases = clip_folder.encode_text(self.model, words.phrases.to(self.device))
            self.prototypes.copy_(F.normalize(phrases.float(), dim=1))
        self.average = checkpoint.Ema(self.model, 0.995)

    def _restore(self) -> None:
        state = checkpoint.load_checkpoint(self.path)
        if state is None:
            self._start()
            return
        self.model.load_state_dict(state["model"])
        self.prototypes.data.copy_(state["prototypes"])
        self.unnamed.load_state_dict(state["unnamed"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.average.restore(state["average"])
        self.clock.restore(state["clock"])
        self.rng = np.random.default_rng([self.options.seed, self.clock.step])


def _optimizers(model: open_clip.CLIP, heads: list[nn.Parameter]) -> list[torch.optim.Optimizer]:
    """Muon for the convolutions (half of Adam's steps for the same loss, measured); Adam for the rest."""
    convolutions = model.visual.trunk
    taken = {id(parameter) for parameter in convolutions.parameters()}
    rest = [parameter for parameter in model.parameters() if id(parameter) not in taken]
    return [
        Muon(convolutions, RATES[0]),
        torch.optim.AdamW([*rest, *heads], RATES[1], (0.9, 0.98), weight_decay=0.01),
    ]


@torch.no_grad()
def measure(folder: Path, unseen: Gallery) -> dict[str, float]:
    """Zero-shot accuracy by axis on whole pictures and on heads ("head hair_color"), retrieval, and identity AUCs.

    Identity by crop and view family: "head:behind".
    """
    model, words = clip_folder.load(folder)
    whole = embed(model, unseen, crops.WHOLE)
    phrases = F.normalize(model.encode_text(words.tokenizer(list(PHRASES))), dim=1).numpy()
    truth = phrase_truths(unseen.specs)
    head, body = embed(model, unseen, crops.HEAD), embed(model, unseen, crops.BODY)
    scores = {axis: _zero_shot(whole, phrases, truth, axis) for axis in AXES}
    scores |= {f"head {axis}": _zero_shot(head, phrases, truth, axis) for axis in HEAD_AXES}
    scores["retrieval"] = _retrieval(model, words, whole, truth)
    low = unseen.framing >= _FIRST_WITH_BODY
    for name, embeddings, usable in (("whole", whole, None), ("head", head, None), ("body", body, low)):
        scores |= {f"{name}:{view_family}": value for view_family, value in identity_aucs(embeddings, usable).items()}
    return scores


def _zero_shot(seen: NDArray[np.float32], phrases: NDArray[np.float32], truth: NDArray[np.bool_], axis: str) -> float:
    """Share of the pictures that show an axis whose nearest phrase of that axis is the true one."""
    members = AXES[axis]
    shows = truth[:, members].sum(1) == 1
    guesses = (seen[shows] @ phrases[members].T).argmax(1)
    return float((guesses == truth[shows][:, members].argmax(1)).mean())


def _retrieval(
    model: nn.Module, words: clip_folder.Words, whole: NDArray[np.float32], truth: NDArray[np.bool_]
) -> float:
    """R@1: share of 100 pictures, each of another puppet, whose own complete caption is the nearest of the 100."""
    rows = np.arange(0, len(whole), PER_GROUP)[:100] + np.arange(len(whole[::PER_GROUP][:100])) % len(SHOTS)
    captions = clip_folder.encode_text(model, words.captions(torch.from_numpy(truth[rows]))).numpy()
    return float(((whole[rows] @ captions.T).argmax(1) == np.arange(len(rows))).mean())


@torch.no_grad()
def embed(model: nn.Module, drawings: Gallery, kind: int, batch: int = PER_GROUP * 5) -> NDArray[np.float32]:
    """Unit image embeddings (N, 256) of one kind of crop."""
    boxes = crops.composition_boxes(drawings.framing, np.full(len(drawings), kind))
    parts = []
    for start in range(0, len(drawings), batch):
        rows = slice(start, start + batch)
        pictures = crops.cut(crops.to_tensor(drawings.images[rows]), torch.from_numpy(boxes[rows]), SIDE)
        parts.append(model.encode_image((pictures - MEAN) / DEVIATION, normalize=True))  # type: ignore[operator]
    return torch.cat(parts).numpy()
