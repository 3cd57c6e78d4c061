"""What a wheel must carry: a fresh offline machine has nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
MOST_WEIGHTS = 45 * 1024 * 1024


def test_a_wheel_ships_configs_and_weights(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (
        "bootstrap/_configs/base/puppet.yaml",
        "bootstrap/_configs/characters/ruby/seed.png",
        "bootstrap/puppets/weights/base/model_index.json",
        "bootstrap/puppets/weights/clip/open_clip.safetensors",
        "bootstrap/puppets/weights/face/",
        "bootstrap/puppets/weights/heldout/heldout.onnx",
        "scoring/calibrate.py",
        "loops/round.py",
        "bootstrap/report/page.css",
    ):
        assert any(name.startswith(needed) for name in names), needed
    assert not [name for name in names if name.startswith("tests/")]


def test_all_weights_together_stay_small():
    files = (ROOT / "bootstrap" / "puppets" / "weights").rglob("*")
    assert sum(path.stat().st_size for path in files if path.is_file()) <= MOST_WEIGHTS
