import numpy as np
import pytest
from PIL import Image, ImageDraw

from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.config import load
from bootstrap.errors import SeedError
from bootstrap.pictures import as_rgb, open_picture
from bootstrap.seeds import SeedCaptioner, cuts, gather, unread, views_in
from bootstrap.seeds.alpha import subject_of, with_alpha

CONFIG = load("puppet")
PLAIN = {
    "name": "M",
    "trigger": "mchr",
    "invariant": {"hair": "blue hair"},
    "outfits": {"default": {"tags": "red dress"}},
}


def captioner(read=lambda image, phrases: "", **more):
    return SeedCaptioner(Wording.of(Character(**PLAIN, **more), CONFIG), read)


def picture(path, mode="RGB", size=(128, 128), color=None):
    Image.new(mode, size, color if color is not None else 0).save(path)
    return path


def test_one_to_a_thousand_pictures_or_a_folder(tmp_path):
    for n in range(1000):
        (tmp_path / f"{n:03d}.png").touch()
    assert [p.name for p in gather([tmp_path])] == [f"{n:03d}.png" for n in range(1000)]
    with pytest.raises(SeedError, match="1000 pictures"):
        gather([tmp_path], most=4)
    (tmp_path / "1000.png").touch()
    with pytest.raises(SeedError, match="1001 pictures"):
        gather([tmp_path])
    with pytest.raises(SeedError, match="no such picture"):
        gather([tmp_path / "none.png"])


def test_sidecar_comes_before_character_json_before_reading(tmp_path):
    path = picture(tmp_path / "s.png")
    note = {"seeds": [{"file": "s.png", "view": "behind", "framing": "portrait", "tags": "forest"}]}
    image, _ = open_picture(path)
    read = captioner(lambda image, phrases: phrases[0]).caption(path, "p", "h", image)
    assert (read.caption_from, read.view_family) == ("read", "front")
    noted = captioner(**note).caption(path, "p", "h", image)
    assert (noted.caption_from, noted.view_family, noted.framing) == ("character.json", "behind", "portrait")
    (tmp_path / "s.txt").write_text("mchr, blue hair, from side, facing left, upper body, night")
    noted_captioner = captioner(**note)
    seed = noted_captioner.caption(path, "p", "h", image)
    assert (seed.caption_from, seed.view, seed.framing) == ("sidecar", "profile-left", "upper body")
    assert "night" in noted_captioner.shown(seed).values()


def test_identity_is_left_out_in_any_spelling_and_weights_are_no_words(tmp_path):
    path = picture(tmp_path / "s.png")
    (tmp_path / "s.txt").write_text("(blue hair:1.2), blue-hair, Blue Haired, [[night]], smile:0.98, score_9")
    seed = captioner().caption(path, "p", "h", open_picture(path)[0])
    assert [text.split("=")[1] for text in seed.tags if not text.endswith("=")] == ["night", "smile", "score_9"]


def test_an_axis_that_could_not_be_read_is_said_and_not_guessed(tmp_path):
    seed = captioner().caption(picture(tmp_path / "s.png"), "p", "h", Image.new("RGB", (99, 99)))
    assert {"view", "framing", "background"} <= set(unread(seed))


def test_what_varies_in_a_kind_is_found_in_a_note_though_no_panel_has_words_for_it(tmp_path):
    tags = "night, red hair, 1girl, clear sky, braid, out of focus, cel shading"
    figures = ("no humans", "1girl, out of focus", "1girl, red hair, braid, out of focus")
    place = Character(kind="background", **{**PLAIN, "outfits": {}}, varies={"figure": figures},
                      seeds=[{"file": "s.png", "view": "straight", "framing": "scenery", "tags": tags}])  # fmt: skip
    path = picture(tmp_path / "s.png")
    image, _ = open_picture(path)
    wording = Wording.of(place, load("puppet", subject="background"))
    seed = SeedCaptioner(wording, lambda image, phrases: "").caption(path, "p", "h", image)
    assert seed.tags == ("time=night", f"figure={figures[-1]}", "weather=clear sky", "style=cel shading")
    assert not unread(seed)


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


def sheet(path):
    image = Image.new("RGB", (400, 300), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((30, 30, 150, 270), "red")
    draw.rectangle((230, 30, 350, 270), "blue")
    image.save(path)
    return image, path.read_bytes()


def test_a_sheet_becomes_views_and_a_picture_known_to_be_one_does_not(tmp_path):
    image, data = sheet(tmp_path / "s.png")
    first, second = views_in(image, data, "seeds/x", ".png", whole=False)
    assert (first.name, first.number, second.name, second.number) == ("seeds/x-1.png", 1, "seeds/x-2.png", 2)
    assert [v.image.getpixel((60, 100)) for v in (first, second)] == [(255, 0, 0), (0, 0, 255)]
    assert opened_bytes(tmp_path, first.data).size == first.image.size
    (whole,) = views_in(image, data, "seeds/x", ".png", whole=True)
    assert (whole.name, whole.data) == ("seeds/x.png", data)


def test_a_window_front_is_no_sheet_of_a_place_and_a_lonely_house_no_figure(tmp_path):
    sheet(tmp_path / "windows.png")
    lonely = Image.new("RGB", (400, 300), "white")
    ImageDraw.Draw(lonely).rectangle((180, 130, 230, 180), "red")
    lonely.save(tmp_path / "lonely.png")
    for kind, counts in (("asset", {"windows.png": 2, "lonely.png": 1}), ("background", {})):
        config = load("puppet", subject=kind)
        one = Character(kind=kind, name="M", trigger="mchr", invariant={"thing": "mill"})
        wording = SeedCaptioner(Wording.of(one, config), lambda image, phrases: "")
        for name in ("windows.png", "lonely.png"):
            path = tmp_path / name
            image, data = open_picture(path)
            views = views_in(
                image, data, "s", ".png", whole=wording.described_whole(path), figures=config.subject.figures
            )
            assert len(views) == counts.get(name, 1), kind
            assert (views[0].data is data) == (kind == "background")


def test_a_transparent_seed_is_cropped_to_all_that_is_opaque_however_pale(tmp_path):
    drawn = Image.new("RGBA", (600, 600))
    drawn.paste((250, 249, 246, 255), (100, 60, 250, 200))
    drawn.paste((90, 60, 160, 255), (130, 200, 220, 350))
    drawn.save(tmp_path / "s.png")
    image, data = open_picture(tmp_path / "s.png")
    (view,) = views_in(image, data, "seeds/x", ".png", whole=True)
    assert view.name == "seeds/x-subject.png"
    assert 290 <= view.image.height <= 315
    again = opened_bytes(tmp_path, view.data)
    assert again.tobytes() == view.image.tobytes()
    mask = subject_of(view.data, again.size)
    assert mask is not None, "what masks the training still knows where it was transparent"
    ground = np.asarray(mask)[..., 0] == 0
    assert ground.any()
    assert (np.asarray(again)[ground] == 255).all()


def test_soft_edges_of_a_cut_stay_what_they_were():
    alpha, drawn = Image.linear_gradient("L"), Image.radial_gradient("L").convert("RGB")
    drawn.putalpha(alpha)
    on_white = as_rgb(drawn)
    again = np.asarray(as_rgb(with_alpha(on_white, alpha)), int)
    assert np.abs(again - np.asarray(on_white, int)).max() <= 1


def opened_bytes(folder, data):
    (folder / "figure.png").write_bytes(data)
    return open_picture(folder / "figure.png")[0]


def test_a_figure_has_a_note_of_its_own_and_else_the_sheets(tmp_path):
    image, _ = sheet(tmp_path / "s.png")
    notes = [{"file": "s.png", "tags": "forest"}, {"file": "s.png#2", "view": "behind", "tags": "night"}]
    noted_captioner = captioner(seeds=notes)
    assert not noted_captioner.described_whole(tmp_path / "s.png")
    one, two = (noted_captioner.caption(tmp_path / "s.png", "p", "h", image, number) for number in (1, 2))
    assert (one.view_family, one.source) == ("front", f"{tmp_path / 's.png'}#1")
    assert (two.view_family, two.source) == ("behind", f"{tmp_path / 's.png'}#2")
    assert "background=forest" in one.tags
    assert "background=night" in two.tags


def test_a_view_or_a_sidecar_says_that_a_picture_is_no_sheet(tmp_path):
    path = tmp_path / "s.png"
    assert captioner(seeds=[{"file": "s.png", "view": "front"}]).described_whole(path)
    (tmp_path / "s.txt").write_text("from front")
    assert captioner().described_whole(path)


def test_a_sidecar_that_is_no_text_is_one_line(tmp_path):
    path = picture(tmp_path / "s.png")
    (tmp_path / "s.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SeedError, match=r"s\.txt"):
        captioner().caption(path, "p", "h", Image.new("RGB", (99, 99)))


def test_pictures_are_read_whole_also_when_they_are_no_squares(tmp_path):
    seen = []
    tall = captioner(lambda image, phrases: seen.append(image.size) or "")
    tall.caption(tmp_path / "s.png", "p", "h", Image.new("RGB", (90, 200)))
    assert set(seen) == {(200, 200)}


def test_a_wide_picture_is_cropped_to_its_subject_and_keeps_its_note(tmp_path):
    image = Image.new("RGB", (600, 600), "white")
    image.paste("red", (100, 100, 250, 350))
    (view,) = views_in(image, b"original", "seeds/x", ".png", whole=True)
    assert (view.name, view.number) == ("seeds/x-subject.png", 0)
    assert 250 <= view.image.height <= 280


def test_crops_follow_the_head_that_was_found():
    image = Image.new("RGB", (400, 400), "white")
    image.paste("red", (300, 40, 380, 120))
    head = (0.75, 0.1, 0.95, 0.3)
    crops = [cut for cut in cuts(image, "full body", CONFIG.panel.composition, 96, head) if cut.kind == "crop"]
    assert [cut.framing for cut in crops] == ["close-up", "portrait", "upper body"]
    shares = [(np.asarray(cut.image)[:, :, 1] < 100).mean() for cut in crops]
    assert shares[0] > 0.4
    assert shares == sorted(shares, reverse=True)
    unread_framing = cuts(image, "", CONFIG.panel.composition, 96, head)
    assert next(cut.framing for cut in unread_framing if cut.kind == "crop") == "close-up"
    assert [cut.kind for cut in cuts(image, "", CONFIG.panel.composition, 96)] == ["seed", "altered"]


def test_what_a_view_hides_is_not_read_and_not_missed(tmp_path):
    path, image = picture(tmp_path / "s.png"), Image.new("RGB", (99, 99))
    behind = [{"file": "s.png", "view": "behind", "framing": "portrait"}]
    read = captioner(lambda image, phrases: phrases[0], seeds=behind).caption(path, "p", "h", image)
    assert not any(tag.startswith("expression=") for tag in read.tags)
    assert "expression" not in unread(captioner(seeds=behind).caption(path, "p", "h", image))
    assert not any(tag.startswith(("view=", "framing=")) for tag in read.tags)
    notes = [{**behind[0], "tags": "smile"}]
    assert "expression=smile" in captioner(seeds=notes).caption(path, "p", "h", image).tags
