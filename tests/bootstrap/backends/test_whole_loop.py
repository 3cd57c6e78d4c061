"""Both architectures of real classes, small and with random weights, from the command line to the files.

Random pictures pass no check, so the checks and the gate are opened; everything else is what users run.
"""

from pathlib import Path

import pytest
from PIL import Image
from safetensors import safe_open

from bootstrap.dataset.provenance import named_references, read_provenance
from bootstrap.panel.judges import Judges
from bootstrap.records import DECOY_KINDS, JobKind
from bootstrap.store.store import Store
from loops import ranking
from scoring.dino import DinoSettings
from scoring.measurement import digest_of

RUBY = Path(__file__).parents[3] / "configs" / "characters" / "ruby"
SMALL = """
panel: puppet
loop: {target: 2, goals: [1], rounds: 2, waves: 1, lookalikes: 2, most_decoys: 2, candidates_a_place: 2,
  final_candidates: 1, showcase: 1, acceptance: {weights: [0.8], unseen: 0}}
base:
  dialect: prose
  sampling: {steps: 2, batch_size: 4, width: 32, height: 32}
  cuts: {details: 0}
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


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers, its samplers
def test_a_run_without_any_model_of_its_panel_judges_by_colours(tiny, call, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    run, own = tmp_path / "run", tmp_path / "own.yaml"
    small = SMALL.replace("panel: puppet", "panel: drawn").replace("goals: [1], rounds: 2", "goals: [], rounds: 1")
    own.write_text(small, encoding="utf-8")
    words = [RUBY / "seed.png", RUBY / "character.json", "--base", tiny, "--config", own, "--out", run]
    stopped = call("run", *words)
    assert stopped.code == 2
    assert f"bootstrap setup --base {tiny}" in stopped.err
    done = call("run", *words, "--set", "panel.on_missing=smaller")
    assert done.code == 0, done.err
    assert "does not judge shapes and faces" in done.err
    with Store.open(run, exclusive=False) as store:
        measured = store.measurements([frame.job.id for frame in store.frames(kind=JobKind.CANDIDATE)])
    assert {name for values in measured.values() for name in values} == {"defects", "copy", "clip"}
    assert len(list((run / "lora").glob("rubychr-*.safetensors"))) == 1
    monkeypatch.setattr(DinoSettings, "found_in", lambda self, place: True)  # fetched meanwhile
    again = call("run", *words, "--set", "panel.on_missing=smaller")
    assert again.code == 0, again.err


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers, its samplers
def test_a_run_along_control_pictures_names_them_in_jobs_and_files(tiny, call, tmp_path, open_gate):
    from diffusers import ControlNetModel, UNet2DConditionModel

    unet, net = UNet2DConditionModel.from_pretrained(tiny / "unet"), tmp_path / "openpose"
    ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(16, 32, 64)).save_pretrained(net)
    run, own = tmp_path / "run", tmp_path / "own.yaml"
    own.write_text(SMALL.replace("goals: [1], rounds: 2", "goals: [], rounds: 1"), encoding="utf-8")
    words = ["run", RUBY / "seed.png", RUBY / "character.json", "--base", tiny, "--config", own, "--out", run]
    words += ["--control", net, "--set", "base.control.view_families=[front]", "--set", "base.control.scale=.7"]
    done = call(*words)
    assert done.code == 0, done.err
    with Store.open(run, exclusive=False) as store:
        jobs = [job for job in store.jobs() if job.kind in (JobKind.CANDIDATE, *DECOY_KINDS)]
        kept = {frame.job.id: frame.job for frame in store.kept()}
    assert {job.kind for job in jobs if job.control} > {JobKind.CANDIDATE}
    for job in jobs:
        assert bool(job.control) == (job.shot.view_family == "front")
        if job.control:
            with Image.open(run / job.control.path) as opened:
                assert (digest_of(opened), job.control.strength) == (job.control.sha256, 0.7)
    told = {row["control"] for row in read_provenance(next((run / "dataset").glob("**/provenance.csv")).parent)}
    led = {named_references([job.control]) for job in kept.values() if job.control}
    assert led
    assert told >= led
