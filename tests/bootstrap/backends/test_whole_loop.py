"""Both architectures of real classes, small and with random weights, from the command line to the files.

Random pictures pass no check, so the checks and the gate are opened; everything else is what users run.
"""

from pathlib import Path

import pytest
from safetensors import safe_open

from bootstrap.panel.judges import Judges
from bootstrap.store.store import Store
from loops import ranking

RUBY = Path(__file__).parents[3] / "configs" / "characters" / "ruby"
SMALL = """
panel: puppet
loop: {target: 2, goals: [1], rounds: 2, waves: 1, lookalikes: 2, most_decoys: 2, candidates_a_place: 2,
  final_candidates: 1}
base:
  dialect: prose
  sampling: {steps: 2, batch_size: 4, width: 32, height: 32}
  minimum_steps: 2
  recipes: {style: {steps: 2, batch_size: 2}, character: {steps: 2, batch_size: 2}}
"""


@pytest.fixture
def open_gate(monkeypatch):
    """Whatever was drawn may be kept."""
    monkeypatch.setattr(Judges, "failures", lambda self, values, traits_at=0.0: [])
    monkeypatch.setattr(ranking, "admitted", lambda candidates, ranks, kept, level: {f.job.id for f in candidates})


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers, its samplers
@pytest.mark.parametrize(
    ("base", "modelspec"), [("tiny", "stable-diffusion-v1/lora"), ("tiny_xl", "stable-diffusion-xl-v1-base/lora")]
)
def test_a_run_on_each_architecture_ends_with_a_set_and_its_files(base, modelspec, request, call, tmp_path, open_gate):
    folder, run, own = request.getfixturevalue(base), tmp_path / "run", tmp_path / "own.yaml"
    own.write_text(SMALL, encoding="utf-8")
    done = call("run", RUBY / "seed.png", RUBY / "character.json", "--base", folder, "--config", own, "--out", run)
    assert done.code == 0, done.err
    with Store.open(run, exclusive=False) as store:
        assert len(store.kept()) == 2
        assert [one.phase for one in store.adapters()] == ["style", "character", "character"]
        assert len({one.sha256 for one in store.adapters()}) == 3  # each trained on what was kept by then
    assert len(list((run / "dataset").rglob("*.png"))) == 2
    (kohya,) = (run / "lora").glob("rubychr-*.safetensors")
    with safe_open(kohya, "np") as file:
        assert file.metadata()["modelspec.architecture"] == modelspec
        assert all(key.startswith(("lora_unet_", "lora_te_")) for key in file.keys())  # noqa: SIM118
