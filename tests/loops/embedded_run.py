"""A small run of the embedded base: its arguments, and what must be the same however it came to its end."""

from pathlib import Path

from bootstrap.store.store import Store
from tests.benchmarks.kills import tensors

RUBY = Path(__file__).parent.parent.parent / "configs" / "characters" / "ruby"
SMALL = [
    "loop.target=2",
    "loop.goals=[1]",
    "loop.rounds=2",
    "loop.waves=1",
    "loop.drawer=newest",
    "loop.lookalikes=1",
    "loop.exchanged=1",
    "loop.most_decoys=1",
    "loop.candidates_a_place=2",
    "loop.showcase=1",
    "loop.acceptance.weights=[]",
    "loop.final_candidates=2",
    "loop.acceptance.weights=[0.8]",
    "loop.acceptance.unseen=0",
    "base.reference.beside_steps=0",
    "base.sampling.steps=4",
    "base.sampling.batch_size=4",
    "base.recipes.style.steps=4",
    "base.recipes.character.steps=4",
    "base.recipes.style.batch_size=2",
    "base.recipes.character.batch_size=2",
]


def arguments():
    """Those of the run, without --out."""
    options = [part for text in SMALL for part in ("--set", text)]
    return [str(RUBY / "seed.png"), str(RUBY / "character.json"), *options]


def made(folder):
    """What must be the same: pixels, measurements, kinds of verdict, and a digest of every LoRA's tensors."""
    with Store.open(folder, exclusive=False) as store:
        return {
            "pixels": {frame.job.id: frame.digest for frame in store.frames()},
            "measurements": store.measurements(),
            "verdicts": {id: verdict.kind for id, verdict in store.verdicts().items()},
            "weights": {one.id: tensors(folder / one.path) for one in store.adapters()},
        }
