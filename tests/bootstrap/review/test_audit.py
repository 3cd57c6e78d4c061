"""A blind audit: drawn once, nothing of the gate leaves the server, and the report shows how far a person agrees."""

import json

import pytest
from starlette.testclient import TestClient

from bootstrap.errors import UsageError
from bootstrap.records import VerdictKind
from bootstrap.report import write_report
from bootstrap.review.person_verdicts import judge
from bootstrap.review.web_app import build
from bootstrap.runs.blind_audit import SIZE, audit_of, begin_audit

HOSTS = frozenset({"testserver"})


@pytest.fixture
def page(store):
    """A client of the audit page of round 1: three frames that the gate kept, one that it did not."""
    begin_audit(store, 1)
    with TestClient(build(store, HOSTS, audit=1), headers={"x-review": "1"}) as one:
        yield one


def answer(page, id, verdict, key):
    return page.post("/api/verdicts", json={"id": id, "verdict": verdict, "key": key}).json()


def test_frames_are_drawn_once_among_those_that_nobody_judged(store, ids):
    judge(store, store.frame(ids[0]), VerdictKind.KEEP)
    first = begin_audit(store)
    assert (first.round, first.population, set(first.gate)) == (1, 3, set(ids[1:]))
    assert sorted(first.gate.values()) == ["keep", "keep", "undecided"]
    judge(store, store.frame(ids[1]), VerdictKind.KEEP)
    assert begin_audit(store, 1).gate == first.gate, "the same frames, whatever verdicts come meanwhile"
    assert len(first.gate) <= SIZE


def test_no_verdict_of_the_gate_leaves_the_server(page, ids):
    album = page.get("/api/frames").json()
    assert {row["id"] for row in album["frames"]} == set(ids)
    hidden = {(row["verdict"], row["by"], row["doubt"], *row["reasons"]) for row in album["frames"]}
    assert hidden == {("", "", 0)}
    assert page.get("/api/verdict-states").json() == {}
    for id in ids:
        text = page.get(f"/api/frames/{id}").text
        assert "fills it" not in text
        assert not json.loads(text)["answers"]
        assert page.get(f"/api/nearest/{id}").json() == {"seed": None, "decoy": None, "p": {}, "plain": []}
        assert not json.loads(text)["plain"]
    assert 'data-audit="1"' in page.get("/").text
    answer(page, ids[0], "reject", "audit-000000")
    assert page.post("/api/undo", json={"id": ids[0]}).json()["verdict"] == ""
    assert "fills it" not in page.get("/api/frames").text
    assert page.get("/api/near-duplicates").json() == {"pairs": []}
    many = [{"id": id, "verdict": "reject"} for id in ids[:2]]
    page.post("/api/verdicts/many", json={"verdicts": many, "key": "audit-000001"})
    undone = page.post("/api/undo/many", json={"frames": [{"id": id} for id in ids[:2]], "key": "undo-000001"}).json()
    assert [one["verdict"] for one in undone["answers"]] == ["", ""]


def test_the_first_blind_verdict_counts_and_later_ones_do_not_change_the_audit(store, page, ids):
    answer(page, ids[0], "reject", "audit-00000001")
    judge(store, store.frame(ids[0]), VerdictKind.KEEP)  # on the page that shows the scores
    judge(store, store.frame(ids[1]), VerdictKind.KEEP)  # not blind: no answer
    answer(page, ids[2], "keep", "audit-00000002")
    page.post("/api/undo", json={"id": ids[2]})
    answer(page, ids[3], "keep", "audit-00000003")
    found = audit_of(store, 1)
    assert found.answers == {ids[0]: VerdictKind.REJECT, ids[3]: VerdictKind.KEEP}
    assert (found.false_keeps.hits, found.false_keeps.count) == (1, 2)
    assert (found.agreement.hits, found.agreement.count) == (1, 2)
    assert store.verdicts()[ids[0]].kind is VerdictKind.KEEP, "the audit's answers are verdicts like any other"


def test_the_report_states_the_agreement_with_its_bound(store, page, ids, tmp_path):
    for n, id in enumerate(ids):
        answer(page, id, "reject" if n == 0 else "keep", f"audit-0000000{n}")
    text = write_report(store, tmp_path / "report.html", "Mika").read_text()
    assert "Blind audit of round 1: 4 frames" in text
    assert "<td>1 of 3</td><td>33%</td><td>1% to 91%</td>" in text
    assert "Clopper-Pearson" in text


def test_what_cannot_be_audited_is_one_line(store, ids, call):
    with pytest.raises(UsageError, match='no finished round "7"'):
        begin_audit(store, 7)
    for id in ids:
        judge(store, store.frame(id), VerdictKind.KEEP)
    with pytest.raises(UsageError, match="nothing left to audit"):
        begin_audit(store)
    done = call("review", store.directory, "--round", "2")
    assert (done.code, '--round "2" belongs to --audit' in done.line) == (2, True)
