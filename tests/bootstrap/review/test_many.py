"""Several pictures at once: one action that is undone as a whole, near-duplicates in pairs, reasons in plain words."""

from dataclasses import replace

import pytest
from PIL import Image

from bootstrap.records import Verdict, VerdictKind
from bootstrap.report.scorer_roles import scorer_texts
from bootstrap.review.near_duplicates import NearDuplicates
from bootstrap.review.plain_words import gate_sentences, legend, likeness_sentences, reading_of
from scoring.measurement import Measurement, not_applicable


def many(client, bodies, key="key-00000001"):
    return client.post("/api/verdicts/many", json={"verdicts": bodies, "key": key})


def test_many_are_rejected_and_taken_back_as_one_action(client, store, ids):
    before = store.verdicts()
    bodies = [{"id": id, "verdict": "reject", "reasons": ["hands"], "seen": 0} for id in ids]
    answers = many(client, bodies).json()["answers"]
    assert {store.verdicts()[id].reasons for id in ids} == {("hands",)}
    assert many(client, bodies).json()["answers"][0]["version"] == answers[0]["version"], "sent again: counts once"
    rows = sum(len(store.verdict_history(id)) for id in ids)
    frames = [{"id": id, "seen": one["version"]} for id, one in zip(ids, answers, strict=True)]
    undone = client.post("/api/undo/many", json={"frames": frames, "key": "key-00000002"}).json()["answers"]
    assert [one["by"] for one in undone] == ["gate"] * len(ids)
    assert store.verdicts() == before
    assert sum(len(store.verdict_history(id)) for id in ids) == rows + len(ids), "rows are only appended"


def test_undoing_many_leaves_what_another_window_judged_since(client, store, ids):
    answers = many(client, [{"id": id, "verdict": "reject"} for id in ids[:2]]).json()["answers"]
    client.post("/api/verdicts", json={"id": ids[0], "verdict": "keep", "key": "key-elsewhere"})
    frames = [{"id": id, "seen": one["version"]} for id, one in zip(ids, answers, strict=False)]
    undone = client.post("/api/undo/many", json={"frames": frames, "key": "key-00000002"}).json()["answers"]
    assert [one["taken"] for one in undone] == [False, True]
    assert store.verdicts()[ids[0]].kind is VerdictKind.KEEP


@pytest.mark.parametrize("wrong", [{"id": "nobody"}, {"reasons": ["charm"]}])
def test_where_one_is_refused_none_is_judged(client, store, ids, wrong):
    before = store.verdicts()
    good = {"id": ids[0], "verdict": "reject", "reasons": []}
    assert many(client, [good, {**good, "id": ids[1], **wrong}]).status_code in (400, 404)
    assert store.verdicts() == before


def test_the_page_names_the_run_for_the_command_to_copy(client, store):
    assert f'data-folder="{store.directory}"' in client.get("/").text


def add(store, like, id, image, verdict):
    """A candidate beside another one, with a verdict."""
    job = replace(store.frame(like).job, id=id, shot=replace(store.frame(like).job.shot, take=99))
    store.plan([job])
    store.add_frames([(job, image, "")], "", "fake")
    store.set_verdicts([replace(verdict, frame=id)], 1, 1)


def test_pairs_are_near_copies_in_the_set_and_what_the_gate_left_out_for_one(client, store, ids):
    slope = Image.linear_gradient("L").resize((64, 64)).convert("RGB")
    keep = Verdict("", VerdictKind.KEEP, "gate", ())
    add(store, ids[0], "candidate-a", slope, keep)
    add(store, ids[0], "candidate-b", slope.point(lambda value: min(255, value + 2)), keep)
    add(store, ids[0], "candidate-c", slope.rotate(90), keep)
    add(
        store,
        ids[0],
        "candidate-d",
        slope.rotate(45),
        Verdict("", VerdictKind.REJECT, "gate", ("near-duplicate of candidate-c",)),
    )
    ours = {"candidate-a", "candidate-b", "candidate-c", "candidate-d"}
    pairs = [one for one in NearDuplicates(store).pairs() if {one["one"], one["other"]} <= ours]
    found = [one["one"][-1] + one["other"][-1] for one in pairs]
    assert found == ["ab", "cd"]
    assert pairs[0]["bits"] == 0
    (store.directory / store.frame("candidate-b").path).unlink()
    assert client.get("/api/near-duplicates").json()["gate_bits"] == 0, "that of the fake panel"
    assert "candidate-b" not in client.get("/api/near-duplicates").text, "a lost picture is in no pair"


@pytest.mark.parametrize(("reason", "said"), [
    ("fills behind/full body 2→3", "It fills a place that was empty: behind/full body, now 3 kept there."),
    ("passes; behind/upper body is full: 1", "It passes, but behind/upper body has its 1 already."),
    ("provisional: fills a/b 0→1", "Nothing that passes fills its place, a/b, so it stands there for now."),
    ("passes; no place is left", "It passes, but no place is left."),
    ("near-duplicate of candidate-9", "It nearly repeats a picture of the set, candidate-9."),
    ("not far enough above the decoys", "Too many decoys of the same views are as alike to the seed."),
    ("traits: not as asked: skin -1.8", 'The check "traits" reads something else than was asked: skin -1.8.'),
    ("defects -0.31", 'The check "defects" fails: -0.31, and 0 or more passes.'),
    ("copy: copy of a seed", 'The check "copy" fails: copy of a seed.'),
    ("of a version: to come", "Of a version: to come."),
])  # fmt: skip
def test_stored_reasons_are_told_in_plain_words(store, ids, reason, said):
    verdict = Verdict(ids[0], VerdictKind.REJECT, "gate", (reason,))
    assert gate_sentences(store, store.frame(ids[0]), [verdict])[0] == said
    assert gate_sentences(store, store.frame(ids[0]), []) == []


@pytest.fixture
def behind(store, ids):
    """The frame from behind, with its traits not read."""
    return next(frame for frame in store.frames(ids=ids) if frame.job.shot.view_family == "behind")


NEAR = {"seed": {"number": 0, "similarity": 0.54}, "decoy": {"id": "d", "similarity": 0.92}}


def test_a_liker_stranger_never_stands_there_without_a_word(store, behind):
    kept = {behind.job.id: 0.54, "other": 0.4, "unknown": None}
    told = likeness_sentences(store, behind, NEAR, kept)
    assert told[0] == "Likest to the seed of 2 kept from behind."
    assert told[1] == "The nearest stranger, a decoy from behind, is liker to it than the seed is (0.92 against 0.54)."
    assert told[-1].endswith("no scorer could read its traits, so compare the pictures yourself.")
    read = Measurement(-0.6, "not as asked: hair_color -0.2, ears -0.6")
    store.add_measurements({behind.job.id: {"traits": read}}, {"traits": "v"})
    assert likeness_sentences(store, behind, NEAR, kept)[-1].endswith("look at the hair color and ears.")
    assert "Read as wrong: hair color and ears." in gate_sentences(store, behind, store.verdict_history(behind.job.id))


def test_what_is_unknown_is_called_so(store, behind):
    nothing = {"seed": None, "decoy": None}
    assert "unknown" in likeness_sentences(store, behind, nothing, {})[0]
    assert likeness_sentences(store, behind, {**NEAR, "decoy": None}, {})[-1].startswith("No decoy of these views")
    good = {**NEAR, "decoy": {"id": "d", "similarity": 0.3}}
    told = likeness_sentences(store, behind, good, {"one": 0.6, "two": 0.2})
    assert told == ["Of 2 kept from behind, 1 is liker to the seed.",
                    "The seed is liker to it than the nearest stranger, a decoy from behind: good."]  # fmt: skip
    store.add_measurements({behind.job.id: {"traits": not_applicable("too small")}}, {"traits": "v"})
    assert "No scorer could read its traits." in gate_sentences(store, behind, store.verdict_history(behind.job.id))


def test_every_number_has_a_legend_and_every_value_a_reading(store, client):
    told, texts = legend(store), scorer_texts(store)
    assert set(texts) | {"p", "alike"} <= set(told)
    assert client.get("/api/frames").json()["legend"] == told
    assert reading_of(texts["defects"], Measurement(-0.2)) == "fails"
    assert reading_of(texts["defects"], Measurement(0.2)) == "passes"
    wrong = "not as asked: ears -0.2"
    assert reading_of(texts["traits"], Measurement(-0.2, wrong)) == f"below 0: {wrong}"
    assert reading_of(texts["clip"], Measurement(0.9)) == "likeness; its p tells how rare"
    assert reading_of(None, not_applicable("no face")) == "no face"
