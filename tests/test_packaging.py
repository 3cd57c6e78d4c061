"""What a wheel must carry: a fresh offline machine has nothing else."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MOST_WEIGHTS = 60 * 1000 * 1000
ROOMS = {"bootstrap": "bootstrap", "scoring": "scoring", "loops": "loops", "configs": "bootstrap/_configs"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as opened:
        yield opened


def test_a_wheel_has_every_module_and_every_file_of_data(wheel):
    names = set(wheel.namelist())
    for room, there in ROOMS.items():
        files = [path.relative_to(ROOT / room) for path in (ROOT / room).rglob("*") if path.is_file()]
        ours = [path for path in files if "__pycache__" not in path.parts and not path.name.startswith(".")]
        assert not {f"{there}/{path.as_posix()}" for path in ours} - names
    for needed in (
        *(f"{package}/py.typed" for package in ("bootstrap", "scoring", "loops")),
        "bootstrap/_configs/base/puppet.yaml",
        "bootstrap/_configs/characters/ruby/seed.png",
        "bootstrap/puppets/weights/base/model_index.json",
        "bootstrap/puppets/weights/clip/open_clip.safetensors",
        "bootstrap/puppets/weights/heldout/heldout.onnx",
        "bootstrap/report/page.css",
    ):
        assert needed in names
    assert not [name for name in names if name.startswith(("tests/", "configs/"))]


def test_what_is_installed_from_a_wheel_finds_its_configs(wheel, tmp_path):
    wheel.extractall(tmp_path / "site", [name for name in wheel.namelist() if "/weights/" not in name])
    (tmp_path / "elsewhere").mkdir()
    code = "from bootstrap.config import configs_dir, load; load('puppet'); print(configs_dir())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path / "elsewhere",
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == str(tmp_path / "site" / "bootstrap" / "_configs"), done.stderr


def test_all_weights_together_stay_small():
    files = (ROOT / "bootstrap" / "puppets" / "weights").rglob("*")
    assert sum(path.stat().st_size for path in files if path.is_file()) <= MOST_WEIGHTS
