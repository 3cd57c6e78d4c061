"""The same command continues a run: what may be given anew, what is refused by name, what a finished run then does."""

import json
from pathlib import Path

import pytest
from PIL import Image

from bootstrap.character import Character
from bootstrap.config import load
from bootstrap.errors import ConfigError
from bootstrap.events import Noted, RoundBegan
from bootstrap.records import JobKind, VerdictKind
from bootstrap.store.store import Store
from loops.resume import Change, changes, require_same_models, settle


def rewrite(arguments, **fields):
    path = Path(next(text for text in arguments if str(text).endswith(".json")))
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def rounds_and_notes(run):
    with Store.open(run, exclusive=False) as store:
        notes = [event.text for event in store.events() if isinstance(event, Noted)]
        return len(store.rounds()), [text for text in notes if text.startswith("continued")]


def test_a_larger_target_makes_a_finished_run_play_a_new_round(finished, call):
    run, arguments = finished
    before = rounds_and_notes(run)[0]
    assert call("run", *arguments, "--target", 6, "--out", run).code == 0
    with Store.open(run, exclusive=False) as store:
        kinds = [verdict.kind for verdict in store.verdicts().values()]
        fresh = store.jobs(before + 1, wave=1, kind=JobKind.CANDIDATE)
    assert kinds.count(VerdictKind.KEEP) + kinds.count(VerdictKind.PROVISIONAL) == 6
    assert fresh, "the first wave of the new round draws, although previews already bear its number"
    assert rounds_and_notes(run) == (before + 1, ['continued with loop.target "4", now "6"'])


def test_a_new_round_is_played_although_the_rounds_were_spent(finished, call):
    run, arguments = finished
    before = rounds_and_notes(run)[0]
    spent = ["--set", f"loop.rounds={before}"]
    assert call("run", *arguments, *spent, "--out", run).code == 0
    assert rounds_and_notes(run)[0] == before
    assert call("run", *arguments, *spent, "--target", 6, "--out", run).code == 0
    assert rounds_and_notes(run)[0] == before + 1


def test_counts_gate_level_and_quotas_may_change_and_are_noted(finished, call):
    run, arguments = finished
    quotas = ["views.families.behind.share=0.11", "views.families.front.share=0.24"]
    options = ["loop.gate_level=0.3", "loop.waves=1", *quotas, "subject.a_prompt=1"]
    done = call("run", *arguments, *(part for text in options for part in ("--set", text)), "--out", run)
    assert done.code == 0
    note = rounds_and_notes(run)[1][0]
    assert all(text.split("=")[0] in note for text in options)
    assert "a larger --target makes room" in note


def test_an_added_outfit_is_drawn_in_the_new_round(finished, call):
    run, arguments = finished
    outfits = {"default": {"tags": "white shirt"}, "night": {"tags": "blue dress"}, "rain": {"tags": "yellow coat"}}
    rewrite(arguments, outfits=outfits)
    assert call("run", *arguments, "--target", 6, "--out", run).code == 0
    with Store.open(run, exclusive=False) as store:
        began = [event.round for event in store.events() if isinstance(event, RoundBegan)]
        outfits = {job.shot["outfit"] for job in store.jobs(began[-1], kind=JobKind.CANDIDATE)}
    assert "rain" in outfits


def test_a_corrected_name_is_told_anew_without_a_new_round(finished, call):
    run, arguments = finished
    before = rounds_and_notes(run)[0]
    rewrite(arguments, name="Mika Aoi")
    assert call("run", *arguments, "--out", run).code == 0
    rounds, notes = rounds_and_notes(run)
    assert rounds == before
    assert 'now "Mika Aoi"' in notes[0]
    assert "# Mika Aoi" in (run / "lora" / "README.md").read_text()


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"invariant": {"hair": "blue hair", "eyes": "red eyes"}}, ["invariant.hair", "red hair", "blue hair"]),
        ({"outfits": {"default": {"tags": "white shirt"}}}, ["outfits.night", "blue dress", "now nothing"]),
        ({"trigger": "bluechr"}, ["trigger", '"redchr", now "bluechr"']),
    ],
)
def test_another_character_is_refused_with_old_and_new_value(finished, call, fields, named):
    run, arguments = finished
    rewrite(arguments, **fields)
    done = call("run", *arguments, "--out", run)
    assert done.code == 2
    assert all(word in done.line for word in named), done.line


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--set", "base.sampling.steps=3"], 'base.sampling.steps "10", now "3"'),
        (["--set", "panel.scorers.copy.most=0.9"], 'panel.scorers.copy.most "1.0", now "0.9"'),
        (["--random-seed", "7"], 'random_seed "0", now "7"'),
        (["--set", "base.recipes.style.rank=2"], "base.recipes.style.rank"),
    ],
)
def test_another_base_panel_or_recipe_is_refused_with_old_and_new_value(finished, call, options, named):
    run, arguments = finished
    done = call("run", *arguments, *options, "--out", run)
    assert done.code == 2
    assert named in done.line
    assert rounds_and_notes(run)[1] == []


def test_another_seed_picture_is_refused_by_name(finished, call):
    run, arguments = finished
    other = Path(arguments[0]).with_name("other.png")
    Image.new("RGB", (128, 128), (40, 60, 215)).save(other)
    done = call("run", other, *arguments[1:], "--out", run)
    assert done.code == 2
    assert '"seed.png", now "other.png"' in done.line


def test_other_weights_behind_the_same_name_are_refused(tmp_path):
    with Store.open(tmp_path / "run", create=True) as store:
        require_same_models(store, {"base": "a", "clip": "b"})
        require_same_models(store, {"base": "a", "clip": "b"})
        with pytest.raises(ConfigError, match='another model: clip "b", now "c"'):
            require_same_models(store, {"base": "a", "clip": "c"})


def test_settings_that_are_new_since_are_no_change(finished, call):
    run, arguments = finished
    with Store.open(run) as store:
        config = json.loads(store.recall("config"))
        del config["loop"]["seed_cap"]
        store.remember("config", json.dumps(config))
    assert call("run", *arguments, "--out", run).code == 0
    assert rounds_and_notes(run)[1] == []


def test_a_base_may_move_from_the_description_to_the_command_and_back(finished, call):
    run, arguments = finished
    rewrite(arguments, base=None)
    assert call("run", *arguments, "--out", run).code == 0, "the run knows its base"
    assert call("run", *arguments, "--base", "puppet", "--out", run).code == 0
    assert rounds_and_notes(run)[1] == []


def test_changes_name_the_path():
    assert changes({"a": {"b": 1, "c": [1]}}, {"a": {"b": 2, "c": [1]}}) == [Change("a.b", 1, 2)]
    assert changes({}, {"a": 1}) == [Change("", {}, {"a": 1})]


def test_a_base_whose_preset_is_known_otherwise_now_changes_no_run_and_the_way_on_is_named(tmp_path, header_file):
    path = str(header_file(tmp_path / "bases" / "mixIllustrious.safetensors"))
    character = Character.model_validate({"name": "Mika", "trigger": "mikachr", "invariant": {"hair": "blue hair"}})
    Image.new("RGB", (64, 64)).save(tmp_path / "seed.png")
    given = character, [tmp_path / "seed.png"]
    with Store.open(tmp_path / "run", create=True) as store:
        settle(store, load(path, preset="pony"), *given)
        before = store.recall("config")
        with pytest.raises(ConfigError, match=r"another config: base\.quality .*name the preset with --preset"):
            settle(store, load(path), *given)
        assert store.recall("config") == before
        settle(store, load(path, preset="pony"), *given)
        with pytest.raises(ConfigError) as other:
            settle(store, load("pony"), *given)
    assert "--preset" not in str(other.value)


def test_a_run_that_began_before_init_knew_its_domain_goes_on(tmp_path):
    config, character = load("puppet"), Character(name="M", trigger="mchr", invariant={"hair": "red hair"})
    Image.new("RGB", (64, 64)).save(tmp_path / "seed.png")
    earlier = json.loads(config.model_dump_json())
    del earlier["panel"]["domain"], earlier["subject"]["expected"]
    with Store.open(tmp_path / "run", create=True) as store:
        settle(store, config, character, [tmp_path / "seed.png"])
        store.remember("config", json.dumps(earlier))
        settle(store, config, character, [tmp_path / "seed.png"])
