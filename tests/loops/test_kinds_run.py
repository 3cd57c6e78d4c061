"""Every shipped kind of subject ends a whole run from one command, and what is said of it is said of its kind."""

import json
from dataclasses import replace

import pytest
import yaml
from PIL import Image

from bootstrap.character import load_character
from bootstrap.cli import main
from bootstrap.compare.trial_shots import trials_for
from bootstrap.config import load
from bootstrap.panel.color_models import fake_panel_models
from loops.remarks import input_warnings

KINDS = {
    "outfit": {"trigger": "zetawear", "invariant": {"top": "red jacket", "bottom": "blue skirt"}},
    "style": {"invariant": {"look": "pastel"}},
    "concept": {"trigger": "zetasalute", "invariant": {"pose": "arms up"}},
    "background": {"trigger": "zetaplace", "invariant": {"place": "forest, bridge"}},
    "asset": {"trigger": "zetacar", "invariant": {"body": "red car"}},
}
VARIES = {"outfit": "wearer", "style": "subject", "concept": "who", "background": "weather", "asset": "light"}
TRIED = ("style", "background")
"""The kinds whose finished LoRA is tried in the tests."""
SMALL = (
    "loop.target=5", "loop.goals=[]", "loop.rounds=2", "loop.waves=1", "loop.lookalikes=4", "loop.exchanged=0",
    "loop.most_decoys=4", "loop.final_candidates=1", "loop.acceptance.weights=[0.8]", "loop.candidates_a_place=2",
    "loop.acceptance.lowest=null", "loop.provisional_share=0.5", "loop.showcase=0", "base.sampling.width=32",
    "base.sampling.height=32", "loop.early_checkpoints=0",
)  # fmt: skip


@pytest.fixture(scope="module", params=KINDS)
def played(request, tmp_path_factory):
    """The kind, and the folder of a finished run of it on the fake backend."""
    kind, folder = request.param, tmp_path_factory.mktemp(request.param)
    seed = Image.new("RGB", (96, 96), (190, 190, 190))
    for box in ((36, 24, 60, 52), (36, 46, 60, 96)):
        seed.paste((215, 60, 40), box)
    seed.save(folder / "seed.png")
    (folder / "character.json").write_text(json.dumps({"kind": kind, "name": f"Zeta {kind}", **KINDS[kind]}))
    tried = [] if kind in TRIED else ["loop.acceptance.weights=[]"]
    options = [part for text in (*SMALL, *tried) for part in ("--set", text)]
    arguments = ["run", folder, "--base", "puppet", "--backend", "fake", "--out", folder / "run"]
    with pytest.raises(SystemExit) as ended:
        main([*map(str, arguments), *options])
    assert not ended.value.code
    return kind, folder / "run"


def test_it_ends_with_a_dataset_and_a_lora(played):
    kind, run = played
    (lora,) = (run / "lora").glob("*[0-9a-f].safetensors")
    captions = [path.read_text() for path in (run / "dataset").glob("*/*.txt")]
    assert captions
    trigger, withheld = KINDS[kind].get("trigger", ""), [*KINDS[kind]["invariant"].values()]
    named = trigger or f"Zeta_{kind}"
    assert lora.name.startswith(named)
    assert {path.parent.name for path in (run / "dataset").glob("*/*.txt")} == {f"10_{named}"}
    axis = load("puppet", subject=kind).subject.axes[VARIES[kind]].defaults
    for caption in captions:
        assert not {*", ".join(withheld).split(", ")} & {*caption.strip().split(", ")}
        assert any(value.split(", ")[-1] in caption for value in axis) or "silhouette" in caption
        assert caption.startswith(trigger)


def test_card_report_and_status_speak_of_its_kind(played, call):
    kind, run = played
    subject = load("puppet", subject=kind).subject
    card = (run / "lora" / "README.md").read_text()
    _, front, text = card.split("---\n", 2)
    assert yaml.safe_load(front)["widget"][0]["text"]
    assert f"{subject.called} LoRA for" in text
    assert " ".join(subject.use.split()) in text
    assert ("**Trigger word:** none" in text) == (kind == "style")
    page, text = (run / "report.html").read_text(), text.replace(" ".join(subject.use.split()), "")
    for said in (text, page, call("status", run).out):
        assert "character" not in said.replace("character.json", "").replace("character.yaml", "").lower()


def test_the_finished_lora_is_tried_in_what_it_never_saw(played):
    kind, run = played
    if kind in TRIED:
        page = (run / "acceptance.html").read_text()
        for axis, (value, *_) in load("puppet", subject=kind).subject.unseen.items():
            assert f"an unseen {axis} ({value})" in page
    else:
        config, character = load("puppet", subject=kind), load_character(run.parent / "character.json")
        trials = trials_for(character, config, 1)
        tested = {
            shot[axis]
            for shot, test in zip(trials.shots, trials.tests, strict=True)
            for axis in config.subject.unseen
            if test == f"an unseen {axis}"
        }
        assert tested == {values[0] for values in config.subject.unseen.values()}


@pytest.mark.parametrize(("kind", "counted"), [("character", True), ("style", False), ("background", False)])
def test_faces_are_counted_where_a_kind_shows_one_subject(kind, counted, tmp_path, monkeypatch):
    monkeypatch.setattr("loops.remarks.crowds", lambda *given: ["two faces"])
    own = KINDS.get(kind, {"trigger": "zetachr", "invariant": {"hair": "red hair"}})
    (tmp_path / "one.json").write_text(json.dumps({"kind": kind, "name": "Zeta", **own}))
    models, character = replace(fake_panel_models(), faces=object()), load_character(tmp_path / "one.json")
    notes = input_warnings(character, load("puppet", subject=kind), models, 96, [], [], tmp_path)
    assert ("two faces" in notes) == counted
