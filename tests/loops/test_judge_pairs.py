"""A model that looks at undecided frames beside a seed: heard where it tells, asked once, never in the way of a run."""

import json
import shutil
from collections import Counter
from dataclasses import replace
from itertools import product

import pytest

from bootstrap.character import stored_character
from bootstrap.cli import main
from bootstrap.config import stored_config
from bootstrap.errors import BackendError
from bootstrap.events import Noted
from bootstrap.readers.asking import AskingReader, Utterance
from bootstrap.records import JobKind
from bootstrap.review.album import explanation
from bootstrap.store.reader_decisions import PairRead, PairsChosen
from bootstrap.store.store import Store
from loops.judge_pairs import judge_pairs
from loops.open_engine import open_engine
from loops.ranking import gated
from scoring.measurement import digest_of
from scoring.second_look import PAIR_DEFECTS, PAIR_JUDGE, naming, telling
from tests.loops.conftest import TINY, described

MORE = ["loop.lookalikes=30", "loop.target=8", "loop.goals=[4]", "loop.gate_level=0.1", "loop.rounds=1"]
LESS = ["loop.acceptance.weights=[]", "loop.showcase=0", "loop.final_candidates=1", "loop.trigger_pictures=0"]


class Witness:
    """Knows of every picture of a run whether it shows the character; leans to the seed where it stands first.

    ``answers`` makes another answer of the true one; before question number ``last`` the process is stopped.
    """

    name = fingerprint = "witness"

    def __init__(self, store, answers=None):
        self.jobs = {frame.digest: frame.job for frame in store.frames()}
        self.asked, self.answers, self.last = Counter(), answers or (lambda job, answer: answer), None

    def say(self, turns, images, schema):
        if self.asked.total() == self.last:
            raise KeyboardInterrupt
        digests = [digest_of(image) for image in images]
        (job,) = [self.jobs[digest] for digest in digests if digest in self.jobs]
        seed_first = digests[1] in self.jobs
        self.asked[job.id, seed_first] += 1
        same = (80 if job.kind is JobKind.CANDIDATE else 10) + 10 * seed_first
        answer = self.answers(job, {"same": same, "differs": ["hair colour"] if same < 50 else [], "defects": []})
        return Utterance(answer if isinstance(answer, str) else json.dumps(answer))

    def close(self):
        """There is nothing to free."""


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A run that stopped when its first wave was measured: its folder, and the arguments that made it."""
    folder = tmp_path_factory.mktemp("measured")
    arguments = ["run", *described(folder, [*TINY, *MORE, *LESS]), "--judge", "vllm"]

    def stop(engine, number, wave):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("loops.round.judge_pairs", stop)
        with pytest.raises((SystemExit, KeyboardInterrupt)):
            main([*arguments, "--out", str(folder / "run")])
    return folder / "run", arguments


@pytest.fixture
def engine(measured, tmp_path):
    """That run, open, in a folder of its own."""
    with Store.open(shutil.copytree(measured[0], tmp_path / "run")) as store:
        config, character = stored_config(store.recall("config")), stored_character(store.recall("character"))
        yield open_engine(store, config, character, [measured[0].parent / "seed.png"])


@pytest.fixture
def judged(monkeypatch):
    """Ask a witness about a wave of an engine."""

    def ask(engine, witness):
        def opened(settings, answers, *, allow_upload=False):
            return AskingReader(witness, answers)

        monkeypatch.setattr("loops.judge_pairs.open_reader", opened)
        judge_pairs(engine, 1, 1)

    return ask


def chosen(engine):
    return engine.store.decided(PairsChosen, round=1, wave=1)


def values(engine):
    found = engine.store.measurements()
    return {id: row[PAIR_JUDGE] for id, row in found.items() if PAIR_JUDGE in row}


def notes(engine):
    return [one.text for one in engine.store.events() if isinstance(one, Noted) and "the judge" in one.text]


def test_it_is_heard_where_it_tells_and_its_reason_is_shown(engine, judged):
    before = gated(engine.archive(), engine.judges, engine.config)
    others = set()

    def answers(job, answer):
        wrong = job.id in others
        return {**answer, "same": 0, "differs": ["eyes", "hair colour"], "defects": ["hands"]} if wrong else answer

    witness = Witness(engine.store, answers)
    undecided = [frame.job.id for frame in before.candidates if frame not in before.admitted]
    others.update(undecided[::2])
    judged(engine, witness)
    asked = chosen(engine)
    liked, disliked = [*{*asked.undecided} - others], [*{*asked.undecided} & others]
    assert liked
    assert disliked
    everything = {*asked.kept, *asked.decoys, *asked.undecided}
    assert witness.asked.keys() == {*product(everything, (True, False))}
    found, after = values(engine), gated(engine.archive(), engine.judges, engine.config)
    assert {found[id].value for id in liked} == {85.0}
    assert all(after.ranks[id].p <= before.ranks[id].p for id in liked)
    assert any(after.ranks[id].p < before.ranks[id].p for id in liked)
    assert {after.ranks[id].weakest for id in disliked} == {PAIR_JUDGE}
    assert all(after.ranks[id].p > before.ranks[id].p for id in disliked)
    assert {frame.job.id for frame in before.admitted} <= {frame.job.id for frame in after.admitted}
    shown = explanation(engine.store, engine.store.frame(disliked[0]))["answers"]
    (why,) = [one["why"] for one in shown if one["scorer"] == PAIR_JUDGE]
    assert why.endswith("eyes, hair colour differ; defects: hands")
    (note,) = notes(engine)
    assert "heard (AUC 1.00" in note
    assert "+" in note


def test_it_is_not_heard_at_chance(engine, judged):
    before = gated(engine.archive(), engine.judges, engine.config)
    witness = Witness(engine.store, lambda job, answer: {**answer, "same": 50})
    judged(engine, witness)
    asked = chosen(engine)
    assert {id for id, _ in witness.asked} == {*asked.kept, *asked.decoys}
    assert all(one.value is None for one in values(engine).values())
    assert all("at chance in" in values(engine)[id].why for id in asked.undecided)
    assert gated(engine.archive(), engine.judges, engine.config).ranks == before.ranks


def test_a_stopped_judge_asks_nothing_twice_and_ends_the_same(engine, judged, measured, tmp_path):
    witness = Witness(engine.store)
    witness.last = 7
    with pytest.raises(KeyboardInterrupt):
        judged(engine, witness)
    witness.last = None
    judged(engine, witness)
    assert set(witness.asked.values()) == {1}
    first = values(engine)
    judged(engine, witness)
    assert set(witness.asked.values()) == {1}
    with Store.open(shutil.copytree(measured[0], tmp_path / "other")) as store:
        judged(replace(engine, store=store), Witness(store))
        assert values(replace(engine, store=store)) == first


def test_no_more_frames_are_asked_about_than_the_budget_has(engine, judged):
    loop = engine.config.loop
    loop = loop.model_copy(update={"judge": loop.judge.model_copy(update={"most": 2})})
    engine = replace(engine, config=engine.config.model_copy(update={"loop": loop}))
    judged(engine, Witness(engine.store))
    assert len(chosen(engine).undecided) == 2
    assert len([one for one in engine.store.decisions(PairRead) if one.role == "undecided"]) == 2


def refusal(job, answer):
    raise BackendError("the reader at http://127.0.0.1 does not answer")


def broken(job, answer):
    raise RuntimeError("device-side assert")


@pytest.mark.parametrize(
    ("answers", "why"),
    [(refusal, "it did not answer"), (broken, "device-side assert"),
     (lambda job, answer: "Ignore the schema.", "was asked 3 times"),
     (lambda job, answer: {**answer, "differs": ["obey me"]}, "was asked 3 times")],
)  # fmt: skip
def test_a_judge_that_breaks_stands_in_nobodys_way(engine, judged, answers, why):
    before = gated(engine.archive(), engine.judges, engine.config)
    judged(engine, Witness(engine.store, answers))
    reads = engine.store.decisions(PairRead)
    assert reads
    assert all(one.same is None and why in one.why for one in reads)
    assert not any(one.value for one in values(engine).values())
    assert gated(engine.archive(), engine.judges, engine.config).ranks == before.ranks
    assert notes(engine)


def test_it_tells_from_few_pictures_only_what_they_can_show():
    assert telling([9, 8, 7], [1, 2, 3, 4]).able
    assert not telling([9], [1, 2, 3]).able
    assert not telling([5, 5, 5], [5, 5, 5]).able
    assert telling([], [1.0]).p == telling([1.0], []).p == 1
    assert not telling([1, 2, 3], [7, 8, 9]).able


def test_a_defect_that_it_names_oftener_than_on_kept_frames_is_a_check(engine, judged):
    before = gated(engine.archive(), engine.judges, engine.config)
    undecided = [frame.job.id for frame in before.candidates if frame not in before.admitted]
    kept = {frame.job.id for frame in before.admitted}

    def answers(job, answer):
        return {**answer, "defects": ["hands"] * (job.id in undecided) + ["letters"] * (job.id not in kept)}

    judged(engine, Witness(engine.store, answers))
    asked = chosen(engine)
    found = {id: row[PAIR_DEFECTS] for id, row in engine.store.measurements().items() if PAIR_DEFECTS in row}
    named = [id for id in asked.undecided if found[id].value is not None and found[id].value < 0]
    assert named
    assert {found[id].why for id in named} == {"hands, letters"}
    after = gated(engine.archive(), engine.judges, engine.config)
    assert all("pair defects: hands, letters" in after.failures[id] for id in named)
    assert {frame.job.id for frame in before.admitted} <= {frame.job.id for frame in after.admitted}
    shown = explanation(engine.store, engine.store.frame(named[0]))["answers"]
    assert [one["why"] for one in shown if one["scorer"] == PAIR_DEFECTS] == ["fails: hands, letters"]
    assert "defects that count: hands (named on" in notes(engine)[0]


def test_a_defect_that_it_names_everywhere_counts_for_nothing(engine, judged):
    before = gated(engine.archive(), engine.judges, engine.config)
    judged(engine, Witness(engine.store, lambda job, answer: {**answer, "defects": ["hands", "limbs"]}))
    found = {id: row[PAIR_DEFECTS] for id, row in engine.store.measurements().items() if PAIR_DEFECTS in row}
    assert all(one.value is None for one in found.values())
    assert any("hands counts for nothing (named on" in one.why for one in found.values())
    assert gated(engine.archive(), engine.judges, engine.config).failures == before.failures
    assert "defects that count: none" in notes(engine)[0]


def test_a_defect_counts_where_luck_and_a_strangers_look_do_not_explain_it():
    clean, hands = [()] * 6, [("hands",)] * 6
    assert naming("hands", clean, hands, [*clean, *hands]).counts
    assert not naming("hands", clean, [*clean, ("hands",)], clean).counts, "one of seven is no proof"
    assert not naming("hands", hands, hands, clean).counts
    assert not naming("hands", clean * 4, [*clean, *clean, *hands], hands * 4).counts, "it is the word for strangers"
    assert naming("hands", [], hands, []).p == naming("hands", clean, [], hands).p == 1
