"""The page lists what nobody judged, and the fits to a person's verdicts."""

from bootstrap.events import ApprovalGiven
from bootstrap.records import VerdictKind
from bootstrap.report import write_report
from bootstrap.review.person_verdicts import judge
from bootstrap.store.decisions import RoundApproved, VerdictFit


def page(store):
    return write_report(store, store.directory / "report.html", "Mika").read_text()


def test_a_run_without_a_person_has_no_such_section(store):
    assert "What a person decided" not in page(store)


def test_a_round_that_went_on_without_a_person_names_the_frames_that_nobody_judged(store):
    ids = [id for id, one in store.verdicts().items() if (one.kind, one.by) == (VerdictKind.KEEP, "gate")][:3]
    store.decide(RoundApproved(1, "timed", 0, tuple(ids)), ApprovalGiven(1, "timed", 0, 3))
    assert "Round 1 went on alone (the time given to a person was over): nobody had judged 3 kept frames" in page(store)
    judge(store, store.frame(ids[0]), VerdictKind.KEEP)
    text = page(store)
    assert "1 of them were judged since" in text
    assert "2 that nobody has judged yet" in text
    store.decide(RoundApproved(2, "person", 4, ()), ApprovalGiven(2, "person", 4, 0))
    assert "Round 2 went on" not in page(store)


def test_a_fit_is_a_row_with_its_quality_beside_the_weakest_scorer_s(store):
    fit = VerdictFit(
        round=2, wave=1, scorers=("clip", "face"), bias=0, weights=(0.1, 1.25), silent=(0, 0), verdicts=42, rejected=9,
        loss=0.31, rule_loss=0.52, auc=0.91, rule_auc=0.7, used=True, rate=0.2, least=None, wrong=0.119,
    )  # fmt: skip
    store.decide(fit)
    text = page(store)
    assert "<td>2, 1</td><td>42 (9 rejected)</td><td>yes</td><td>0.310</td><td>0.520</td>" in text
    assert "clip 0.10, face 1.25" in text
    assert "at most 20%; 12% of these" in text
