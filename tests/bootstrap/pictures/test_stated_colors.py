"""Colours that a picture states without an ICC profile: chunks of a PNG in their order, and EXIF."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from bootstrap.character import Character
from bootstrap.pictures import open_picture, unknown_colors
from bootstrap.pictures.matrix_profile import SRGB, matrix_profile, srgb_curve
from bootstrap.pictures.stated_colors import ADOBE, ADOBE_GAMMA
from bootstrap.pictures.video_colors import PRIMARIES
from bootstrap.seeds.checks import seed_warnings

RED, GREY = (230, 60, 60), (60, 60, 60)
P3, BT2020 = PRIMARIES[12], PRIMARIES[9]
P3_PROFILE = matrix_profile(P3, srgb_curve)


def encoded(color, primaries, signal):
    """A colour of sRGB in the numbers of other primaries (of the same white) and another curve."""

    def to_xyz(points):
        x, y = np.array(points).T
        lights = np.stack([x / y, np.ones(4), (1 - x - y) / y])
        return lights[:, :3] * np.linalg.solve(lights[:, :3], lights[:, 3])

    light = np.linalg.solve(to_xyz(primaries), to_xyz(SRGB) @ srgb_curve(np.array(color) / 255))
    return tuple(round(255 * float(value)) for value in signal(np.clip(light, 0, 1)))


def srgb_signal(light):
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def chunk(name, body, checksum=None):
    checksum = zlib.crc32(name + body) if checksum is None else checksum
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum)


def with_chunks(path, image, *chunks, **saved):
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **saved)
    data = buffer.getvalue()
    path.write_bytes(data[:33] + b"".join(chunks) + data[33:])  # after the header
    return path


def cicp(*points):
    return chunk(b"cICP", bytes(points))


def gama(number):
    return chunk(b"gAMA", struct.pack(">I", number))


def chrm(primaries):
    *rgb, white = [[round(one * 100000) for one in point] for point in primaries]
    return chunk(b"cHRM", struct.pack(">8I", *white, *rgb[0], *rgb[1], *rgb[2]))


def seen(path, color=RED, tolerance=3):
    return np.allclose(open_picture(path)[0].getpixel((5, 5)), color, atol=tolerance)


def flat(color):
    return Image.new("RGB", (80, 80), color)


STATED = {
    "cICP of Display P3": ([cicp(12, 13, 0, 1)], encoded(RED, P3, srgb_signal)),
    "cICP of Display P3, narrow": (
        [cicp(12, 13, 0, 0)],
        tuple(round(16 + one * 219 / 255) for one in encoded(RED, P3, srgb_signal)),
    ),
    "cICP, linear": ([cicp(1, 8, 0, 1)], encoded(RED, SRGB, lambda light: light)),
    "cICP of BT.2020, gamma 2.2": ([cicp(9, 4, 0, 1)], encoded(RED, BT2020, lambda light: light ** (1 / 2.2))),
    "gAMA, linear": ([gama(100000)], encoded(RED, SRGB, lambda light: light)),
    "gAMA of old Macintoshes": ([gama(55556)], encoded(RED, SRGB, lambda light: light**0.55556)),
    "cHRM of Display P3": ([chrm(P3)], encoded(RED, P3, srgb_signal)),
    "gAMA and cHRM of Adobe RGB": ([gama(45455), chrm(ADOBE)], encoded(RED, ADOBE, lambda light: light**0.45455)),
}


@pytest.mark.parametrize("kind", STATED)
def test_chunks_are_converted(tmp_path, kind):
    chunks, color = STATED[kind]
    assert not np.allclose(color, RED, atol=9)
    assert seen(with_chunks(tmp_path / "a.png", flat(color), *chunks))


def test_transparent_and_grey_pictures_are_converted_too(tmp_path):
    clear = Image.new("RGBA", (80, 80), (*STATED["cHRM of Display P3"][1], 255))
    clear.putpixel((0, 0), (0, 0, 0, 0))
    assert seen(with_chunks(tmp_path / "a.png", clear, chrm(P3)))
    grey = round(255 * float(srgb_curve(np.array(60 / 255))))
    assert seen(with_chunks(tmp_path / "b.png", Image.new("L", (80, 80), grey), gama(100000)), GREY)


@pytest.mark.parametrize(("points", "color"), [((12, 13), P3), ((12, 1), P3), ((1, 1), None), ((2, 2), None)])
def test_the_colour_box_of_an_avif_is_converted(tmp_path, points, color):
    written = io.BytesIO()
    flat(encoded(RED, color, srgb_signal) if color else RED).save(written, format="AVIF", quality=95)
    box = b"colrnclx" + struct.pack(">HH", *points)
    data = written.getvalue()
    assert b"colrnclx" in data
    (tmp_path / "a.avif").write_bytes(data.replace(b"colrnclx" + struct.pack(">HH", 1, 13), box))
    assert seen(tmp_path / "a.avif", tolerance=5)


SILENT = {
    "the usual gAMA": [gama(45455)],
    "the usual gAMA and cHRM": [gama(45455), chrm(SRGB)],
    "rounded": [gama(45454), chrm(((0.64, 0.33), (0.3, 0.6), (0.15, 0.06), (0.3127, 0.3291)))],
    "cICP of sRGB before all": [cicp(1, 13, 0, 1), gama(100000), chrm(P3)],
    "sRGB before gAMA and cHRM": [chunk(b"sRGB", b"\0"), gama(100000), chrm(P3)],
    "no light": [gama(0)],
    "primaries on a line": [chrm(((0.1, 0.1), (0.2, 0.2), (0.3, 0.3), (0.3127, 0.329)))],
    "primaries of nothing": [chrm(((0, 0), (0, 0), (0, 0), (0, 0)))],
    "too short": [chunk(b"gAMA", b"\0"), chunk(b"cHRM", b"\0" * 7), chunk(b"cICP", b"\1"), chunk(b"sRGB", b"")],
    "too long": [chunk(b"gAMA", b"\0" * 9), chunk(b"cICP", bytes((12, 13, 0, 1, 1)))],
    "a wrong checksum": [chunk(b"gAMA", struct.pack(">I", 100000), 7)],
    "a profile without an end": [chunk(b"iCCP", b"name")],
    "a profile that is packed otherwise": [chunk(b"iCCP", b"name\0\1" + zlib.compress(b"abc"))],
    "a profile that is a bomb": [chunk(b"iCCP", b"name\0\0" + zlib.compress(bytes(9 << 20)))],
    "EXIF behind sRGB": [gama(45455), chunk(b"eXIf", b"II*\0\x08\0\0\0\0\0\0\0\0\0")],
    "damaged EXIF": [chunk(b"eXIf", b"II*\0\xff\xff\xff\xff")],
}


@pytest.mark.parametrize("kind", SILENT)
def test_srgb_and_malformed_chunks_change_no_pixel(tmp_path, kind):
    noise = Image.effect_noise((90, 90), 80).convert("RGB")
    opened, _ = open_picture(with_chunks(tmp_path / "a.png", noise, *SILENT[kind]))
    assert opened.tobytes() == noise.tobytes()
    assert unknown_colors(opened) == ""


def test_cicp_comes_before_a_profile_and_a_profile_before_the_rest(tmp_path):
    image = flat(encoded(RED, P3, srgb_signal))
    assert seen(with_chunks(tmp_path / "a.png", image, gama(100000), chrm(ADOBE), icc_profile=P3_PROFILE))
    assert seen(
        with_chunks(tmp_path / "b.png", image, cicp(12, 13, 0, 1), icc_profile=matrix_profile(ADOBE, srgb_curve))
    )
    assert seen(with_chunks(tmp_path / "c.png", flat(RED), cicp(1, 13, 0, 1), icc_profile=P3_PROFILE))
    assert seen(with_chunks(tmp_path / "d.png", image, cicp(2, 2, 0, 1), icc_profile=P3_PROFILE))


@pytest.mark.parametrize("curve", [16, 18])
def test_high_dynamic_range_is_brought_to_that_of_a_screen(tmp_path, curve):
    white = {16: 0.5806, 18: 0.75}[curve]  # of a page at 203 cd/m²
    assert seen(with_chunks(tmp_path / "a.png", flat((round(white * 255),) * 3), cicp(9, curve, 0, 1)), (255,) * 3)
    assert seen(with_chunks(tmp_path / "b.png", flat((0, 0, 0)), cicp(9, curve, 0, 1)), (0, 0, 0))


@pytest.mark.parametrize("points", [(10, 13, 0, 1), (12, 17, 0, 1), (12, 13, 9, 1), (99, 99, 0, 1)])
def test_colours_that_cannot_be_converted_are_told(tmp_path, points):
    opened, _ = open_picture(with_chunks(tmp_path / "a.png", flat(RED), cicp(*points)))
    assert unknown_colors(opened) == "code points " + "/".join(map(str, points))
    assert opened.getpixel((5, 5)) == RED
    mika = Character.model_validate({"name": "Mika", "trigger": "mikachr", "invariant": {"hair": "red hair"}})
    assert any("taken as sRGB" in warning for warning in seed_warnings({"a.png": opened}, 64, 3, mika))


def exif(space=None, index="", **fields):
    found = Image.Exif()
    details = found.get_ifd(0x8769)
    if space is not None:
        details[0xA001] = space
    if "gamma" in fields:
        details[0xA500] = fields["gamma"]
    if index:
        details[0xA005] = {1: index}
    if "primaries" in fields:
        *rgb, white = fields["primaries"]
        found[0x013F], found[0x013E] = tuple(one for point in rgb for one in point), white
    return found.tobytes()


ADOBE_RED = encoded(RED, ADOBE, lambda light: light ** (1 / ADOBE_GAMMA))
OF_EXIF = {
    "Adobe RGB of cameras": (exif(0xFFFF, "R03"), ADOBE_RED),
    "Adobe RGB by its number": (exif(2), ADOBE_RED),
    "primaries and gamma": (exif(0xFFFF, primaries=ADOBE, gamma=2.2), ADOBE_RED),
    "gamma": (exif(0xFFFF, gamma=1.0), encoded(RED, SRGB, lambda light: light)),
    "sRGB": (exif(1, "R98", gamma=1.0, primaries=P3), RED),
    "nothing": (exif(0xFFFF), RED),
    "the usual gamma": (exif(0xFFFF, gamma=2.2), RED),
}


@pytest.mark.parametrize("kind", OF_EXIF)
@pytest.mark.parametrize("ending", ["jpg", "webp", "png"])
def test_what_exif_states_is_converted(tmp_path, kind, ending):
    data, color = OF_EXIF[kind]
    flat(color).save(tmp_path / f"a.{ending}", exif=data, quality=100, lossless=True)
    assert seen(tmp_path / f"a.{ending}")


def test_a_tiff_states_primaries_in_tags_of_its_own(tmp_path):
    data, color = OF_EXIF["primaries and gamma"]
    flat(color).save(tmp_path / "a.tif", exif=data)
    assert seen(tmp_path / "a.tif")


def test_a_profile_comes_before_exif(tmp_path):
    image = flat(encoded(RED, P3, srgb_signal))
    image.save(tmp_path / "a.jpg", exif=exif(0xFFFF, "R03"), icc_profile=P3_PROFILE, quality=100)
    assert seen(tmp_path / "a.jpg")
