"""The control picture of a shot: a skeleton that shows its view, framing and pose, or the best named of a folder."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bootstrap.backends.shapes import shape_of_shot
from bootstrap.character import Character
from bootstrap.config import control_named, load
from bootstrap.errors import ConfigError, PictureError
from bootstrap.pictures.face_points import EXPRESSIONS, face_points
from bootstrap.pictures.skeleton import POSES, Camera, placed
from bootstrap.pictures.stick_figure import FRAMINGS, stick_figure
from bootstrap.records import Shot
from bootstrap.runs.control_pictures import ControlPictures, check_control_pictures, words_alone
from scoring.measurement import digest_of

BEHIND = Shot("behind", "behind", "full body", {"expression": "smile", "pose": "sitting"})
FRONT, BACK, ABOVE, BELOW = Camera(), Camera(180), Camera(elevation=40), Camera(elevation=-35)


def config(**control):
    return load("sd15", own={"base": {"control": control_named("sd15-openpose") | control}})


def pixels(camera, pose="standing", framing="full body"):
    return np.asarray(stick_figure((256, 256), pose, framing, camera), int)


def place_of(color, camera, **more):
    """Mean (column, row) of the joint of this colour."""
    rows, columns = (pixels(camera, **more) == color).all(2).nonzero()
    return columns.mean(), rows.mean()


RIGHT_WRIST, LEFT_WRIST, RIGHT_ANKLE, RIGHT_HIP, NECK = (
    (170, 255, 0), (0, 255, 85), (0, 255, 255), (0, 255, 170), (255, 85, 0)
)  # fmt: skip


def test_left_and_right_change_sides_behind_and_the_face_is_hidden_there():
    assert place_of(RIGHT_WRIST, FRONT)[0] < place_of(LEFT_WRIST, FRONT)[0]
    assert place_of(RIGHT_WRIST, BACK)[0] > place_of(LEFT_WRIST, BACK)[0]
    face = {"nose", "right eye", "left eye"}
    assert face <= placed("standing", FRONT).keys()
    assert not face & placed("standing", BACK).keys()
    assert {"right ear", "left ear"} <= placed("standing", BACK).keys()
    left = placed("standing", Camera(-90))
    assert left["nose"][0] < left["neck"][0], "a face that looks to the left of the picture"
    assert "left ear" in left, "who looks there shows the left side"
    assert "right ear" not in left


def test_views_from_above_and_below_foreshorten():
    def proportion(camera):
        joints = placed("standing", camera)
        neck, hip, ankle = (joints[name][1] for name in ("neck", "right hip", "right ankle"))
        return (neck - hip) / (hip - ankle)

    assert proportion(ABOVE) > 1.2 * proportion(FRONT) > 1.4 * proportion(BELOW)


def test_proportions_are_those_of_a_person():
    joints = placed("standing", FRONT)
    stature = joints["top"][1] - joints["right ankle"][1]
    assert (joints["left shoulder"][0] - joints["right shoulder"][0]) / stature == pytest.approx(
        0.259 / 0.961, rel=0.02
    )
    assert (joints["right hip"][1] - joints["right ankle"][1]) / stature == pytest.approx(0.491 / 0.961, rel=0.02)


@pytest.mark.parametrize("pose", POSES)
@pytest.mark.parametrize("framing", FRAMINGS)
def test_every_framing_of_every_pose_fills_the_picture(pose, framing):
    for camera in (FRONT, Camera(-45), Camera(90), BACK, ABOVE, BELOW):
        drawn = pixels(camera, pose, framing).any(2)
        assert drawn.any(1).nonzero()[0].min() < 0.6 * 256
        assert not drawn[:3].any()
    assert not (pixels(FRONT, pose, "close-up") == RIGHT_ANKLE).all(2).any()


def test_a_skeleton_is_put_into_the_run_and_named_by_its_pixels(tmp_path):
    control = ControlPictures(config(scale=0.7), tmp_path).of(BEHIND)
    with Image.open(tmp_path / control.path) as opened:
        assert (digest_of(opened), opened.size) == (control.sha256, shape_of_shot(config().base.sampling, BEHIND))
        assert opened.height > opened.width, "full bodies are tall"
    assert control.strength == 0.7
    again = ControlPictures(config(scale=0.7), tmp_path)
    assert again.of(replace(BEHIND, take=3)) == control
    others = [again.of(replace(BEHIND, framing="portrait")), again.of(BEHIND.having({"pose": "standing"}))]
    assert len({one.sha256 for one in (control, *others)}) == 3


def test_what_no_skeleton_shows_is_drawn_by_words(tmp_path):
    pictures = ControlPictures(config(), tmp_path)
    assert pictures.of(replace(BEHIND, view_family="front", view="front")) is None
    assert pictures.of(BEHIND.having({"pose": "swimming"})) is None
    assert pictures.of(replace(BEHIND, framing="a map")) is None
    assert pictures.of(replace(BEHIND, axes={})) is None
    assert ControlPictures(load("sd15"), tmp_path).of(BEHIND) is None
    assert not any(tmp_path.iterdir())


def test_views_that_face_left_and_right_mirror_each_other(tmp_path):
    pictures = ControlPictures(config(view_families=["profile"]), tmp_path)
    found = []
    for side in ("left", "right"):
        shot = Shot("profile", f"profile-{side}", "portrait", {"pose": "standing"})
        with Image.open(tmp_path / pictures.of(shot).path) as opened:
            found.append(np.asarray(opened, int).any(2))
    assert (found[0] != found[1]).any()
    assert abs(found[0][:, ::-1].sum() - found[1].sum()) < 0.1 * found[1].sum()


@pytest.fixture
def folder(tmp_path):
    """Coloured pictures named after what they show."""
    given = tmp_path / "given"
    given.mkdir()
    names = ("behind.png", "behind_full body.png", "Behind_Full-Body_sitting.png", "above.png")
    for name, color in zip(names, ("red", "green", "blue", "yellow"), strict=True):
        Image.new("RGB", (80, 80), color).save(given / name)
    return given


def test_the_file_that_names_most_of_a_shot_is_taken_and_stays_in_the_run(folder, tmp_path):
    run = tmp_path / "run"
    pictures = ControlPictures(config(pictures=str(folder)), run)
    control = pictures.of(BEHIND)
    assert control.path == "controls/Behind_Full-Body_sitting.png"
    assert control.sha256 == hashlib.sha256((folder / "Behind_Full-Body_sitting.png").read_bytes()).hexdigest()
    assert pictures.of(BEHIND.having({"pose": "waving"})).path == "controls/behind_full body.png"
    assert pictures.of(replace(BEHIND, framing="portrait")).path == "controls/behind.png"
    assert pictures.of(BEHIND.having({"expression": "frown"})) == control
    Image.new("RGB", (80, 80), "pink").save(folder / "behind_full body_sitting_frown.png")
    more = ControlPictures(config(pictures=str(folder)), run)
    assert more.of(BEHIND.having({"expression": "frown"})).path.endswith("sitting_frown.png")
    assert more.of(BEHIND) == control
    assert pictures.of(replace(BEHIND, view_family="below", view="below")) is None
    Image.new("RGB", (80, 80), "purple").save(folder / "Behind_Full-Body_sitting.png")
    assert ControlPictures(config(pictures=str(folder)), run).of(BEHIND) == control


def test_folders_and_pictures_that_cannot_serve_are_told_in_a_line(folder, tmp_path):
    check_control_pictures(config(pictures=str(folder)))
    check_control_pictures(config())
    grey = Image.new("RGB", (80, 80), (90, 90, 90))
    with pytest.raises(ConfigError, match=r'no folder ".*nowhere"'):
        check_control_pictures(config(pictures=str(tmp_path / "nowhere")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="holds no picture"):
        check_control_pictures(config(pictures=str(tmp_path / "empty")))
    for name, make, kind, said in (
        ("sitting.png", lambda path: grey.save(path), "openpose", "is not named after a view"),
        ("below.png", lambda path: path.write_bytes(b"no picture"), "openpose", "is no picture"),
        ("below.png", lambda path: grey.save(path), "openpose", "is grey, an OpenPose skeleton has colours"),
        ("below.png", lambda path: Image.new("RGBA", (80, 80), (255, 0, 0, 9)).save(path), "openpose", "transparent"),
        ("above.png", lambda path: None, "depth", "has colours, one for depth is grey"),
    ):
        make(folder / name)
        with pytest.raises((ConfigError, PictureError), match=said):
            check_control_pictures(config(pictures=str(folder), kind=kind))
        if name != "above.png":
            (folder / name).unlink()
    Image.new("RGB", (80, 80), "white").save(tmp_path / "empty" / "behind.png")
    with pytest.raises(PictureError, match="are on white"):
        check_control_pictures(config(pictures=str(tmp_path / "empty"), kind="lineart"))
    check_control_pictures(config(pictures=str(tmp_path / "empty"), kind="depth"))


def test_what_will_be_drawn_by_words_is_noted(folder):
    person = Character(name="Mika", trigger="mikachr", invariant={"hair": "blue hair"}, poses=["sitting", "swimming"])
    assert words_alone(config(), person) == ['no skeleton, drawn by words: the pose "swimming"']
    assert words_alone(config(pictures=str(folder)), person) == ["no control picture, drawn by words: below"]
    assert words_alone(load("sd15"), person) == []


def test_check_tells_of_control_pictures_and_of_a_net_that_is_missing(folder, tmp_path, header_file, call):
    Image.effect_noise((256, 256), 60).save(tmp_path / "seed.png")
    person = {"name": "Mika", "trigger": "mikachr", "invariant": {"hair": "blue hair"}, "poses": ["swimming"]}
    (tmp_path / "character.json").write_text(json.dumps(person))
    base = header_file(tmp_path / "m" / "pony.safetensors")
    words = ["check", tmp_path / "seed.png", tmp_path / "character.json", "--out", tmp_path / "run", "--base", base]
    said = call(*words, "--control", "sdxl-openpose")
    assert said.code == 2
    assert (
        "control    openpose by drawn skeletons, for views from: behind, above, below; licence Apache-2.0" in said.out
    )
    assert 'note: no skeleton, drawn by words: the pose "swimming"' in said.out
    assert 'error: the ControlNet "xinsir/controlnet-openpose-sdxl-1.0" has no "config.json"' in said.err
    assert "hint: hf download xinsir/controlnet-openpose-sdxl-1.0 fetches it" in said.err
    (folder / "sitting.png").write_bytes(b"")
    said = call(*words, "--control", "sdxl-openpose", "--set", f"base.control.pictures={folder}")
    assert 'sitting.png" is not named after a view' in said.err


def white(expression, camera=FRONT, framing="portrait"):
    """(Rows, columns) of the points of a face."""
    figure = np.asarray(stick_figure((512, 512), "standing", framing, camera, expression), int)
    return (figure == 255).all(2).nonzero()


def test_a_face_is_marked_for_its_expression_where_it_is_seen():
    assert not white("")[0].size
    pictures = {name: stick_figure((512, 512), "standing", "portrait", FRONT, name).tobytes() for name in EXPRESSIONS}
    assert len(set(pictures.values())) == len(EXPRESSIONS) - 1, "expressionless is another word"
    assert all(len(face_points(name)) == 70 for name in EXPRESSIONS)
    assert not white("smile", BACK)[0].size
    assert 0 < white("smile", Camera(90))[0].size < white("smile")[0].size, "half of it from the side"


def test_a_mouth_opens_and_its_corners_rise():
    mouths = {name: [y for (_, y, _), _ in face_points(name)[48:68]] for name in EXPRESSIONS}
    heights = {name: max(rows) - min(rows) for name, rows in mouths.items()}
    assert heights["open mouth"] > 2 * heights["neutral expression"]
    corner = {name: rows[0] for name, rows in mouths.items()}
    assert corner["smile"] > corner["neutral expression"] > corner["frown"]


def test_the_expression_of_a_shot_steers_its_skeleton(tmp_path):
    faces = load("sd15", own={"base": {"control": control_named("sd15-openpose-face")}})
    shots = [Shot("front", "front", "portrait", {"expression": one, "pose": "standing"})
             for one in ("smile", "closed eyes, blush", "smug", "frown")]  # fmt: skip
    found = [ControlPictures(faces, tmp_path).of(shot) for shot in shots]
    assert len({one.sha256 for one in found}) == 4
    bodies = replace(shots[0], view_family="behind")
    assert config(view_families=("front",)).base.control.faces is False
    plain = [ControlPictures(config(view_families=("front",)), tmp_path).of(shot) for shot in shots]
    assert {one.sha256 for one in plain} == {found[2].sha256}, "an expression that no face is known for has none"
    assert ControlPictures(faces, tmp_path).of(bodies).sha256 != found[0].sha256
    mika = Character(name="Mika", trigger="mikachr", invariant={"hair": "blue hair"}, expressions=["smile", "smug"])
    assert words_alone(faces, mika) == ['no skeleton, drawn by words: the expression "smug"']
