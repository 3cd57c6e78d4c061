"""`bootstrap compare` on a small finished run of the fake backend."""

import contextlib
import io
import json
import shutil

import pytest
from PIL import Image
from typer.testing import CliRunner

from bootstrap.cli import app as commands
from bootstrap.cli import main
from bootstrap.errors import BackendError, ConfigError, UsageError
from bootstrap.records import JobKind
from bootstrap.store.store import Store
from scoring.measurement import Measurement

SMALL = [
    "loop.target=6", "loop.goals=[]", "loop.rounds=1", "loop.waves=1", "loop.lookalikes=24", "loop.exchanged=0",
    "loop.most_decoys=24", "loop.gate_level=0.4", "loop.final_candidates=2", "base.recipes.character.steps=10",
    "base.sampling.width=32", "base.sampling.height=32", "loop.acceptance.weights=[]", "loop.showcase=0",
]  # fmt: skip


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """The folder of a finished run; its final training left two weights."""
    folder = tmp_path_factory.mktemp("compared")
    Image.new("RGB", (128, 128), (215, 60, 40)).save(folder / "seed.png")
    character = {
        "name": "Red <3", "trigger": "redchr", "base": "puppet", "core": "1girl, solo",
        "invariant": {"hair": "red hair"}, "seeds": [{"file": "seed.png", "view": "front", "framing": "upper body"}],
    }  # fmt: skip
    (folder / "character.json").write_text(json.dumps(character))
    given = [folder / "seed.png", folder / "character.json", "--backend", "fake", "--out", folder / "run"]
    said = io.StringIO()
    with pytest.raises(SystemExit) as ended, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        main(["run", *map(str, given), *(part for text in SMALL for part in ("--set", text))])
    assert not ended.value.code
    return folder / "run"


@pytest.fixture
def run(grown, tmp_path):
    return shutil.copytree(grown, tmp_path / "run")


def compare(run, *options):
    return CliRunner().invoke(commands.app, ["compare", str(run), *options])


def found(run, *options):
    result = compare(run, *options, "--json")
    assert result.exit_code == 0, result.exception
    return json.loads(result.stdout)


def test_late_checkpoints_are_tried_at_every_weight_and_early_ones_at_full(run):
    plain = found(run, "--weights", "1.0,0.5", "--each", "1")
    with Store.open(run, exclusive=False) as store:
        final = store.adapters()[-1].id
    tried = {}
    for one in plain["cells"]:
        tried.setdefault(one["checkpoint"], []).append(one["weight"])
    assert tried.pop(f"{final.partition('-step')[0]}-step5") == [1.0], "half of its ten steps"
    names = list(tried)
    assert len(names) == 2
    assert {name.split("-step")[0] for name in names} == {final.split("-step")[0]}
    assert list(tried.values()) == [[1.0, 0.5]] * 2
    assert all(one["pictures"] == 18 and set(one["tests"]) == {"as trained", "an unseen pose", "an unseen outfit"}
               for one in plain["cells"])  # fmt: skip
    assert plain["recommended"]["checkpoint"] in names
    best = max(one["value"] for one in plain["cells"])
    (chosen,) = (one for one in plain["cells"] if plain["recommended"].items() <= one.items())
    assert chosen["value"] >= best - 0.1


def test_a_weaker_weight_shows_less_of_the_character(run):
    plain = found(run, "--weights", "1.0,0.3", "--each", "1", "--checkpoints", "final-r02")
    strong, weak = (one["scorers"]["clip"] for one in plain["cells"])
    assert weak < strong
    assert plain["base"]["scorers"]["clip"] < strong


def test_page_sheet_and_data_are_written_and_nothing_else_is_touched(run):
    before = {path: path.stat().st_mtime_ns for path in run.glob("frames/**/*.png")}
    result = compare(run, "--weights", "1", "--each", "1")
    assert result.exit_code == 0, result.exception
    assert result.stdout.startswith("use final-r02")
    page = (run / "compare" / "compare.html").read_text()
    assert "<h1>Red &lt;3</h1>" in page
    assert page.count("data:image/webp") == 4 * 18 + 2 * 6, "base, three checkpoints; base and best again at the head"
    assert "http" not in page.replace("http://www.w3.org", "")
    with Image.open(run / "compare" / "compare.png") as sheet:
        assert sheet.width > 18 * 100
    assert {path: path.stat().st_mtime_ns for path in run.glob("frames/**/*.png")} == before
    assert not list(run.rglob("blend*"))


def test_what_is_drawn_is_not_drawn_again(run):
    found(run, "--weights", "1", "--each", "1")
    drawn = {path: path.stat().st_mtime_ns for path in (run / "compare" / "pictures").rglob("*.png")}
    lost, torn = (next(folder.glob("*.png")) for folder in sorted({path.parent for path in drawn})[:2])
    lost.unlink()
    torn.write_bytes(torn.read_bytes()[:60])
    again = compare(run, "--weights", "1,0.7", "--each", "1")
    assert again.stderr.count("drawn:") == 2 + 2, "the cells with a hole, and two at the new weight"
    spoilt = {lost.parent, torn.parent}
    kept = {path for path, at in drawn.items() if path.parent not in spoilt and path.stat().st_mtime_ns == at}
    assert len(kept) == 2 * 18


def test_other_loras_stand_beside_the_best_one_by_one_and_together(run, tmp_path):
    with Store.open(run, exclusive=False) as store:
        other = run / store.adapters()[0].path
    for name in ("style", "friend"):
        shutil.copy(other, tmp_path / f"{name}.safetensors")
    plain = found(
        run, "--weights", "1", "--each", "1", "--with", f"{tmp_path}/style.safetensors:0.5=watercolor",
        "--with", f"{tmp_path}/friend.safetensors",
    )  # fmt: skip
    attached = [[(one["weight"], one["words"]) for one in cell["with"]] for cell in plain["stacked"]]
    assert attached[:5] == [*([(weight, "")] for weight in (1.0, 0.8, 0.6, 0.4)), [(0.5, "watercolor")]], "searched"
    (pair,) = plain["pairs"]
    assert [one["weight"] for one in pair["tried"]] == [1.0, 0.8, 0.6, 0.4]
    together, (style, (friend, _)) = attached[5:], attached[-1]
    assert (len(together), style, friend in (1.0, 0.8, 0.6, 0.4)) == (1, (0.5, "watercolor"), True)
    told = [*plain["strengths"], *plain["weaknesses"]]
    assert pair["summary"] in told
    assert sum("style at 0.5" in text for text in told) == 2, "alone, and beside the friend"
    assert "Weights of other LoRAs" in (run / "compare" / "compare.html").read_text()


def test_weights_of_another_trainer_or_an_earlier_round_are_tried_too(run, tmp_path):
    with Store.open(run, exclusive=False) as store:
        first = store.adapters()[0]
    shutil.copy(run / first.path, tmp_path / "mine.safetensors")
    plain = found(run, "--checkpoints", f"{first.id},{tmp_path}/mine.safetensors", "--weights", "1", "--each", "1")
    assert [one["checkpoint"] for one in plain["cells"]] == [first.id, "mine"]
    assert plain["cells"][0]["scorers"] == plain["cells"][1]["scorers"]
    assert plain["settings"] == ['"mine": no setting that is known of it differs']
    assert "&#34;mine&#34;: no setting" in (run / "compare" / "compare.html").read_text()


def test_other_checkpoints_of_the_architecture_are_tried_at_the_best_weight(run, header_file, tmp_path):
    mix = header_file(tmp_path / "mix.safetensors", "sd1")
    plain = found(run, "--weights", "1,0.5", "--each", "1", "--also", str(mix))
    (tried,) = plain["also"]
    assert tried["base"] == "mix.safetensors"
    assert plain["recommended"].items() <= tried["with"].items()
    assert tried["alone"]["checkpoint"] == ""
    (own,) = (one for one in plain["cells"] if plain["recommended"].items() <= one.items())
    assert tried["with"]["identity"] == own["identity"], "this backend paints alike on every base"
    assert any("works on mix.safetensors: identity" in text for text in plain["strengths"])
    page = (run / "compare" / "compare.html").read_text()
    assert "On other checkpoints" in page
    assert "final-r02 at 1 on mix.safetensors" in page
    assert page.count("mix.safetensors alone") == 2 + 3, "in both tables, and over the pictures of each test"


def test_unseen_things_can_be_named(run):
    plain = found(run, "--pose", "riding a bike", "--outfit", "red scarf, blue boots", "--weights", "1", "--each", "1")
    assert plain["unseen"] == {"pose": "riding a bike", "outfit": "red scarf, blue boots"}


@pytest.mark.parametrize(("options", "message"), [
    (["--weights", "1,heavy"], '--weights "heavy" is not a weight'),
    (["--weights", "9"], '--weights "9" is not a weight'),
    (["--checkpoints", "r99"], '"r99" is neither a file'),
    (["--with", "nowhere.safetensors:0.7"], 'no such file "nowhere.safetensors"'),
])  # fmt: skip
def test_what_cannot_be_tried_is_one_line(run, options, message):
    result = compare(run, *options)
    assert isinstance(result.exception, UsageError)
    assert message in str(result.exception)
    assert not (run / "compare").exists()


def test_a_base_that_does_not_fit_is_one_line_before_anything_is_loaded(run, header_file, tmp_path, monkeypatch):
    monkeypatch.delattr("bootstrap.cli.compare.open_for_comparison")
    other = header_file(tmp_path / "other.safetensors", "sdxl")
    for name, said in (
        (other, f'--also "{other}" is Stable Diffusion XL: a LoRA for'),
        ("nowhere.safetensors", '"nowhere.safetensors"'),
    ):
        result = compare(run, "--also", str(name))
        assert isinstance(result.exception, UsageError | ConfigError)
        assert said in str(result.exception)


def test_a_run_without_weights_says_so(tmp_path, grown):
    with Store.open(tmp_path / "new", create=True) as store, Store.open(grown, exclusive=False) as old:
        for name in ("config", "character"):
            store.remember(name, old.recall(name))
    result = compare(tmp_path / "new")
    assert isinstance(result.exception, UsageError)
    assert "has trained nothing yet" in str(result.exception)


def test_decoys_that_another_panel_measured_are_measured_anew_and_not_stored(run):
    fresh = found(run, "--weights", "1", "--each", "1")
    with Store.open(run) as store:
        decoys = [frame.job.id for frame in store.frames(kind=JobKind.LOOKALIKE)]
        old = {id: {"clip": Measurement(9.0)} for id in decoys}
        store.add_measurements(old, {"clip": "another panel"})
    result = compare(run, "--weights", "1", "--each", "1", "--json")
    assert f"{len(decoys)} decoys are measured again" in result.stderr
    assert "loading the base and the panel …" in result.stderr
    assert json.loads(result.stdout)["cells"] == fresh["cells"]
    with Store.open(run, exclusive=False) as store:
        assert store.measurements(decoys)[decoys[0]]["clip"] == Measurement(9.0)


def test_a_file_that_does_not_fit_is_told_before_anything_is_drawn(run, tmp_path):
    (tmp_path / "broken.safetensors").write_bytes(b"no")
    result = compare(run, "--with", f"{tmp_path}/broken.safetensors")
    assert isinstance(result.exception, BackendError)
    assert "broken.safetensors" in str(result.exception)
    assert not (run / "compare").exists()
