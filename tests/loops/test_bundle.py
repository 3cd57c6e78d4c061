"""Bundles: several members in one LoRA, seen alike, kept apart, and told where one turns up in the other."""

import contextlib
import csv
import io
import json
import shutil
from dataclasses import replace

import pytest
from PIL import Image

from bootstrap.character import Character
from bootstrap.cli import main
from bootstrap.dataset.bleed_of_members import Likeness, Traits, bleed_in_words
from bootstrap.dataset.bundle_members import BundleMember, balanced_members, member_folders, require_apart
from bootstrap.errors import UsageError
from bootstrap.records import Job, JobKind, Reference, Shot, TrainItem
from bootstrap.store.store import Store


def folder_of(place, trigger, color, count=6, words="blue dress"):
    """A dataset folder of one colour with captions."""
    place.mkdir(parents=True)
    for number in range(count):
        Image.new("RGB", (96, 96), color).save(place / f"{number}.png")
        (place / f"{number}.txt").write_text(f"{trigger}, 1girl, {words}, pose {number}\n")
    return place


@pytest.fixture(scope="module")
def blue(tmp_path_factory):
    """A folder of pictures as a trainer has it; its captions name what belongs to the other member."""
    return folder_of(tmp_path_factory.mktemp("sets") / "12_bluchr", "bluchr", (40, 60, 215), words="red hair")


@pytest.fixture(scope="module")
def bundled(grown, blue, tmp_path_factory):
    """The folder of a bundle of a finished run and a folder."""
    out = tmp_path_factory.mktemp("bundle") / "both"
    said = io.StringIO()
    with pytest.raises(SystemExit) as ended, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        main(["bundle", str(grown), str(blue), "--out", str(out)])
    assert not ended.value.code, said.getvalue()
    return out


def rows_of(bundle):
    """The provenance of a bundle."""
    with (bundle / "dataset" / "provenance.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_and_a_folder_become_one_lora_with_a_folder_and_a_preview_of_each(bundled):
    bundle = bundled
    folders = sorted(path.name for path in (bundle / "dataset").iterdir() if path.is_dir())
    assert [name.partition("_")[2] for name in folders] == ["redchr", "bluchr"] or len(folders) == 2
    weights = {name: sum(float(row["training_weight"]) for row in rows_of(bundle) if name in row["caption"])
               for name in ("redchr", "bluchr")}  # fmt: skip
    assert weights["redchr"] == pytest.approx(weights["bluchr"], rel=0.01), "both are seen as often"
    (lora,) = (bundle / "lora").glob("redchr-bluchr-*.safetensors")
    sidecar = json.loads(lora.with_suffix(".json").read_text())
    assert sidecar["activation text"] == "redchr, bluchr"
    card = (bundle / "lora" / "README.md").read_text()
    assert "| `redchr` |" in card
    assert "| `bluchr` |" in card
    assert "red hair" in card.partition("What of one turns up")[2], "captions of one name what belongs to the other"
    assert card.count("](previews/") == 8
    page = (bundle / "report.html").read_text()
    assert "Likeness of each to each" in page
    assert "data:image" in page


def test_killed_anywhere_it_ends_as_an_undisturbed_one(bundled, grown, blue, tmp_path, call, before_picture):
    whole, typed = bundled, ["bundle", grown, blue, "--out", tmp_path / "killed"]

    def die(number):
        raise KeyboardInterrupt

    with before_picture(die):
        assert call(*typed).code == 130
    assert not (tmp_path / "killed" / "lora").exists()
    assert call(*typed).code == 0
    for one, other in zip(rows_of(whole), rows_of(tmp_path / "killed"), strict=True):
        assert one == other
    frames = [sorted(path.name for path in folder.glob("frames/*/*.png")) for folder in (whole, tmp_path / "killed")]
    assert frames[0] == frames[1]


def test_the_members_may_go_and_other_ones_are_refused(bundled, grown, tiny, blue, tmp_path, call):
    bundle = bundled
    green = folder_of(tmp_path / "10_grnchr", "grnchr", (40, 200, 60))
    refused = call("bundle", blue, green, "--base", "puppet", "--backend", "fake", "--out", bundle)
    assert refused.code == 2
    assert "begun with other members" in refused.line
    assert call("run", *tiny, "--out", bundle).line.startswith(f'error: "{bundle}" is a run of several subjects')
    assert call("compare", bundle).code == 2
    assert call("status", bundle).code == 0
    assert call("report", bundle).out.strip() == str(bundle / "report.html")
    assert call("export", bundle, "--format", "diffusers").code == 0
    assert call("bundle", grown, blue, "--out", grown).code == 2, "the run of a single subject"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("RUN", "RUN"), "fewer than two members"),
        (("RUN", "nowhere"), '"nowhere" is neither a run nor a folder of pictures'),
        (("RUN", "BLUE=redchr"), "are the same"),
        (("RUN", "BLUE=myredchr2"), "contain each other"),
        (("RUN", "BLUE=a,b"), '"a,b" cannot be a trigger'),
        (("RUN", "BLUE", "--base", "sdxl"), '--base "sdxl" is not "puppet"'),
        (("BLUE", "GREEN"), "folders of pictures name no base"),
    ],
)
def test_what_cannot_stand_in_one_lora_is_refused_in_a_line(given, said, grown, blue, tmp_path, call):
    green = folder_of(tmp_path / "10_grnchr", "grnchr", (40, 200, 60))
    names = {"RUN": str(grown), "BLUE": str(blue), "GREEN": str(green)}
    words = []
    for text in given:
        for name, path in names.items():
            text = text.replace(name, path)
        words.append(text)
    refused = call("bundle", *words, "--out", tmp_path / "out")
    assert refused.code == 2
    assert said in refused.line
    assert not (tmp_path / "out" / "lora").exists()


def test_runs_on_two_bases_are_refused(grown, tmp_path, call):
    other = shutil.copytree(grown, tmp_path / "other")
    with Store.open(other) as store:
        config = json.loads(store.recall("config"))
        config["base"]["name"] = "sdxl"
        store.remember("config", json.dumps(config))
    refused = call("bundle", grown, f"{other}=othrchr", "--out", tmp_path / "out")
    assert refused.code == 2
    assert 'was made on base "puppet"' in refused.line


def member(trigger, count, weight=1.0):
    """A member of so many pictures."""
    character = Character(name=trigger, trigger=trigger, invariant={"hair": f"{trigger} hair"})
    items = tuple(TrainItem(f"{trigger}/{n}.png", (trigger, "smile"), "kept", weight) for n in range(count))
    return BundleMember(trigger, character, items)


def test_members_are_seen_alike_but_no_picture_much_more_than_another(tmp_path):
    members = [member("zetadef", 20), member("zetasummer", 33), member("zetaball", 100), member("zetaswim", 50)]
    items = balanced_members(members, tmp_path)
    sums = {one.trigger: sum(item.weight for item in items if one.trigger in item.tags) for one in members}
    assert max(sums.values()) == pytest.approx(min(sums.values()), rel=0.01)
    repeats = [name.partition("_")[0] for name in member_folders(members, 2).values()]
    assert repeats == ["5", "3", "1", "2"], "the guide's 20x5, 33x3, 100x1, 50x2"
    few = balanced_members([member("onechr", 1), member("manychr", 100)], tmp_path)
    assert few[0].weight == 3.0


def test_a_stored_member_has_no_reference_that_lies_in_another_run():
    shown = (Reference("seeds/a.png", "ab"),)
    job = Job("j", JobKind.CANDIDATE, 1, 1, Shot("front", "front", "portrait", {}, 0), "", "", 1, {}, shown)
    drawn = replace(member("onechr", 1).items[0], job=job, drawn_with="adapters/a.safetensors", beside=shown)
    stored = json.loads(json.dumps(replace(member("onechr", 1), items=(drawn,)).plain))
    (item,) = BundleMember.of_plain(stored).items
    assert (item.path, item.tags, item.job, item.drawn_with, item.beside) == (drawn.path, drawn.tags, None, "", ())


def test_what_turns_up_in_the_other_is_told():
    members = [member("onechr", 2), member("twochr", 2)]
    bled = Likeness("onechr", {"onechr": 0.4, "twochr": 0.5}, 3, 6, 0.6, [Traits("twochr", 2, 6, {"red hair": 2})])
    apart = Likeness("twochr", {"onechr": 0.1, "twochr": 0.5}, 6, 6, None, [Traits("onechr", 0, 6)])
    assert (bled.stays_apart, apart.stays_apart) == (False, True)
    assert Likeness.of_plain(json.loads(json.dumps(bled.plain))).bled == 0.5
    said = bleed_in_words(members, [bled, apart])
    assert said == [
        "3 of 6 pictures of onechr are more alike to another member.",
        "2 of 6 traits read on pictures of onechr are those of twochr: red hair (2).",
    ]
    assert bleed_in_words(members, [apart])[0].startswith("No picture is more alike")


def test_triggers_that_cannot_be_told_apart():
    require_apart({"a": "mikachr", "b": "noxchr"})
    with pytest.raises(UsageError, match="contain each other"):
        require_apart({"a": "mika", "b": "Mika swim"})
