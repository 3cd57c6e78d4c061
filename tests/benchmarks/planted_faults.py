"""Faults planted one at a time into captioned sets: which of them `bootstrap audit` finds, and what it finds in none.

`python tests/benchmarks/planted_faults.py WORK [--times 3]` takes the shipped finished run, the pictures of another
puppet as a run would caption them, and such pictures as other trainers lay them out (no run, no provenance, captions in
another order), plants each fault in copies of them, and prints how many of the planted files are named by a finding of
the right kind. A finding about any set without a planted fault is false.
"""

from __future__ import annotations

import argparse
import io
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.config import load, load_panel
from bootstrap.dataset.caption_audit import audit, read_set
from bootstrap.dataset.caption_check import tags_of_views
from bootstrap.dataset.closer_look import closer_look
from bootstrap.dataset.findings import Finding
from bootstrap.dataset.intent import Intent, intent_of
from bootstrap.export.release import run_settings
from bootstrap.panel.models import PanelModels, open_panel_models
from bootstrap.puppets.anatomy import sample_puppet
from bootstrap.puppets.casting import character_of, puppet_shot
from bootstrap.puppets.render import render
from bootstrap.runs.open_to_read import open_to_read
from bootstrap.shots import Planner, quotas

RUN = Path(__file__).parents[2] / "configs" / "gallery" / "ruby-run.zip"
PANEL = load_panel("puppet")
EXPRESSIONS = ("smile", "open mouth", "frown", "closed eyes", "surprised")
FRAMINGS = ("close-up", "portrait", "upper body", "full body")
BACKGROUNDS = ("simple background", "forest", "sky", "room", "beach", "night", "sunset", "city street", "snow")


@dataclass(frozen=True)
class FinishedSet:
    """A folder of captioned pictures, the triggers and clothes of its character, and what it is meant to say."""

    name: str
    folder: Path
    intent: Intent
    character: Character


@dataclass
class Spot:
    """One picture of a copy of a set in which a fault is planted; ``rng`` decides how."""

    path: Path
    rng: np.random.Generator
    given: FinishedSet

    @property
    def image(self) -> Image.Image:
        """The picture."""
        with Image.open(self.path) as image:
            return image.convert("RGB")

    @property
    def tags(self) -> list[str]:
        """The tags of its caption."""
        return self.path.with_suffix(".txt").read_text().strip().split(", ")

    def write(self, tags: Sequence[str]) -> bool:
        """Another caption."""
        self.path.with_suffix(".txt").write_text(", ".join(tags) + "\n")
        return True

    def save(self, image: Image.Image) -> bool:
        """Another picture."""
        image.save(self.path)
        return True

    def replaced(self, old: str, new: str) -> bool:
        """The caption with a tag in place of another."""
        return self.write([new if tag == old else tag for tag in self.tags])

    def beside(self, image: Image.Image | None = None, *, suffix: str = ".png") -> bool:
        """A second picture with the same caption; the first one's bytes without ``image``."""
        other = self.path.with_name(f"x{self.path.stem}{suffix}")
        if image is None:
            shutil.copy(self.path, other)
        else:
            image.save(other)
        shutil.copy(self.path.with_suffix(".txt"), other.with_suffix(".txt"))
        return True

    def one_of(self, words: Sequence[str]) -> str:
        """Another word than those that the caption has."""
        left = [word for word in words if word not in self.tags]
        return left[self.rng.integers(len(left))]


def left_for_right(view: str) -> Callable[[Spot], bool]:
    """The other side in the caption of a picture of a view."""

    def plant(spot: Spot) -> bool:
        sides = {"facing left": "facing right", "facing right": "facing left"}
        side = next((tag for tag in spot.tags if tag in sides), "")
        return view in spot.tags and spot.replaced(side, sides[side])

    return plant


def wrong_view(spot: Spot) -> bool:
    views = {"from front": "from behind", "from behind": "from front", "from above": "from below"}
    views["from below"] = "from above"
    view = next((tag for tag in spot.tags if tag in views), "")
    return bool(view) and spot.replaced(view, views[view])


def wrong_framing(spot: Spot) -> bool:
    framing = next(tag for tag in spot.tags if tag in FRAMINGS)
    return spot.replaced(framing, spot.one_of(FRAMINGS))


def wrong_outfit(spot: Spot) -> bool:
    outfits = [[tag.strip() for tag in outfit.tags] for outfit in spot.given.character.outfits.values()]
    own = next(clothes for clothes in outfits if clothes[0] in spot.tags)
    other = [clothes for clothes in outfits if clothes != own][spot.rng.integers(len(outfits) - 1)]
    first = spot.tags.index(own[0])
    shown = other[: sum(tag in own for tag in spot.tags)]
    return spot.write([*spot.tags[:first], *shown, *(tag for tag in spot.tags[first:] if tag not in own)])


def wrong_expression(spot: Spot) -> bool:
    shown = next((tag for tag in spot.tags if tag in EXPRESSIONS), "")
    return bool(shown) and spot.replaced(shown, spot.one_of(EXPRESSIONS))


def wrong_background(spot: Spot) -> bool:
    shown = next(tag for tag in spot.tags if tag in BACKGROUNDS)
    return spot.replaced(shown, spot.one_of(BACKGROUNDS))


def trigger_missing(spot: Spot) -> bool:
    return spot.write([tag for tag in spot.tags if tag != spot.given.character.trigger])


def trigger_twice(spot: Spot) -> bool:
    return spot.write([*spot.tags, spot.given.character.trigger])


def identity_named(spot: Spot) -> bool:
    return spot.write([*spot.tags, next(iter(spot.given.character.identity))])


def near_duplicate(spot: Spot) -> bool:
    image, trim = spot.image, round(0.03 * spot.image.width)
    cropped = image.crop((trim, trim, image.width - trim, image.height - trim)).resize(image.size)
    return spot.beside(ImageEnhance.Brightness(cropped).enhance(1.08))


def exact_copy(spot: Spot) -> bool:
    return spot.beside()


def same_in_another_format(spot: Spot) -> bool:
    return spot.beside(spot.image, suffix=".bmp")


def mirrored_copy(spot: Spot) -> bool:
    return spot.beside(ImageOps.mirror(spot.image))


def enlarged(how: Image.Resampling) -> Callable[[Spot], bool]:
    """Half as many pixels a side, enlarged again."""

    def plant(spot: Spot) -> bool:
        size = (spot.image.width // 2, spot.image.height // 2)
        return spot.save(spot.image.resize(size, Image.Resampling.LANCZOS).resize(spot.image.size, how))

    return plant


def small_picture(spot: Spot) -> bool:
    return spot.save(spot.image.resize((spot.image.width // 3, spot.image.height // 3)))


def other_picture(spot: Spot) -> Image.Image:
    shot = next(one for one in shots_of(spot.given.character, 24) if one.view in ("front", "three-quarter-left"))
    puppet = sample_puppet(int(spot.rng.integers(10**6)))
    return Image.fromarray(render(puppet, puppet_shot(shot), spot.image.width, spot.rng).image)


def two_characters(spot: Spot) -> bool:
    image = spot.image
    both = Image.new("RGB", (2 * image.width, image.height))
    both.paste(image, (0, 0))
    both.paste(other_picture(spot), (image.width, 0))
    return "from behind" not in spot.tags and spot.save(both.crop((0, 0, 2 * image.width, image.height)))


def stranger(spot: Spot) -> bool:
    return spot.save(other_picture(spot))


def head_cut_off(spot: Spot) -> bool:
    """The upper half of the head is gone."""
    framing = next(tag for tag in spot.tags if tag in FRAMINGS)
    _, top, _, bottom = PANEL.composition[framing]["head"]
    side = spot.image.width
    cut = round((top + 0.45 * (bottom - top)) * side)
    left = round(cut / 2)
    return "from behind" not in spot.tags and spot.save(
        spot.image.crop((left, cut, side - cut + left, side)).resize((side, side), Image.Resampling.LANCZOS)
    )


def blank(spot: Spot) -> bool:
    return spot.save(Image.new("RGB", spot.image.size, "white"))


def lettering(spot: Spot) -> bool:
    image = spot.image.resize((512, 512))
    height = round(0.05 * 512)
    ink = "black" if np.asarray(image)[-2 * height :].mean() > 128 else "white"
    ImageDraw.Draw(image).text((16, 512 - 2 * height), "www.example.com", fill=ink, font_size=height)
    return spot.save(image.resize(spot.image.size, Image.Resampling.LANCZOS) if spot.image.width > 512 else image)


def captions_exchanged(spot: Spot) -> bool:
    others = [path for path in sorted(spot.path.parent.glob("*.txt")) if path.stem != spot.path.stem]
    other = others[spot.rng.integers(len(others))]
    own, its = spot.path.with_suffix(".txt").read_text(), other.read_text()
    spot.path.with_suffix(".txt").write_text(its)
    other.write_text(own)
    return own != its


def caption_empty(spot: Spot) -> bool:
    return spot.write([])


def caption_missing(spot: Spot) -> bool:
    spot.path.with_suffix(".txt").unlink()
    return True


def corrupt(spot: Spot) -> bool:
    data = spot.path.read_bytes()
    spot.path.write_bytes(data[: len(data) // 2])
    return True


def greyscale(spot: Spot) -> bool:
    return spot.save(spot.image.convert("L").convert("RGB"))


def transparent(spot: Spot) -> bool:
    image = spot.image.convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, image.width, image.height // 4))
    return spot.save(image)


def contradicting_tags(spot: Spot) -> bool:
    return spot.write([*spot.tags, "2girls"])


def other_character_named(spot: Spot) -> bool:
    return spot.write([*spot.tags, "hatsune miku"])


FAULTS: dict[str, tuple[Callable[[Spot], bool], frozenset[str]]] = {
    "left for right, profile": (left_for_right("from side"), frozenset({"not seen"})),
    "left for right, three-quarter": (left_for_right("three-quarter view"), frozenset({"not seen"})),
    "wrong view": (wrong_view, frozenset({"not seen"})),
    "wrong framing": (wrong_framing, frozenset({"not seen"})),
    "wrong outfit": (wrong_outfit, frozenset({"not seen"})),
    "wrong expression": (wrong_expression, frozenset({"not seen"})),
    "wrong background": (wrong_background, frozenset({"not seen"})),
    "trigger missing": (trigger_missing, frozenset({"trigger"})),
    "trigger twice": (trigger_twice, frozenset({"trigger", "tag twice"})),
    "identity named": (identity_named, frozenset({"identity named", "rare tag"})),
    "near-duplicate": (near_duplicate, frozenset({"clone"})),
    "exact copy under another name": (exact_copy, frozenset({"duplicate"})),
    "the same in another format": (same_in_another_format, frozenset({"duplicate"})),
    "mirrored copy": (mirrored_copy, frozenset({"mirrored"})),
    "enlarged, smoothly": (enlarged(Image.Resampling.BICUBIC), frozenset({"enlarged"})),
    "enlarged in blocks": (enlarged(Image.Resampling.NEAREST), frozenset({"enlarged"})),
    "small picture": (small_picture, frozenset({"small"})),
    "two characters": (two_characters, frozenset({"several"})),
    "another character's picture": (stranger, frozenset({"stranger", "not seen"})),
    "head cut off": (head_cut_off, frozenset({"cut off", "not seen", "stranger"})),
    "blank picture": (blank, frozenset({"blank"})),
    "lettering": (lettering, frozenset({"marked"})),
    "two captions exchanged": (captions_exchanged, frozenset({"not seen"})),
    "empty caption": (caption_empty, frozenset({"caption empty"})),
    "caption missing": (caption_missing, frozenset({"caption missing"})),
    "corrupt file": (corrupt, frozenset({"unreadable"})),
    "greyscale without its tag": (greyscale, frozenset({"grey"})),
    "transparent pixels": (transparent, frozenset({"transparent"})),
    "tags that contradict each other": (contradicting_tags, frozenset({"conflict"})),
    "another character's name": (other_character_named, frozenset({"another character"})),
}
"""Fault → how it is planted, and the kinds of findings that name it."""


def shots_of(character: Character, count: int) -> list:
    """The shots that a run of the demonstration plans for a character."""
    config = load("puppet")
    return Planner(character, config.views, config.subject, []).plan(quotas(count, config.views), [])


def drawn_set(place: Path, number: int, name: str, count: int = 48, side: int = 96) -> FinishedSet:
    """Pictures of a puppet, captioned as a run would."""
    puppet, config = sample_puppet(number), load("puppet", overrides=[f"loop.target={count}"])
    character = Character.model_validate(character_of(puppet, name))
    folder = place / f"10_{character.trigger}"
    folder.mkdir(parents=True)
    wording, rng = Wording.of(character, config), np.random.default_rng(number)
    for index, shot in enumerate(shots_of(character, count)):
        Image.fromarray(render(puppet, puppet_shot(shot), side, rng).image).save(folder / f"{index:03d}.png")
        (folder / f"{index:03d}.txt").write_text(", ".join(wording.caption(shot, "character")) + "\n")
    return FinishedSet(f"{name}, {side} pixels", folder, intent_of(character, config), character)


def shipped_set(place: Path) -> FinishedSet:
    """The finished run of the gallery."""
    with zipfile.ZipFile(io.BytesIO(RUN.read_bytes())) as archive:
        archive.extractall(place)
    with open_to_read(place) as store:
        config, character = run_settings(store)
        intent = intent_of(character, config, store.seeds())
    return FinishedSet("shipped run", place / "dataset" / f"10_{character.trigger}", intent, character)


def of_another_maker(given: FinishedSet, place: Path) -> FinishedSet:
    """The same pictures with tags in another order, underscores and a core tag; nothing is known of their plan."""
    place.mkdir(parents=True)
    for path in sorted(given.folder.glob("*.png")):
        shutil.copy(path, place / f"img_{path.name}")
        trigger, *tags = path.with_suffix(".txt").read_text().strip().split(", ")
        text = ", ".join([trigger, f"{trigger} character focus", *tags[2:], *tags[:2]])
        (place / f"img_{path.stem}.txt").write_text(text)
    return FinishedSet(f"{given.name}, of another maker", place, Intent(), given.character)


def findings(given: FinishedSet, folder: Path, models: PanelModels) -> list[Finding]:
    """What the audit with the panel finds."""
    pictures = read_set(folder)
    found = audit(folder, pictures, given.intent).findings
    return [*found, *closer_look(folder, pictures, models, PANEL, tags_of_views(PANEL)).findings]


def planted(given: FinishedSet, fault: str, times: int, work: Path) -> Iterator[tuple[str, Path]]:
    """Copies of a set with a fault each: the name of the spoilt file, and the folder."""
    plant, _ = FAULTS[fault]
    rng = np.random.default_rng(sum(map(ord, fault + given.name)))
    names = [path.name for path in sorted(given.folder.glob("*.png"))]
    for name in rng.permutation(names).tolist():
        if not times:
            return
        folder = work / "planted"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(given.folder, folder)
        if plant(Spot(folder / name, rng, given)):
            times -= 1
            yield name, folder


def sets(work: Path) -> list[FinishedSet]:
    """The sets without a fault."""
    shipped = shipped_set(work / "shipped")
    vela, orla = drawn_set(work / "vela", 4711, "Vela"), drawn_set(work / "orla", 70033, "Orla", side=256)
    return [shipped, vela, orla, *(of_another_maker(one, work / f"by another/{one.name}") for one in (shipped, orla))]


def main() -> None:
    """Print the share that was found, fault by fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    models = open_panel_models(PANEL, given.work / "features")
    counts: dict[str, list[int]] = {fault: [0, 0] for fault in FAULTS if given.only in fault}
    for one in sets(given.work):
        for false in findings(one, one.folder, models):
            said(f"{one.name}: false: {false.kind}: {false.message} {', '.join(false.files)}")
        for fault, count in counts.items():
            for name, folder in planted(one, fault, given.times, given.work):
                named = [found.kind for found in findings(one, folder, models) if any(name in f for f in found.files)]
                hit = bool(FAULTS[fault][1].intersection(named))
                count[0] += hit
                count[1] += 1
                if not hit:
                    said(f"{one.name}: {fault}: {name} is not named ({', '.join(named)})")
    for fault, (found, of) in counts.items():
        said(f"{found}/{of}\t{fault}")
    said(f"{sum(found for found, _ in counts.values())} of {sum(of for _, of in counts.values())}")


def said(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
