import re
from typing import get_args

import pytest

from bootstrap.backends.parameters import SAMPLERS, parameters_text
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.records import Job, JobKind, Shot

SHOT = Shot(
    "front",
    "front",
    "close-up",
    {"expression": "smile", "pose": "standing", "outfit": "default", "background": "forest", "style": "cel shading"},
)
PAIR = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
"""The expression by which A1111 reads the last line (modules/infotext_utils.py)."""


def read(text):
    """What A1111 makes of a text chunk."""
    *lines, last = text.strip().split("\n")
    assert len(PAIR.findall(last)) >= 3, "A1111 would take the line for a prompt"
    where = next((n for n, line in enumerate(lines) if line.startswith("Negative prompt:")), len(lines))
    negative = "\n".join(lines[where:]).removeprefix("Negative prompt:").strip()
    values = {key: value.strip('"') for key, value in PAIR.findall(last)}
    return "\n".join(lines[:where]), negative, values


def text(prompt="1girl, rubychr", negative="lowres", settings=None, adapter="", model="puppet"):
    job = Job("j", JobKind.CANDIDATE, 1, 1, SHOT, prompt, negative, 7, {})
    return parameters_text(job, settings or SamplingSettings(), adapter, model)


def test_a1111_reads_back_everything_that_was_set():
    settings = SamplingSettings(steps=28, guidance_scale=5.5, scheduler="euler_a", width=832, height=1216, clip_skip=1)
    prompt, negative, values = read(text(settings=settings, adapter="ruby-r01", model="my, model: v2"))
    assert prompt == "1girl, rubychr <lora:ruby-r01:1>"
    assert negative == "lowres"
    assert values == {
        "Steps": "28", "Sampler": "Euler a", "CFG scale": "5.5", "Seed": "7", "Size": "832x1216",
        "Model": "my, model: v2", "Clip skip": "2"}  # fmt: skip


def test_no_negative_prompt_and_no_clip_skip_say_nothing():
    _, negative, values = read(text(negative=""))
    assert negative == ""
    assert "Clip skip" not in values


@pytest.mark.parametrize(
    ("prompt_text", "written"),
    [("saber (fate)", r"saber \(fate\)"), (r"saber \(fate\)", r"saber \(fate\)"), ("[x]", r"\[x\]"), ("a\nb", "a b")],
)
def test_brackets_stay_letters_in_a_user_interface(prompt_text, written):
    prompt, negative, _ = read(text(prompt=prompt_text, negative=prompt_text))
    assert prompt == negative == written


def test_every_sampler_has_the_name_that_user_interfaces_know():
    assert set(SAMPLERS) == set(get_args(SamplingSettings.model_fields["scheduler"].annotation))
