"""The shipped drawers that are edit models: licences, pages, and the camera's words for our views."""

import re

import pytest

from bootstrap.backends.outside.drawer_kinds import DRAWER_KINDS
from bootstrap.config import configs_dir, load, shipped_names
from bootstrap.config.named_drawers import drawer_named
from bootstrap.config.shipped_files import read_section

VIEWS = load("sdxl").views


def preset(name):
    settings = drawer_named(name, {})
    return DRAWER_KINDS[settings["kind"]].model_validate(settings)


EDITS = [name for name in shipped_names("drawers") if read_section("drawers", name)["kind"] == "edit"]


@pytest.mark.parametrize("name", EDITS)
def test_a_preset_states_its_licence_and_has_a_page(name):
    drawer = preset(name)
    assert drawer.name == name
    assert drawer.license == "apache-2.0"
    assert drawer.outputs
    page = (configs_dir() / "drawers" / f"{name.removesuffix('-angles')}.md").read_text(encoding="utf-8")
    assert f"--drawer {name}" in page
    assert f"hf download {drawer.path}" in page
    assert "Apache-2.0" in page


def test_qwen_draws_no_squares_and_takes_all_its_steps():
    for name in ("qwen-edit", "qwen-edit-angles"):
        drawer = preset(name)
        assert drawer.width != drawer.height
        assert drawer.steps >= 40
        assert drawer.guidance_scale > 1


def test_the_camera_lora_is_called_in_words_that_it_was_trained_with():
    camera = preset("qwen-edit-angles").camera
    azimuths = {"front view", "right side view", "left side view", "back view"}
    azimuths |= {f"{place} quarter view" for place in ("front-right", "front-left", "back-right", "back-left")}
    assert set(camera.azimuth.values()) <= azimuths
    assert set(camera.elevation.values()) <= {"low-angle shot", "eye-level shot", "elevated shot", "high-angle shot"}
    assert set(camera.distance.values()) <= {"close-up", "medium shot", "wide shot"}
    views = {view for plan in VIEWS.families.values() for view in plan.views}
    assert {*camera.azimuth, *camera.elevation} - {"*"} <= views
    assert set(camera.distance) - {"*"} <= set(VIEWS.framings)
    page = (configs_dir() / "drawers" / "qwen-edit.md").read_text(encoding="utf-8")
    for view, words in {**camera.azimuth, **camera.elevation}.items():
        assert view == "*" or re.search(rf"\| .*{view}.*{words}.*\|", page)
