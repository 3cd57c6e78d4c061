"""The control picture of a shot: from a person's folder, or a skeleton for its view, framing and pose.

A picture is put into the run's folder when it is first asked for; from then on the run's own copy counts. Knows no
model and no store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from bootstrap.backends.control_settings import ControlSettings
from bootstrap.backends.shapes import shape_of_shot
from bootstrap.character import Character
from bootstrap.config import RunConfig
from bootstrap.errors import ConfigError, PictureError
from bootstrap.pictures import alpha_of, open_any, open_picture, pictures_in
from bootstrap.pictures.face_points import EXPRESSIONS
from bootstrap.pictures.skeleton import POSES, Camera
from bootstrap.pictures.stick_figure import FRAMINGS, stick_figure
from bootstrap.records import Reference, Shot
from bootstrap.shots import Planner
from bootstrap.store.files import write_atomic, write_image
from scoring.measurement import digest_of

__all__ = ["ControlPictures", "check_control_pictures", "words_alone"]

FOLDER = "controls"
"""Of control pictures, in a run."""
SMALLEST = 64
"""Pixels of the shorter side of a control picture of a person's."""
CAMERAS: Mapping[str, Camera] = {
    "front": Camera(),
    "three-quarter": Camera(45),
    "profile": Camera(90),
    "behind": Camera(180),
    "above": Camera(elevation=40),
    "below": Camera(elevation=-35),
}
"""View family → the camera of its skeletons; views that face left mirror it."""
POSE = "pose"
"""The axis of shots that skeletons read."""
EXPRESSION = "expression"
"""The axis that faces of skeletons read."""
PLACES, GREY = 128, 40
"""Places of a side on which colours are looked for, and by how much channels differ in grey ones, JPEG's errors too."""
MIDDLE = 127
"""Of the brightness of a channel."""
BETWEEN = "_"
"""Between the parts of a file's name."""


@dataclass(frozen=True)
class ControlPictures:
    """The control pictures of a run, whose folder is ``run``."""

    config: RunConfig
    run: Path

    def of(self, shot: Shot) -> Reference | None:
        """The control picture of a shot, its path in the run, and the scale; None where it is drawn without one.

        Raises OutputError where it cannot be written, PictureError for one that cannot be read.
        """
        control = self.config.base.control
        if control is None or shot.view_family not in control.view_families:
            return None
        return self._given(control, shot) if control.pictures else self._skeleton(control, shot)

    def _skeleton(self, control: ControlSettings, shot: Shot) -> Reference | None:
        """A skeleton; None for a view, framing or pose that has none."""
        camera, pose = CAMERAS.get(shot.view_family), _pose_in(shot.axes.get(POSE, ""))
        if camera is None or not pose or shot.framing not in FRAMINGS:
            return None
        if "left" in f"{shot.view} {self.config.views.tags_of(shot.view)}":
            camera = Camera(-camera.azimuth, camera.elevation)
        expression = _expression_in(shot.axes.get(EXPRESSION, "")) if control.faces else ""
        shape = shape_of_shot(self.config.base.sampling, shot)
        image = stick_figure(shape, pose, shot.framing, camera, expression)
        digest = digest_of(image)
        path = f"{FOLDER}/{digest[:16]}.png"
        if not (self.run / path).is_file():
            write_image(self.run / path, image)
        return Reference(path, digest, control.scale)

    def _given(self, control: ControlSettings, shot: Shot) -> Reference | None:
        """The picture of a person's that names most of what the shot is; None where none fits."""
        words = {_plain(word) for word in (shot.view_family, shot.view, shot.framing, *shot.axes.values())}
        fitting = [name for name in self._names if words.issuperset(_parts(name))]
        if not fitting:
            return None
        name = max(fitting, key=lambda one: len(_parts(one)))  # of equal ones the first by name
        path = self.run / FOLDER / name
        if not path.is_file():
            _check_picture(Path(control.pictures).expanduser() / name, control.kind)
            write_atomic(path, (Path(control.pictures).expanduser() / name).read_bytes())
        return Reference(f"{FOLDER}/{name}", hashlib.sha256(path.read_bytes()).hexdigest(), control.scale)

    @cached_property
    def _names(self) -> list[str]:
        """The names of the pictures of a person's."""
        control = self.config.base.control
        assert control is not None
        return sorted(path.name for path in pictures_in(Path(control.pictures).expanduser()))


def check_control_pictures(config: RunConfig) -> None:
    """Raise, in one line, where a folder of control pictures or one in it cannot be used.

    ConfigError for the folder and for names, PictureError for a picture.
    """
    control = config.base.control
    if control is None or not control.pictures:
        return
    folder = Path(control.pictures).expanduser()
    if not folder.is_dir():
        raise ConfigError(f'control.pictures: no folder "{folder}"', "give a folder of control pictures")
    found = pictures_in(folder)
    if not found:
        raise ConfigError(f'control.pictures: "{folder}" holds no picture', "name one after its view: behind.png")
    views = {_plain(view) for plan in config.views.families.values() for view in plan.views}
    known = {_plain(family) for family in config.views.families} | views
    for path in found:
        if _parts(path.name)[0] not in known:
            raise ConfigError(
                f'the control picture "{path}" is not named after a view',
                f"begin its name with: {', '.join(sorted(known))}",
            )
        _check_picture(path, control.kind)


def words_alone(config: RunConfig, character: Character) -> list[str]:
    """Notes on what has no control picture although its view family is to be drawn with one."""
    control = config.base.control
    if control is None:
        return []
    planned = {name: plan for name, plan in config.views.families.items() if name in control.view_families}
    if folder := control.pictures:
        if not Path(folder).expanduser().is_dir():
            return []
        first = {_parts(path.name)[0] for path in pictures_in(Path(folder).expanduser())}
        lacking = [name for name, plan in planned.items() if not first & {_plain(one) for one in (name, *plan.views)}]
        return [f"no control picture, drawn by words: {name}" for name in lacking]
    poses: Sequence[str] = ()
    if POSE in config.subject.axes:
        poses = Planner(character, config.views, config.subject).values(POSE)
    unknown = [f'views from "{name}"' for name in planned if name not in CAMERAS]
    unknown += [f'the pose "{pose}"' for pose in poses if not _pose_in(pose)]
    if control.faces and EXPRESSION in config.subject.axes:
        expressions = Planner(character, config.views, config.subject).values(EXPRESSION)
        unknown += [f'the expression "{one}"' for one in expressions if not _expression_in(one)]
    if not poses:
        unknown.append("a subject without poses")
    return [f"no skeleton, drawn by words: {one}" for one in unknown]


def _check_picture(path: Path, kind: str) -> None:
    """Raise PictureError for what is no control picture of this kind."""
    image, data = open_picture(path, SMALLEST)
    with open_any(data) as opened:
        if alpha_of(opened) is not None:
            raise PictureError(f'the control picture "{path}" has transparent parts', "save it on black")
    colored = _is_colored(image)
    if kind == "openpose" and not colored:
        problem = f'the control picture "{path}" is grey, an OpenPose skeleton has colours'
        raise PictureError(problem, "give a skeleton, or a ControlNet for grey pictures with its base.control.kind")
    if kind != "openpose" and colored:
        problem = f'the control picture "{path}" has colours, one for {kind} is grey'
        raise PictureError(problem, "save it grey, or give a ControlNet for skeletons with base.control.kind=openpose")
    if kind == "lineart" and np.asarray(image).mean() > MIDDLE:
        raise PictureError(f'the lines of the control picture "{path}" are on white', "invert it: white lines on black")


def _is_colored(image: Image.Image) -> bool:
    """Whether some places are not grey."""
    places = np.asarray(image.resize((PLACES, PLACES), Image.Resampling.BOX), int)
    return bool(np.ptp(places, axis=2).max() > GREY)


def _pose_in(words: str) -> str:
    """The pose that the words of an axis name first; "" for none that a skeleton knows."""
    return next((tag for tag in map(_plain, words.split(",")) if tag in POSES), "")


def _expression_in(words: str) -> str:
    """The expression that the words of an axis name first; "" for none that a face is known for."""
    return next((tag for tag in map(_plain, words.split(",")) if tag in EXPRESSIONS), "")


def _parts(name: str) -> list[str]:
    """What the name of a file speaks of."""
    return [_plain(part) for part in Path(name).stem.split(BETWEEN)]


def _plain(word: str) -> str:
    """A word as it is compared: ``Three-Quarter`` and "three quarter" are one."""
    return word.strip().lower().replace("-", " ")
