"""The shipped examples of a couple and a group: each is sound, and the couple ends a whole run from one command."""

import contextlib
import io
import json
import shutil
from datetime import UTC, datetime

import pytest
from PIL import Image

from bootstrap.cli import main
from bootstrap.cli.options import Options
from bootstrap.cli.together import with_share_of_hours
from bootstrap.config import configs_dir
from bootstrap.dataset.bleed_of_members import ways_of
from bootstrap.dataset.bundle_members import members_of
from bootstrap.records import JobKind
from bootstrap.store.store import Store
from tests.loops.conftest import TINY

EXAMPLES = {"couple-ruby-nox": (2, "then both are married"), "group-trio": (3, "then all 3 are married")}


def few_together(name, folder):
    """A copy of an example that wants as few pictures of everyone as can be.

    Its seeds are plain colours: these are all that the fake panel tells apart.
    """
    example = shutil.copytree(configs_dir() / "characters" / name, folder / name)
    content = json.loads((example / "character.json").read_text())
    (example / "character.json").write_text(json.dumps({**content, "together": 4}))
    for color, path in zip(("red", "blue", "green"), sorted(example.glob("*.png")), strict=False):
        Image.new("RGB", (128, 128), color).save(path)
    return example


def test_the_couple_ends_with_one_lora_of_both_each_drawn_from_its_own_seed(tmp_path):
    small = (*TINY, "loop.target=2", "loop.goals=[]", "loop.acceptance.weights=[]", "base.reference.with_lora=false")
    options = ["--reference", "attention", *(part for text in small for part in ("--set", text))]
    said, run = io.StringIO(), tmp_path / "run"
    words = ["run", few_together("couple-ruby-nox", tmp_path), "--backend", "fake", "--out", run, *options]
    with pytest.raises(SystemExit) as ended, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        main([str(word) for word in words])
    assert not ended.value.code, said.getvalue()
    assert len([*(run / "lora").glob("*.safetensors")]) == 2
    assert len([*(run / "dataset").glob("*/*.txt")]) > 2
    with Store.open(run, exclusive=False) as store:
        assert ways_of(store)[0].drawn > 0
        seeds = {member.trigger: {seed.path for seed in member.seeds} for member in members_of(store)}
        shown, others = set(), set()
        for job in store.jobs(1, 11):
            for region in job.regions:
                own = shown if job.kind is JobKind.CANDIDATE else others
                own.update(one.path for one in region.references)
                assert not region.adapter
        assert shown == {path for paths in seeds.values() for path in paths}
        assert others <= {frame.path for frame in store.frames(1, 10)}
        assert len(others) > 2, "several others for each"


@pytest.mark.parametrize("name", EXAMPLES)
def test_check_finds_an_example_of_several_sound(name, tmp_path, call):
    example = few_together(name, tmp_path)
    done = call("check", example, "--backend", "fake", "--out", tmp_path / "out")
    members, married = EXAMPLES[name]
    assert done.code == 0
    assert f"member {members} of {members}" in done.out
    assert married in done.out


@pytest.mark.parametrize(
    ("options", "place", "hours"),
    [
        (Options(budget="9h"), 0, "10800s"),
        (Options(budget="9h"), 1, "10800s"),
        (Options(until="07:00"), 0, "7200s"),  # of six hours that are left
        (Options(until="07:00"), 1, "10800s"),
        (Options(budget="3h", until="07:00"), 1, "3600s"),
        (Options(), 1, None),
    ],
)
def test_the_hours_are_shared_by_the_members_and_the_marriage(options, place, hours):
    shared = with_share_of_hours(options, place, 2, datetime(2026, 1, 2, 1, tzinfo=UTC))
    assert (shared.budget, shared.until) == (hours, None)
