"""Twenty faults planted one at a time in a set as our runs make it: the audit fails each, and passes the set."""

import numpy as np
import pytest
from PIL import Image, ImageOps

from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.config import load
from bootstrap.dataset.caption_audit import audit, read_set
from bootstrap.dataset.caption_check import contradicted
from bootstrap.dataset.closer_look import closer_look
from bootstrap.dataset.intent import Intent, intent_of
from bootstrap.puppets.anatomy import sample_puppet
from bootstrap.puppets.casting import shot_of
from bootstrap.puppets.render import render
from bootstrap.records import Seed
from bootstrap.shots import Planner, quotas
from scoring.face_pack import FaceModel

CONFIG = load("puppet", overrides=["loop.target=24"])
MIKA = Character(
    name="Mika",
    trigger="mikachr",
    invariant={"hair": "red hair", "eyes": "blue eyes"},
    unique={"hair": "carmine locks"},
    style_switch="papercut look",
    outfits={"default": {"tags": "white shirt", "share": 0.5}, "night": {"tags": "blue dress", "trigger": "mikanight"}},
    forbidden="glasses",
)
SEEDS = [Seed("a.png", "0", "a.png", "front", "front", "portrait", "default", ("style=cel shading",), "read")]


def planned(folder, character=MIKA, config=CONFIG):
    """A finished set: the captions that the plan of a run has, on pictures of noise."""
    wording, place = Wording.of(character, config), folder / f"10_{character.trigger}"
    place.mkdir()
    shots = Planner(character, config.views, config.subject, SEEDS).plan(quotas(config.loop.target, config.views), [])
    for number, shot in enumerate(shots):
        pixels = np.random.default_rng(number).integers(0, 255, (8, 9, 3), np.uint8)
        Image.fromarray(pixels).resize((90, 80), Image.Resampling.NEAREST).save(place / f"{number:02d}.png")
        (place / f"{number:02d}.txt").write_text(", ".join(wording.caption(shot, "character")))
    return place


def findings(folder, character=MIKA, config=CONFIG):
    return audit(folder, read_set(folder), intent_of(character, config, SEEDS)).findings


def errors(*given):
    return {one.kind for one in findings(*given) if one.severity == "error"}


@pytest.fixture
def folder(tmp_path):
    return planned(tmp_path)


ONE_OUTFIT = MIKA.model_copy(update={"outfits": {"default": MIKA.outfits["default"]}, "backgrounds": ("forest",)})
TWO_STYLES = MIKA.model_copy(update={"styles": ("oddly drawn", "sketch")})


@pytest.mark.parametrize("dialect", ["tags", "prose"])
@pytest.mark.parametrize("character", [MIKA, ONE_OUTFIT, TWO_STYLES])
def test_what_our_runs_make_passes(tmp_path, character, dialect):
    config = CONFIG.model_copy(update={"base": CONFIG.base.model_copy(update={"dialect": dialect})})
    assert not findings(planned(tmp_path, character, config), character, config)


def retag(add="", drop="", number=None):
    """Add a tag to captions, or replace one: of a single one, of those that have ``drop``, or of all."""

    def plant(folder):
        texts = sorted(folder.glob("*.txt"))
        for path in texts if number is None else texts[number : number + 1]:
            tags = path.read_text().split(", ")
            if drop and drop not in tags:
                continue
            kept = [tag for tag in tags if tag != drop]
            path.write_text(", ".join([*kept, *add.split(", ")] if add else kept))

    return plant


def first(text=None, data=None):
    """Another caption, or another file, for the first picture."""

    def plant(folder):
        if text is not None:
            (folder / "00.txt").write_bytes(text)
        if data is not None:
            (folder / "00.png").write_bytes(data)

    return plant


def lost_caption(folder):
    (folder / "00.txt").unlink()


def twin(folder):
    (folder / "00.png").write_bytes((folder / "01.png").read_bytes())


def blank(folder):
    Image.new("RGB", (64, 64), "grey").save(folder / "00.png")


def no_back(folder):
    for path in folder.glob("*.txt"):
        if "from behind" in path.read_text():
            path.unlink()
            path.with_suffix(".png").unlink()


def beside(change):
    """A changed copy of the first picture with the same caption."""

    def plant(folder):
        with Image.open(folder / "00.png") as image:
            change(image).save(folder / "copy.png")
        (folder / "copy.txt").write_text((folder / "00.txt").read_text())

    return plant


def repainted(change):
    """The first picture changed."""

    def plant(folder):
        with Image.open(folder / "00.png") as image:
            done = change(image)
        done.save(folder / "00.png")

    return plant


def enlarged(image):
    return image.resize((45, 40), Image.Resampling.LANCZOS).resize(image.size, Image.Resampling.BICUBIC)


def pierced(image):
    clear = image.convert("RGBA")
    clear.paste((0, 0, 0, 0), (0, 0, 40, 40))
    return clear


def in_all(place):
    """One background in every caption."""

    def plant(folder):
        for other in ("simple background", "forest", "city street", "night"):
            retag(place, drop=other)(folder)

    return plant


FAULTS = {
    "a caption is missing": (lost_caption, "caption missing"),
    "a caption is empty": (first(text=b" \n"), "caption empty"),
    "a caption is in an unknown encoding": (first(text=b"\x83\x7e\x83\x4a"), "unreadable"),
    "a file is no picture": (first(data=b"no picture"), "unreadable"),
    "a picture is blank": (blank, "blank"),
    "the same picture twice": (twin, "duplicate"),
    "the trigger is missing": (retag(drop="mikachr", number=3), "trigger"),
    "the trigger comes last": (retag("mikachr", drop="mikachr", number=3), "trigger"),
    "a hat in every caption": (retag("straw hat"), "in every caption"),
    "one background everywhere": (in_all("beach"), "one background"),
    "a second style everywhere": (retag("flat color"), "in every caption"),
    "identity left in the captions": (retag("red hair"), "identity named"),
    "two colours of hair": (retag("red hair, blue hair", number=3), "conflict"),
    "two framings": (retag("close-up, full body", number=3), "conflict"),
    "front and behind": (retag("from front, from behind", number=3), "conflict"),
    "day and night": (retag("day, night", number=3), "conflict"),
    "two girls, solo": (retag("2girls", number=3), "conflict"),
    "what the character forbids": (retag("glasses", number=3), "forbidden"),
    "another character": (retag("hatsune miku", number=3), "another character"),
    "the clothes of another outfit": (retag("white shirt", drop="blue dress"), "outfit"),
    "left for right": (retag("facing left", drop="facing right"), "one side"),
    "no picture of the back": (no_back, "view missing"),
    "the trigger twice": (retag("mikachr", number=3), "trigger"),
    "the same picture in another file": (beside(lambda image: image.convert("RGBA")), "duplicate"),
}
SEEN_FAULTS = {
    "a near-duplicate": (beside(lambda image: image.point(lambda level: min(255, level + 6))), "clone", "copy.png"),
    "a mirrored copy": (beside(ImageOps.mirror), "mirrored", "copy.png"),
    "an enlarged picture": (repainted(enlarged), "enlarged", "00.png"),
    "a small picture": (repainted(lambda image: image.resize((30, 27))), "small", "00.png"),
    "greyscale without its tag": (repainted(lambda image: image.convert("L")), "grey", "00.png"),
    "transparent pixels": (repainted(pierced), "transparent", "00.png"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_planted_fault_fails(folder, fault):
    plant, kind = FAULTS[fault]
    plant(folder)
    assert kind in errors(folder)


@pytest.mark.parametrize("fault", SEEN_FAULTS)
def test_pictures_that_stand_out_are_named(folder, fault):
    plant, kind, name = SEEN_FAULTS[fault]
    plant(folder)
    assert (kind, (name,)) in [(one.kind, one.files) for one in findings(folder)]


@pytest.mark.parametrize("trigger", ["chicken", "naruto"])
def test_a_trigger_that_means_something_fails(tmp_path, trigger):
    character = MIKA.model_copy(update={"trigger": trigger})
    assert errors(planned(tmp_path, character), character) == {"trigger word"}


@pytest.fixture(scope="module")
def eyes(tmp_path_factory):
    """The embedded panel's CLIP."""
    from bootstrap.panel.models import open_panel_models

    faceless = CONFIG.panel.models.model_copy(update={"face": FaceModel()})
    panel = CONFIG.panel.model_copy(update={"models": faceless})
    return open_panel_models(panel, tmp_path_factory.mktemp("features"), "cpu", comparing=False)


@pytest.mark.parametrize("view", ["profile-right", "three-quarter-left"])
def test_left_for_right_is_seen_by_the_panel(tmp_path, eyes, view):
    place, said = tmp_path / "10_mikachr", CONFIG.views.tags_of(view)
    place.mkdir()
    drawn = render(sample_puppet(80_000_001), shot_of(view)).image
    other = {"left": "right", "right": "left"}[said.split()[-1]]
    for name, caption in (("true", said), ("false", said.rsplit(" ", 1)[0] + f" {other}")):
        Image.fromarray(drawn).save(place / f"{name}.png")
        (place / f"{name}.txt").write_text(f"mikachr, {caption}, simple background")
    views = {tags: name for name, plan in CONFIG.views.families.items() for tags in plan.views.values()}
    (found,) = contradicted(place, read_set(place), eyes, CONFIG.panel, views)
    assert (found.files, found.severity) == (("false.png",), "error")
    assert found.message.endswith(f"is not what the panel sees: reads as '{said}'")


def test_words_of_other_pictures_and_strangers_are_seen_beside_the_others(tmp_path, eyes):
    place, puppet = tmp_path / "10_mikachr", sample_puppet(4711)
    place.mkdir()
    clothes = [f"{one.top_color} {one.top}" for one in puppet.named.outfits]
    for number in range(16):
        framing, view = ("portrait", "upper body")[number % 2], ("front", "above", "three-quarter-left")[number % 3]
        shot = shot_of(view, framing, outfit=number // 2 % 2)
        drawn = render(sample_puppet(99) if number == 5 else puppet, shot, rng=np.random.default_rng(number)).image
        Image.fromarray(drawn).save(place / f"{number:02d}.png")
        worn = clothes[(number // 2 + (number == 8)) % 2]
        said = "upper body" if number == 12 else framing
        (place / f"{number:02d}.txt").write_text(f"mikachr, {worn}, {said}, {CONFIG.views.tags_of(view)}")
    looked = closer_look(place, read_set(place), eyes, CONFIG.panel, {})
    assert {(one.kind, one.files) for one in looked.findings} >= {
        ("not seen", ("08.png",)), ("not seen", ("12.png",)), ("stranger", ("05.png",)),
    }  # fmt: skip
    assert {name for one in looked.findings for name in one.files} == {"05.png", "08.png", "12.png"}


def test_what_is_worth_a_look_is_a_warning(folder):
    retag("blury", number=3)(folder)
    for number in (5, 6):
        retag("watermark", number=number)(folder)
    retag("1Girl", drop="1girl", number=9)(folder)
    (folder.parent / "1_other").mkdir()
    (folder / "07.png").rename(folder.parent / "1_other" / "07.png")
    (folder / "07.txt").rename(folder.parent / "1_other" / "07.txt")
    found = {one.kind: one.message for one in findings(folder) if one.severity == "warning"}
    assert found == {
        "rare tag": 'in one caption alone: "blury"',
        "marked": '"watermark" is in the picture',
        "spelling": '"1girl" and "1Girl" are one tag',
    }
    plain = audit(folder.parent, read_set(folder.parent), Intent()).findings
    assert any(one.message.endswith("10_mikachr 230, 1_other 1") for one in plain)


def test_the_clothes_of_an_outfits_own_folder_are_no_fault(folder):
    night = folder.parent / "9_mikachr mikanight"
    night.mkdir()
    for path in folder.glob("*.txt"):
        if "mikanight" in path.read_text():
            for file in (path, path.with_suffix(".png")):
                file.rename(night / file.name)
    assert "in every caption" not in errors(folder) | errors(night)
    retag("sword")(night)
    (found,) = [one for one in findings(night) if one.kind == "in every caption"]
    assert '"sword"' in found.message
    assert "in every caption" in errors(night.rename(folder.parent / "9_mikachr"))


def test_captions_without_a_unique_tag_are_named(folder):
    assert not [one for one in findings(folder) if one.kind == "unique tag"]
    retag(drop="carmine locks", number=3)(folder)
    (found,) = [one for one in findings(folder) if one.kind == "unique tag"]
    assert (found.message, found.files) == ('"carmine locks" is missing', ("03.png",))
