"""The finished LoRA is tried before its files are written: what is drawn, what comes of it, and what leaves it out."""

import json
import shutil

import pytest

from bootstrap.backends.fake import FakeBackend
from bootstrap.compare.trial_shots import trials_for
from bootstrap.config import load
from bootstrap.config.estimate import acceptance_pictures, cost_of
from bootstrap.errors import BackendError
from bootstrap.export.release import run_settings
from bootstrap.lora.header import metadata_of
from bootstrap.records import JobKind
from bootstrap.runs.accepted import last_accepted
from bootstrap.runs.status import status
from bootstrap.store.store import Store

WHOLE = ["--set", "loop.acceptance.weights=[1.0, 0.8, 0.6]", "--set", "loop.acceptance.unseen=1"]


def drawn(store):
    """Weights → the acceptance's pictures by them."""
    found = {}
    for frame in store.frames(kind=JobKind.ACCEPTANCE):
        found.setdefault(frame.adapter, []).append(frame)
    return found


def asked(frames):
    return [(frame.job.shot, frame.job.random_seed, frame.job.prompt) for frame in frames]


@pytest.fixture
def other(grown, tmp_path):
    """The file of another LoRA."""
    with Store.open(grown, exclusive=False) as store:
        return shutil.copy(grown / store.adapters()[0].path, tmp_path / "oil.safetensors")


def test_a_finished_run_is_tried_anew_with_what_else_is_asked_for(finished, call, other):
    run, tiny = finished
    with Store.open(run, exclusive=False) as store:
        rounds, kept, before = store.rounds(), store.kept(), drawn(store)
    assert set(before) == {"", "final-r03@0.8"}, "as the settings of the run were"
    lost = run / before["final-r03@0.8"][3].path
    whole = lost.read_bytes()
    lost.unlink()
    done = call("run", *tiny, *WHOLE, "--with", f"{other}:0.5=oil painting", "--out", run)
    assert done.code == 0, done.err
    with Store.open(run, exclusive=False) as store:
        assert (store.rounds(), store.kept()) == (rounds, kept), "no further round"
        found, accepted = drawn(store), last_accepted(store)
        previews = [frame for frame in store.frames(kind=JobKind.PROBE) if frame.adapter == "final-r03"]
        config, character = run_settings(store)
    best = "final-r03" if accepted.weight == 1 else f"final-r03@{accepted.weight:g}"
    (stack,) = (name for name in found if "+oil-" in name)
    assert set(found) == {"", "final-r03@0.8", "final-r03@0.6", best, stack}
    assert asked(found["final-r03@0.6"])[:12] == asked(previews), "the same shots, random seeds and words"
    assert [text for _, _, text in asked(found[stack])] == [f"{text}, oil painting" for _, _, text in asked(previews)]
    trials = trials_for(character, config, seeds=[], unseen=1)
    new = found[best][0 if best == "final-r03" else 12 :]
    assert [frame.job.shot for frame in new] == list(trials.shots[12:]), "at weight 1 only what was never drawn"
    assert {"arms up"} < {frame.job.shot["pose"] for frame in new}
    assert all("redchr" not in frame.job.prompt and "red hair" in frame.job.prompt for frame in found[""])
    weights = {(cell["checkpoint"], cell["weight"]) for cell in accepted.found["cells"]}
    assert weights == {(f"final-r03{step}", 1.0) for step in ("", "-step7", "-step8")} | {
        ("final-r03", 0.8), ("final-r03", 0.6)
    }  # fmt: skip
    assert lost.read_bytes() == whole, "drawn again"
    assert not list(run.rglob("blend*"))
    assert "oil at 0.5" in " ".join([*accepted.found["strengths"], *accepted.found["weaknesses"]])


def test_what_was_found_stands_on_its_page_in_the_report_the_card_and_the_status(grown):
    with Store.open(grown, exclusive=False) as store:
        accepted, told = last_accepted(store), status(store)["acceptance"]
    assert told["summary"] == accepted.found["summary"]
    assert told["summary"].startswith("use final-r03 at ")
    page, report = (grown / "acceptance.html").read_text(), (grown / "report.html").read_text()
    card = (grown / "lora" / "README.md").read_text()
    assert "<title>Red: acceptance</title>" in page
    assert told["summary"] in page
    assert told["summary"] in report
    assert 'href="acceptance.html"' in report
    assert told["strengths"]
    assert all(text[1:] in card for text in [*told["strengths"], *told["weaknesses"]])


def test_the_best_weight_goes_into_card_sidecar_and_metadata(finished, call, monkeypatch):
    """The lowest that can be drawn, were it the best; what cannot be blended is named and left out."""
    blend, blends = FakeBackend.blend, {}

    def refusing(self, adapters, out):
        if adapters[0][1] == 0.5:
            raise BackendError("a DoRA cannot be blended")
        assert blends.setdefault(out, adapters) == adapters, "a drawer keeps what it has loaded from a path"
        blend(self, adapters, out)

    monkeypatch.setattr(FakeBackend, "blend", refusing)
    monkeypatch.setattr("loops.acceptance.best_of", lambda tried: tried[0])
    run, tiny = finished
    done = call("run", *tiny, "--set", "loop.acceptance.weights=[0.6, 0.5, 0.7]", "--out", run)
    assert done.code == 0, done.err
    assert "final-r03 at 0.5 is not tried: a DoRA cannot be blended" in done.err
    (lora,) = (run / "lora").glob("redchr-*.safetensors")
    assert json.loads(lora.with_suffix(".json").read_text())["preferred weight"] == 0.6
    assert metadata_of(lora)["modelspec.usage_hint"].endswith("weight 0.6")
    assert 'pipe.set_adapters("lora", 0.6)' in (run / "lora" / "README.md").read_text()


def test_the_weight_of_a_lora_without_one_is_searched_and_told_everywhere(finished, call, other):
    run, tiny = finished
    done = call("run", *tiny, "--with", f"{other}=oil painting", "--out", run)
    assert done.code == 0, done.err
    with Store.open(run, exclusive=False) as store:
        found, accepted = drawn(store), last_accepted(store)
    beside = sorted(
        name.rpartition("@")[2] for name in found if "+oil-" in name and not name.startswith("final-r03@0+")
    )
    assert beside == ["0.4", "0.6", "0.8", "1"]
    (styled,) = (name for name in found if name.startswith("final-r03@0+oil-"))
    assert all("redchr" not in frame.job.prompt and "oil painting" in frame.job.prompt for frame in found[styled])
    (pair,) = accepted.found["pairs"]
    assert [one["weight"] for one in pair["tried"]] == [1.0, 0.8, 0.6, 0.4]
    told = [*accepted.found["strengths"], *accepted.found["weaknesses"]]
    assert pair["summary"] in told
    (lora,) = (run / "lora").glob("redchr-*.safetensors")
    assert pair["summary"] in json.loads(lora.with_suffix(".json").read_text())["notes"]
    assert pair["summary"][1:] in (run / "lora" / "README.md").read_text()
    assert "Weights of other LoRAs" in (run / "acceptance.html").read_text()
    assert pair["summary"] in (run / "report.html").read_text()


@pytest.mark.parametrize("share", [1.0, 0.01])
def test_the_lowest_weight_is_tried_where_the_least_is_best_and_the_run_has_room(finished, call, monkeypatch, share):
    monkeypatch.setattr("loops.acceptance.best_of", lambda tried: min(tried, key=lambda one: one.cell.weight))
    monkeypatch.setattr("loops.acceptance.SHARE", share)
    run, tiny = finished
    done = call("run", *tiny, "--set", "loop.acceptance.weights=[1.0, 0.8]", "--out", run)
    assert done.code == 0, done.err
    with Store.open(run, exclusive=False) as store:
        found, accepted = drawn(store), last_accepted(store)
    assert ("final-r03@0.5" in found) == (share == 1)
    assert accepted.weight == (0.5 if share == 1 else 0.8)


def test_it_is_tried_on_another_checkpoint_at_the_end(finished, call):
    run, tiny = finished
    done = call("run", *tiny, "--also", "puppet", "--out", run)
    assert done.code == 0, done.err
    with Store.open(run, exclusive=False) as store:
        ((other,), accepted) = last_accepted(store).found["also"], last_accepted(store)
    assert (other["with"]["weight"], other["alone"]["checkpoint"]) == (accepted.weight, "")
    assert other["with"]["pictures"] == other["alone"]["pictures"] == 12
    (told,) = (text for text in [*accepted.found["strengths"], *accepted.found["weaknesses"]] if " on puppet" in text)
    assert told[1:] in (run / "lora" / "README.md").read_text()
    assert "On other checkpoints" in (run / "acceptance.html").read_text()
    again = call("run", *tiny, "--also", "puppet", "--out", run)
    assert again.code == 0


def test_a_checkpoint_of_another_kind_is_refused_before_the_run(tiny, call, tmp_path):
    for name, said in (("nowhere.safetensors", '--also "nowhere'), ("sdxl", '--also "sdxl"')):
        done = call("run", *tiny, "--also", name, "--out", tmp_path / "run")
        assert (done.code, said in done.line) == (2, True), done.line
    assert not (tmp_path / "run").exists()


def test_a_lora_beside_it_that_is_missing_or_does_not_fit_is_told_before_anything_is_drawn(tiny, call, tmp_path):
    run = tmp_path / "run"
    done = call("run", *tiny, "--out", run, "--with", "nowhere.safetensors:0.7")
    assert (done.code, "no such file" in done.line) == (2, True)
    assert not run.exists()
    (tmp_path / "broken.safetensors").write_bytes(b"no")
    done = call("run", *tiny, "--out", run, "--with", tmp_path / "broken.safetensors")
    assert (done.code, "broken.safetensors" in done.line) == (2, True)
    assert not list(run.glob("frames/*"))


@pytest.mark.parametrize("base", ["puppet", "sdxl"])
def test_it_is_a_small_part_of_a_run_and_of_its_estimate(base):
    config, without = load(base), load(base, overrides=["loop.acceptance.weights=[]"])
    beside = load(base, overrides=["loop.acceptance.beside=[a.safetensors, b.safetensors]"])
    whole = cost_of(config, 1, 0, 0.0).pictures
    assert 0 < acceptance_pictures(config) == whole - cost_of(without, 1, 0, 0.0).pictures <= 0.1 * whole
    assert acceptance_pictures(beside) == acceptance_pictures(config) + 11 * 12, "four weights, alone, both"
    given = load(base, overrides=["loop.acceptance.beside=[a.safetensors:0.8, b.safetensors:0.5=oil]"])
    assert acceptance_pictures(given) == acceptance_pictures(config) + 3 * 12, "at the weights that are written"
