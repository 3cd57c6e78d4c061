import numpy as np
import pytest
from PIL import Image

from bootstrap.errors import PictureError
from bootstrap.pictures import open_picture


def picture(path, mode="RGB", size=(128, 128), color=None):
    Image.new(mode, size, color if color is not None else 0).save(path)
    return path


def test_transparency_becomes_white_and_modes_become_rgb(tmp_path):
    image, data = open_picture(picture(tmp_path / "a.png", "RGBA", color=(255, 0, 0, 0)))
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
        with pytest.raises(PictureError) as error:
            open_picture(tmp_path / name)
        assert name in str(error.value)
        assert "\n" not in str(error.value)
        assert error.value.exit_code == 2


def test_every_format_and_mode_keeps_its_colours(tmp_path):
    red = Image.new("RGB", (70, 70), (200, 30, 30))
    red.save(tmp_path / "a.avif")
    red.convert("CMYK").save(tmp_path / "c.jpg", quality=100)
    red.convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "p.png")
    red.save(tmp_path / "w.webp", lossless=True)
    for name in ("a.avif", "c.jpg", "p.png", "w.webp"):
        image, _ = open_picture(tmp_path / name)
        assert image.mode == "RGB"
        assert np.allclose(image.getpixel((35, 35)), (200, 30, 30), atol=12), name


def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path):
    Image.fromarray(np.full((70, 70), 30000, np.uint16)).save(tmp_path / "deep.png")
    assert open_picture(tmp_path / "deep.png")[0].getpixel((0, 0)) == (117, 117, 117)


def test_a_transparent_palette_stands_on_white(tmp_path):
    image = Image.new("P", (70, 70), 0)
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.save(tmp_path / "p.png", transparency=0)
    assert open_picture(tmp_path / "p.png")[0].getpixel((0, 0)) == (255, 255, 255)


def test_a_picture_that_lies_on_its_side_is_turned_up(tmp_path):
    image, exif = Image.new("RGB", (100, 70)), Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "side.jpg", exif=exif)
    assert open_picture(tmp_path / "side.jpg")[0].size == (70, 100)


def test_too_small_says_how_many_pixels_are_missing(tmp_path):
    with pytest.raises(PictureError, match="40x90, 24 pixels too small"):
        open_picture(picture(tmp_path / "s.png", size=(40, 90)))


def test_a_second_page_without_a_width_is_a_broken_picture(tmp_path):
    first, second = (Image.new("RGB", (128, 128), color) for color in ("red", "blue"))
    first.save(tmp_path / "a.tiff", save_all=True, append_images=[second])
    before, _, after = (tmp_path / "a.tiff").read_bytes().rpartition(b"\x00\x01\x04\x00")
    (tmp_path / "a.tiff").write_bytes(before + b"\x00\x02\x04\x00" + after)
    with pytest.raises(PictureError, match="can be read"):
        open_picture(tmp_path / "a.tiff")
