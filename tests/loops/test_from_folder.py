"""Runs on the fake backend whose candidates come from a folder: named, captioned, unreadable, more of them later."""

import json
import random

import pytest
from PIL import Image

from bootstrap.errors import BackendError
from bootstrap.records import JobKind, VerdictKind
from bootstrap.store.decisions import InboxPicture
from bootstrap.store.store import Store

QUICK = ["loop.acceptance.weights=[]", "loop.final_candidates=1", "loop.showcase=0"]
RED, BLUE = (215, 62, 45), (40, 60, 215)


def picture(path, color, number, size=96):
    """A figure of that colour, never twice the same."""
    chance = random.Random(number)
    image = Image.new("RGB", (size, size), (170, 170, 180))
    for x in range(size // 4, 3 * size // 4):
        for y in range(size // 4, 3 * size // 4):
            image.putpixel((x, y), tuple(part + chance.randint(-9, 9) for part in color))
    image.save(path)
    return path


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    (folder / "more").mkdir(parents=True)
    return folder


@pytest.fixture
def go(call, tiny, tmp_path, inbox):
    def start(*more, command="run"):
        options = ["--drawer", f"folder:{inbox}", *(word for text in QUICK for word in ("--set", text)), *more]
        return call(command, *tiny, *options, "--out", tmp_path / "run")

    return start


def wanted(tmp_path):
    """The names of the shots that are missing."""
    return [one["name"] for one in json.loads((tmp_path / "run/missing.json").read_text())]


def lying_there(inbox):
    return {path.relative_to(inbox): path.read_bytes() for path in inbox.rglob("*") if path.is_file()}


def test_a_folder_of_mixed_pictures_is_judged_and_more_are_asked_for(go, inbox, tmp_path):
    first = go()
    assert first.code == 3
    assert "no new picture: 0 pictures judged, 0 kept, 4 places are empty" in first.err
    assert f"folder:{inbox}" in first.err.splitlines()[-1], "the command that goes on"
    names = wanted(tmp_path)
    for number, name in enumerate(names):
        picture(inbox / f"{name} second try.png", RED, number)
    picture(inbox / "other.png", BLUE, 9)
    (inbox / "other.txt").write_text("from behind, full body")
    picture(inbox / "more/back.png", RED, 10)
    (inbox / "more/back.txt").write_text("from behind, full body, smile")
    picture(inbox / "more/copy.png", RED, 10)
    picture(inbox / "nothing said.png", RED, 11)
    picture(inbox / "tiny.png", RED, 12, size=20)
    (inbox / "damaged.png").write_bytes((inbox / "other.png").read_bytes()[:300])
    before = lying_there(inbox)

    second = go()
    assert second.code == 3
    for line in ("damaged.png", "20x20", 'copy.png" is the same picture as "more/back.png"', "nothing said.png"):
        assert second.err.count(line) == 1
    with Store.open(tmp_path / "run", exclusive=False) as store:
        taken = {one.file: one.job for one in store.decisions(InboxPicture) if one.job}
        verdicts, frames = store.verdicts(), {one.job.id: one for one in store.frames(kind=JobKind.CANDIDATE)}
        assert not store.frames(kind=JobKind.EXCHANGED)
    assert len(taken) == 6
    assert {frames[taken[f"{name} second try.png"]].job.shot.framing for name in names} > {"close-up"}
    back = frames[taken["more/back.png"]]
    assert (back.job.shot.view, back.job.shot.axes["expression"], back.drawer) == ("behind", "smile", "folder")
    assert verdicts[taken["other.png"]].kind is not VerdictKind.KEEP
    assert any(verdict.kind is VerdictKind.KEEP for verdict in verdicts.values())
    page = (tmp_path / "run/missing.html").read_text()
    assert all(name in page for name in (*wanted(tmp_path), "other.png", "nothing said.png"))
    (tmp_path / "run" / back.path).unlink()

    done = go("--rounds", "1")
    assert done.code == 0, done.err
    assert done.err.count("not taken") == 0, "said once"
    assert "drawn again, the same to the pixel" in done.err
    assert "folder" in (tmp_path / "run/dataset/provenance.csv").read_text()
    assert lying_there(inbox) == before
    for number, name in enumerate(wanted(tmp_path)):
        picture(inbox / f"{name}.png", RED, 20 + number)
    assert go("--rounds", "1").code == 0, "what came since is judged"
    with Store.open(tmp_path / "run", exclusive=False) as store:
        assert len(store.rounds()) == 2


def test_cut_off_between_plan_and_picture_it_takes_the_same_pictures(go, inbox, tmp_path, before_picture):
    for number in range(3):
        picture(inbox / f"{number}.png", RED, number)
        (inbox / f"{number}.txt").write_text("from front, portrait")

    def cut_off(number):
        if number == 4:
            raise BackendError("the card fell out")

    with before_picture(cut_off):
        assert go().code == 1
    (inbox / "2.png").unlink()
    assert go().code == 3
    with Store.open(tmp_path / "run", exclusive=False) as store:
        frames = store.frames(kind=JobKind.CANDIDATE)
        reasons = {one.reasons[0] for id, one in store.verdicts().items() if id == frames[2].job.id}
    assert len(frames) == 3
    assert reasons == {"its file is no longer in the folder"}


@pytest.mark.parametrize(
    ("more", "line"),
    [
        (["--drawer", "folder:nowhere"], 'folder:nowhere": there is no such folder'),
        (["--drawer", "folder"], 'the drawer "folder" needs a folder'),
        (["--drawer", "foldr"], 'configs/drawers has no "foldr"'),
        (["--reference", "attention"], 'base.reference: the drawer "folder" draws, not the base'),
        (["--spend", "3"], "spend: unknown field"),
    ],
)
def test_what_does_not_fit_is_one_line_before_anything_begins(go, tmp_path, more, line):
    done = go(*more)
    assert done.code == 2
    assert line in done.line
    assert not (tmp_path / "run").exists()


def test_check_says_that_the_pictures_come_from_the_folder(go):
    done = go(command="check")
    assert done.code == 0, done.err
    assert "drawer     folder: takes the pictures that you put there" in done.out


def test_a_visit_that_takes_nothing_is_no_round_and_a_person_at_the_terminal_is_waited_for(
    go, inbox, tmp_path, monkeypatch
):
    picture(inbox / "nameless.png", RED, 1)
    assert go("--rounds", "1").code == 3
    assert go("--rounds", "1").code == 3
    for stream in ("stdin", "stderr"):
        monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True)

    def put(seconds):
        picture(inbox / "nameless too.png", RED, 2)
        (inbox / "nameless too.txt").write_text("from front, portrait")

    monkeypatch.setattr("loops.from_folder.wait", put)
    done = go("--rounds", "1")
    assert done.code == 0
    assert "waiting for pictures:" in done.err
