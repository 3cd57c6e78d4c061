"""Trains the OpenCLIP model: pictures and captions in one space, in which an individual also stays herself.

`python -m bootstrap.puppets.train clip --minutes 22 --batch 96`. Three losses on batches of twins: captions
(contrastive, with every true pairing a positive), single tags (each axis a zero-shot choice), identity. Two towers
that know nothing teach each other slowly, so the image tower learns tags from a table of free prototypes, and the text
tower learns, every few steps, to meet the image tower where it is. Whole pictures teach words, crops teach identity and
the traits that belong to it: a panel asks them the same way, and one vector cannot both tell and ignore the view.
Does NOT know how scores are made of the embeddings.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import open_clip
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from bootstrap.puppets import models, scene
from bootstrap.puppets.train import checkpoint, clip_folder, crops
from bootstrap.puppets.train.clip_folder import EMBEDDING, SIDE
from bootstrap.puppets.train.identity import identity_loss, sample_groups
from bootstrap.puppets.train.individuals import PER_GROUP, TWINS, Gallery, gallery
from bootstrap.puppets.train.measures import identity_aucs
from bootstrap.puppets.train.options import TrainOptions
from bootstrap.puppets.train.orthogonal import Muon
from bootstrap.puppets.train.phrases import AXES, PHRASES, seen_phrases

log = logging.getLogger(__name__)

GROUPS = 1400
RATES = (3e-3, 2e-3)
"""Of Muon on the image tower's convolutions, and of Adam on everything else."""
TEXT_EVERY = 3
TAG_WEIGHT = 6.0
"""The tag loss is a mean over axes that pull in different directions: unweighted, identity drowns it."""
_UNIT = 2 * TWINS  # pictures a group brings to a batch
_FIRST_WITH_BODY = scene.ALL_FRAMINGS.index("upper body")
_TEACHES = np.zeros((3, len(PHRASES)), dtype=np.bool_)
_TEACHES[crops.WHOLE] = True
for _axis in ("hair_color", "hair_style", "eye_color", "ears", "hat", "accessory", "skin"):
    _TEACHES[crops.HEAD, AXES[_axis]] = True  # what makes her who she is: no quarrel with the identity loss
_MEAN = torch.tensor(open_clip.OPENAI_DATASET_MEAN).view(1, 3, 1, 1)
_STD = torch.tensor(open_clip.OPENAI_DATASET_STD).view(1, 3, 1, 1)


class Lesson:
    """One batch: pictures, who is on them, which phrases are true of them, and a caption of each.

    `images` (N, 3, SIDE, SIDE) normalised; `individuals` (N,); `truth` bool (N, phrases); `said` bool (N, phrases).
    """

    def __init__(self, drawings: Gallery, truths: NDArray[np.bool_], batch: int, rng: np.random.Generator) -> None:
        rows = sample_groups(drawings.groups, max(batch // _UNIT, 2), rng)
        kind = _crop_kinds(drawings.framing[rows], rng)
        boxes = crops.jitter_boxes(crops.composition_boxes(drawings.framing[rows], kind), rng)
        pictures = crops.cut(crops.to_tensor(drawings.images[rows]), torch.from_numpy(boxes), SIDE)
        self.images = (crops.disturb(pictures, rng) - _MEAN) / _STD
        self.individuals = torch.from_numpy(drawings.individual[rows])
        self.cropped = torch.from_numpy(kind != crops.WHOLE)
        truth = truths[rows] & _TEACHES[kind]
        self.truth = torch.from_numpy(truth)
        self.said = torch.from_numpy(_drop(truth, rng))


def _crop_kinds(framing: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Whole, head or body, the same for a whole group; a body only where the framing shows one."""
    groups = len(framing) // _UNIT
    drawn = rng.choice(3, groups, p=(0.35, 0.45, 0.20))
    drawn[0], drawn[-1] = crops.WHOLE, crops.HEAD  # every batch has something for each loss
    kind = np.repeat(drawn, _UNIT)
    return np.where((kind == crops.BODY) & (framing < _FIRST_WITH_BODY), crops.WHOLE, kind)


def _drop(truth: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Keep a random share of the true phrases of each picture, at least one."""
    keep = rng.random(truth.shape) < rng.uniform(0.1, 1.0, (len(truth), 1))
    first = np.where(truth, rng.random(truth.shape), -1).argmax(axis=1)
    keep[np.arange(len(truth)), first] = True
    said: NDArray[np.bool_] = truth & keep
    return said


def phrase_truths(drawings: Gallery) -> NDArray[np.bool_]:
    """Which phrases are true of every picture: bool (N, phrases)."""
    return np.array([seen_phrases(*spec) for spec in drawings.specs])


def caption_loss(images: Tensor, texts: Tensor, matches: Tensor) -> Tensor:
    """Contrastive both ways; `matches` (images, texts) marks every caption that is true of a picture.

    `images` and `texts` are scaled so that their product is a matrix of logits.
    """
    logits = images @ texts.T
    to_images = (logits.log_softmax(0) * matches).sum(0) / matches.sum(0).clamp(min=1)
    to_texts = (logits.log_softmax(1) * matches).sum(1) / matches.sum(1).clamp(min=1)
    return -(to_images.mean() + to_texts.mean()) / 2


def tag_loss(images: Tensor, phrases: Tensor, truth: Tensor) -> Tensor:
    """Each axis as a zero-shot choice between its phrases, over the pictures that show it; mean over the axes."""
    logits = images @ phrases.T
    losses = []
    for members in AXES.values():
        answers = truth[:, members]
        shows = answers.sum(1) == 1
        if shows.any():
            losses.append(F.cross_entropy(logits[shows][:, members], answers[shows].float().argmax(1)))
    return torch.stack(losses).mean()


def train(options: TrainOptions) -> None:
    """Train, log, checkpoint and export the CLIP model."""
    device = checkpoint.pick_device(options.device, options.threads)
    drawings = gallery(GROUPS, "individuals", options.workdir, options.workers)
    out = options.out or models.clip_dir()
    clip_folder.write_configuration(out)
    Run(options, drawings, device, out).go()


class Run:
    """One training with its state."""

    def __init__(self, options: TrainOptions, drawings: Gallery, device: torch.device, out: Path) -> None:
        torch.manual_seed(options.seed)
        self.options, self.drawings, self.device, self.out = options, drawings, device, out
        self.truths = phrase_truths(drawings)
        self.words = clip_folder.Words(out)
        self.model = clip_folder.new_model(out).to(device)
        self.model.visual.to(memory_format=torch.channels_last)
        self.prototypes = nn.Parameter(torch.linalg.qr(torch.randn(EMBEDDING, EMBEDDING))[0][: len(PHRASES)].to(device))
        self.optimizers = _optimizers(self.model, self.prototypes)
        self.average = checkpoint.Ema(self.model, 0.995)
        self.clock = checkpoint.Clock(options.minutes, options.steps)
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
        self.export()

    def step(self) -> dict[str, float]:
        """One optimiser step; the losses by name."""
        self.model.train()
        for rate, optimizer in zip(RATES, self.optimizers, strict=True):
            checkpoint.set_rate(optimizer, rate * checkpoint.cosine(self.clock.progress))
            optimizer.zero_grad()
        lesson = Lesson(self.drawings, self.truths, self.options.batch, self.rng)
        losses = self._losses(lesson)
        weights = {"tag": TAG_WEIGHT, "identity": self._identity_weight(), "caption": 1.0, "phrase": TAG_WEIGHT / 2}
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
        return min(max(self.clock.progress - 0.2, 0.0) / 0.2, 1.0)

    def _losses(self, lesson: Lesson) -> dict[str, Tensor]:
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            images = self.model.visual(lesson.images.to(self.device, memory_format=torch.channels_last))
        images = F.normalize(images.float(), dim=1)
        truth = lesson.truth.to(self.device)
        losses = {
            "tag": tag_loss(16 * images, F.normalize(self.prototypes, dim=1), truth),
            "identity": identity_loss(images[lesson.cropped], lesson.individuals[lesson.cropped].to(self.device)),
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
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.average.restore(state["average"])
        self.clock.restore(state["clock"])
        self.rng = np.random.default_rng([self.options.seed, self.clock.step])


def _optimizers(model: open_clip.CLIP, prototypes: nn.Parameter) -> list[torch.optim.Optimizer]:
    """Muon for the convolutions (half of Adam's steps for the same loss, measured); Adam for the rest."""
    image = model.visual
    convolutions = nn.ModuleList(part for name, part in image.named_children() if name != "attnpool")
    taken = {id(parameter) for parameter in convolutions.parameters()}
    rest = [parameter for parameter in model.parameters() if id(parameter) not in taken]
    return [
        Muon(convolutions, RATES[0]),
        torch.optim.AdamW([*rest, prototypes], RATES[1], (0.9, 0.98), weight_decay=0.01),
    ]


@torch.no_grad()
def measure(folder: Path, unseen: Gallery) -> dict[str, float]:
    """Zero-shot accuracy on whole pictures by axis, and identity AUC by crop and view family."""
    model, words = clip_folder.load(folder)
    whole = embed(model, unseen, crops.WHOLE)
    phrases = F.normalize(model.encode_text(words.tokenizer(list(PHRASES))), dim=1).numpy()
    truth = phrase_truths(unseen)
    scores = {}
    for axis, members in AXES.items():
        shows = truth[:, members].sum(1) == 1
        guesses = (whole[shows] @ phrases[members].T).argmax(1)
        scores[axis] = float((guesses == truth[shows][:, members].argmax(1)).mean())
    head, body = embed(model, unseen, crops.HEAD), embed(model, unseen, crops.BODY)
    low = unseen.framing >= _FIRST_WITH_BODY
    for name, embeddings, usable in (("whole", whole, None), ("head", head, None), ("body", body, low)):
        scores |= {f"{name}:{family}": value for family, value in identity_aucs(embeddings, usable).items()}
    return scores


@torch.no_grad()
def embed(model: nn.Module, drawings: Gallery, kind: int, batch: int = PER_GROUP * 5) -> NDArray[np.float32]:
    """Unit image embeddings (N, 256) of one kind of crop."""
    boxes = crops.composition_boxes(drawings.framing, np.full(len(drawings), kind))
    parts = []
    for start in range(0, len(drawings), batch):
        rows = slice(start, start + batch)
        pictures = crops.cut(crops.to_tensor(drawings.images[rows]), torch.from_numpy(boxes[rows]), SIDE)
        parts.append(model.encode_image((pictures - _MEAN) / _STD, normalize=True))  # type: ignore[operator]
    return torch.cat(parts).numpy()
