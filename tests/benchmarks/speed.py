"""How fast the embedded base draws and trains, as ratios within one run, against plain scripts with diffusers.

    python tests/benchmarks/speed.py [--threads 2]

Prints a table for RESULTS.md: each row against the plain way of its group, so that a slow machine changes little, and
the share of the machine's matrix product (float32, 2048 square, measured in the same run) that it reaches.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

PROMPT = "1girl, blue hair, from front"
DRAWN, STEPS = 8, 8
PRODUCT = 2048


def seconds(work: Callable[[], object]) -> float:
    """Seconds of the faster of two runs, after a warm-up."""
    work()
    times = []
    for _ in range(2):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def peak() -> float:
    """FLOP/s of a large matrix product."""
    import torch

    matrix = torch.randn(PRODUCT, PRODUCT)
    return 2 * PRODUCT**3 / seconds(lambda: matrix @ matrix)


def operations(work: Callable[[], object]) -> float:
    """Floating-point operations of some work, counted by torch."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops())


def plain_pipeline(base: Path) -> Any:
    """The base, loaded by diffusers."""
    import torch
    from diffusers import StableDiffusionPipeline

    pipe = StableDiffusionPipeline.from_pretrained(
        base, safety_checker=None, requires_safety_checker=False, dtype=torch.float32
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def drawing(config: Any, base: Path) -> list[tuple[str, float, float]]:
    """Name, pictures a second and operations a picture; the first is one prompt after another."""
    from bootstrap.backends.diffusers import DiffusersBackend
    from bootstrap.records import Job, JobKind, Shot

    pipe, sampling = plain_pipeline(base), config.base.sampling
    options = {"num_inference_steps": sampling.steps, "guidance_scale": sampling.guidance_scale}
    options |= {"width": sampling.width, "height": sampling.height, "output_type": "pil"}

    def one_by_one() -> None:
        for _ in range(DRAWN):
            pipe(PROMPT, **options)

    each = operations(lambda: pipe(PROMPT, **options))
    found = [("diffusers pipeline, one prompt at a time", DRAWN / seconds(one_by_one), each)]
    shot = Shot(
        "front",
        "front",
        "portrait",
        {
            "expression": "smile",
            "pose": "standing",
            "outfit": "default",
            "background": "forest",
            "style": "cel shading",
        },
    )
    jobs = [Job(str(n), JobKind.CANDIDATE, 1, 1, shot, PROMPT, "", n, {}) for n in range(48)]
    for batch, dtype in ((24, "auto"), (24, "float32"), (1, "float32")):
        backend = DiffusersBackend(base, sampling.model_copy(update={"batch_size": batch, "dtype": dtype}), "cpu")
        some = jobs[: max(batch, DRAWN)]
        took = seconds(lambda backend=backend, some=some: list(backend.draw(some, None)))
        found.append((f"ours, batch {batch}, {dtype}", len(some) / took, each))
    return found


def training(config: Any, base: Path) -> list[tuple[str, float, float]]:
    """Name, pictures trained on a second and operations a picture; the first is a plain diffusers and peft loop."""
    from bootstrap.backends.diffusers import DiffusersBackend
    from bootstrap.records import TrainItem

    seed = Path(__file__).parent.parent.parent / "configs/characters/ruby/seed.png"
    changes = {"steps": STEPS, "checkpoint_every": 1000, "text_variants": 4}
    recipe = config.base.recipes["style"].model_copy(update=changes)
    step = plain_step(plain_pipeline(base), seed, recipe, config.base.sampling)
    each = operations(step) / recipe.batch_size

    def plain() -> None:
        for _ in range(STEPS):
            step()

    name = "diffusers and peft loop, pictures and captions encoded each step"
    found = [(name, STEPS * recipe.batch_size / seconds(plain), each)]
    items = [TrainItem(str(seed), ("rubychr", "from front"), "seed")]
    for dtype, twice in (("auto", False), ("float32", False), ("float32", True)):
        backend = DiffusersBackend(base, config.base.sampling.model_copy(update={"dtype": dtype}), "cpu")
        own = recipe.model_copy(update={"gradient_checkpointing": twice})

        def train(backend: Any = backend, own: Any = own) -> None:
            with tempfile.TemporaryDirectory() as folder:
                backend.train(items, own, Path(folder), lambda event: None)

        name = f"ours, {dtype}" + (", activations computed twice" if twice else "")
        found.append((name, STEPS * recipe.batch_size / seconds(train), each))
    return found


def plain_step(pipe: Any, seed: Path, recipe: Any, sampling: Any) -> Callable[[], None]:
    """One optimiser step as the example scripts of diffusers do it: encode, noise, predict, step."""
    import torch
    from diffusers import DDPMScheduler
    from peft import LoraConfig
    from PIL import Image

    for part in (pipe.unet, pipe.vae, pipe.text_encoder):
        part.requires_grad_(False)
    targets = ["to_q", "to_k", "to_v", "to_out.0", "proj_in", "proj_out", "ff.net.0.proj", "ff.net.2"]
    pipe.unet.add_adapter(LoraConfig(r=recipe.rank, lora_alpha=recipe.network_alpha, target_modules=targets))
    weights = [weight for weight in pipe.unet.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=recipe.learning_rate)
    noising = DDPMScheduler.from_config(pipe.scheduler.config)
    picture = pipe.image_processor.preprocess(Image.open(seed).convert("RGB"), sampling.height, sampling.width)
    pictures = picture.repeat(recipe.batch_size, 1, 1, 1)

    def step() -> None:
        with torch.no_grad():
            answer = pipe.vae.encode(pictures)  # the embedded VAE has no distribution
            drawn = answer.latent_dist.sample() if hasattr(answer, "latent_dist") else answer.latents
            latents = drawn * pipe.vae.config.scaling_factor
            text = pipe.encode_prompt(["rubychr, from front"] * recipe.batch_size, "cpu", 1, False)[0]
        noise, times = torch.randn_like(latents), torch.randint(0, 1000, (len(latents),))
        guess = pipe.unet(noising.add_noise(latents, noise, times), times, text).sample
        torch.nn.functional.mse_loss(guess, noise).backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=("draw", "train"), help="one group of rows")
    given = parser.parse_args()
    threads = given.threads
    import torch

    torch.set_num_threads(threads)
    from bootstrap.config import embedded, load

    config = load("puppet")
    base, top = embedded(config.base.path), peak()
    print(f"{threads} threads, torch {torch.__version__}, matrix product {top / 1e9:.0f} GFLOP/s")  # noqa: T201
    print("| | pictures/s | over the plain way | of the matrix product |\n|---|---:|---:|---:|")  # noqa: T201
    for group, measure in (("draw", drawing), ("train", training)):
        rows = measure(config, base) if given.only in (None, group) else []
        for name, speed, each in rows:
            share = f"{100 * speed * each / top:.0f} %"
            print(f"| {group}: {name} | {speed:.2f} | {speed / rows[0][1]:.2f} | {share} |")  # noqa: T201


if __name__ == "__main__":
    main()
