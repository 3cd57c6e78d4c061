"""What `check` passes, `run` finishes: names and texts that no file can hold are told before a run is begun."""

import json

import pytest
from PIL import Image

from bootstrap.character import load_character
from bootstrap.errors import CharacterError

DEVICES = ("con", "NUL", "aux.png", "Com1", "lpt³.x", "con.")
HALF = "\ud83d"
PLAIN = {"name": "M", "trigger": "mchr", "base": "puppet", "invariant": {"hair": "red hair"}}


@pytest.fixture
def described(tmp_path):
    def write(**changes):
        path = tmp_path / "character.json"
        path.write_text(json.dumps({**PLAIN, **changes}))
        return path

    return write


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"trigger": "🦊" * 60}, "has 240 bytes and names files too: at most 192"),
        *[({"trigger": word}, "Windows keeps this name") for word in DEVICES],
        ({"trigger": "mchr."}, "drops the dot at its end"),
        ({"trigger": f"m{HALF}"}, "trigger"),
        ({"name": f"M{HALF}"}, 'name "M\ud83d": holds half of a character'),
        ({"invariant": {"hair": [f"red {HALF}"]}}, "invariant.hair.0"),
        ({"outfits": {HALF: {"tags": "dress"}}}, "outfits"),
        ({"outfits": {"a": {"tags": "dress", "trigger": HALF}}}, "outfits.a.trigger"),
        ({"seeds": [{"file": "a.png", "tags": HALF}]}, "seeds.0.tags.0"),
        ({"license": HALF}, "license"),
    ],
)
def test_what_cannot_be_written_is_refused(described, changes, said):
    with pytest.raises(CharacterError) as error:
        load_character(described(**changes))
    assert said in str(error.value)


def test_names_that_every_system_bears_pass(described):
    for trigger in ("연" * 64, "console", "com10", "m.chr", "nullchr"):
        assert load_character(described(trigger=trigger)).trigger == trigger


def test_check_refuses_what_run_refuses(call, described, tmp_path):
    Image.effect_noise((128, 128), 50).save(tmp_path / "s.png")
    given = [tmp_path / "s.png", described(name=HALF), "--backend", "fake"]
    for command in ("check", "run"):
        done = call(command, *given, "--out", tmp_path / "out")
        assert (done.code, r"\ud83d" in done.line) == (2, True)
    given[1] = described()
    deep = tmp_path.joinpath(*["d" * 200] * 19)
    for out, length in ((tmp_path / "new" / ("é" * 200), "400 bytes of 255"), (deep, "bytes of 3696")):
        for command in ("check", "run"):
            done = call(command, *given, "--out", out)
            assert (done.code, length in done.line) == (2, True), done.err
            assert done.err.count("error: ") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"s.png", "character.json"}
