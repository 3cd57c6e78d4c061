"""Close-ups of special details: what they show, how many a set has, what their captions say, and what is told."""

import numpy as np
import pytest
from PIL import Image

from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.config import load
from bootstrap.dataset.detail_close_ups import DetailCloseUps, details_line, details_wanted, every_detail
from bootstrap.dataset.minimums import few_details
from bootstrap.puppets.anatomy import sample_puppet
from bootstrap.puppets.render import render
from bootstrap.puppets.scene import sample_shot
from bootstrap.records import Frame, Job, JobKind, Seed, Shot
from bootstrap.seeds import SeedCaptioner

CONFIG = load("puppet", overrides=["base.cuts.details=0.05"])
MIKA = Character(
    name="Mika",
    trigger="mikachr",
    invariant={"hair": "pink hair", "ears": "fox ears", "tail": "fox tail", "face": "star mark on the cheek"},
    outfits={"default": {"tags": "white dress, brown scarf"}},
    unique={"hair": "pink mikachr hair", "tail": "soft mikachr tail"},
)
WORDING = Wording.of(MIKA, CONFIG)
SIDES = {"front": "front", "behind": "behind"}


def frames(folder, *shown):
    """Frames of the puppet, each of a view family and a framing."""
    made = []
    for number, (view, framing) in enumerate(shown):
        axes = {"expression": "smile", "pose": "waving", "outfit": "default", "background": "forest"}
        shot = Shot(view, SIDES[view], framing, axes)
        drawn = render(sample_puppet(3), sample_shot(np.random.default_rng(3), framing=framing))
        Image.fromarray(drawn.image).save(folder / f"{number}.png")
        job = Job(str(number), JobKind.CANDIDATE, 1, 0, shot, "", "", number, {})
        made.append(Frame(job, f"{number}.png", "", ""))
    return made


def close_ups(folder, given, seeds=(), config=CONFIG, phase="character"):
    captioner = SeedCaptioner(Wording.of(MIKA, config), lambda image, phrases: "")
    return DetailCloseUps(folder, config, captioner, 96).items(seeds, given, phase)


def brown(path):
    """Share of the pixels with the brown of the puppet's scarf."""
    with Image.open(path) as image:
        return (np.abs(np.asarray(image.convert("RGB"), int) - (186, 165, 138)).max(axis=2) < 30).mean()


def of_places(**details):
    """The settings with other details."""
    return CONFIG.model_copy(update={"subject": CONFIG.subject.model_copy(update={"details": details})})


def test_a_twentieth_of_the_set_are_close_ups_of_the_details_in_turn(tmp_path):
    given = frames(tmp_path, *[("front", "full body")] * 20, *[("behind", "full body")] * 20)
    items = close_ups(tmp_path, given)
    assert len({item.tags[-1] for item in items}) == 2
    assert len({item.path for item in items}) == len(items) == details_wanted(CONFIG, 40) == 2
    assert {item.kind for item in items} == {"detail"}
    assert not close_ups(tmp_path, given, config=load("puppet"))


def test_the_caption_of_a_close_up_names_nothing_else(tmp_path):
    (item,) = close_ups(tmp_path, frames(tmp_path, ("behind", "full body")), phase="style")
    assert item.tags == (
        "mikachr", "1girl", "solo", "soft mikachr tail", "fox tail", "from behind", "forest", "close-up", "tail focus"
    )  # fmt: skip
    (withheld,) = close_ups(tmp_path, frames(tmp_path, ("behind", "full body")))
    assert "fox tail" not in withheld.tags


def test_a_close_up_shows_its_detail(tmp_path):
    (item,) = close_ups(tmp_path, frames(tmp_path, ("front", "full body")), config=of_places(neck=("scarf",)))
    with Image.open(item.path) as image:
        assert image.size == (96, 96)
    assert brown(item.path) > 2 * brown(tmp_path / "0.png") > 0


def test_another_detail_of_the_same_picture_is_another_file(tmp_path):
    given = frames(tmp_path, ("front", "full body"))
    (scarf,), (ears,) = (close_ups(tmp_path, given, config=of_places(**one)) for one in (
        {"neck": ("scarf",)}, {"crown": ("ears",)})
    )  # fmt: skip
    assert scarf.path != ears.path, "a later round may cut another"


def test_from_behind_no_detail_of_the_face_is_cut_out(tmp_path):
    one = of_places(face=("mark",))
    assert not close_ups(tmp_path, frames(tmp_path, ("behind", "portrait")), config=one)
    (item,) = close_ups(tmp_path, frames(tmp_path, ("front", "portrait")), config=one)
    assert item.tags[-1] == "mark focus"


def test_a_seed_gives_a_close_up_where_its_head_is_known(tmp_path):
    frames(tmp_path, ("front", "upper body"))
    seed = Seed("0.png", "h", "0.png", "front", "front", "upper body", "default", ("pose=waving",), "read")
    (item,) = close_ups(tmp_path, [], [seed])
    assert (item.seed, "waving" in item.tags, item.tags[-1].endswith("focus")) == (0, False, True)
    unknown = Seed(*(getattr(seed, name) for name in seed.__slots__[:-1]), head_known=False)
    assert not close_ups(tmp_path, [], [unknown])


def test_what_is_lacking_is_named(tmp_path):
    details = every_detail(WORDING)
    assert [one.tag for one in details] == ["fox ears", "fox tail", "star mark on the cheek", "brown scarf"]
    items = close_ups(tmp_path, frames(tmp_path, ("behind", "full body")))
    assert few_details(items, details, 1) == "special details: 1 of 1 close-ups (fox tail 1)"
    assert few_details(items, details, 3).endswith(
        '; no picture shows "fox ears" or "star mark on the cheek" or "brown scarf" large enough: add one to the seeds'
    )
    assert few_details([], [], 3).startswith("special details: none is named")
    assert few_details(items, details, 0) == ""


@pytest.mark.parametrize(("base", "said"), [("illustrious", "3 close-ups"), ("puppet", "")])
def test_check_says_which_close_ups_are_planned(base, said):
    line = details_line(MIKA, load(base))
    assert line.startswith(said)
    assert bool(line) == bool(said)
    plain = MIKA.model_copy(update={"invariant": {"hair": ("pink hair",)}, "outfits": {}, "unique": {}})
    assert details_line(plain, load(base)).startswith("no special detail" if said else "")
