"""What the page's routes answer, and what they change."""

import io

import pytest
from PIL import Image, PngImagePlugin

from bootstrap.dataset.generated import GeneratedFrames
from bootstrap.records import JobKind, VerdictKind
from bootstrap.store.decisions import ApprovalOpened, ApprovalRequested


def judge(client, id, verdict, **more):
    return client.post("/api/verdicts", json={"id": id, "verdict": verdict, **more}).json()


def test_the_page_and_all_it_asks_for_come_from_here(client, ids):
    page = client.get("/").text
    assert '<ol id="grid"' in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    for path in ("/static/review.js", "/static/review.css", "/seeds/0", f"/pictures/{ids[0]}"):
        assert client.get(path).status_code == 200, path


def test_the_album_tells_every_candidate_with_its_verdict_and_the_quotas(client, ids):
    body = client.get("/api/frames").json()
    assert [row["id"] for row in body["frames"]] == ids
    assert {row["verdict"] for row in body["frames"]} == {"keep", "provisional"}
    assert sum(body["quotas"]["view_family"].values()) == 4
    assert body["reasons"] == ["face", "outfit", "hands", "view", "duplicate", "style"]
    assert body["waits"] is None


def test_a_verdict_is_a_row_and_its_undo_too(client, store, ids):
    body = judge(client, ids[0], "reject", reasons=["hands"], seen=0, key="key-00000001")
    assert body == {"version": body["version"], "taken": True, "other": None}
    assert store.verdicts()[ids[0]].kind is VerdictKind.REJECT
    undone = client.post("/api/undo", json={"id": ids[0], "seen": body["version"]}).json()
    assert (undone["verdict"], undone["by"]) == ("keep", "gate")


def test_another_windows_word_is_told_and_never_lost(client, store, ids):
    judge(client, ids[0], "keep", seen=0, key="key-window-a")
    body = judge(client, ids[0], "reject", seen=0, key="key-window-b")
    assert body["other"]["verdict"] == "keep"
    judge(client, ids[0], "keep", seen=0, key="key-window-a")  # the first window sends again: its answer was lost
    assert store.verdicts()[ids[0]].kind is VerdictKind.REJECT
    assert len(store.verdict_history(ids[0])) == 3
    version, verdict, by, _ = client.get("/api/verdict-states").json()[ids[0]]
    assert (version, verdict, by) == (body["version"], "reject", "person")


def test_the_explanation_names_p_answers_and_what_could_not_be_told(client, ids):
    body = client.get(f"/api/frames/{ids[0]}").json()
    assert body["p"] == 0.01
    assert {"scorer": "face", "value": None, "why": "no face from behind"} in body["answers"]
    assert "forest" not in body["caption"], "a caption drops what the picture does not show"
    assert body["written"] is False


def test_a_caption_of_ones_own_reaches_the_dataset(client, store, ids, config, character):
    from bootstrap.captions.wording import Wording

    body = client.post("/api/captions", json={"id": ids[1], "caption": " mikachr,, my  own words "}).json()
    assert body == {"caption": "mikachr, my  own words", "written": True}
    wording = Wording(character, config.views, config.subject, config.panel.vocabulary)
    frames = GeneratedFrames(store.directory, store.frames(ids=ids[:2]), written=store.person.captions())
    plain = frames.items(config, wording, "character")
    assert plain[1].caption == "mikachr, my  own words"
    assert "smile" in plain[0].caption
    named = frames.items(config, wording, "style")
    assert named[1].tags[:2] == ("mikachr", "my  own words")
    assert "cat ears" in named[1].tags, "the style phase names the identity all the same"
    assert client.post("/api/captions", json={"id": ids[1], "caption": ""}).json()["written"] is False


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("A girl smiles, standing in a forest.", ["A girl smiles, standing in a forest."]),
        ("smile, (,_,), :,(", ["smile", "(,_,)", ":,("]),
        ("smile\nforest ||| night", ["smile", "forest", "night"]),
        ("A girl smiles.\nforest\nShe waves at you.", ["A girl smiles.", "forest", "She waves at you."]),
    ],
)
def test_a_caption_that_is_typed_is_read_as_one_in_a_file_is(client, store, ids, config, character, typed, read):
    from bootstrap.captions.wording import Wording

    client.post("/api/captions", json={"id": ids[0], "caption": typed})
    assert client.get(f"/api/frames/{ids[0]}").json()["caption"] == ", ".join(read)
    frames = GeneratedFrames(store.directory, store.frames(ids=ids[:1]), written=store.person.captions())
    wording = Wording(character, config.views, config.subject, config.panel.vocabulary)
    assert frames.items(config, wording, "character")[0].tags == ("mikachr", *read)


def test_thumbnails_have_three_sizes_and_are_kept(client, store, ids):
    width = store.frame_image(store.frame(ids[0])).width
    for size, side in (("s", 96), ("m", 192), ("l", 384)):
        answer = client.get(f"/thumbs/{size}/{ids[0]}")
        assert Image.open(io.BytesIO(answer.content)).width == min(side, width), "never enlarged"
        assert "immutable" in answer.headers["cache-control"]
    thumbs = list((store.directory / "review" / "thumbs").iterdir())
    assert len(thumbs) == 3
    thumbs[0].write_bytes(b"")  # as after a power cut
    for size in ("s", "m", "l"):
        assert Image.open(io.BytesIO(client.get(f"/thumbs/{size}/{ids[0]}").content)).format == "WEBP"
    assert client.get(f"/thumbs/xl/{ids[0]}").status_code == 404


def test_a_lost_picture_is_a_hole_in_the_page_not_an_error(client, store, ids):
    (store.directory / store.frame(ids[0]).path).unlink()
    assert client.get(f"/thumbs/s/{ids[0]}").status_code == 404
    assert client.get("/api/frames").status_code == 200


def test_nobody_judges_a_picture_that_another_program_put_in_the_place_of_a_frame(client, store, ids):
    (store.directory / store.frame(ids[0]).path).write_bytes(picture("lime"))
    assert {client.get(f"/{page}/{ids[0]}").status_code for page in ("thumbs/m", "pictures")} == {404}


def picture(color="red", **chunks):
    info = PngImagePlugin.PngInfo()
    for name, text in chunks.items():
        info.add_text(name, text)
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), color).save(buffer, format="PNG", pnginfo=info)
    return buffer.getvalue()


def test_a_picture_of_ones_own_is_a_candidate_encoded_anew(client, store, ids):
    answer = client.post(f"/api/pictures?like={ids[0]}", content=picture(secret="where I live"))
    frame = store.frame(answer.json()["id"])
    like = store.frame(ids[0])
    assert (frame.job.kind, frame.job.shot.view_family) == (JobKind.CANDIDATE, like.job.shot.view_family)
    assert b"where I live" not in (store.directory / frame.path).read_bytes()
    assert frame.job.id in {row["id"] for row in client.get("/api/frames").json()["frames"]}
    again = client.post(f"/api/pictures?like={ids[0]}", content=picture())
    assert again.json() == answer.json()


@pytest.mark.parametrize("data", [b"", b"no picture", picture()[:60], b"<svg xmlns='http://www.w3.org/2000/svg'/>"])
def test_what_is_no_picture_is_refused_in_a_line(client, store, ids, data):
    before = store.jobs()
    answer = client.post(f"/api/pictures?like={ids[0]}", content=data)
    assert answer.status_code == 400
    assert "not a picture" in answer.json()["error"]
    assert store.jobs() == before


def test_a_picture_with_too_many_pixels_is_refused_before_it_is_decoded(client, ids, monkeypatch):
    from bootstrap.review import thumbnails

    monkeypatch.setattr(thumbnails, "MOST_PIXELS", 1000)
    answer = client.post(f"/api/pictures?like={ids[0]}", content=picture())
    assert "too large" in answer.json()["error"]


def test_a_round_that_waits_is_let_go(client, store):
    assert client.post("/api/approval", json={}).json() == {"round": None}
    store.decide(ApprovalRequested(1, "2026-01-01T00:00:00+00:00", 0))
    assert client.get("/api/frames").json()["waits"] == 1
    assert client.post("/api/approval", json={}).json() == {"round": 1}
    assert store.decided(ApprovalOpened, round=1)


def test_reasons_are_those_of_the_kind_of_subject(client, store, ids, config):
    weapon = config.model_copy(update={"subject": config.subject.model_copy(update={"reasons": ("blade", "hilt")})})
    store.remember("config", weapon.model_dump_json())
    assert client.get("/api/frames").json()["reasons"] == ["blade", "hilt"]
    assert "error" in judge(client, ids[0], "reject", reasons=["hands"])
    judge(client, ids[0], "reject", reasons=["hilt"])
    assert store.verdicts()[ids[0]].reasons == ("hilt",)
