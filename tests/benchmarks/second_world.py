"""A world that we did not draw: what seed handling and scorers make of Kenney's toon characters.

    python tests/benchmarks/second_world.py [--from arcade-3.3.3-py3-none-any.whl] [--panel puppet]

The pictures (CC0; six characters in thirteen poses, 96x128, transparent ground, two poses seen from behind) are in the
package `arcade`: installed, or as a wheel that `pip download --no-deps arcade` leaves. They are read from there and
never copied into this repository. Prints JSON:

* ``seeds``: what `bootstrap check` refuses and notes, what it takes for near-duplicates, how transparency is read;
* ``drafts``: what `bootstrap init` writes from one front picture of each, and what a person sees there;
* ``captions``: whether what is written in a sidecar is what the seed's caption says;
* ``views``: which view families the panel reads off the poses;
* ``alike``: for each scorer of identity, how well the pose "idle" of a character tells its other poses from those of
  the others, and of the one with the same colours of hair and skin (AUC, the mean of the characters; .5 is a coin), in
  poses that show the face and in those from behind, with the view in a caption; and the same of grey copies.

The embedded panel was taught puppets. The mean colours of the fake backend are there as what any scorer has to beat.
Neither says anything about panels of real scorers; --panel drawn measures one where its models are at hand.
"""

import argparse
import contextlib
import importlib.util
import io
import json
import sys
import tempfile
import zipfile
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from PIL import Image

from bootstrap.cli import main
from bootstrap.config import load, load_panel
from bootstrap.machine.device import pick_device
from bootstrap.panel.color_models import fake_panel_models
from bootstrap.panel.draft import read_traits, reader_of
from bootstrap.panel.models import open_panel_models
from bootstrap.panel.rating import Rater
from bootstrap.pictures import open_picture, square
from bootstrap.seeds import cuts, views_in
from bootstrap.seeds.alpha import subject_of
from bootstrap.seeds.checks import alike

IMAGES = "arcade/resources/assets/images"
CHARACTERS = ("female_adventurer", "female_person", "male_adventurer", "male_person", "robot", "zombie")
BEHIND = ("climb0", "climb1")
POSES = (*BEHIND, "fall", "idle", "jump", *(f"walk{number}" for number in range(8)))
SEEN = {
    "female_adventurer": {"hair_color": ("orange hair", "brown hair"), "skin": ("fair skin",)},
    "female_person": {"hair_color": ("black hair",), "skin": ("dark skin", "tan")},
    "male_adventurer": {"hair_color": ("orange hair", "brown hair"), "skin": ("fair skin",)},
    "male_person": {"hair_color": ("black hair",), "skin": ("dark skin", "tan")},
    "robot": {},
    "zombie": {"hair_color": ("black hair",)},
}
"""What a person sees, in words of the panel; an axis that is missing has no right answer, as the ears of none have."""
LOOK_ALIKE = {
    "female_adventurer": "male_adventurer",
    "male_adventurer": "female_adventurer",
    "female_person": "male_person",
    "male_person": "female_person",
}
"""Who has the same colours of hair and skin."""
WRITTEN = {"climb0": "from behind, full body, standing, simple background", "idle": "from front, full body, smile"}
ADVICE = "no pictures: pip install arcade, or pip download --no-deps arcade and name the wheel with --from"


def found_pictures(given, folder):
    """The pictures, character → pose → path, in a temporary folder; exits with one line where there are none."""
    spec = importlib.util.find_spec("arcade")
    installed = Path(spec.origin).parent.parent if spec and spec.origin else None
    source = given or installed
    if not source or not source.exists():
        sys.exit(ADVICE)
    root = zipfile.Path(source) if source.is_file() else source
    images = root / IMAGES
    if not images.is_dir() or "CC0" not in (images / "License.txt").read_text(encoding="utf-8"):
        sys.exit(f"'{source}' does not have the pictures under CC0; {ADVICE}")
    found = defaultdict(dict)
    for character in CHARACTERS:
        first, second = character.split("_") if "_" in character else (character, "")
        (folder / character).mkdir()
        for pose in POSES:
            path = images / "animated_characters" / character / f"{first}{second.capitalize()}_{pose}.png"
            if not path.is_file():
                sys.exit(f"'{source}' lacks '{path.name}'; version 3.3.3 of arcade has it")
            found[character][pose] = folder / character / f"{pose}.png"
            found[character][pose].write_bytes(path.read_bytes())
    return found


def told(*arguments):
    """What a command says, its exit code first."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            main([str(argument) for argument in arguments])
            code = 0
        except SystemExit as ended:
            code = ended.code or 0
    return code, said.getvalue()


def seeds_of(found, folder):
    """What is refused, noted, taken for near-duplicates, cropped; whether transparency is read as drawn."""
    result = {"refused": [], "notes": defaultdict(int), "cut": [], "alpha_wrong": [], "ground_not_white": []}
    for character, poses in found.items():
        about = folder / f"{character}.json"
        about.write_text(json.dumps({"name": character, "trigger": "knychr", "invariant": {"hair": "hair"}}))
        for base in ("puppet", "sd15"):
            code, said = told("check", poses["idle"], poses["climb0"], about, "--base", base)
            lines = [line for line in said.splitlines() if "idle" in line or "climb" in line]
            for line in lines:
                result["notes"][f"{base}: {line.split('.png', 1)[-1].strip()}"] += "note" in line
            result["refused"] += [f"{base} {character}"] * (code == 2 and "too small" in said)
        for pose, path in poses.items():
            image, data = open_picture(path)
            views = views_in(image, data, pose, ".png", whole=False)
            if len(views) > 1 or views[0].image.size != image.size:
                result["cut"].append(f"{character} {pose}: {[view.image.size for view in views]}")
            with Image.open(path) as opened:
                alpha = np.asarray(opened.convert("RGBA"))[..., 3]
            mask = subject_of(path, image.size)
            if mask is None or not (np.asarray(mask)[..., 0] == alpha).all():
                result["alpha_wrong"].append(f"{character} {pose}")
            if (np.asarray(image)[alpha == 0] != 255).any():
                result["ground_not_white"].append(f"{character} {pose}")
    result["notes"] = {text: count for text, count in result["notes"].items() if count}
    images = {f"{c} {p}": open_picture(path)[0] for c, poses in found.items() for p, path in poses.items()}
    pairs = alike(images, load_panel("puppet").duplicate_bits)
    same = [pair for pair in pairs if pair[0].split()[0] == pair[1].split()[0]]
    result["near_duplicates"] = {"same character": same, "different characters": [p for p in pairs if p not in same]}
    composition = load_panel("puppet").composition
    made = cuts(images["robot idle"], "full body", composition, 512)
    result["cuts_of_512"] = [[cut.kind, cut.framing, cut.image.size, cut.enlarged] for cut in made]
    return result


def drafts_of(found, panel, models):
    """What would be drafted from each character's idle pose, and how often it is what a person would have said."""
    drafts, right, wrong = {}, [], []
    reader = reader_of(models, panel)
    for character, poses in found.items():
        readings = read_traits(panel, [open_picture(poses["idle"])[0]], reader)
        drafts[character] = {one.axis: one.word for one in readings if one.word}
        for axis, words in SEEN[character].items():
            if axis in drafts[character]:
                told_apart = right if drafts[character][axis] in words else wrong
                told_apart.append(f"{character} {axis}")
    return {"read": drafts, "right": right, "wrong": wrong, "asked": sum(map(len, SEEN.values()))}


def views_of(found, panel, models):
    """The view families that are read, without a caption, off the poses that show the face and those from behind."""
    phrases = {phrase: name for name, several in panel.view_phrases.items() for phrase in several}
    read = {"facing": Counter(), "behind": Counter()}
    for poses in found.values():
        for pose, path in poses.items():
            phrase = models.read(square(open_picture(path)[0]), list(phrases))
            read["behind" if pose in BEHIND else "facing"][phrases.get(phrase, "not read")] += 1
    return read


def captions_of(found, folder):
    """Whether a sidecar's words come back from `check`, for each character and pose that was captioned."""
    lost = []
    for character, poses in found.items():
        for pose, words in WRITTEN.items():
            poses[pose].with_suffix(".txt").write_text(words, encoding="utf-8")
            _, said = told("check", poses[pose], folder / f"{character}.json", "--base", "puppet")
            line = next((line for line in said.splitlines() if line.startswith("seed ")), "")
            lost += [f"{character} {pose}: {word} in {line!r}" for word in words.split(", ") if word not in line]
            poses[pose].with_suffix(".txt").unlink()
    return {"written": len(WRITTEN) * len(found), "lost": lost}


def grey(found, folder):
    """Copies without colours."""
    copies = {}
    for character, poses in found.items():
        (folder / character).mkdir(parents=True)
        copies[character] = {pose: folder / character / f"{pose}.png" for pose in poses}
        for pose, path in poses.items():
            open_picture(path)[0].convert("L").save(copies[character][pose])
    return copies


def alike_of(found, panel, models):
    """Scorer → side → how well it tells a character's other poses from all others', and from its look-alike's."""
    paths = {path: (character, pose) for character, poses in found.items() for pose, path in poses.items()}
    for path, (_, pose) in paths.items():
        path.with_suffix(".txt").write_text(f"from {'behind' if pose in BEHIND else 'front'}, full body")
    values = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for character, poses in found.items():
        rater = Rater(models, panel, [poses["idle"]])
        for one in rater.rate([path for path in paths if path != poses["idle"]]):
            other, pose = paths[one.path]
            for name in (*rater.panel.names("identity"), *rater.panel.names("held-out")):
                if one.answers[name].value is not None:
                    side = "behind" if pose in BEHIND else "facing"
                    values[name, side][character][other].append(one.answers[name].value)
    table = defaultdict(dict)
    for (name, side), by_character in values.items():
        table[name][side] = {
            "all others": _mean(by_character, lambda mine, other: other != mine),
            "look-alike": _mean(by_character, lambda mine, other: other == LOOK_ALIKE.get(mine)),
            "judged": sum(len(several) for others in by_character.values() for several in others.values()),
        }
    return table


def _mean(by_character, wanted):
    """The mean AUC of the characters that have other poses and such others; None where there are none."""
    found = []
    for character, values in by_character.items():
        others = [value for other, several in values.items() if wanted(character, other) for value in several]
        pairs = [(one > other) + 0.5 * (one == other) for one in values[character] for other in others]
        found += [np.mean(pairs)] if pairs else []
    return round(float(np.mean(found)), 3) if found else None


def measured(found, folder, name):
    """Everything, as plain data."""
    panel, device = load_panel(name), pick_device()
    models = open_panel_models(panel, None, device)
    result = {"seeds": seeds_of(found, folder), "captions": captions_of(found, folder)}
    result["drafts"] = drafts_of(found, load(name).panel, models)
    result["views"] = views_of(found, panel, models)
    without = grey(found, folder / "grey")
    colors = load_panel("fake"), fake_panel_models()
    result["alike"] = {
        name: alike_of(found, panel, models),
        f"{name}, grey pictures": alike_of(without, panel, models),
        "mean colours": alike_of(found, *colors),
        "mean colours, grey pictures": alike_of(without, *colors),
    }
    return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--from", dest="source", type=Path, help="an arcade wheel, or a folder that holds arcade/")
    parser.add_argument("--panel", default="puppet", help="the scorers, as `bootstrap score --config` names them")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        pictures = found_pictures(given.source, Path(scratch))
        print(json.dumps(measured(pictures, Path(scratch), given.panel), indent=1))  # noqa: T201
