"""What a tagger sees on a seed joins its caption, where nobody wrote tags; the character stays the trigger's."""

import pytest
from PIL import Image

from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.config import load
from bootstrap.dataset.originals import seed_items
from bootstrap.dataset.seed_tags import seed_tagging
from bootstrap.pictures import open_picture
from bootstrap.seeds import SeedCaptioner
from scoring.tagger import Tagger
from tests.scoring.graphs_made import tagger

SEEN, UNSEEN = (0.9, 0.9, 0.9), (0.1, 0.1, 0.1)
TAGS = {
    "1girl": SEEN, "blue_hair": SEEN, "very_long_hair": SEEN, "red_dress": SEEN, "portrait": SEEN, "from_side": SEEN,
    "forest": SEEN, "holding_umbrella": SEEN, "choker": SEEN, "sword": UNSEEN,
}  # fmt: skip
MIKA = Character.model_validate({
    "name": "M", "trigger": "mchr", "invariant": {"hair": "blue hair"}, "outfits": {"default": {"tags": "red dress"}},
})  # fmt: skip
CONFIG = load("illustrious")


@pytest.fixture
def seed(tmp_path):
    path = tmp_path / "s.png"
    Image.new("RGB", (1024, 1024), "white").save(path)
    return path


def caption(path, panel=CONFIG.panel, character=MIKA):
    reader = Tagger(tagger(path.parent / "tagger", TAGS))
    tag = seed_tagging(reader, character, panel)

    def read(image, phrases):
        return "upper body" if "upper body" in phrases else ""

    captioner = SeedCaptioner(Wording.of(character, CONFIG), read, tag)
    return captioner, captioner.caption(path, path.name, "h", open_picture(path)[0])


def test_what_is_seen_besides_the_character_and_the_axes_is_named(seed):
    captioner, found = caption(seed)
    assert set(captioner.shown(found).values()) == {"red dress", "upper body", "choker", "holding umbrella"}
    off = CONFIG.panel.model_copy(update={"seed_tags": None})
    assert "choker" not in captioner.shown(caption(seed, off)[1]).values()
    assert load("puppet").panel.seed_tags is None


def test_a_part_is_not_said_to_show_what_the_whole_shows(seed):
    captioner, found = caption(seed)
    items = seed_items(found, 0, seed.parent, captioner, CONFIG.panel.composition, 64, "character")
    assert [item.kind for item in items] == ["seed", "crop", "crop", "altered"]
    assert ["choker" in item.tags for item in items] == [True, False, False, True]
    assert not any("blue hair" in item.tags for item in items)


def test_what_a_person_wrote_stands_alone(seed):
    seed.with_suffix(".txt").write_text("mchr, from front, upper body, simple background")
    captioner, found = caption(seed)
    assert "choker" not in captioner.shown(found).values()
