"""What is proposed for the path of a file that does not exist."""

from pathlib import Path

import pytest

from bootstrap.store.near_files import is_like_a_path, near_files, near_names, or_near


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home with models, and a working folder beside it."""
    for name in ("home/models/foo.safetensors", "home/models/README.md", "here/seed.png",
                 "home/ComfyUI/models/checkpoints/sdxl/dreamMix_v3.safetensors"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "home"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("~/models/foo.safetensros", "~/models/foo.safetensors"),
        ("~/models/FOO.ckpt", "~/models/foo.safetensors"),
        ("~/modles/fo.safetensors", "~/models/foo.safetensors"),
        ("sead.png", "seed.png"),
        ("seed.jpg", "seed.png"),
        ("../here/seed", "../here/seed.png"),
    ],
)
def test_a_misspelt_path_is_proposed_as_it_was_written(given, meant):
    assert near_files(given) == [meant]


def test_a_bare_name_of_weights_is_looked_for_where_programs_keep_models(home):
    found = str(home / "ComfyUI/models/checkpoints/sdxl/dreamMix_v3.safetensors")
    for given in ("dreamMix_v3.safetensors", "dreammix-v3.ckpt", "dreamMix_v3"):
        assert near_files(given) == [found]
    assert near_files("somewhere/dreamMix_v3.safetensors") == []


@pytest.mark.parametrize("given", ["~/models/other.safetensors", "readable.safetensors", "~nobody/x", "\0", "a" * 999])
def test_what_is_unlike_everything_has_the_usual_hint(given):
    assert or_near(given, "give one") == "give one"


def test_at_most_three_are_proposed(home):
    for number in range(9):
        (home / f"mix{number}.safetensors").touch()
    assert or_near(Path("~/mix.safetensors"), "").count("~") == 3


def test_paths_and_names():
    assert all(map(is_like_a_path, ("~", "a/b", "a\\b", "foo.ckpt", "./foo")))
    assert not any(map(is_like_a_path, ("sdxl", "sd1.5", "sdxl1.0", "noobai-vpred")))
    assert near_names("PUPET", ["puppet", "pony"]) == ["puppet"]
