"""Marriages: members drawn together, the pictures that show everyone kept, and a LoRA that is asked by one prompt."""

import contextlib
import io
import json
import shutil
from dataclasses import replace

import pytest
from PIL import Image

from bootstrap.captions.relations import RELATIONS, counted, relation_named
from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.cli import main
from bootstrap.cli.together import described_together
from bootstrap.compare.couples import LookAlikes, Present
from bootstrap.config import load
from bootstrap.dataset.bleed_of_members import ways_of
from bootstrap.dataset.bundle_members import BundleMember
from bootstrap.pictures.collages import beside_each_other, parts_of
from bootstrap.records import JobKind, VerdictKind
from bootstrap.store.store import Store
from loops.couple_shots import JointShots
from tests.loops.conftest import TINY, described


def quietly(*words):
    """A command in this process, whose output is only shown where it fails."""
    said = io.StringIO()
    with pytest.raises(SystemExit) as ended, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        main([str(word) for word in words])
    assert not ended.value.code, said.getvalue()


@pytest.fixture(scope="module")
def blue(tmp_path_factory):
    """A second finished run: another trigger, another colour."""
    folder = tmp_path_factory.mktemp("blue")
    arguments = described(folder, TINY)
    Image.new("RGB", (128, 128), (40, 60, 215)).save(folder / "seed.png")
    description = json.loads((folder / "character.json").read_text())
    blue = {"name": "Blue", "trigger": "bluchr", "invariant": {"hair": "blue hair, bob cut", "eyes": "green eyes"}}
    (folder / "character.json").write_text(json.dumps({**description, **blue}))
    quietly("run", *arguments, "--out", folder / "run")
    return folder / "run"


@pytest.fixture(scope="module")
def married(grown, blue, tmp_path_factory):
    """The folder of a marriage."""
    out = tmp_path_factory.mktemp("married") / "both"
    quietly("marry", grown, blue, "--target", 4, "--core", "redblu pair", "--out", out)
    return out


def test_both_are_drawn_each_in_a_region_with_its_own_lora_and_what_shows_both_is_trained_on(married):
    with Store.open(married, exclusive=False) as store:
        candidates = store.jobs(kind=JobKind.CANDIDATE)
        assert {tuple(region.adapter for region in sorted(job.regions, key=lambda one: one.shift))
                for job in candidates} <= {
            ("members/redchr/lora.safetensors", "members/bluchr/lora.safetensors"),
            ("members/bluchr/lora.safetensors", "members/redchr/lora.safetensors"),
        }  # fmt: skip
        others = store.jobs(kind=JobKind.LOOKALIKE)
        assert len(others) == len(candidates) == 8
        assert not any(region.adapter or "chr" in region.prompt for job in others for region in job.regions)
        taken = [one for one in store.verdicts().values() if one.kind in (VerdictKind.KEEP, VerdictKind.PROVISIONAL)]
        assert taken
        ways = ways_of(store)
    assert [way.name for way in ways] == ["this LoRA", "their own LoRAs together", "the base by words"]
    folders = {path.name.partition("_")[2]: path for path in (married / "dataset").iterdir() if path.is_dir()}
    assert set(folders) == {"redchr_bluchr"}, "their own sets would thin what is learnt of both"
    captions = [path.read_text() for path in folders["redchr_bluchr"].glob("*.txt")]
    assert captions
    for caption in captions:
        tags = caption.strip().split(", ")
        assert {tags[0], tags[1]} == {"redchr", "bluchr"}
        assert tags[2:4] == ["redblu pair", "2girls"]
        assert "red hair" not in caption
        assert any(relation.words in tags for relation in RELATIONS)
    assert "Everyone by one prompt" in (married / "report.html").read_text()
    assert "`redchr, bluchr, 2girls, side by side`" in (married / "lora" / "README.md").read_text()


def test_killed_while_it_draws_it_ends_as_an_undisturbed_one(married, grown, blue, tmp_path, call, before_picture):
    typed = ["marry", grown, blue, "--target", "4", "--core", "redblu pair", "--out", tmp_path / "killed"]

    def die(number):
        if number == 9:
            raise KeyboardInterrupt

    with before_picture(die):
        assert call(*typed).code == 130
    assert call(*typed).code == 0
    told = []
    for folder in (married, tmp_path / "killed"):
        with Store.open(folder, exclusive=False) as store:
            told.append(([one.digest for one in store.frames()], store.verdicts(), ways_of(store)))
    assert told[0] == told[1]


def test_what_cannot_be_married_is_refused_in_a_line(grown, tmp_path, call):
    pictures = tmp_path / "10_grnchr"
    pictures.mkdir()
    refused = call("marry", grown, pictures, "--out", tmp_path / "out")
    assert (refused.code, "has no LoRA to draw with" in refused.line) == (2, True)
    assert "too many for one picture" in call("marry", *"abcde", "--out", tmp_path / "out").line
    assert "names fewer than two members" in call("marry", grown, grown, "--out", tmp_path / "out").line


def test_the_left_one_is_not_always_the_same_and_relations_come_in_turn():
    config = load("puppet")
    characters = [
        Character(name=name, trigger=name, invariant={"hair": hair}, core=core)
        for name, hair, core in (("onechr", "red hair", "1girl, solo"), ("twochr", "blue hair", "1boy, solo"))
    ]
    members = [BundleMember("", one, (), lora=f"{one.trigger}.safetensors") for one in characters]
    wordings = [Wording.of(one, config) for one in characters]
    shots = JointShots(members, wordings, config, RELATIONS)
    planned = shots.plan(2 * len(RELATIONS), "candidate")
    assert [one.relation for one in planned[: len(RELATIONS)]] == list(RELATIONS)
    assert planned[0].order != planned[len(RELATIONS)].order
    facing = next(one for one in planned if one.relation.words == "facing each other")
    left, right = shots.regional(facing, 1, "id").regions
    assert ("facing right" in left.prompt, "facing left" in right.prompt) == (True, True)
    assert (left.shift, right.shift) == (-0.25, 0.25)
    assert shots.caption(facing)[:4] == ("onechr", "twochr", "1girl", "1boy")
    base = shots.by_words(facing, 1, "id", trigger=False).prompt
    assert "onechr" not in base
    assert {"red hair", "blue hair"} <= set(base.split(", "))
    assert counted([("1girl", "solo")] * 3) == ("3girls",)
    assert relation_named("dancing a waltz").words == "dancing a waltz"
    again = replace(shots).plan(2 * len(RELATIONS), "candidate")
    assert again == planned


def test_a_collage_holds_the_middle_of_each_and_comes_apart_again():
    colors = ("red", "blue", "green")
    pictures = [Image.new("RGB", (96, 96), color) for color in colors]
    two = beside_each_other(pictures[:2], (96, 96))
    assert [two.getpixel((20, 50)), two.getpixel((70, 50))] == [(255, 0, 0), (0, 0, 255)]
    three = beside_each_other(pictures, (96, 96))
    assert [one.getpixel((48, 48)) for one in parts_of(three, 3)] == [(255, 0, 0), (0, 0, 255), (0, 128, 0)]
    assert {one.size for one in parts_of(three, 3)} == {(96, 96)}


def present(a, b, family="front"):
    """A picture with both, each on a part of its own."""
    return Present({"a": a, "b": b}, {"a": True, "b": True}, {"a": 0, "b": 1}, {"a": family, "b": family})


def test_everyone_is_there_where_each_is_surer_than_look_alikes_of_its_view():
    faces = [present(0.5 + 0.01 * n, 0.5 - 0.01 * n) for n in range(10)]
    backs = [present(0.1 + 0.01 * n, 0.1 - 0.01 * n, "behind") for n in range(10)]
    others = LookAlikes([*faces, *backs])
    from_behind = present(0.4, 0.4, "behind")
    assert others.p(from_behind) == pytest.approx(1 / 21), "less alike than any face, more than any back"
    assert others.everyone(from_behind, 0.1)
    assert others.p(present(0.4, 0.4)) > 0.5
    twice = replace(from_behind, best={"a": True, "b": False})
    assert (others.p(twice), others.everyone(twice, 0.1)) == (1.0, False), "one is twice there"
    assert others.p(replace(from_behind, placed={"a": 0.4, "b": 0.05})) > 0.5
    assert others.p(Present({}, {}, {}, {})) == 1.0


def couple_file(folder, **changes):
    """The file of a couple, its seeds beside it."""
    members = []
    for trigger, color, hair in (("redchr", "red", "red hair"), ("bluchr", "blue", "blue hair")):
        Image.new("RGB", (128, 128), color).save(folder / f"{color}.png")
        seed = {"file": f"{color}.png", "view": "front", "framing": "upper body"}
        members.append({"name": color.title(), "trigger": trigger, "invariant": {"hair": hair}, "seeds": [seed]})
    content = {"kind": "couple", "base": "puppet", "members": members, "together": 4, "relations": ["side by side"]}
    path = folder / "couple.json"
    path.write_text(json.dumps({**content, **changes}))
    return path


def test_a_couple_runs_its_members_and_marries_them_in_one_folder(grown, blue, tmp_path, call, monkeypatch):
    begun = []

    def member_run(sources, options):
        begun.append((sources[0].name, json.loads(sources[-1].read_text())["trigger"], options.out.name))
        shutil.copytree(grown if options.out.name == "redchr" else blue, options.out)

    monkeypatch.setattr("bootstrap.cli.run.run_command", member_run)
    path = couple_file(tmp_path)
    out = tmp_path / "out"
    done = call("run", path, "--out", out)
    assert done.code == 0, done.err
    assert begun == [("red.png", "redchr", "redchr"), ("blue.png", "bluchr", "bluchr")]
    with Store.open(out, exclusive=False) as store:
        assert {job.shot.axes["relation"] for job in store.jobs(kind=JobKind.CANDIDATE)} == {"side by side"}
    assert call("run", path, "--out", out).code == 0
    assert len(begun) == 2, "finished members are not run again"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "group"}, "a group has 3 to 4, not 2"),
        ({"members": [{"name": "A", "trigger": "achr"}] * 2}, "members.0.invariant"),
        ({"members": [{"name": "A", "trigger": "achr", "invariant": {"hair": "red hair"}}] * 2}, "members.1.seeds"),
        ({"relatons": []}, "relatons"),
    ],
)
def test_what_is_wrong_with_a_couple_is_told_before_anything_is_drawn(changes, said, tmp_path, call):
    refused = call("run", couple_file(tmp_path, **changes), "--backend", "fake", "--out", tmp_path / "out")
    assert refused.code == 2
    assert said in refused.line
    assert not (tmp_path / "out").exists()


def test_check_looks_at_each_member(tmp_path, call):
    said = call("check", couple_file(tmp_path), "--backend", "fake", "--out", tmp_path / "out").out
    assert "member 2 of 2: Blue" in said
    assert "then both are married: 4 pictures of everyone" in said


def test_a_sheet_whose_figures_are_named_is_given_once(tmp_path):
    path = couple_file(tmp_path)
    content = json.loads(path.read_text())
    notes = [{"file": f"red.png#{number}", "view": view} for number, view in ((1, "front"), (2, "behind"))]
    content["members"][0]["seeds"] = notes
    path.write_text(json.dumps(content))
    found = described_together([path])
    assert found.seeds(found.members[0]) == [tmp_path / "red.png"]
