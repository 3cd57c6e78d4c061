"""The final LoRA is chosen on a fixed panel, among weights of one training."""

import pytest

from bootstrap.lora.header import metadata_of
from bootstrap.records import JobKind
from bootstrap.store.store import Store


@pytest.fixture
def panel(grown):
    """Jobs and frames of the panel of a finished run, its adapters, and what it noted."""
    with Store.open(grown, exclusive=False) as store:
        noted = [row["text"] for row in store.log() if row["kind"] == "Noted"]
        return store.jobs(kind=JobKind.PROBE), store.frames(kind=JobKind.PROBE), store.adapters(), noted


def test_every_candidate_draws_the_same_panel(panel):
    jobs, frames, _, _ = panel
    by_wave = {wave: [(j.prompt, j.random_seed, j.shot) for j in jobs if j.wave == wave] for wave in (1, 2, 3)}
    assert by_wave[1] == by_wave[2] == by_wave[3]
    assert len(by_wave[1]) == 12
    assert {shot.view_family for _, _, shot in by_wave[1]} >= {"front", "behind", "above", "below"}
    assert len({frame.adapter for frame in frames}) == 3


def test_one_of_them_ships_and_the_choice_is_told(panel, grown):
    _, frames, adapters, noted = panel
    finals = [one for one in adapters if one.id.startswith("final-")]
    assert len(finals) == 1
    assert any(text.startswith(f"the final LoRA is that of step {finals[0].steps} (identity x") for text in noted)
    assert len([frame for frame in frames if frame.adapter == finals[0].id]) == 12
    (shipped,) = (grown / "lora").glob("redchr-*.safetensors")
    assert metadata_of(shipped)["ss_steps"] == str(finals[0].steps)


def test_an_earlier_one_ships_where_it_draws_better(given, tmp_path, monkeypatch):
    """Were the first the best: its file, its previews and its steps are what comes out."""
    from bootstrap.cli import main

    monkeypatch.setattr("loops.final.best_of", lambda found: 0)
    settings = ["loop.target=2", "loop.goals=[]", "loop.rounds=1", "loop.waves=1", "loop.lookalikes=4"]
    options = [part for text in settings for part in ("--set", text)]
    with pytest.raises(SystemExit):
        main(["run", *given, *options, "--out", str(tmp_path / "run")])
    with Store.open(tmp_path / "run", exclusive=False) as store:
        chosen = store.adapters()[-1]
    assert "-step" in chosen.id
    assert chosen.steps < 10
    (shipped,) = (tmp_path / "run" / "lora").glob("redchr-*.safetensors")
    assert metadata_of(shipped)["ss_steps"] == str(chosen.steps)
    assert len(list((tmp_path / "run" / "lora" / "previews").glob("*.png"))) == 12
