"""Every memory profile on the GPU of this machine: peak memory of each stage, and speed against a plain diffusers loop.

    python tests/benchmarks/on_a_card.py [--out FILE] [--seconds 470] [--rows sdxl-8gb,vae] [--tiny]

The weights are random and made on the GPU; nothing is downloaded. Each row is a process of its own, in which a profile
gets the memory of its card less 1 GiB. Results are printed as they come, appended to ``--out`` as JSON lines, and
printed as Markdown tables for RESULTS.md at the end; rows that would begin after ``--seconds`` are left out. Beside the
measured peaks stand the estimates of `bootstrap.config.card_memory`. ``--tiny`` tries the script itself with small
models on any machine. The profiles leave the settings of bases of 512 pixels alone: one row, on the smallest card,
stands for all. It does not measure CUDA's own context in a peak; the row's first line has it.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))
SEED = ROOT / "configs/characters/ruby/seed.png"
ROWS = (
    "sdxl-plain", "sdxl-12gb", "sdxl-8gb", "sdxl-24gb", "sdxl-16gb", "sd1-plain", "sd1-8gb", "vae", "sdxl-12gb-float16",
    "options", "compiled",
)  # fmt: skip
"""In the order of their importance: what there is no time for is left out."""
TRIED = ("sdxl-8gb", "sd1-plain", "vae")
"""What ``--tiny`` tries where no rows are named."""
SECONDS = {"sdxl-plain": 90, "options": 120, "compiled": 120}
"""The most that a row may take, importing included; `OTHER` for the rest. One takes 25 to 55 on an H200."""
OTHER, AHEAD = 60, 3
"""Processes that import their libraries while another one measures: `AHEAD`."""
PRESETS = {"sdxl": "sdxl", "sd1": "sd15"}
BATCHES = {"sdxl": (1, 2, 4), "sd1": (4,)}
"""Batches that a plain loop is measured with."""
STEPS, WARM, TIMED = 6, 2, 3
"""Denoising steps of a measurement; training steps before and while the clock runs."""
GIB = 1 << 30
LONGEST = 60
"""Letters of an error in a table."""
PROMPT = "1girl, green hair, from front"
TINY: dict[str, dict[str, Any]] = {
    "sdxl": {
        "block_out_channels": [32, 64, 64], "attention_head_dim": [2, 4, 4], "cross_attention_dim": 64,
        "transformer_layers_per_block": [1, 1, 1], "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": 80,
    },
    "sd1": {"block_out_channels": [32, 64, 64, 64], "cross_attention_dim": 32},
    "vae": {"block_out_channels": [32] * 4},
    "text": {
        "hidden_size": 32, "intermediate_size": 37, "num_hidden_layers": 3, "num_attention_heads": 4,
        "projection_dim": 32,
    },
    "eyes": {
        "hidden_size": 32, "intermediate_size": 37, "num_hidden_layers": 2, "num_attention_heads": 4,
    },
}  # fmt: skip


class Row:
    """What one process measures: models, clock and memory of this machine's GPU, or of its CPU without one."""

    def __init__(self, name: str, *, tiny: bool) -> None:
        import torch

        self.name, self.tiny = name, tiny
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.side = {"sdxl": 64 if tiny else 1024, "sd1": 64 if tiny else 512}
        self.half = torch.bfloat16 if self.device == "cuda" else torch.float32
        torch.zeros(1, device=self.device)  # the context is there before anything is measured

    def say(self, stage: str, **found: Any) -> None:
        """One result as a line of JSON."""
        print(json.dumps({"row": self.name, "stage": stage, **found}), flush=True)  # noqa: T201

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """A stage whose failure does not end the row."""
        try:
            yield
        except Exception as error:  # the other stages are measured all the same
            self.say(name, error=f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"[:300])
        self.clear()

    def clear(self) -> None:
        """Free what is not used any more, and begin a new peak."""
        import torch

        gc.collect()
        if self.device == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()

    def now(self) -> float:
        """The time when the GPU has done all that it was given."""
        import torch

        if self.device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    def peak(self) -> dict[str, float]:
        """GiB that tensors, and the allocator with what it keeps back, took at most since the last `clear`."""
        import torch

        if self.device != "cuda":
            return {"allocated": 0.0, "reserved": 0.0}
        found = {"allocated": torch.cuda.max_memory_allocated(), "reserved": torch.cuda.max_memory_reserved()}
        return {name: round(taken / GIB, 3) for name, taken in found.items()}

    def measure(self, stage: str, work: Callable[[], object], warm: Callable[[], object], **more: Any) -> None:
        """Seconds and peak of some work, in which every kernel has been chosen by ``warm``."""
        with self.stage(stage):
            warm()
            self.clear()
            began = self.now()
            work()
            self.say(stage, seconds=self.now() - began, **self.peak(), **more)

    def hold_to(self, gigabytes: float) -> None:
        """Let this process have no more of the GPU than a card of so many GB has, less 1."""
        import torch

        facts = {"torch": torch.__version__, "device": "CPU"}
        if self.device == "cuda":
            free, total = torch.cuda.mem_get_info()
            context = (total - free - torch.cuda.memory_reserved()) / GIB
            facts |= {"device": torch.cuda.get_device_name(), "context": round(context, 2)}
            if gigabytes:
                torch.cuda.set_per_process_memory_fraction(min(1.0, (gigabytes - 1) * GIB / total))
        self.say("machine", limit=max(0.0, gigabytes - 1), **facts)


def pipeline(row: Row, name: str, dtype: Any, vae: Any) -> Any:
    """An architecture's real model with random weights, made on the device in its own precision."""
    import diffusers
    import torch
    import transformers

    from bootstrap.backends.architectures import ARCHITECTURES

    architecture = ARCHITECTURES[name]
    index = json.loads((architecture.configs / "model_index.json").read_text(encoding="utf-8"))
    parts: dict[str, Any] = {}
    for part in architecture.weighted_parts:
        library, kind_name = index[part]
        kind = getattr({"diffusers": diffusers, "transformers": transformers}[library], kind_name)
        config = json.loads((architecture.configs / part / "config.json").read_text(encoding="utf-8"))
        if row.tiny:
            config |= TINY["text" if part.startswith("text") else name if part == "unet" else part]
        with torch.device(row.device), default_dtype(vae if part == "vae" else dtype):
            made: Any = kind.from_config(config) if library == "diffusers" else kind(kind.config_class(**config))
        parts[part] = made.requires_grad_(False).eval()
    schedule = json.loads(next((architecture.configs / "scheduler").glob("*.json")).read_text(encoding="utf-8"))
    scheduler = diffusers.DDIMScheduler.from_config(schedule)
    if name == "sd1":
        parts |= {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    pipe = getattr(diffusers, architecture.pipeline)(**parts, **architecture.make_tokenizers(), scheduler=scheduler)
    pipe.set_progress_bar_config(disable=True)
    return pipe


@contextlib.contextmanager
def default_dtype(dtype: Any) -> Iterator[None]:
    """New weights are of this type."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


class Ours:
    """A base of the package with a profile's settings, and its stages one by one."""

    def __init__(self, row: Row, name: str, profile: str, dtype: str = "auto") -> None:
        import bootstrap.backends.loaded as loaded
        from bootstrap.backends.architectures import ARCHITECTURES
        from bootstrap.backends.diffusers import DiffusersBackend
        from bootstrap.backends.loading import place
        from bootstrap.config import load
        from bootstrap.config.profiles import profiles
        from bootstrap.machine.device import weights_dtype

        self.row, self.name = row, name
        side = {"width": row.side[name], "height": row.side[name], "dtype": dtype}
        settings = load(PRESETS[name], profile=profile).base
        self.config = settings.model_copy(update={"sampling": settings.sampling.model_copy(update=side)})
        self.eyes = eyes(row)
        pipe = pipeline(row, name, weights_dtype(row.device, dtype), vae=weights_dtype("cpu"))

        def random_base(path: Path, device: str, sampling: Any) -> Any:
            if sampling.offload:
                for part in ARCHITECTURES[name].text_encoders:
                    getattr(pipe, part).to("cpu")
            place(pipe, ARCHITECTURES[name], device, offload=sampling.offload)
            return pipe, ARCHITECTURES[name]

        loaded.load_pipeline, loaded.digest_of_base = random_base, lambda path: "random"
        loaded.settings_by_test = lambda base, pipe, architecture, given, device, predict: given
        self.backend = DiffusersBackend(Path("random"), self.config.sampling, row.device)
        self.base = self.backend.base
        row.clear()
        row.hold_to(profiles()[profile].memory)

    def train(self, stage: str = "train") -> None:
        """Steps of the character recipe by the package's own trainer, which writes no file here."""
        import bootstrap.backends.lora_trainer as lora_trainer
        import bootstrap.training.train_lora as train_lora
        from bootstrap.records import TrainItem

        lora_trainer.save_kohya = train_lora.save_checkpoint = lambda *given: None
        recipe = self.config.recipes["character"].model_copy(update={"steps": WARM + TIMED, "enable_bucket": False})
        items = [TrainItem(str(SEED), ("rubychr", "from front"), "seed")] * 4
        with self.row.stage(stage), tempfile.TemporaryDirectory() as folder, watched_steps(self.row) as steps:
            self.backend.train(items, recipe, Path(folder), lambda event: None)
            self.row.say(stage, seconds=steps[-1]["at"] - steps[WARM - 1]["at"], **steps[-1], batch=recipe.batch_size)

    def draw(self, stage: str = "draw") -> None:
        """Denoising of a batch with guidance, through the attached LoRA."""
        from bootstrap.backends.drawing import denoise
        from bootstrap.backends.regularisation import NO_SHOT
        from bootstrap.records import Job, JobKind

        batch = self.config.sampling.batch_size
        jobs = [Job(str(n), JobKind.PROBE, 0, 0, NO_SHOT, PROMPT, "", n, {}) for n in range(batch)]

        def steps(count: int) -> None:
            self.base.settings = self.config.sampling.model_copy(update={"steps": count})
            denoise(self.base, jobs)

        with self.row.stage("read"):
            self.row.clear()
            began = self.row.now()
            self.base.prompts.clear()
            self.base.prompts.preload([PROMPT, ""])
            self.row.say("read", seconds=self.row.now() - began, **self.row.peak())
        self.row.measure(stage, lambda: steps(STEPS), lambda: steps(2), batch=batch)

    def code(self, stages: Sequence[str] = ("encode", "decode")) -> None:
        """The VAE on one picture."""
        import torch

        pipe, latents = self.base.pipe, self.base.architecture.latents
        side = self.row.side[self.name]
        with torch.inference_mode():
            pixels = torch.rand((1, 3, side, side), device=self.row.device) * 2 - 1
            small = torch.randn((1, *latents.shape(pipe, side, side)), device=self.row.device)
            works = (lambda: latents.encode(pipe, pixels), lambda: latents.decode(pipe, small))
            for stage, work in zip(stages, works, strict=True):
                self.row.measure(stage, work, work)

    def score(self) -> None:
        """CLIP ViT-L and DINOv2 base as the panels have them, beside the base: in float32, and in half precision."""
        from scoring.offloaded import AT_ONCE, Offloaded

        for stage, dtype in (("score", None), ("score, half precision", self.row.half)):
            with self.row.stage(stage):
                models = [model.to(dtype) for model in self.eyes]
                self.row.clear()
                self.row.measure(stage, *[lambda models=models: look(self.row, models, Offloaded, AT_ONCE)] * 2)


def eyes(row: Row) -> list[Any]:
    """The panels' encoders with random weights, in main memory."""
    import torch
    from transformers import CLIPVisionConfig, CLIPVisionModel, Dinov2Config, Dinov2Model

    large = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16}
    with torch.device(row.device):
        clip = CLIPVisionConfig(image_size=224, patch_size=14, **(TINY["eyes"] if row.tiny else large))
        dino = Dinov2Config(**(TINY["eyes"] if row.tiny else {}))
        return [CLIPVisionModel(clip).eval().to("cpu"), Dinov2Model(dino).eval().to("cpu")]


def look(row: Row, models: Sequence[Any], offloaded: Any, pictures: int) -> None:
    """One batch of crops through each encoder, loaded one by one."""
    import torch

    for model in models:
        with torch.no_grad(), offloaded([model], row.device):
            model(torch.zeros((pictures, 3, 224, 224), dtype=model.dtype, device=row.device))


@contextlib.contextmanager
def watched_steps(row: Row) -> Iterator[list[dict[str, Any]]]:
    """Time and peak after each training step; the peak begins anew after the warm ones."""
    from bootstrap.training.state import TrainingState

    steps: list[dict[str, Any]] = []
    advance = TrainingState.advance

    def advance_and_look(state: Any, loss: Any) -> None:
        advance(state, loss)
        steps.append({"at": row.now(), "steps": TIMED, **row.peak()})
        if len(steps) == WARM:
            row.clear()
            steps[-1]["at"] = row.now()
        if len(steps) == WARM + TIMED:
            steps[-1] |= {"loss_scale": state.state()["scale"].get("scale"), "finite": state.finite()}

    TrainingState.advance = advance_and_look  # type: ignore[method-assign]
    try:
        yield steps
    finally:
        TrainingState.advance = advance  # type: ignore[method-assign]


class Plain:
    """A plain diffusers pipeline and a plain training loop: peft, bfloat16, gradient checkpointing, AdamW."""

    def __init__(self, row: Row, name: str) -> None:
        self.row, self.name, self.side = row, name, row.side[name]
        self.pipe = pipeline(row, name, row.half, vae=row.half)
        self.weights: list[Any] = []
        self.text: dict[str, Any] = {}
        row.clear()
        row.hold_to(0)

    def adapt(self) -> None:
        """A LoRA of the profiles' rank on the modules that the package trains."""
        from peft import LoraConfig, inject_adapter_in_model

        parts = {"unet": ["to_k", "to_q", "to_v", "to_out.0", "proj_in", "proj_out", "ff.net.0.proj", "ff.net.2"]}
        if self.name == "sd1":
            parts["text_encoder"] = ["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"]
        for part, modules in parts.items():
            model = getattr(self.pipe, part)
            inject_adapter_in_model(LoraConfig(r=32, lora_alpha=16, target_modules=modules), model)
            for weight in model.parameters():
                if weight.requires_grad:
                    weight.data = weight.data.float()
                    self.weights.append(weight)
        self.pipe.unet.enable_gradient_checkpointing()

    def read(self, batch: int) -> dict[str, Any]:
        """The conditions of a batch."""
        import torch

        trained = contextlib.nullcontext() if self.name == "sd1" else torch.no_grad()
        with trained:
            found = self.pipe.encode_prompt(PROMPT, **self._options(), num_images_per_prompt=batch)
        if self.name == "sd1":
            return {"encoder_hidden_states": found[0]}
        size = torch.tensor([[self.side, self.side, 0, 0, self.side, self.side]] * batch, device=self.row.device)
        added = {"text_embeds": found[2], "time_ids": size}
        return {"encoder_hidden_states": found[0], "added_cond_kwargs": added}

    def _options(self) -> dict[str, Any]:
        return {"device": self.row.device, "do_classifier_free_guidance": False}

    def train(self, batch: int) -> None:
        """Training steps on latents of noise."""
        import torch

        side, unet = self.side // self.pipe.vae_scale_factor, self.pipe.unet
        optimizer = torch.optim.AdamW(self.weights)
        text = None if self.name == "sd1" else self.read(batch)
        unet.train()

        def step() -> None:
            latents = torch.randn((batch, 4, side, side), device=self.row.device)
            times = torch.randint(0, 1000, (batch,), device=self.row.device)
            with torch.autocast(self.row.device, torch.bfloat16, enabled=self.row.device == "cuda"):
                made = unet(latents.to(unet.dtype), times, **(text or self.read(batch))).sample
            torch.nn.functional.mse_loss(made.float(), latents).backward()
            torch.nn.utils.clip_grad_norm_(self.weights, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

        def run(count: int) -> None:
            for _ in range(count):
                step()

        self.row.measure(f"train {batch}", lambda: run(TIMED), lambda: run(WARM), batch=batch, steps=TIMED)
        unet.eval()

    def draw(self, batch: int) -> None:
        """Denoising without the VAE, then the VAE alone; the LoRA in half precision, as it is loaded from a file."""
        import torch

        for weight in self.weights:
            weight.data = weight.data.to(self.row.half)
        size = {"width": self.side, "height": self.side, "guidance_scale": 6.0, "num_images_per_prompt": batch}

        def steps(count: int) -> None:
            self.pipe(PROMPT, num_inference_steps=count, output_type="latent", **size)

        self.row.measure(f"draw {batch}", lambda: steps(STEPS), lambda: steps(2), batch=batch)
        if batch != BATCHES[self.name][0]:
            return
        side, vae = self.side // self.pipe.vae_scale_factor, self.pipe.vae
        with torch.inference_mode():
            small = torch.randn((1, 4, side, side), device=self.row.device, dtype=vae.dtype)
            self.row.measure("decode", *[lambda: vae.decode(small)] * 2)


def measure_plain(row: Row, name: str) -> None:
    """The plain loop with every batch that a profile has."""
    plain = Plain(row, name)
    plain.adapt()
    for batch in BATCHES[name]:
        plain.train(batch)
    for batch in BATCHES[name]:
        plain.draw(batch)


def measure_profile(row: Row, name: str, profile: str, dtype: str = "auto") -> None:
    """Every stage of one base with one profile, and what the package estimates for it."""
    from bootstrap.config.card_memory import Room, stage_memory

    ours = Ours(row, name, profile, dtype)
    estimate = stage_memory(ours.config, name, Room())
    row.say("estimate", gib={stage: round(taken, 3) for stage, taken in estimate.items()})
    ours.train()
    ours.draw()
    ours.code()
    ours.score()


def measure_vae(row: Row) -> None:
    """The VAE alone, in float32: whole pictures against tiles."""
    import torch

    from bootstrap.backends.tiles import use_tiles

    pipe = pipeline(row, "sdxl", row.half, torch.float32)
    for part in ("unet", "text_encoder", "text_encoder_2"):
        setattr(pipe, part, None)
    row.clear()
    row.hold_to(0)
    held = row.peak()["allocated"]
    side = row.side["sdxl"]
    with torch.inference_mode():
        pixels = torch.rand((1, 3, side, side), device=row.device) * 2 - 1
        small = torch.randn((1, 4, side // 8, side // 8), device=row.device)
        for way in ("whole", "tiles"):
            if way == "tiles":
                use_tiles(pipe)
            row.measure(f"encode {way}", *[lambda: pipe.vae.encode(pixels)] * 2, held=held)
            row.measure(f"decode {way}", *[lambda: pipe.vae.decode(small)] * 2, held=held)


def measure_options(row: Row) -> None:
    """What may be faster on CUDA, one at a time, with SDXL and the profile of 12 GB; the last pair is as the first."""
    import torch

    ours = Ours(row, "sdxl", "12gb")
    torch_cudnn, pipe = torch.backends.cudnn, ours.base.pipe

    def all_at(name: str) -> None:
        ours.train(f"train, {name}")
        ours.draw(f"draw, {name}")
        ours.code((f"encode, {name}", f"decode, {name}"))

    def laid_out(form: Any) -> None:
        for part in (pipe.unet, pipe.vae):
            part.to(memory_format=form)

    all_at("as shipped")
    torch.set_float32_matmul_precision("high")
    all_at("TF32")
    torch.set_float32_matmul_precision("highest")
    laid_out(torch.channels_last)
    all_at("channels_last")
    laid_out(torch.contiguous_format)
    torch_cudnn.benchmark = True
    all_at("cudnn.benchmark")
    torch_cudnn.benchmark = False
    all_at("as shipped again")


def measure_compiled(row: Row) -> None:
    """torch.compile of the repeated blocks: drawing, then training; both also without it."""
    ours = Ours(row, "sdxl", "12gb")
    ours.train("train, not compiled")
    ours.draw("draw, not compiled")
    began = row.now()
    ours.base.denoiser.compile_repeated_blocks()
    ours.draw("draw, compiled")
    row.say("compiling to draw", seconds=row.now() - began)
    began = row.now()
    ours.train("train, compiled")
    row.say("compiling to train", seconds=row.now() - began)


def measure_rows(names: Sequence[str], *, tiny: bool) -> None:
    """Rows in this process, after a line on standard input."""
    import diffusers  # noqa: F401 -- imported while another row measures
    import peft  # noqa: F401
    import torch  # noqa: F401

    import bootstrap.backends.diffusers  # noqa: F401

    sys.stdin.readline()
    for name in names:
        row = Row(name, tiny=tiny)
        architecture, _, profile = name.partition("-")
        with row.stage("row"):
            alone = {"vae": measure_vae, "options": measure_options, "compiled": measure_compiled}
            if name in alone:
                alone[name](row)
            elif profile == "plain":
                measure_plain(row, architecture)
            else:
                measure_profile(row, architecture, *profile.split("-"))


Results = dict[str, dict[str, dict[str, Any]]]


def start(names: str, *, tiny: bool) -> subprocess.Popen[str]:
    """The process of one row, or of several with commas between, which imports and waits."""
    command = [sys.executable, __file__, "--here", "--rows", names, *(["--tiny"] if tiny else [])]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def collect(process: subprocess.Popen[str], seconds: float, out: Path | None, found: Results) -> None:
    """Add a process's results to those found; it may take so many seconds. Printed and written as they come."""
    assert process.stdin is not None
    assert process.stdout is not None
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write("go\n")
        process.stdin.flush()
    for line in process.stdout:
        print(line, end="", flush=True)  # noqa: T201
        if not line.startswith('{"row"'):
            continue
        result = json.loads(line)
        found.setdefault(result["row"], {})[result["stage"]] = result
        if out is not None:
            with out.open("a", encoding="utf-8") as file:
                file.write(line)
    timer.cancel()
    if process.wait() != 0:
        print(f"ended with {process.returncode}", flush=True)  # noqa: T201


def measure_all(rows: Sequence[str], seconds: float, out: Path | None, *, tiny: bool) -> Results:
    """Row after row, until the time is up; small models in one process, which saves importing."""
    ends = time.monotonic() + seconds
    found: Results = {}
    groups = [",".join(rows)] if tiny else rows
    waiting = {name: start(name, tiny=tiny) for name in groups[:AHEAD]}
    for number, name in enumerate(groups):
        left, began = ends - time.monotonic(), time.monotonic()
        for other in groups[number + 1 : number + 1 + AHEAD]:
            if other not in waiting and left > 0:
                waiting[other] = start(other, tiny=tiny)
        if name in waiting and left > 0:
            collect(waiting[name], left if tiny else min(left, SECONDS.get(name, OTHER)), out, found)
        print(f"{name}: {time.monotonic() - began:.1f} s", flush=True)  # noqa: T201
    for process in waiting.values():
        process.kill()
    return found


def tables(found: Results) -> Iterator[str]:
    """The results as Markdown."""
    facts = next((row["machine"] for row in found.values() if "machine" in row), {})
    yield f"{facts.get('device')}, torch {facts.get('torch')}, CUDA's context {facts.get('context', 0)} GiB.\n"
    yield from memory_table(found)
    yield from speed_table(found)
    for name in ("options", "compiled"):
        yield from option_table(found.get(name, {}), name)
    yield "\n| VAE of SDXL at 1024 | seconds | GiB above its weights |\n|---|---:|---:|"
    for stage, one in found.get("vae", {}).items():
        if "held" in one:
            yield f"| {stage} | {one['seconds']:.3f} | {one['allocated'] - one['held']:.2f} |"


def memory_table(found: Results) -> Iterator[str]:
    """Peaks of the stages: tensors, the allocator's, and the estimate."""
    stages = ("read", "encode", "draw", "decode", "train", "score")
    yield f"| GiB: tensors / allocator (estimate) | limit | {' | '.join(stages)} |\n|---|---:|{'---|' * len(stages)}"
    for name, row in found.items():
        if "estimate" not in row:
            continue
        cells = []
        for stage in stages:
            one, estimate = row.get(stage, {"error": "not measured"}), row["estimate"]["gib"][stage]
            taken = one.get("error", "")[:LONGEST] or f"{one['allocated']:.2f} / {one['reserved']:.2f}"
            cells.append(f"{taken} ({estimate:.2f})")
        yield f"| {name} | {row['machine']['limit']:g} | {' | '.join(cells)} |"


def speed_table(found: Results) -> Iterator[str]:
    """Speeds against the plain loop with the same batch."""
    head = "pictures/s | training steps/s | trained pictures/s | denoising against plain | decoding | training"
    yield f"\n| batch | {head} |\n|---|---:|---:|---:|---:|---:|---:|"
    for name, row in found.items():
        draw, train, decode = (row.get(stage, {}) for stage in ("draw", "train", "decode"))
        if not all("seconds" in one for one in (draw, train, decode)):
            continue
        architecture = name.split("-", maxsplit=1)[0]
        plain, batch = found.get(f"{architecture}-plain", {}), draw["batch"]
        steps = {"sdxl": 28, "sd1": 25}[architecture]
        pictures = batch / (draw["seconds"] / STEPS * steps + batch * decode["seconds"])
        rate = TIMED / train["seconds"]
        ratios = [
            ratio(plain.get(f"draw {batch}", {}), draw), ratio(plain.get("decode", {}), decode),
            ratio(plain.get(f"train {train['batch']}", {}), train),
        ]  # fmt: skip
        yield (
            f"| {name}, {batch} | {pictures:.3f} ({steps} steps) | {rate:.2f} | {rate * train['batch']:.2f} | "
            f"{' | '.join(ratios)} |"
        )
    for name, row in found.items():
        if name.endswith("plain"):
            cells = [f"{stage}: {one['seconds']:.3f} s" for stage, one in row.items() if "seconds" in one]
            yield f"\n{name}: {'; '.join(cells)} ({STEPS} denoising, {TIMED} training steps)."


def option_table(row: dict[str, dict[str, Any]], name: str) -> Iterator[str]:
    """Each option against the first measurement of its stage."""
    yield f"\n| {name} | seconds | speed | GiB |\n|---|---:|---:|---:|"
    first: dict[str, dict[str, Any]] = {}
    for stage, one in row.items():
        kind = stage.partition(",")[0]
        if "error" in one:
            yield f"| {stage} | {one['error']} | | |"
        elif "seconds" in one and stage != "read":
            against = ratio(first.setdefault(kind, one), one)
            yield f"| {stage} | {one['seconds']:.3f} | {against} | {one.get('allocated', 0):.2f} |"


def ratio(before: dict[str, Any], now: dict[str, Any]) -> str:
    """How many times as fast as before."""
    return f"{before['seconds'] / now['seconds']:.2f}x" if "seconds" in before else "?"


def main() -> None:
    """Measure what there is time for, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seconds", type=float, default=470)
    parser.add_argument("--rows", help=f"of {', '.join(ROWS)}")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    rows = given.rows.split(",") if given.rows else TRIED if given.tiny else ROWS
    if given.here:
        measure_rows(rows, tiny=given.tiny)
        return
    found = measure_all(rows, given.seconds, given.out, tiny=given.tiny)
    print("\n".join(tables(found)))  # noqa: T201


if __name__ == "__main__":
    main()
