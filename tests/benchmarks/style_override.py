"""What a style LoRA leaves of a character, and what helps.

    python -m tests.benchmarks.style_override FOLDER NUMBER=ADAPTER [NUMBER=ADAPTER ...] [--weights 0.4 0.6 0.8 1.0]

Style LoRAs are trained on painted drawings of 60 puppets each, in one style, captioned with everything that is seen
but the style, as guides advise; they are stored in FOLDER and trained once. Each stands beside the finished LoRA of a
puppet (its NUMBER as in PuppetBench, and the file of its weights) at several weights, as it is and altered in the ways
of WAYS. Prompts are those of the character phase without a word for the style. ADAPTER may also be a name of TEACHINGS:
a LoRA that is trained for it on 45 painted drawings.

Prints a JSON object a line: likeness to the truth drawn in that style (the judge), the share of pictures that the judge
reads as that style, and the share of what was asked for (clothes, view, framing, pose) that it reads. Weight 0 is the
character alone, judged by its usual style.
"""

import argparse
import itertools
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from bootstrap.backends.architectures import grammars
from bootstrap.lora import save_kohya
from bootstrap.lora.blending import blended
from bootstrap.lora.foreign import read_any
from bootstrap.lora.kinds import as_pair
from bootstrap.puppets.anatomy import sample_puppet
from bootstrap.puppets.captions import caption
from bootstrap.puppets.casting import STYLE, puppet_shot
from bootstrap.puppets.render import render
from bootstrap.puppets.scene import sample_shot
from bootstrap.records import TrainItem
from bootstrap.seeds.cuts import ALTERED_TAGS
from bootstrap.shots import places
from bootstrap.store.files import make_folder, write_image
from bootstrap.training.recipe import TrainRecipe
from tests.benchmarks.puppetbench import measures
from tests.benchmarks.puppetbench.settings import FULL
from tests.benchmarks.puppetbench.stage import Stage

STYLES = ("sketch", "pixel art", "pastel")
FIRST = 500_000_000
"""Number of the first puppet that a style LoRA sees."""
PICTURES = 60
TAUGHT = (STYLE, "flat color", "monochrome")
"""Styles of a character's drawings, none of which a style LoRA draws."""
DRAWINGS = 45
RECIPE = TrainRecipe(rank=16, network_alpha=16, learning_rate=1e-3, steps=300, batch_size=8, keep_tokens=0)
COUNT = itertools.count()
ASKED = ("view_family", "facing", "framing", "pose", "top", "top_color", "bottom")


def style_lora(stage, folder, style):
    """The file of the LoRA of a style, trained where it is missing."""
    workdir = folder / style.replace(" ", "-")
    if not (workdir / "adapter.safetensors").is_file():
        items = []
        make_folder(workdir / "pictures")
        for n in range(PICTURES):
            puppet = sample_puppet(FIRST + 1000 * STYLES.index(style) + n)
            shot = sample_shot(np.random.default_rng([FIRST, STYLES.index(style), n]), style=style)
            path = workdir / "pictures" / f"{n:03d}.png"
            write_image(path, Image.fromarray(stage.truth.paint_drawings(render(puppet, shot).image[None])[0]))
            tags = tuple(tag for tag in caption(puppet, shot).split(", ") if tag != style)
            items.append(TrainItem(str(path), tags, "kept"))
        stage.backend.train(items, RECIPE, workdir, lambda event: None)
    return workdir / "adapter.safetensors"


def switched(caption, stage):
    """A caption with a tag of the character's own in place of the word for the style."""
    return (*(tag for tag in caption if tag != STYLE), f"{stage.character.trigger} style")


TEACHINGS = {
    "one": ((STYLE,), lambda caption, stage: caption),
    "several": (TAUGHT, lambda caption, stage: caption),
    "unnamed": ((STYLE,), lambda caption, stage: tuple(tag for tag in caption if tag != STYLE)),
    "switch": ((STYLE,), switched),
    "altered": ((STYLE,), lambda caption, stage: caption),
}
"""Styles of a character's drawings in turn, and how their captions are changed. Every third of "altered" is grey."""


def taught(stage, folder, name):
    """The file of a character's LoRA on painted drawings, trained where it is missing."""
    styles, changed = TEACHINGS[name]
    workdir = folder / f"taught-{name}"
    if not (workdir / "adapter.safetensors").is_file():
        items = []
        make_folder(workdir / "pictures")
        for n, shot in enumerate(
            stage.engine.planner.plan(places(DRAWINGS, DRAWINGS, stage.config.views), stage.panel)
        ):
            styled = shot.having({"style": styles[n % len(styles)]})
            path = workdir / "pictures" / f"{n:03d}.png"
            image = Image.fromarray(stage.truth.paint([styled])[0])
            words = changed(stage.engine.wording.caption(styled, "character"), stage)
            if name == "altered" and n % 3 == 0:
                image, words = image.convert("L").convert("RGB"), (*words, ALTERED_TAGS["greyscale"])
            write_image(path, image)
            items.append(TrainItem(str(path), words, "kept"))
        recipe = RECIPE.model_copy(update={"learning_rate": 2e-3, "steps": 400, "keep_tokens": 1})
        stage.backend.train(items, recipe, workdir, lambda event: None)
    return workdir / "adapter.safetensors"


def blinded(side):
    """Leaves out what a LoRA does with the directions of the inputs (side 0) or outputs (1) that a character's uses."""

    def altered(other, character):
        modules = {}
        for module, weights in other.modules.items():
            pair = list(as_pair(weights))
            if module in character.modules:
                flat, used = (
                    one[side].reshape(len(one[side]), -1) for one in (pair, as_pair(character.modules[module]))
                )
                if side == 0:
                    flat, used = flat.T, used.T
                basis, _ = np.linalg.qr(used.astype(np.float64))
                flat = flat - basis @ (basis.T @ flat)
                pair[side] = (flat.T if side == 0 else flat).astype(np.float32).reshape(pair[side].shape)
            modules[module] = tuple(pair)
        return replace(other, modules=modules)

    return altered


def without(part):
    """Leaves the modules out whose path has ``part`` in it."""

    def altered(other, character):
        return replace(other, modules={name: one for name, one in other.modules.items() if part not in name})

    return altered


WAYS = {
    "as it is": lambda other, character: other,
    "blind to its inputs": blinded(0),
    "blind to its outputs": blinded(1),
    "no cross-attention": without("attn2"),
    "no self-attention": without("attn1"),
    "no upper blocks": without("up_blocks"),
}
"""How a style LoRA is altered before it stands beside the character's."""


def drawn(stage, folder, parts):
    """Pictures of the panel by LoRAs at weights, prompted without a word for the style."""
    path = folder / f"blend-{next(COUNT)}.safetensors"  # a file that is attached is not read again
    save_kohya(path, blended(parts), {})
    jobs = []
    for number, shot in enumerate(stage.panel):
        job = stage.job(number, shot, "character")
        jobs.append(replace(job, prompt=job.prompt.replace(f", {STYLE}", "")))
    images = {}
    for batch in stage.backend.draw(jobs, path):
        images |= {job.id: np.asarray(image.convert("RGB")) for job, image in batch}
    path.unlink()
    return np.stack([images[job.id] for job in jobs])


def row_of(stage, images, style):
    """What the judge finds in pictures of the panel, against the truth in a style."""
    shots = [shot.having({"style": style}) for shot in stage.panel]
    read = stage.truth.judge.read(images)
    counts = measures.obeyed(read, stage.puppet, [puppet_shot(shot) for shot in shots])
    right, shown = (sum(counts[axis][n] for axis in ASKED) for n in (0, 1))
    return {
        "likeness": round(float(stage.truth.likeness(images, shots).mean()), 4),
        "in_style": round(read["style"].count(style) / len(images), 3),
        "asked": round(right / shown, 3),
    }


def measure(number, given, folder, weights, ways, a_cell):
    """Print the rows of a puppet."""
    stage = Stage(number, folder / f"{number}", replace(FULL, a_cell=a_cell))
    adapter = Path(given)
    if given in TEACHINGS:
        adapter = taught(stage, stage.folder, given)
    character = read_any(adapter, grammars()).lora
    facts = {"number": number, "adapter": given, "style": STYLE, "weight": 0.0, "way": "alone"}
    say({**facts, **row_of(stage, drawn(stage, stage.folder, [(character, 1.0)]), STYLE)})
    for style in STYLES:
        other = read_any(style_lora(stage, folder, style), grammars()).lora
        for way in ways:
            altered = WAYS[way](other, character)
            for weight in weights:
                images = drawn(stage, stage.folder, [(character, 1.0), (altered, weight)])
                facts = {"number": number, "adapter": given, "style": style, "weight": weight, "way": way}
                say({**facts, **row_of(stage, images, style)})
    stage.close()


def say(row):
    """A row as a line."""
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


def main():
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.style_override", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("adapters", nargs="+", metavar="NUMBER=ADAPTER")
    parser.add_argument("--weights", nargs="+", type=float, default=[0.4, 0.6, 0.8, 1.0])
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS)[:2])
    parser.add_argument("--a-cell", type=int, default=2, help="pictures in each view family x framing")
    given = parser.parse_args()
    torch.set_num_threads(1)
    for text in given.adapters:
        number, _, adapter = text.partition("=")
        measure(int(number), adapter, given.folder, given.weights, given.ways, given.a_cell)


if __name__ == "__main__":
    main()
