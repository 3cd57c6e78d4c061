"""A judge that is shown two pictures, in the gate: `python -m tests.benchmarks.pair_judge RUN... --puppet NUMBER...`.

An honest imitation of a vision-language model that is asked "the same character?": the embedded CLIP's image tower,
fine-tuned on pairs of pictures of one puppet or of two twins, drawn or painted, from any two sides. It is trained on
puppets that no benchmark uses, and shares no weights with the judge of the benchmark. Each pair is asked both ways. For
each view family: how well it tells true candidates from false ones, alone and as one more identity scorer of the gate;
and how many false ones are admitted. Changes nothing in the runs.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from bootstrap.puppets import shipped
from bootstrap.puppets.anatomy import sample_puppet
from bootstrap.puppets.scene import ALL_VIEW_FAMILIES
from bootstrap.puppets.train.clip_batches import DEVIATION, MEAN
from bootstrap.puppets.train.individuals import PER_GROUP, SHOTS, draw_groups
from bootstrap.puppets.train.painting import paint
from bootstrap.puppets.train.twins import TWINS
from bootstrap.records import JobKind
from scoring.calibrate import Gate
from scoring.measurement import Measurement
from tests.benchmarks.puppetbench.gate import GateAudit, open_audit
from tests.benchmarks.puppetbench.markdown import table
from tests.benchmarks.puppetbench.panels import Images
from tests.benchmarks.puppetbench.roc import auc
from tests.benchmarks.puppetbench.truth import Truth

log = logging.getLogger(__name__)

GROUPS_A_STEP = 4
RATE = 1e-4
HEAD_RATE, HEAD_STEPS, HEAD_PAIRS = 1e-3, 1500, 256
PAIR = "pair"
NONE = "–"


class PairNet(nn.Module):
    """Two pictures (N, 3, 96, 96) each, in order, to how surely they show one individual: logits (N,)."""

    def __init__(self) -> None:
        super().__init__()
        import open_clip

        model, *_ = open_clip.create_model_from_pretrained(f"local-dir:{shipped.clip_dir()}")
        self.tower = model.visual
        with torch.inference_mode():
            width = self.tower(torch.zeros(1, 3, 96, 96)).shape[1]
        self.head = nn.Sequential(nn.Linear(4 * width, 256), nn.GELU(), nn.Linear(256, 1))

    def look(self, pictures: Tensor) -> Tensor:
        """Features of pictures."""
        return F.normalize(self.tower(pictures).float(), dim=1)

    def compare(self, first: Tensor, second: Tensor) -> Tensor:
        """Logits of pairs of features; the order of the two counts, as it does for a language model."""
        answers: Tensor = self.head(torch.cat([first, second, (first - second).abs(), first * second], dim=1))
        return answers[:, 0]


def tensor_of(images: Images) -> Tensor:
    """Pictures as CLIP is shown them."""
    pixels = torch.tensor(images).permute(0, 3, 1, 2).float() / 255
    return (pixels - MEAN) / DEVIATION


def pairs_of(groups: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Seed, candidate and whether both show one individual: every front with every other picture of its group."""
    firsts, seconds, same = list[int](), list[int](), list[bool]()
    for group in range(groups):
        for seed in range(PER_GROUP):
            if seed % len(SHOTS) > 1:
                continue
            for other in range(PER_GROUP):
                if other != seed:
                    firsts.append(group * PER_GROUP + seed)
                    seconds.append(group * PER_GROUP + other)
                    same.append(seed // len(SHOTS) == other // len(SHOTS))
    return np.array(firsts), np.array(seconds), np.array(same)


def train(minutes: float, groups: int, out: Path) -> None:
    """Train by the clock of this process and write the weights."""
    torch.manual_seed(0)
    vae = AutoencoderTiny.from_pretrained(shipped.base_dir() / "vae", dtype=torch.float32)
    drawn = draw_groups("individuals", range(groups)).images
    log.info("%d pictures drawn after %.0f s", len(drawn), time.process_time())
    both = torch.stack([tensor_of(drawn), tensor_of(paint(drawn, vae))])
    log.info("painted after %.0f s", time.process_time())
    net = PairNet()
    _fit_head(net, both, groups)
    log.info("head fitted after %.0f s", time.process_time())
    net.train()
    optimizer = torch.optim.AdamW(net.parameters(), RATE, weight_decay=0.05)
    firsts, seconds, same = pairs_of(GROUPS_A_STEP)
    target, weight = torch.from_numpy(same).float(), torch.tensor((~same).sum() / same.sum())
    rng, begun, step = np.random.default_rng(0), time.process_time(), 0
    while (spent := (time.process_time() - begun) / 60) < minutes:
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1.0, (step + 1) / 50) * (1 - spent / minutes)
        chosen = rng.choice(groups, GROUPS_A_STEP, replace=False)
        places = np.concatenate([np.arange(PER_GROUP) + PER_GROUP * group for group in chosen])
        seen = net.look(both[rng.integers(0, 2, len(places)), places])
        swapped = rng.random(len(same)) < 0.5
        left, right = np.where(swapped, seconds, firsts), np.where(swapped, firsts, seconds)
        answers = net.compare(seen[left], seen[right])
        loss = F.binary_cross_entropy_with_logits(answers, target, pos_weight=weight)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if step % 50 == 0:
            right_ones = ((answers > 0) == target.bool()).float()
            hits = [float(right_ones[target == value].mean()) for value in (1, 0)]
            log.info("step %d, %.1f min: loss %.3f, same %.2f, twins %.2f", step, spent, float(loss.detach()), *hits)
        step += 1
    save_file({name: value.contiguous() for name, value in net.state_dict().items()}, out)


def _fit_head(net: PairNet, both: Tensor, groups: int) -> None:
    """Fit the head to the tower as it is: on features that are computed once."""
    with torch.inference_mode():
        seen = torch.stack([torch.cat([net.look(part) for part in way.split(64)]) for way in both])
    firsts, seconds, same = pairs_of(groups)
    rng, weight = np.random.default_rng(1), torch.tensor((~same).sum() / same.sum())
    optimizer = torch.optim.AdamW(net.head.parameters(), HEAD_RATE, weight_decay=0.05)
    for step in range(HEAD_STEPS):
        for group in optimizer.param_groups:
            group["lr"] = HEAD_RATE * (1 - step / HEAD_STEPS)
        chosen = rng.integers(0, len(same), HEAD_PAIRS)
        ends = [seen[rng.integers(0, 2, HEAD_PAIRS), end[chosen]].clone() for end in (firsts, seconds)]
        if step % 2:
            ends.reverse()
        target = torch.from_numpy(same[chosen]).float()
        loss = F.binary_cross_entropy_with_logits(net.compare(*ends), target, pos_weight=weight)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if step % 250 == 0:
            log.info("head, step %d: loss %.3f", step, float(loss.detach()))


class PairJudge:
    """The trained imitation: asked both ways, its answer is the mean of the two."""

    def __init__(self, weights: Path) -> None:
        self._net = PairNet().eval()
        self._net.load_state_dict(load_file(weights))

    def ask(self, seed: Images, others: Images) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Logits with the seed (96, 96, 3) shown first, and with it shown second."""
        with torch.inference_mode():
            first = self._net.look(tensor_of(seed[None]))
            rows = [self._net.look(tensor_of(part)) for part in _batches(others)]
            seen = torch.cat(rows)
            left = self._net.compare(first.expand_as(seen), seen)
            right = self._net.compare(seen, first.expand_as(seen))
        return left.double().numpy(), right.double().numpy()


def _batches(images: Images, size: int = 64) -> Iterator[Images]:
    for start in range(0, len(images), size):
        yield images[start : start + size]


def unseen_table(judge: PairJudge, groups: int) -> str:
    """How well it tells puppets from their twins that its training never saw, painted; and its bias by position."""
    vae = AutoencoderTiny.from_pretrained(shipped.base_dir() / "vae", dtype=torch.float32)
    images = paint(draw_groups("unseen", range(groups)).images, vae)
    found: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in ALL_VIEW_FAMILIES}
    gaps = []
    for seed in range(0, len(images), len(SHOTS)):
        group = seed // PER_GROUP * PER_GROUP
        left, right = judge.ask(images[seed], images[group : group + PER_GROUP])
        gaps += list(left - right)
        for place, value in enumerate((left + right) / 2):
            if group + place != seed:
                true = group + place in range(seed, seed + len(SHOTS))
                found[SHOTS[place % len(SHOTS)]][0 if true else 1].append(float(value))
    cells = [_number(auc(*found[name])) for name in ALL_VIEW_FAMILIES]
    bias = f"position: first minus second {np.mean(gaps):+.2f} in the mean, {np.std(gaps):.2f} from pair to pair"
    return table(f"AUC, same puppet against its {TWINS - 1} twins; {bias} (logits)", ALL_VIEW_FAMILIES, [cells])


def run_tables(audit: GateAudit, judge: PairJudge) -> str:
    """A run: AUC of true against false candidates past the checks, and what the gate admits."""
    values = _values(audit, judge)
    both = _with_pair(audit, values)
    ways = {"the gate": (audit, []), "the gate and the pair judge": (both, [])}
    ways["the pair judge alone"] = (both, list(audit.judges.identity))
    quality, admissions = [], []
    for name, (one, without) in ways.items():
        scores = one.scores(*without)
        cells = [_number(_auc(one, family, scores)) for family in ALL_VIEW_FAMILIES]
        quality.append([name, *cells])
        gate, let_in = Gate(one.config.loop.gate_level), []
        for family in ALL_VIEW_FAMILIES:
            own = [frame for frame in one.of(JobKind.CANDIDATE, family) if frame.job.id in scores]
            passed = gate.admit(family, {frame.job.id: scores[frame.job.id][1] for frame in own})
            let_in.append([frame for frame in own if frame.job.id in passed])
        everything = [frame for frames in let_in for frame in frames]
        admissions.append([name, *(_false(one, frames) for frames in let_in), _false(one, everything)])
    head = ["scored by", *ALL_VIEW_FAMILIES]
    told = table("AUC, true against false candidates past the checks", head, quality)
    return told + "\n\n" + table("Admitted: false of all", [*head, "all"], admissions) + "\n"


def _values(audit: GateAudit, judge: PairJudge) -> dict[str, float]:
    """Frame → the answer about it and the nearest seed, the mean of both ways."""
    pixels = np.stack([_pixels(audit.store.frame_image(frame)) for frame in audit.frames])
    from bootstrap.pictures import open_picture, square

    answers = []
    for seed in audit.store.seeds():
        image, _ = open_picture(audit.store.directory / seed.path)
        answers.append(np.mean(judge.ask(_pixels(square(image)), pixels), axis=0))
    return dict(zip([frame.job.id for frame in audit.frames], np.max(answers, axis=0).tolist(), strict=True))


def _with_pair(audit: GateAudit, values: Mapping[str, float]) -> GateAudit:
    """The audit of the same run with one more identity scorer."""
    measured = {id: dict(row) for id, row in audit.measured.items()}
    for id, value in values.items():
        if id in measured:
            measured[id][PAIR] = Measurement(value)
    judges = replace(audit.judges)
    vars(judges)["identity"] = [*audit.judges.identity, PAIR]
    more = replace(audit, judges=judges)
    vars(more)["measured"] = measured
    return more


def _auc(audit: GateAudit, family: str, scores: Mapping[str, tuple[float, float]]) -> float | None:
    frames = [frame for frame in audit.of(JobKind.CANDIDATE, family) if frame.job.id in scores]
    true = [scores[f.job.id][0] for f in frames if audit.is_true(f)]
    return auc(true, [scores[f.job.id][0] for f in frames if not audit.is_true(f)])


def _false(audit: GateAudit, frames: Sequence[Any]) -> str:
    return f"{sum(not audit.is_true(frame) for frame in frames)} of {len(frames)}" if frames else NONE


def _pixels(image: Any) -> NDArray[np.uint8]:
    return np.asarray(image.convert("RGB").resize((96, 96)))


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the imitation where it has no weights yet, then judge the runs."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.pair_judge", description=__doc__)
    parser.add_argument("run", type=Path, nargs="*")
    parser.add_argument("--puppet", type=int, nargs="*", default=[], help="number of the puppet of each run")
    parser.add_argument("--weights", type=Path, default=Path(".train/pair_judge.safetensors"))
    parser.add_argument("--minutes", type=float, default=12, help="of one core, beside the drawing")
    parser.add_argument("--groups", type=int, default=150, help="groups of three twins, of 21 pictures each")
    parser.add_argument("--unseen", type=int, default=20, help="groups on which it is measured")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    if not given.weights.is_file():
        given.weights.parent.mkdir(parents=True, exist_ok=True)
        train(given.minutes, given.groups, given.weights)
    judge = PairJudge(given.weights)
    sys.stdout.write(unseen_table(judge, given.unseen) + "\n")
    for run, puppet in zip(given.run, given.puppet, strict=True):
        audit = open_audit(run, Truth(sample_puppet(puppet)).likeness)
        sys.stdout.write(f"\n## {run}\n\n{run_tables(audit, judge)}")
        audit.store.close()


if __name__ == "__main__":
    main()
