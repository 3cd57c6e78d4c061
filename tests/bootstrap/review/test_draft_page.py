"""The page on which a character file is written: what it says, what it saves, and what it does not overwrite."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image
from starlette.testclient import TestClient

from bootstrap.captions.wording import Wording
from bootstrap.character import Character, load_character
from bootstrap.config import load
from bootstrap.panel.draft import Reading
from bootstrap.review.draft_app import build_draft
from bootstrap.review.open_draft import DraftPicture, OpenDraft, first_prompts
from bootstrap.shots import Planner, places
from loops.jobs import JobMaker, Wave
from loops.plan import WavePlanner

CONFIG = load("puppet")
CONTENT = {
    "_": "comments stay",
    "name": "Mika",
    "trigger": "mkachr",
    "base": "puppet",
    "invariant": {"hair": "red hair, braid", "eyes": ""},
    "outfits": {"default": {"tags": "red dress"}},
    "seeds": [{"file": "seed.png", "view": "front", "framing": "portrait", "tags": "smile, forest"}],
}


@pytest.fixture
def draft(tmp_path):
    image = Image.new("RGB", (96, 96), "red")
    pictures = [DraftPicture(name, tmp_path / name, 0, image, ("a remark",)) for name in ("seed.png", "other.png")]
    readings = [Reading("hair_color", "red hair", 4.0, by="by embedded:clip, on heads"), Reading("eye_color", "", 0.1)]
    commands = ["bootstrap check seed.png", "bootstrap run seed.png"]
    names = frozenset({"hatsune miku"})
    return OpenDraft(CONTENT, CONFIG, pictures, tmp_path / "c.json", readings, ["a note"], names, commands)


@pytest.fixture
def client(draft):
    app = build_draft(draft, frozenset({"testserver"}))
    with TestClient(app, headers={"x-review": "1"}) as one:
        yield one


@pytest.fixture
def form(client):
    return client.get("/api/draft").json()["form"]


def look(client, form, **fields):
    answer = client.post("/api/look", json={"form": {**form, **fields}})
    assert answer.status_code == 200, answer.text
    return answer.json()


def outfit(**fields):
    return {"outfits": [{"name": "a", "tags": "hat", "trigger": "", "share": None, **fields}]}


def findings(said, kind):
    return {one["field"]: one["text"] for one in said["findings"] if one["kind"] == kind}


def test_the_page_opens_with_what_was_read_and_what_is_offered(client):
    page = client.get("/")
    assert "base puppet, which reads tags" in page.text
    assert "http" not in page.text.replace("http-equiv", ""), "nothing comes from elsewhere"
    state = client.get("/api/draft").json()
    assert [row["file"] for row in state["form"]["seeds"]] == ["seed.png", "other.png"]
    sure, unsure = state["readings"]
    assert sure["text"] == 'read as "red hair", 55 times as likely as the next word; by embedded:clip, on heads'
    assert (sure["word"], unsure["word"]) == ("red hair", "")
    assert "braid" in state["vocabulary"]["hair_style"]
    assert "forest" in state["offered"]["backgrounds"]
    assert client.get("/seeds/1").headers["content-type"] == "image/png"
    assert client.get("/seeds/2").status_code == 404


def test_captions_prompts_and_blanks_follow_what_is_typed(client, form):
    said = look(client, form, trigger="mikonee")
    caption = "mikonee, 1girl, solo, red hair, braid, red dress, from front, portrait, smile, forest"
    assert said["captions"]["seed.png"] == caption
    assert [one["view"] for one in said["prompts"]] == list(CONFIG.views.families)
    assert all(one["prompt"].startswith("mikonee, 1girl, solo, red hair") for one in said["prompts"])
    blanks = findings(said, "blank")
    assert blanks["invariant.eyes"] == "blank: eyes is empty"
    assert {"seeds.1.view", "seeds.1.framing", "seeds.0.tags"} <= set(blanks)
    assert "seeds.0.view" not in blanks
    green = [{"part": "hair", "tags": "green hair"}, {"part": "eyes", "tags": "green eyes"}]
    said = look(client, form, invariant=green)
    assert "green hair, green eyes" in said["captions"]["seed.png"]
    assert "invariant.eyes" not in findings(said, "blank")


@pytest.mark.parametrize("base", ["puppet", "illustrious", "sdxl"])
def test_the_prompts_are_those_of_a_run(base):
    config = load(base)
    character = Character(name="Mika", trigger="mkachr", invariant={"hair": "red hair"})
    loop, maker = config.schedule, JobMaker(Wording.of(character, config), config)
    planner = WavePlanner(Planner(character, config.views, config.subject), maker, loop)
    goal = (*loop.goals, loop.target)[0]
    shots = planner.shots(SimpleNamespace(jobs=[]), places(goal, loop.target, config.views))
    wave = Wave(1, 1, frozenset(character.identity), adapter=config.trains_to_draw)
    drawn = dict[str, str]()
    for job in planner.candidates(wave, shots):
        drawn.setdefault(job.shot.view_family, job.prompt)
    assert {one["view"]: one["prompt"] for one in first_prompts(character, config, [])} == drawn


@pytest.mark.parametrize(
    ("fields", "field", "kind", "words"),
    [
        ({"trigger": "cat"}, "trigger", "note", "is an ordinary word"),
        ({"trigger": "a, b"}, "trigger", "problem", "without commas"),
        ({"name": ""}, "name", "problem", "must not be empty"),
        ({"forbidden": "red dress"}, "forbidden", "problem", "also belongs to the character"),
        ({"core": "1girl, hatsune miku"}, "core", "note", "names another character"),
        ({"poses": ["siting"]}, "poses", "note", "did you mean 'sitting'"),
        ({"invariant": [{"part": "always worn", "tags": "TODO"}]}, "invariant.always worn", "blank", "placeholder"),
        (outfit(trigger="mkachr"), "trigger", "problem", "twice"),
        (outfit(share=4.0), "outfits.a.share", "problem", "less"),
        ({"invariant": [{"part": "hair", "tags": "a"}] * 2}, "invariant.hair", "problem", "twice"),
        ({"seeds": [{"file": "seed.png", "view": "", "framing": "", "outfit": "night", "tags": ""}]}, "seeds.0.outfit",
         "problem", "not in outfits"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_wrong_stands_beside_its_field(client, form, fields, field, kind, words):
    assert words in findings(look(client, form, **fields), kind)[field]


def test_saving_keeps_comments_and_overwrites_nothing_unasked(client, form, draft):
    assert client.post("/api/save", json={"form": {**form, "name": ""}}).status_code == 400
    assert not draft.out.exists()
    answer = client.post("/api/save", json={"form": {**form, "name": "Miko"}}).json()
    assert answer == {
        "saved": str(draft.out),
        "backup": "",
        "next": ["bootstrap check seed.png", "bootstrap run seed.png"],
    }
    assert load_character(draft.out).name == "Miko"
    assert json.loads(draft.out.read_text())["_"] == "comments stay"
    assert client.post("/api/save", json={"form": form}).status_code == 200, "its own file it may replace"
    draft.out.write_text("mine")
    refused = client.post("/api/save", json={"form": form})
    assert (refused.status_code, draft.out.read_text()) == (409, "mine")
    draft.out.write_text("mine, changed since")
    again = client.post("/api/save", json={"form": form, "replace": refused.json()["version"]})
    assert (again.status_code, draft.out.read_text()) == (409, "mine, changed since")
    saved = client.post("/api/save", json={"form": form, "replace": again.json()["version"]}).json()
    assert Path(saved["backup"]).read_text() == "mine, changed since"
    assert load_character(draft.out).name == "Mika"


def test_a_foreign_page_writes_nothing(client, form, draft):
    for headers in ({"origin": "http://evil.example"}, {"x-review": ""}, {"host": "evil.example"}):
        assert client.post("/api/save", json={"form": form}, headers=headers).status_code == 403
    assert client.post("/api/save", json={"form": {**form, "out": "/etc/passwd"}}).status_code == 422
    assert (
        client.post("/api/save", content=b"[" * 9000, headers={"content-type": "application/json"}).status_code == 422
    )
    assert client.get("/static/..%2f..%2fserve.py").status_code == 404
    assert not draft.out.exists()
