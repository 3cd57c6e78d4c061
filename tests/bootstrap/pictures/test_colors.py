"""Colours and containers: whatever profile and format a picture has, its colours are those that a person sees."""

import io
import struct
import sys
import types

import numpy as np
import pytest
from PIL import Image, ImageCms

from bootstrap.backends.framing import framed
from bootstrap.errors import PictureError
from bootstrap.pictures import alpha_of, as_rgb, open_any, open_picture
from bootstrap.records import TrainItem
from bootstrap.review.thumbnails import decoded
from bootstrap.training.recipe import TrainRecipe

PRIMARIES = {  # XYZ adapted to D50, as profiles have them
    "Display P3": ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)),
    "Adobe RGB": ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)),
}
RED, BLUE = (230, 60, 60), (60, 60, 230)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def profile_of(space):
    """The profile of a space: that of sRGB with other primaries."""
    data = bytearray(SRGB)
    wanted = dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), PRIMARIES[space], strict=True))
    for place in range(132, 132 + 12 * struct.unpack(">I", data[128:132])[0], 12):
        tag, offset = bytes(data[place : place + 4]), struct.unpack(">I", data[place + 4 : place + 8])[0]
        if tag in wanted:
            data[offset + 8 : offset + 20] = struct.pack(">3i", *(round(value * 65536) for value in wanted[tag]))
    return bytes(data)


def drawn(profile=None):
    """Red above blue as sRGB has them, in the numbers of a profile."""
    image = Image.new("RGB", (80, 160), RED)
    image.paste(BLUE, (0, 80, 80, 160))
    if profile is None:
        return image
    return ImageCms.profileToProfile(
        image, ImageCms.createProfile("sRGB"), ImageCms.ImageCmsProfile(io.BytesIO(profile)), outputMode="RGB"
    )


def colors(image, tolerance=3):
    """Whether a picture shows what was drawn."""
    found = [image.getpixel((image.width // 2, image.height * part // 4)) for part in (1, 3)]
    return np.allclose(found, [RED, BLUE], atol=tolerance)


@pytest.mark.parametrize("space", PRIMARIES)
@pytest.mark.parametrize("kind", ["png", "jpg", "webp", "tif", "transparent.png", "palette.png"])
def test_colours_of_a_profile_become_srgb(tmp_path, space, kind):
    profile, path = profile_of(space), tmp_path / f"a.{kind}"
    image = drawn(profile)
    assert not colors(image)
    if kind.startswith("transparent"):
        image.putalpha(Image.new("L", image.size, 255))
        image.putpixel((0, 0), (0, 0, 0, 0))
    if kind.startswith("palette"):
        image = image.quantize(8)
    image.save(path, icc_profile=profile, quality=100, lossless=True)
    opened, _ = open_picture(path)
    assert opened.mode == "RGB"
    assert colors(opened)
    if kind.startswith("transparent"):
        assert opened.getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("profile", [SRGB, b"no profile", SRGB[:300], SRGB.replace(b"RGB XYZ ", b"GRAYXYZ ")])
def test_srgb_and_profiles_that_say_nothing_change_no_pixel(tmp_path, profile):
    noise = Image.effect_noise((90, 90), 80).convert("RGB")
    noise.save(tmp_path / "a.png", icc_profile=profile)
    assert open_picture(tmp_path / "a.png")[0].tobytes() == noise.tobytes()


def test_grey_with_a_profile_stays_grey(tmp_path):
    Image.new("L", (80, 80), 120).save(tmp_path / "a.png", icc_profile=profile_of("Display P3"))
    assert np.allclose(open_picture(tmp_path / "a.png")[0].getpixel((9, 9)), (120, 120, 120), atol=1)


def test_training_pictures_and_uploads_are_opened_the_same_way(tmp_path):
    profile = profile_of("Display P3")
    drawn(profile).save(tmp_path / "a.png", icc_profile=profile)
    item = TrainItem(str(tmp_path / "a.png"), (), "reg")
    assert colors(framed(item, (80, 160), TrainRecipe()).image)
    assert colors(decoded((tmp_path / "a.png").read_bytes()))


def test_the_first_picture_of_a_phone_is_the_picture(tmp_path):
    image = drawn()
    for name in ("a.jpg", "b.mpo"):
        image.save(tmp_path / name, format="MPO", save_all=True, append_images=[image.resize((20, 40))], quality=100)
        opened, _ = open_picture(tmp_path / name)
        assert opened.size == image.size
        assert colors(opened)
    assert colors(decoded((tmp_path / "a.jpg").read_bytes()))


def test_pages_are_named_as_what_they_are(tmp_path):
    drawn().save(tmp_path / "a.tif", save_all=True, append_images=[drawn(), drawn()])
    with pytest.raises(PictureError, match="holds 3 pictures; save one of them as PNG"):
        open_picture(tmp_path / "a.tif")


HEADS = {
    "heic": (b"\0\0\0\x18ftypheic", "pillow-heif", "pillow_heif"),
    "heif": (b"\0\0\0\x18ftypmif1", "pillow-heif", "pillow_heif"),
    "jxl": (b"\xff\x0a", "pillow-jxl-plugin", "pillow_jxl"),
}


@pytest.mark.parametrize("kind", HEADS)
def test_a_format_without_its_plug_in_is_one_line_that_names_it(tmp_path, monkeypatch, kind):
    head, package, module = HEADS[kind]
    monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / f"a.{kind}").write_bytes(head + bytes(99))
    with pytest.raises(PictureError, match=f'needs the package "{package}"; .* save the picture as PNG'):
        open_picture(tmp_path / f"a.{kind}")


def test_an_installed_plug_in_is_used(tmp_path, monkeypatch):
    path, registered = tmp_path / "a.heic", []
    path.write_bytes(HEADS["heic"][0] + bytes(99))

    def register():
        registered.append(True)
        Image.register_open("TOYHEIF", lambda file, name: drawn(), lambda head: head[4:8] == b"ftyp")

    monkeypatch.setattr(Image, "ID", [*Image.ID])
    monkeypatch.setattr(Image, "OPEN", {**Image.OPEN})
    monkeypatch.setitem(sys.modules, "pillow_heif", types.SimpleNamespace(register_heif_opener=register))
    with open_any(path) as opened:
        assert colors(as_rgb(opened))
    assert registered


def test_how_opaque_a_picture_is():
    clear = drawn().convert("RGBA")
    assert alpha_of(clear) is None
    clear.putpixel((3, 3), (0, 0, 0, 9))
    assert alpha_of(clear).getpixel((3, 3)) == 9
