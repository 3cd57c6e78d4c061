"""Everything that may happen in a night, injected: memory, NaN, a scorer, the disk, a webhook, signals, clock, kill."""

import math
import os
import signal
import sys
import threading
from types import ModuleType

import pytest

from bootstrap.backends.fake import FakeBackend
from bootstrap.errors import BackendError, OutOfMemoryError
from bootstrap.events import Incident
from bootstrap.listeners.notify import Notifier
from bootstrap.machine.clock import Clock
from bootstrap.runs.incidents import incidents
from bootstrap.runs.sessions import sessions
from bootstrap.store.store import Store
from loops import safe_point as watching
from scoring.defects import Defects
from scoring.identity import ClipIdentity
from scoring.measurement import Measurement


def incident_texts(run, what):
    with Store.open(run, exclusive=False) as store:
        return [event.text for event in store.events() if isinstance(event, Incident) and event.what == what]


def kept(run):
    with Store.open(run, exclusive=False) as store:
        return [(frame.job.id, frame.digest) for frame in store.kept()]


@pytest.fixture
def small_memory(monkeypatch):
    """A backend that can draw so many pictures at once, and train on so many; what it was asked for."""
    generate, train, asked = FakeBackend.draw, FakeBackend.train, {"drawn": [], "trained": []}

    def limit(most):
        def generating(self, jobs, adapter):
            for start in range(0, len(jobs), self.batch_size):
                batch = jobs[start : start + self.batch_size]
                asked["drawn"].append(len(batch))
                if len(batch) > most:
                    raise OutOfMemoryError("memory ran out", "lower base.sampling.batch_size")
                yield from generate(self, batch, adapter)

        def training(self, items, recipe, workdir, emit):
            shown = recipe.batch_size, recipe.gradient_accumulation_steps, recipe.gradient_checkpointing
            asked["trained"].append(shown)
            if recipe.batch_size > most:
                raise OutOfMemoryError("memory ran out", "lower the recipe's batch_size")
            return train(self, items, recipe, workdir, emit)

        monkeypatch.setattr(FakeBackend, "draw", generating)
        monkeypatch.setattr(FakeBackend, "train", training)
        return asked

    return limit


def test_where_memory_runs_out_less_is_done_at_once_and_that_is_remembered(tiny, call, tmp_path, small_memory, grown):
    asked, run = small_memory(5), tmp_path / "run"
    tiny = [*tiny, "--set", "base.sampling.batch_size=16"]
    assert call("run", *tiny, "--out", run).code == 0
    assert [size for size in asked["drawn"] if size > 5] == [16, 8], "two failures, then never again"
    assert [shown[0] for shown in asked["trained"] if shown[0] > 5] == [8]
    batch, passes, _ = asked["trained"][-1]
    assert batch * passes == 8, "the same pictures a step"
    assert "from now on 4" in incident_texts(run, "memory")[-1]
    assert kept(run) == kept(grown), "no picture was lost"


def test_a_killed_run_draws_in_the_batches_that_were_found_out(tiny, call, tmp_path, small_memory, before_picture):
    asked, run = small_memory(5), tmp_path / "run"

    def die(picture):
        if picture == 30:
            raise KeyboardInterrupt

    with before_picture(die):
        assert call("run", *tiny, "--out", run).code == 130
    asked["drawn"].clear()
    assert call("run", *tiny, "--out", run).code == 0
    assert max(asked["drawn"]) <= 5


def test_memory_that_holds_not_one_picture_is_one_line(tiny, call, tmp_path, small_memory):
    asked = small_memory(0)
    done = call("run", *tiny, "--out", tmp_path / "run")
    assert done.code == 1
    assert "memory ran out" in done.line
    assert asked["trained"][-1][2], "gradient_checkpointing was tried last"


@pytest.mark.parametrize("work", ["draw", "train"])
def test_where_one_picture_is_too_much_the_vae_works_in_tiles_also_after_a_kill(
    tiny, call, tmp_path, monkeypatch, before_picture, work
):
    run, tiled, ways, real = tmp_path / "run", [], [], getattr(FakeBackend, work)

    def use_tiles(self):
        tiled.append(len(tiled))
        return len(tiled) == 1

    def working(self, *given):
        ways.append(bool(tiled))
        if not tiled:
            raise OutOfMemoryError("memory ran out", "lower the width")
        return real(self, *given)

    def die(picture):
        if picture == 30:
            raise KeyboardInterrupt

    monkeypatch.setattr(FakeBackend, "use_tiles", use_tiles)
    monkeypatch.setattr(FakeBackend, work, working)
    with before_picture(die):
        assert call("run", *tiny, "--out", run).code == 130
    assert "the VAE works in tiles" in incident_texts(run, "memory")[-1]
    tiled.clear()
    ways.clear()
    assert call("run", *tiny, "--out", run).code == 0
    assert all(ways), "tiles from the first picture"


def break_scorer(monkeypatch):
    def score(self, pictures):
        raise RuntimeError("no such kernel")

    monkeypatch.setattr(Defects, "score", score)


def test_a_scorer_that_breaks_leaves_errors_and_the_others_go_on(tiny, call, tmp_path, monkeypatch):
    break_scorer(monkeypatch)
    run = tmp_path / "run"
    assert call("run", *tiny, "--out", run).code == 0
    assert len(incident_texts(run, "scorer")) == 1, "reported once"
    assert "no such kernel" in incident_texts(run, "scorer")[0]
    with Store.open(run, exclusive=False) as store:
        values = [by_scorer["defects"] for by_scorer in store.measurements().values()]
        assert values
        assert all(value.failed and value.value is None for value in values)
        assert store.kept()


def test_a_scorer_that_breaks_may_stop_the_run_which_then_goes_on_mended(tiny, call, tmp_path, monkeypatch, grown):
    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        break_scorer(patch)
        done = call("run", *tiny, "--out", run, "--set", "panel.on_error=stop")
    assert done.code == 1
    assert 'scorer "defects" failed (error: RuntimeError: no such kernel)' in done.line
    with Store.open(run, exclusive=False) as store:
        assert not store.measurements()
    assert call("run", *tiny, "--out", run).code == 0
    assert kept(run) == kept(grown)


def test_before_the_disk_is_full_the_run_stops_and_then_goes_on(tiny, call, tmp_path, monkeypatch, grown):
    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(watching, "disk_free", lambda folder: 0.001)
        done = call("run", *tiny, "--out", run)
    assert done.code == 2
    assert "the disk is nearly full" in done.line
    assert "free some disk space" in done.err
    assert incident_texts(run, "disk")
    assert call("run", *tiny, "--out", run).code == 0
    assert kept(run) == kept(grown)
    assert "the disk is nearly full" in (run / "report.html").read_text()


def test_a_scorer_that_answers_nan_says_nothing_and_the_run_goes_on(tiny, call, tmp_path, monkeypatch):
    score, run = ClipIdentity.score, tmp_path / "run"

    def lost(self, pictures):
        answers = score(self, pictures)
        return [Measurement(math.nan) if n % 3 == 0 else one for n, one in enumerate(answers)]

    monkeypatch.setattr(ClipIdentity, "score", lost)
    assert call("run", *tiny, "--out", run).code == 0
    with Store.open(run, exclusive=False) as store:
        values = {id: by_scorer["clip"] for id, by_scorer in store.measurements().items()}
        lost_ones = {id for id, one in values.items() if one.value is None}
        assert 0 < len(lost_ones) < len(values)
        assert {one.why for one in values.values() if one.value is None} == {"the value is not finite (nan)"}
        assert not lost_ones & {frame.job.id for frame in store.kept()}, "what no scorer could measure is not kept"
        assert store.kept()
    assert ">nan<" not in (run / "report.html").read_text()


def test_a_base_whose_picture_is_no_number_stops_in_a_line_and_then_goes_on(
    tiny, call, tmp_path, before_picture, grown
):
    run = tmp_path / "run"

    def spoil(picture):
        if picture == 20:
            raise BackendError("a picture came out as no finite one", "lower guidance_scale or use float32")

    with before_picture(spoil):
        done = call("run", *tiny, "--out", run)
    assert done.code == 1
    assert "came out as no finite one" in done.line
    assert call("run", *tiny, "--out", run).code == 0
    assert kept(run) == kept(grown)
    assert "came out as no finite one" in (run / "report.html").read_text()


class Hanging:
    """A service that never answers, as apprise.Apprise."""

    def add(self, address):
        return True

    def notify(self, **message):
        threading.Event().wait(30)


def test_a_webhook_that_hangs_costs_no_picture_and_hardly_any_time(tiny, call, tmp_path, monkeypatch, grown):
    module = ModuleType("apprise")
    module.Apprise = Hanging
    monkeypatch.setitem(sys.modules, "apprise", module)
    monkeypatch.setattr("bootstrap.cli.run.Notifier", lambda addresses: Notifier(addresses, patience=0.1))
    run = tmp_path / "run"
    assert call("run", *tiny, "--out", run, "--notify", "json://night").code == 0
    assert kept(run) == kept(grown)
    assert "a service has not answered" in (run / "report.html").read_text()


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no terminals that hang up")
def test_a_closed_terminal_stops_at_a_safe_point_unless_it_is_ignored(tiny, call, tmp_path, before_picture, grown):
    run = tmp_path / "run"

    def hang_up(picture):
        if picture == 10:
            os.kill(os.getpid(), signal.SIGHUP)

    with before_picture(hang_up):
        assert call("run", *tiny, "--out", run).code == 130
        with Store.open(run, exclusive=False) as store:
            assert "SIGHUP" in sessions(store)[-1].why
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # nohup
        try:
            assert call("run", *tiny, "--out", run).code == 0
        finally:
            signal.signal(signal.SIGHUP, before)
    assert kept(run) == kept(grown)


def test_a_kill_is_in_the_report_with_the_hour_at_which_it_went_on(tiny, play, call, tmp_path):
    run = tmp_path / "run"
    play(tiny, run, kill_after=12)
    assert call("run", *tiny, "--out", run).code == 0
    with Store.open(run, exclusive=False) as store:
        lines = incidents(store)
    assert [line.kind for line in lines] == ["stopped"]
    assert "cut off: killed, or the power failed" in (run / "report.html").read_text()


class Readings:
    """Three clocks, moved at every look by what is given."""

    def __init__(self, *gaps):
        self.gaps, self.at = iter(gaps), [0.0, 0.0, 0.0]

    def clock(self):
        return Clock(self.awake, lambda: self.at[1], lambda: self.at[2])

    def awake(self):
        self.at = [old + more for old, more in zip(self.at, next(self.gaps, (1, 1, 1)), strict=True)]
        return self.at[0]


@pytest.mark.parametrize(
    ("gap", "what", "text"),
    [
        ((1, 7201, 7201), "sleep", "the machine slept for 2 h 00 min"),
        ((1, 1, -3599), "clock", "moved back by 1 h 00 min"),
        ((1, 1, 86401), "clock", "moved forward by 24 h 00 min"),
    ],
)
def test_sleep_and_a_moved_clock_are_distinguished(tiny, call, tmp_path, monkeypatch, gap, what, text):
    monkeypatch.setattr("bootstrap.cli.run.Clock", Readings((1, 1, 1), (1, 1, 1), gap).clock)
    run = tmp_path / "run"
    assert call("run", *tiny, "--out", run).code == 0
    assert [one for one in incident_texts(run, what) if text in one]
    assert not incident_texts(run, {"sleep": "clock", "clock": "sleep"}[what])
    assert text in (run / "report.html").read_text()


def test_the_real_clocks_agree_while_nothing_happens():
    clock = Clock()
    clock.look()
    assert clock.look() == type(clock.look())()


def test_an_undisturbed_run_has_nothing_to_tell(grown):
    with Store.open(grown, exclusive=False) as store:
        assert not incidents(store)
    assert "What came between" not in (grown / "report.html").read_text()
