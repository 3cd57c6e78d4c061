"""Hours that a person gave: what fits is decided once, stored, followed; the end is always a dataset and a LoRA."""

import pytest

from bootstrap.events import AdapterTrained, BatchGenerated, Incident, ScoresMeasured
from bootstrap.machine.clock import Clock
from bootstrap.machine.limits import limits_of
from bootstrap.store.decisions import AcceptanceBudget, RoundBudget, ShowcaseBudget, WaveBudget, WaveCut
from bootstrap.store.store import Store
from loops import budget
from loops.time_left import SECONDS_WORKED, STILL_VALID, Hours

HOUR = 3600.0


class Times:
    """Clocks that stand until they are moved; a night that begins at 22:00 UTC."""

    def __init__(self):
        self.awake = self.elapsed = 1000.0
        self.wall = 1_790_000_000.0

    def clock(self):
        return Clock(lambda: self.awake, lambda: self.elapsed, lambda: self.wall)

    def pass_by(self, seconds):
        self.awake, self.elapsed, self.wall = self.awake + seconds, self.elapsed + seconds, self.wall + seconds


@pytest.fixture
def times():
    return Times()


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "run", create=True) as opened:
        yield opened


def test_a_budget_counts_the_work_of_every_process(store, times):
    first = Hours(store, limits_of("8h", None), times.clock())
    times.pass_by(HOUR)
    first.save()
    times.pass_by(12 * HOUR)  # killed; nobody worked until the next evening
    second = Hours(store, limits_of("8h", None), times.clock())
    assert second.left == 7 * HOUR
    assert float(store.recall(SECONDS_WORKED)) == HOUR


def test_sleep_is_not_work(store, times):
    hours = Hours(store, limits_of("8h", None), times.clock())
    times.elapsed, times.wall = times.elapsed + 5 * HOUR, times.wall + 5 * HOUR
    assert hours.left == 8 * HOUR


def test_a_deadline_stands_for_its_night_and_a_later_night_has_its_own(store, times):
    first = Hours(store, limits_of(None, "07:30"), times.clock())
    left = first.left
    assert 0 < left <= 24 * HOUR
    times.pass_by(left + HOUR)  # killed at seven, continued an hour late: still that night
    late = Hours(store, limits_of(None, "07:30"), times.clock())
    assert late.left == pytest.approx(-HOUR, abs=60)
    assert late.key == first.key
    times.pass_by(STILL_VALID.total_seconds())
    assert Hours(store, limits_of(None, "07:30"), times.clock()).left > 0


def incidents(run):
    with Store.open(run, exclusive=False) as store:
        return [event.text for event in store.events() if isinstance(event, Incident) and event.what == "budget"]


def decisions(run):
    with Store.open(run, exclusive=False) as store:
        kinds = (RoundBudget, WaveBudget, WaveCut, AcceptanceBudget, ShowcaseBudget)
        return [one for kind in kinds for one in store.decisions(kind)]


def test_a_night_that_is_too_short_ends_with_a_dataset_and_a_lora(tiny, call, tmp_path, monkeypatch, before_picture):
    monkeypatch.setattr(budget, "REPORT", 1e6)  # nothing fits but what is always done
    run = tmp_path / "run"
    tiny = [*tiny, "--set", "base.sampling.batch_size=2"]
    done = call("run", *tiny, "--out", run, "--budget", "1s")
    assert done.code == 0, done.err
    assert any("no further round" in text for text in incidents(run))
    assert any("no acceptance: it takes about" in text for text in incidents(run))
    assert any("no showcase: it takes about" in text for text in incidents(run))
    assert not list(run.glob("frames/*/showcase-*")), "the first thing that is left out"
    assert not list(run.glob("frames/*/acceptance-*"))
    assert not (run / "showcase.png").exists()
    assert any("only time for" in text for text in incidents(run)), "the wave was cut short"
    assert list(run.glob("lora/*.safetensors"))
    assert (run / "report.html").is_file()
    assert "no further round" in (run / "report.html").read_text()
    with Store.open(run, exclusive=False) as store:
        assert len(store.rounds()) == 1
        assert store.missing_jobs(1), "what was not drawn stays planned"
    before = decisions(run)
    monkeypatch.setattr(budget, "REPORT", 0.0)
    drawn = []
    with before_picture(drawn.append):
        assert call("run", *tiny, "--out", run, "--budget", "1s").code == 0
    assert decisions(run) == before, "what was decided is followed, not decided again"
    assert not drawn
    assert call("run", *tiny, "--out", run).code == 0
    assert (run / "showcase.png").exists(), "without hours there is time for it"
    assert (run / "acceptance.html").exists()


def test_what_was_cut_stays_cut_when_the_run_is_killed_before_it_is_judged(tiny, call, tmp_path, monkeypatch):
    monkeypatch.setattr(budget, "REPORT", 1e6)
    run, tiny = tmp_path / "run", [*tiny, "--set", "base.sampling.batch_size=2", "--budget", "1s"]

    def dying(engine, frames):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("loops.round.measure", dying)
        assert call("run", *tiny, "--out", run).code == 130
    with Store.open(run, exclusive=False) as store:
        drawn = store.frames(1)
        assert store.missing_jobs(1)
    assert call("run", *tiny, "--out", run).code == 0
    with Store.open(run, exclusive=False) as store:
        assert store.frames(1) == drawn


def test_a_long_night_changes_nothing_but_its_decisions(tiny, grown, call, tmp_path):
    run = tmp_path / "run"
    assert call("run", *tiny, "--out", run, "--budget", "10h").code == 0
    assert not incidents(run)
    with Store.open(run, exclusive=False) as ours, Store.open(grown, exclusive=False) as theirs:
        assert [frame.digest for frame in ours.kept()] == [frame.digest for frame in theirs.kept()]
        assert len(ours.rounds()) == len(theirs.rounds())
    assert decisions(run)


NONSENSE = [("--budget", "soon"), ("--budget", "0h"), ("--budget", "100d"), ("--until", "25:00")]


@pytest.mark.parametrize(("room", "drawn_before", "fits"), [
    (25, False, "style"), (15, False, "character"), (5, False, None),
    (15, True, "style"), (5, True, None),
])  # fmt: skip
def test_a_round_that_fits_is_played_and_one_after_a_drift_needs_no_other(room, drawn_before, fits):
    assert budget.fitting_phase("style", "character", room, 10.0, 10.0, drawn_before=drawn_before) == fits


@pytest.mark.parametrize(("room", "fits"), [(15, "character"), (5, None)])
def test_a_finishing_round_needs_room_for_itself_alone(room, fits):
    assert budget.fitting_phase("character", "character", room, 10.0, 10.0, drawn_before=False) == fits


def test_speeds_are_those_of_all_events_and_0_before_the_first():
    events = [
        AdapterTrained(1, "r01-style", 10, 4, 0.1, 20.0), BatchGenerated(1, 0, 4, 2.0), BatchGenerated(1, 4, 4, 6.0),
        ScoresMeasured(1, 8, 4.0),
    ]  # fmt: skip
    assert budget.speeds_of(events) == budget.Speeds(2.0, 1.0, 0.5)
    assert budget.speeds_of([]) == budget.Speeds(0.0, 0.0, 0.0)


@pytest.fixture
def hour(store, times):
    """A budget of an hour for a run that has drawn 4 pictures at 10 s each; the finish takes some ten minutes."""
    store.append_event(BatchGenerated(1, 0, 4, 40.0))
    return budget.Budget(Hours(store, limits_of("1h", None), times.clock()), final_steps=100, final_candidates=4)


def test_what_was_decided_of_a_round_is_followed_and_reported_once(store, hour, times):
    asked, last = ("style", budget.Work(0, 200)), ("character", budget.Work(0, 200))
    assert budget.fitting_round(store, hour, 2, asked, last, drawn_before=False) == "character"
    times.pass_by(HOUR)
    assert budget.fitting_round(store, hour, 2, asked, last, drawn_before=False) == "character"
    assert budget.fitting_round(store, hour, 3, asked, last, drawn_before=False) is None
    texts = [event.text for event in store.events() if isinstance(event, Incident)]
    assert texts[0] == "time is left for one round: it is the character phase"
    assert texts[1].startswith("no further round: a round takes about 36 min and finishing ")
    assert len(texts) == 2


def test_a_further_wave_begins_where_half_of_it_fits(store, hour):
    assert budget.another_wave(store, hour, 1, 1, candidates=10**6), "the first always does"
    assert budget.another_wave(store, hour, 1, 2, candidates=500)
    assert not budget.another_wave(store, hour, 1, 3, candidates=800)
    assert budget.another_wave(store, hour, 1, 3, candidates=1) is False, "decided once"


@pytest.mark.parametrize("given", NONSENSE)
def test_nonsense_is_one_clear_line(tiny, call, tmp_path, given):
    done = call("run", *tiny, "--out", tmp_path / "run", *given)
    assert done.code == 2
    assert done.line.startswith(f'error: {given[0]} "{given[1]}" is ')
    assert not (tmp_path / "run").exists()
