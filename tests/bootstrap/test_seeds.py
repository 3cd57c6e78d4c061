import pytest
from PIL import Image

from bootstrap.captions import Wording
from bootstrap.character import Character
from bootstrap.config import load
from bootstrap.errors import SeedError
from bootstrap.seeds import SeedCaptioner, cuts, gather, open_seed, unread

CONFIG = load("puppet")
PLAIN = {
    "name": "M",
    "trigger": "mchr",
    "invariant": {"hair": "blue hair"},
    "outfits": {"default": {"tags": "red dress"}},
}


def captioner(read=lambda image, phrases: "", **more):
    return SeedCaptioner(Wording(Character(**PLAIN, **more), CONFIG.views, CONFIG.panel.vocabulary), read)


def picture(path, mode="RGB", size=(128, 128), color=None):
    Image.new(mode, size, color if color is not None else 0).save(path)
    return path


def test_transparency_becomes_white_and_modes_become_rgb(tmp_path):
    image, data = open_seed(picture(tmp_path / "a.png", "RGBA", color=(255, 0, 0, 0)))
    assert image.mode == "RGB"
    assert image.getpixel((0, 0)) == (255, 255, 255)
    assert data == (tmp_path / "a.png").read_bytes()


def broken(folder):
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.png").write_text("not a picture")
    whole = picture(folder / "whole.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    frames = [Image.new("RGB", (99, 99), c) for c in ("red", "blue")]
    frames[0].save(folder / "moves.webp", save_all=True, append_images=frames[1:])
    picture(folder / "small.png", size=(20, 90))
    return ["empty.png", "text.png", "cut.png", "moves.webp", "small.png"]


def test_each_unusable_picture_is_one_line_that_names_it(tmp_path):
    for name in broken(tmp_path):
        with pytest.raises(SeedError) as error:
            open_seed(tmp_path / name)
        assert name in str(error.value)
        assert "\n" not in str(error.value)
        assert error.value.exit_code == 2


def test_one_to_four_pictures_or_a_folder(tmp_path):
    for n in range(4):
        picture(tmp_path / f"{n}.png")
    assert [p.name for p in gather([tmp_path])] == ["0.png", "1.png", "2.png", "3.png"]
    picture(tmp_path / "4.png")
    with pytest.raises(SeedError, match="5 pictures"):
        gather([tmp_path])
    with pytest.raises(SeedError, match="no such picture"):
        gather([tmp_path / "none.png"])


def test_sidecar_comes_before_character_json_before_reading(tmp_path):
    path = picture(tmp_path / "s.png")
    note = {"seeds": [{"file": "s.png", "view": "behind", "framing": "portrait", "tags": "forest"}]}
    image, _ = open_seed(path)
    read = captioner(lambda image, phrases: phrases[0]).caption(path, "p", "h", image)
    assert (read.caption_from, read.family) == ("read", "front")
    noted = captioner(**note).caption(path, "p", "h", image)
    assert (noted.caption_from, noted.family, noted.framing) == ("character.json", "behind", "portrait")
    (tmp_path / "s.txt").write_text("mchr, blue hair, from side, facing left, upper body, night")
    told = captioner(**note)
    seed = told.caption(path, "p", "h", image)
    assert (seed.caption_from, seed.view, seed.framing) == ("sidecar", "profile-left", "upper body")
    assert "night" in told.shown(seed).values()


def test_an_axis_that_could_not_be_read_is_said_and_not_guessed(tmp_path):
    seed = captioner().caption(picture(tmp_path / "s.png"), "p", "h", Image.new("RGB", (99, 99)))
    assert {"view", "framing", "background"} <= set(unread(seed))


def test_one_picture_becomes_whole_tighter_crops_and_a_grey_copy():
    found = cuts(Image.new("RGB", (256, 256), "red"), "full body", CONFIG.panel.composition, 96)
    assert [(cut.kind, cut.framing) for cut in found] == [
        ("seed", "full body"),
        ("crop", "close-up"),
        ("crop", "portrait"),
        ("crop", "upper body"),
        ("altered", "full body"),
    ]
    assert {cut.image.size for cut in found} == {(96, 96)}
