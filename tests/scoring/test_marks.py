"""Watermarks by lettering, and faults by words next to the seeds."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from scoring.contrast import PhraseContrast, PhraseContrastSettings
from scoring.features import Features
from scoring.lettering import lettering
from scoring.marks import MarkAbsence
from scoring.measurement import Picture, digest_of


class Redness:
    """The redder a picture, the more it reads as "bad" or "marked"; the bluer, the more as "hidden"."""

    fingerprint, scale = "redness", 10.0

    def embed(self, images):
        return np.array([np.asarray(one.convert("RGB"), float).mean(axis=(0, 1)) / 255 for one in images], np.float32)

    def embed_words(self, phrases):
        axis = {"bad": 0, "marked": 0, "good": 1, "clean": 1, "visible": 1, "hidden": 2}
        return np.eye(3, dtype=np.float32)[[axis[phrase] for phrase in phrases]]


def picture(image):
    return Picture(image, digest_of(image), "front", "portrait")


def plain(color):
    return picture(Image.new("RGB", (96, 96), color))


def ground(number=1):
    small = np.random.default_rng(number).integers(60, 200, (7, 7, 3), np.uint8)
    return Image.fromarray(small).resize((512, 512), Image.Resampling.BICUBIC)


def written(place, text="www.example.com", alpha=255, size=24):
    image = ground().convert("RGBA")
    over = Image.new("RGBA", image.size)
    ImageDraw.Draw(over).text(place, text, (255, 255, 255, alpha), font=ImageFont.load_default(size))
    return Image.alpha_composite(image, over).convert("RGB")


@pytest.mark.parametrize("alpha", [255, 120])
def test_lettering_is_found_and_placed(alpha):
    found = lettering(written((300, 470), alpha=alpha))
    assert found is not None
    assert (found.place, found.letters >= 5) == ("lower right", True)
    assert found.box[0] == pytest.approx(300 / 512, abs=0.03)


def test_windows_tiles_and_plain_grounds_are_no_lettering():
    city = ground()
    for n in range(60):
        x, y = 20 + 48 * (n % 10), 40 + 70 * (n // 10)
        ImageDraw.Draw(city).rectangle((x, y, x + 18, y + 26), "khaki")
    assert all(lettering(image) is None for image in (city, ground(), Image.new("RGB", (64, 64), "red")))


def test_a_mark_at_the_edge_is_rejected_with_its_place_and_a_print_on_clothes_is_not():
    marks = MarkAbsence(Redness(), Features(), [picture(ground())])
    edge, chest, none = marks.score([picture(written(place)) for place in ((20, 470), (150, 250), (900, 900))])
    assert edge.value < 0
    assert edge.why == "shows lettering at the lower left"
    assert min(chest.value, none.value) >= 0


def test_what_reads_as_marked_far_more_than_any_seed_is_rejected():
    words = {"shows": ["marked"], "clean": ["clean"], "slack": 1.0}
    strict = MarkAbsence(Redness(), Features(), [plain((0, 200, 0))], **words)
    assert [one.value < 0 for one in strict.score([plain((200, 0, 0)), plain((0, 200, 0))])] == [True, False]
    assert strict.score([plain((200, 0, 0))])[0].why == 'reads as "marked"'
    used_to_it = MarkAbsence(Redness(), Features(), [plain((200, 0, 0))], **words)
    assert used_to_it.score([plain((200, 0, 0))])[0].value >= 0
    assert strict.fingerprint != used_to_it.fingerprint


def test_a_fault_counts_from_what_reads_worse_than_every_seed_and_not_where_it_is_hidden():
    words = {"good": ("good",), "bad": ("bad",), "visible": ("visible",), "hidden": ("hidden",)}
    hands = PhraseContrast(Redness(), Features(), [plain((100, 110, 0))], PhraseContrastSettings(**words))
    well, badly, unseen = hands.score([plain((90, 120, 0)), plain((200, 100, 0)), plain((200, 100, 220))])
    assert well.value > 0 > badly.value
    assert badly.why == 'reads as "bad"'
    assert unseen.value is None
    silent = PhraseContrast(Redness(), Features(), [plain("red")], PhraseContrastSettings())
    assert silent.score([plain("red")])[0].value is None
