"""The real thing, small: kinds of subject end a whole run on the embedded base, and members are married on it.

Each is the shipped example of its kind, by one command.
"""

import contextlib
import csv
import io
import json
import shutil

import pytest

from bootstrap.cli import main
from bootstrap.config.shipped_files import configs_dir
from bootstrap.dataset.bleed_of_members import ways_of
from bootstrap.store.store import Store

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # of a scheduler
]
EXAMPLES = configs_dir() / "characters"
KINDS = {"outfit-poppy": 2, "style-dusk": 2, "background-mill": 0}
"""Example → a random seed with which LoRAs of two steps draw a picture that passes, in float32 on any machine."""
SMALL = (
    "loop.target=5", "loop.goals=[]", "loop.rounds=1", "loop.waves=1", "loop.lookalikes=6", "loop.exchanged=0",
    "loop.most_decoys=6", "loop.candidates_a_place=1", "loop.gate_level=0.49", "loop.provisional_share=0.5",
    "loop.showcase=0", "loop.trigger_pictures=0", "loop.lora_starts=[0.3]",
    "loop.final_candidates=1", "loop.early_checkpoints=0", "loop.acceptance.weights=[]",
    "base.sampling.dtype=float32", "base.sampling.steps=3", "base.minimum_steps=2",
    "base.steps_per_picture=0.2", "base.recipes.style.steps=2",
    "base.recipes.style.batch_size=2", "base.recipes.character.steps=2", "base.recipes.character.batch_size=2",
)  # fmt: skip


def played(out, *words, more=()):
    """The folder of a whole run in this process."""
    options = [part for text in (*SMALL, *more) for part in ("--set", text)]
    said = io.StringIO()
    with pytest.raises(SystemExit) as ended, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        main(["run", *map(str, words), "--base", "puppet", "--out", str(out), *options])
    assert not ended.value.code, said.getvalue()
    return out


def kept(run):
    """The rows of provenance of drawn pictures."""
    with (run / "dataset" / "provenance.csv").open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["origin"] == "synthetic"]


@pytest.mark.parametrize(("example", "random_seed"), KINDS.items())
def test_a_kind_ends_with_a_lora_and_kept_pictures(example, random_seed, tmp_path):
    run = played(tmp_path / "run", EXAMPLES / example, more=(f"random_seed={random_seed}",))
    assert len([*(run / "lora").glob("*.safetensors")]) == 2, "one for each family of programs"
    assert kept(run)
    with Store.open(run, exclusive=False) as store:
        answers = [answer for values in store.measurements().values() for answer in values.values()]
    assert not [answer.why for answer in answers if answer.why.startswith("error")]


def test_a_couple_in_one_file_ends_with_a_lora_of_both(tmp_path):
    example = shutil.copytree(EXAMPLES / "couple-ruby-nox", tmp_path / "couple")
    content = json.loads((example / "character.json").read_text())
    (example / "character.json").write_text(json.dumps({**content, "together": 4}))
    run = played(tmp_path / "run", example, more=("loop.target=2",))
    assert len([*(run / "lora").glob("*.safetensors")]) == 2
    assert kept(run)
    with Store.open(run, exclusive=False) as store:
        assert [way.drawn for way in ways_of(store)] == [16, 16, 16]
