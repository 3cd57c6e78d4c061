"""The page says whose verdicts were nobody's, and what a person's taught."""

import json

from bootstrap.events import ApprovalGiven
from bootstrap.records import VerdictKind
from bootstrap.report import write_report
from bootstrap.review.person_verdicts import judge


def page(store):
    return write_report(store, store.directory / "report.html", "Mika").read_text()


def test_a_run_that_nobody_was_asked_about_has_no_such_section(store):
    assert "What a person said" not in page(store)


def test_a_round_that_a_clock_let_go_on_names_nobodys_verdicts(store):
    ids = [id for id, one in store.verdicts().items() if (one.kind, one.by) == (VerdictKind.KEEP, "gate")][:3]
    store.decide("gate-r01", json.dumps({"by": "timed", "judged": 0, "unseen": ids}), ApprovalGiven(1, "timed", 0, 3))
    assert "Round 1 went on alone (the time given to a person was over): 3 kept frames" in page(store)
    judge(store, store.frame(ids[0]), VerdictKind.KEEP)
    text = page(store)
    assert "1 of them were judged since" in text
    assert "2 that nobody has judged yet" in text
    store.decide("gate-r02", json.dumps({"by": "person", "judged": 4, "unseen": []}), ApprovalGiven(2, "person", 4, 0))
    assert "Round 2 went on" not in page(store)


def test_a_lesson_is_a_row_with_what_it_was_worth(store):
    told = {"scorers": ["clip", "face"], "weights": [0.1, 1.25], "silent": [0, 0], "bias": 0, "verdicts": 42,
            "rejected": 9, "loss": 0.31, "rule_loss": 0.52, "auc": 0.91, "rule_auc": 0.7, "used": True, "rate": 0.2,
            "least": None, "wrong": 0.119}  # fmt: skip
    store.decide("lesson-r02w1", json.dumps(told))
    text = page(store)
    assert "<td>2, 1</td><td>42 (9 rejected)</td><td>yes</td><td>0.310</td><td>0.520</td>" in text
    assert "clip 0.10, face 1.25" in text
    assert "at most 20%; 12% of these" in text
