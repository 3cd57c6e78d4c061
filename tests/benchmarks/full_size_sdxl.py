"""A checkpoint of SDXL's full size goes through the package on a CPU: loaded, one small picture, one training step.

    python tests/benchmarks/full_size_sdxl.py [--side 128] [--steps 2] [--folder FOLDER]

The file has every name and shape of a real one, in float16, and takes 7 GB in its header but few on the disk: the
first values of each tensor are random, the rest is a hole. Prints seconds and the memory of the process after each
stage. Needs 15 GiB of main memory, because a CPU computes in float32; the picture shows nothing.
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests/bootstrap/backends")]
SEED = ROOT / "configs/characters/ruby/seed.png"
WRITTEN = 2048
"""Random values at the beginning of a tensor: one block of most file systems."""
GIB = 1 << 30
SPARE = 15.0
"""GiB of main memory that must be free."""


def shapes() -> dict[str, torch.Tensor]:
    """The tensors of an SDXL checkpoint in its original layout, on the meta device."""
    from card_memory import pipeline
    from original_layout import in_original_layout

    from bootstrap.backends.architectures import ARCHITECTURES

    with torch.device("meta"):
        return in_original_layout(pipeline(ARCHITECTURES["sdxl"], torch.float16))


def write_sparse(path: Path) -> None:
    """Write the file: a whole header, and the first values of each tensor."""
    generator = torch.Generator().manual_seed(0)
    header: dict[str, Any] = {"__metadata__": {"modelspec.architecture": "stable-diffusion-xl-v1-base"}}
    end, sizes = 0, {name: tensor.numel() for name, tensor in shapes().items()}
    for name, tensor in shapes().items():
        begin, end = end, end + 2 * sizes[name]
        header[name] = {"dtype": "F16", "shape": [*tensor.shape], "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)
        for name, size in sizes.items():
            values = torch.randn(min(size, WRITTEN), generator=generator) * 0.02
            if name.endswith(".weight") and len(header[name]["shape"]) == 1:
                values += 1  # a norm
            file.seek(8 + len(text) + header[name]["data_offsets"][0])
            file.write(values.half().numpy().tobytes())


def measured(what: str, work: Callable[[], Any]) -> Any:
    """The result of some work; its seconds and what the process holds afterwards are printed."""
    from bootstrap.runs.peak_memory import peak_memory

    began = time.perf_counter()
    found = work()
    peak = max(peak_memory().values()) / GIB
    print(f"{what:<10} {time.perf_counter() - began:6.1f} s, at most {peak:.1f} GiB so far", flush=True)  # noqa: T201
    return found


def through_the_package(path: Path, folder: Path, side: int, steps: int) -> None:
    """Check, load, draw and train with a profile's settings and small pictures."""
    from bootstrap.backends.diffusers import DiffusersBackend
    from bootstrap.backends.regularisation import NO_SHOT
    from bootstrap.backends.single_file import read_checkpoint
    from bootstrap.config import load
    from bootstrap.lora import load_kohya
    from bootstrap.records import Job, JobKind, TrainItem

    config = load("sdxl", profile="8gb").base
    changes = {"width": side, "height": side, "steps": steps, "prediction_type": "epsilon"}
    settings = config.sampling.model_copy(update=changes)
    recipe = config.recipes["character"].model_copy(update={"steps": 1, "enable_bucket": False})
    items = [TrainItem(str(SEED), ("rubychr", "from front"), "seed")]
    jobs = [Job("0", JobKind.PROBE, 0, 0, NO_SHOT, "green hair", "", 0, {})]
    measured("check", lambda: read_checkpoint(path))
    backend = measured("load", lambda: DiffusersBackend(path, settings, "cpu"))
    measured("draw", lambda: list(backend.draw(jobs, None)))
    trained = measured("train", lambda: backend.train(items, recipe, folder, lambda event: None))
    measured("draw LoRA", lambda: list(backend.draw(jobs, trained.path)))
    grammar = backend.base.architecture.grammar
    modules = load_kohya(trained.path, grammar, *grammar.modules()).modules
    moved = sum(bool(pair[1].any()) for pair in modules.values())  # the second of a pair begins at zero
    print(f"loss {trained.final_loss:.4f}; {moved} of {len(modules)} modules have moved")  # noqa: T201


def main() -> None:
    """Write the file, use it, and delete it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    facts = dict(line.split(":") for line in Path("/proc/meminfo").read_text("ascii").splitlines())
    free = int(facts["MemAvailable"].split()[0]) / (1 << 20)
    if free < SPARE:
        print(f"{free:.1f} GiB of memory are free, it takes {SPARE:g}", file=sys.stderr)  # noqa: T201
        raise SystemExit(2)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        path = Path(folder) / "sdxl.safetensors"
        measured("write", lambda: write_sparse(path))
        size, taken = path.stat().st_size / GIB, path.stat().st_blocks * 512 / GIB
        print(f"file       {size:.2f} GiB, {taken:.2f} of them on the disk")  # noqa: T201
        through_the_package(path, Path(folder), given.side, given.steps)


if __name__ == "__main__":
    main()
