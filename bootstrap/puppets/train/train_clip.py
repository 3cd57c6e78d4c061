"""Trains the OpenCLIP model: pictures and captions in one space, in which pictures of an individual lie close together.

`python -m bootstrap.puppets.train clip --minutes 50 --batch 96`. Four losses: captions (contrastive, every true pair is
a positive), single tags (each axis a zero-shot choice), unnamed traits, identity. Two untrained towers make slow
progress together, so the image tower is trained on tags with a table of free prototypes, and every few steps the text
tower is trained against the image tower. Needs the base model's autoencoder.
Does NOT know how scores are computed from the embeddings.
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

from bootstrap.machine.device import unscaled_autocast
from bootstrap.puppets import scene, shipped
from bootstrap.puppets.train import attributes, clip_folder, clip_text_tower, cropping, training_state
from bootstrap.puppets.train.clip_batches import (
    DEVIATION,
    HEAD_AXES,
    MEAN,
    ClipBatch,
    caption_loss,
    draw_batch,
    phrase_truths,
    tag_loss,
)
from bootstrap.puppets.train.clip_folder import EMBEDDING, SIDE
from bootstrap.puppets.train.contrastive import identity_loss
from bootstrap.puppets.train.individuals import PER_GROUP, SHOTS, TwinGallery, gallery
from bootstrap.puppets.train.material import Material, gather
from bootstrap.puppets.train.measures import identity_aucs
from bootstrap.puppets.train.orthogonal import Muon
from bootstrap.puppets.train.periodic_export import log_scores
from bootstrap.puppets.train.phrases import AXES, PHRASES
from bootstrap.puppets.train.train_options import TrainOptions

log = logging.getLogger(__name__)

GROUPS = 1400
RATES = (3e-3, 2e-3)
"""Learning rates of Muon on the image tower's convolutions, and of Adam on everything else."""
TEXT_EVERY = 2
TAG_WEIGHT = 6.0
"""The tag loss is a mean over axes with conflicting gradients: unweighted, the identity loss dominates it."""
ATTRIBUTE_WEIGHT = 3.0
WORDS_SHARE = 0.12
"""Share of the minutes for the text tower alone, at the end."""
_SHARPNESS = 16.0
_FIRST_WITH_BODY = scene.ALL_FRAMINGS.index("upper body")


def train(options: TrainOptions) -> None:
    """Train, log, checkpoint and export the CLIP model."""
    device = training_state.pick_device(options.device, options.threads)
    drawings = gallery(GROUPS, "individuals", options.workdir, options.workers)
    vae = AutoencoderTiny.from_pretrained(shipped.base_dir() / "vae", dtype=torch.float32)
    material = gather(drawings, "single", vae, options)
    out = options.out or shipped.clip_dir()
    clip_folder.write_configuration(out)
    ClipTraining(options, material, device, out).run()


class ClipTraining:
    """One training with its state."""

    def __init__(self, options: TrainOptions, material: Material, device: torch.device, out: Path) -> None:
        torch.manual_seed(options.random_seed)
        self.options, self.material, self.device, self.out = options, material, device, out
        self.truths = phrase_truths(material.specs)
        self.words = clip_folder.PhraseTokens(out)
        self.model = clip_folder.new_model(out).to(device)
        self.model.visual.to(memory_format=torch.channels_last)
        self.prototypes = nn.Parameter(torch.linalg.qr(torch.randn(EMBEDDING, EMBEDDING))[0][: len(PHRASES)].to(device))
        self.unnamed = nn.Linear(EMBEDDING, attributes.OUTPUTS).to(device)
        self.optimizers = _optimizers(self.model, [self.prototypes, *self.unnamed.parameters()])
        self.average = training_state.Ema(self.model, 0.995)
        self.clock = training_state.TrainingClock(options.minutes * (1 - WORDS_SHARE), options.steps)
        self.rng = np.random.default_rng(options.random_seed)
        self.path = options.workdir / "clip" / "state.pt"
        self._restore()

    def run(self) -> None:
        """Train to the end of the schedule, then export."""
        note, keep, show = training_state.Timer(15), training_state.Timer(100), training_state.Timer(150)
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
        """Train the text tower against the averaged image tower, then export."""
        self.model.load_state_dict(self.average.shadow)
        clock = training_state.TrainingClock(self.options.minutes * WORDS_SHARE, self.options.steps)
        prototypes, random_seed = self.prototypes.detach(), self.options.random_seed
        clip_text_tower.train_text_tower(
            self.model, self.words, self.material, self.truths, prototypes, clock, random_seed
        )
        self.average = training_state.Ema(self.model)
        self.export()

    def step(self) -> dict[str, float]:
        """One optimiser step; the losses by name."""
        self.model.train()
        for rate, optimizer in zip(RATES, self.optimizers, strict=True):
            training_state.set_rate(optimizer, rate * training_state.cosine(self.clock.progress))
            optimizer.zero_grad()
        batch = draw_batch(self.material, self.truths, self.options.batch, self.rng)
        losses = self._losses(batch)
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
        """0 at first, then rising to 1: early on, the gradients of twins are noise that hides those of the tags."""
        return min(max(self.clock.progress - 0.1, 0.0) / 0.1, 1.0)

    def _losses(self, batch: ClipBatch) -> dict[str, Tensor]:
        with unscaled_autocast(self.device.type):
            images = self.model.visual(batch.images.to(self.device, memory_format=torch.channels_last))
        images = F.normalize(images.float(), dim=1)
        truth = batch.truth.to(self.device)
        twins = batch.individuals >= 0
        crop = batch.cropped.nonzero().ravel()
        losses = {
            "tag": tag_loss(_SHARPNESS * images, F.normalize(self.prototypes, dim=1), truth),
            "unnamed": attributes.attribute_loss(
                self.unnamed(_SHARPNESS * images[crop]), batch.unnamed.of(crop.numpy())
            ),
            "identity": identity_loss(images[twins], batch.individuals[twins].to(self.device)),
        }
        if self.clock.step % TEXT_EVERY == 0:
            losses |= self._text_losses(images[~batch.cropped].detach(), batch)
        return losses

    def _text_losses(self, images: Tensor, batch: ClipBatch) -> dict[str, Tensor]:
        scaled = self.model.logit_scale.exp() * images
        truth, captioned = (part[~batch.cropped].to(self.device) for part in (batch.truth, batch.captioned))
        texts = clip_folder.encode_text(self.model, self.words.captions(captioned.cpu()).to(self.device))
        phrases = clip_folder.encode_text(self.model, self.words.phrases.to(self.device))
        matches = (captioned.float() @ (~truth).float().T == 0).T
        return {"caption": caption_loss(scaled, texts, matches), "phrase": tag_loss(scaled, phrases, truth)}

    def export(self) -> dict[str, float]:
        """Write the averaged weights and measure them on unseen puppets."""
        clip_folder.write_weights(self.out, self.average.shadow)
        unseen = gallery(100, "unseen", self.options.workdir, self.options.workers)
        scores = measure(self.out, unseen)
        log_scores("clip", scores)
        training_state.append_row(self.path.with_name("measures.csv"), {"step": self.clock.step, **scores})
        return scores

    def _log(self, losses: dict[str, float]) -> None:
        pace = self.clock.step / max(self.clock.spent, 1e-3) * self.options.batch
        row = {"step": self.clock.step, "seconds": round(self.clock.spent), "pace": round(pace), **losses}
        training_state.append_row(self.path.with_name("log.csv"), row)
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
        training_state.save_checkpoint(self.path, state)

    def _start(self) -> None:
        """Continue from a trained model, if one was named; its phrase embeddings become the prototypes."""
        if self.options.start is None:
            return
        trained, words = clip_folder.load(self.options.start)
        self.model.load_state_dict({name: value.float() for name, value in trained.state_dict().items()})
        with torch.no_grad():
            phrases = clip_folder.encode_text(self.model, words.phrases.to(self.device))
            self.prototypes.copy_(F.normalize(phrases.float(), dim=1))
        self.average = training_state.Ema(self.model, 0.995)

    def _restore(self) -> None:
        state = training_state.load_checkpoint(self.path)
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
        self.rng = np.random.default_rng([self.options.random_seed, self.clock.step])


def _optimizers(model: open_clip.CLIP, heads: list[nn.Parameter]) -> list[torch.optim.Optimizer]:
    """Muon for the convolutions (measured: half of Adam's steps for the same loss); Adam for the rest."""
    convolutions = model.visual.trunk
    taken = {id(parameter) for parameter in convolutions.parameters()}
    rest = [parameter for parameter in model.parameters() if id(parameter) not in taken]
    return [
        Muon(convolutions, RATES[0]),
        torch.optim.AdamW([*rest, *heads], RATES[1], (0.9, 0.98), weight_decay=0.01),
    ]


@torch.no_grad()
def measure(folder: Path, unseen: TwinGallery) -> dict[str, float]:
    """Zero-shot accuracy by axis on whole pictures and on heads ("head hair_color"), retrieval, and identity AUCs.

    Identity by crop and view family: "head:behind".
    """
    model, words = clip_folder.load(folder)
    whole = embed(model, unseen, cropping.WHOLE)
    phrases = F.normalize(model.encode_text(words.tokenizer(list(PHRASES))), dim=1).numpy()
    truth = phrase_truths(unseen.specs)
    head, body = embed(model, unseen, cropping.HEAD), embed(model, unseen, cropping.BODY)
    scores = {axis: _zero_shot(whole, phrases, truth, axis) for axis in AXES}
    for axis in HEAD_AXES:
        scores[f"head {axis}"] = _zero_shot(head, phrases, truth, axis)
    scores["retrieval"] = _retrieval(model, words, whole, truth)
    low = unseen.framing >= _FIRST_WITH_BODY
    for name, embeddings, usable in (("whole", whole, None), ("head", head, None), ("body", body, low)):
        for view_family, value in identity_aucs(embeddings, usable).items():
            scores[f"{name}:{view_family}"] = value
    return scores


def _zero_shot(seen: NDArray[np.float32], phrases: NDArray[np.float32], truth: NDArray[np.bool_], axis: str) -> float:
    """Share of the pictures that show an axis whose nearest phrase of that axis is the true one."""
    members = AXES[axis]
    shows = truth[:, members].sum(1) == 1
    guesses = (seen[shows] @ phrases[members].T).argmax(1)
    return float((guesses == truth[shows][:, members].argmax(1)).mean())


def _retrieval(
    model: nn.Module, words: clip_folder.PhraseTokens, whole: NDArray[np.float32], truth: NDArray[np.bool_]
) -> float:
    """R@1: share of 100 pictures, each of another puppet, whose complete caption is the nearest of the 100 captions."""
    rows = np.arange(0, len(whole), PER_GROUP)[:100] + np.arange(len(whole[::PER_GROUP][:100])) % len(SHOTS)
    captions = clip_folder.encode_text(model, words.captions(torch.from_numpy(truth[rows]))).numpy()
    return float(((whole[rows] @ captions.T).argmax(1) == np.arange(len(rows))).mean())


@torch.no_grad()
def embed(model: nn.Module, drawings: TwinGallery, kind: int, batch: int = PER_GROUP * 5) -> NDArray[np.float32]:
    """Unit image embeddings (N, 256) of one kind of crop."""
    boxes = cropping.composition_boxes(drawings.framing, np.full(len(drawings), kind))
    parts = []
    for start in range(0, len(drawings), batch):
        rows = slice(start, start + batch)
        pictures = cropping.cut(cropping.to_tensor(drawings.images[rows]), torch.from_numpy(boxes[rows]), SIDE)
        parts.append(model.encode_image((pictures - MEAN) / DEVIATION, normalize=True))  # type: ignore[operator]
    return torch.cat(parts).numpy()
