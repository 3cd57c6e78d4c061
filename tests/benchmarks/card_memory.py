"""Memory of a card, counted without one: the package's own classes on fake CUDA tensors, every live storage counted.

    python tests/benchmarks/card_memory.py [sdxl sd1 encoder scorers] [--write]

Prints what each stage takes beside the models that are loaded; ``--write`` stores it as
``bootstrap/config/card_memory.json``, which `bootstrap.config.card_memory` computes with. Not counted: the context of
CUDA, and what kernels need for themselves. Takes about two minutes of one core.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import re
import sys
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch._subclasses import FakeTensorMode
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

CARD = "cpu"
"""What stands for the card: fake tensors there need no driver. Its mixed precision is made CUDA's, see `like_cuda`."""
MIB = 1 << 20
BLOCK = 512
"""Bytes that CUDA's allocator rounds up to."""
INITIALISERS = ("kaiming_uniform_", "uniform_", "normal_", "xavier_uniform_", "zeros_", "ones_", "trunc_normal_")
SEED = Path(__file__).parent.parent.parent / "configs/characters/ruby/seed.png"
SIDES = {"sd1": 512, "sdxl": 1024}
RANK = 16
HEADS = {"sd1": 12, "sdxl": 20}
"""Of the resampler of IP-Adapter Plus, 64 wide each (the authors' training code)."""
VIT_H = {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 16}
VIT_H |= {"patch_size": 14, "projection_dim": 1024}
"""The image encoder of the adapters in configs/references (its config.json): 257 features of 1280."""
TARGET = Path(__file__).parent.parent.parent / "bootstrap/config/card_memory.json"


class LiveBytes(TorchDispatchMode):
    """The bytes of all live storages on the fake card, and their peak."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._alive: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        tree_map_only(torch.Tensor, self.see, made)
        return made

    def see(self, tensor: torch.Tensor) -> None:
        """Count a tensor's storage once, until it is freed."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._alive:
            return
        size = -(-storage.nbytes() // BLOCK) * BLOCK
        self._alive.add(key)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._freed, key, size)

    def _freed(self, key: int, size: int) -> None:
        self._alive.discard(key)
        self.now -= size

    def above(self, work: Callable[[], object]) -> int:
        """MiB by which the peak of some work lies above what was there before."""
        before = self.peak = self.now
        work()
        return round((self.peak - before) / MIB)


def fake_apply(module: torch.nn.Module, change: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> Any:
    """Module._apply without exchanging tensors in place, which fake ones do not allow."""
    for child in module.children():
        child._apply(change)
    for table in (module._parameters, module._buffers):
        for name, value in table.items():
            if value is None:
                continue
            with torch.no_grad():
                moved = change(value)
            if moved is not value:
                parameter = isinstance(value, torch.nn.Parameter)
                table[name] = torch.nn.Parameter(moved, value.requires_grad) if parameter else moved
    return module


def like_cuda(norm: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """A norm that computes in float32 inside a block of mixed precision, as CUDA has it."""

    def whole(*args: Any, **kwargs: Any) -> torch.Tensor:
        if torch.is_autocast_enabled(CARD):
            args, kwargs = tree_map_only(torch.Tensor, torch.Tensor.float, (args, kwargs))
        return norm(*args, **kwargs)

    return whole


@contextlib.contextmanager
def faking() -> Iterator[LiveBytes]:
    """Fake tensors on a card that this machine need not have; nothing is initialised or computed."""
    torch.nn.Module._apply = fake_apply
    for name in INITIALISERS:
        setattr(torch.nn.init, name, lambda tensor, *given, **named: tensor)
    functional.layer_norm = like_cuda(functional.layer_norm)
    functional.group_norm = like_cuda(functional.group_norm)
    with FakeTensorMode(allow_non_fake_inputs=True), LiveBytes() as live:
        yield live


def pipeline(architecture: Any, dtype: torch.dtype) -> Any:
    """The architecture's real model, from its configs."""
    import diffusers
    import transformers

    parts: dict[str, Any] = {}
    index = json.loads((architecture.configs / "model_index.json").read_text(encoding="utf-8"))
    for part in architecture.weighted_parts:
        library, name = index[part]
        kind = getattr({"diffusers": diffusers, "transformers": transformers}[library], name)
        config = json.loads((architecture.configs / part / "config.json").read_text(encoding="utf-8"))
        made = kind.from_config(config) if library == "diffusers" else kind(kind.config_class(**config))
        parts[part] = made.to(torch.float32 if part == "vae" else dtype).requires_grad_(False).eval()
    schedule = SimpleNamespace(config=SimpleNamespace(prediction_type="epsilon"), alphas_cumprod=torch.empty(1000))
    return SimpleNamespace(
        **parts, **architecture.make_tokenizers(), vae_scale_factor=8, scheduler=schedule, to=lambda device: None
    )


def sampler(pipe: Any, settings: Any) -> Any:
    """One step of a sampler, which keeps nothing."""
    return SimpleNamespace(
        set_timesteps=lambda steps, device: None,
        timesteps=[torch.empty((), dtype=torch.int64, device=CARD)],
        init_noise_sigma=1.0,
        scale_model_input=lambda latents, timestep: latents,
        step=lambda prediction, timestep, latents, return_dict: (prediction,),
    )


def loaded(name: str, dtype: str, side: int) -> Any:
    """A base of an architecture on the fake card, by the package's own loading."""
    import bootstrap.backends.loaded as loading
    from bootstrap.backends.architectures import ARCHITECTURES
    from bootstrap.backends.sampling import SamplingSettings

    architecture = dataclasses.replace(ARCHITECTURES[name], sampler=sampler)
    settings = SamplingSettings(dtype=dtype, width=side, height=side, guidance_scale=6.0)
    pipe = pipeline(architecture, getattr(torch, dtype))

    def load(base: Path, device: str, settings: Any) -> Any:
        return pipe, architecture

    loading.load_pipeline, loading.digest_of_base = load, lambda base: name
    return loading.LoadedBase(Path(name), settings, CARD)


def drawing(live: LiveBytes, base: Any, pictures: int, shown: Any = None, controlled: Any = None) -> int:
    """MiB of denoising so many pictures with guidance, text states included.

    ``shown`` are their references, ``controlled`` has their control pictures.
    """
    from bootstrap.backends.drawing import denoise
    from bootstrap.backends.regularisation import NO_SHOT
    from bootstrap.records import Job, JobKind

    jobs = [Job(f"{n}", JobKind.PROBE, 0, 0, NO_SHOT, "green hair", "", n, {}) for n in range(pictures)]
    base.prompts.preload(["green hair", ""])
    return live.above(lambda: denoise(base, jobs, shown, controlled))


def referring(live: LiveBytes, base: Any, name: str) -> dict[str, int]:
    """The weights of an IP-Adapter Plus, and MiB of denoising one picture from one reference."""
    from diffusers.models.attention_processor import IPAdapterAttnProcessor2_0
    from diffusers.models.embeddings import IPAdapterPlusImageProjection, MultiIPAdapterImageProjection

    from bootstrap.backends.loaded_references import ShownToBatch

    unet, plain = base.denoiser, dict(base.denoiser.attn_processors)
    width, heads, own = unet.config.cross_attention_dim, HEADS[name], dict(plain)
    resampler = IPAdapterPlusImageProjection(VIT_H["hidden_size"], width, heads * 64, 4, 64, heads, 16)
    for place in [one for one in plain if one.endswith("attn2.processor")]:
        inner = unet.get_submodule(place.removesuffix(".processor")).to_q.out_features
        own[place] = IPAdapterAttnProcessor2_0(inner, width, num_tokens=(16,)).to(unet.dtype)
    parts = [MultiIPAdapterImageProjection([resampler]).to(unet.dtype), *own.values()]
    weights = sum(weight.numel() for part in parts if isinstance(part, torch.nn.Module) for weight in part.parameters())
    unet.set_attn_processor(own)
    unet.encoder_hid_proj, unet.config.encoder_hid_dim_type = parts[0], "ip_image_proj"
    features = torch.empty((2, 1, 1, 257, VIT_H["hidden_size"]), dtype=unet.dtype, device=CARD)
    drawn = drawing(live, base, 1, ShownToBatch(features))
    unet.encoder_hid_proj, unet.config.encoder_hid_dim_type = None, None
    unet.set_attn_processor(plain)
    return {"weights": weights, "draw": drawn}


def controlling(live: LiveBytes, base: Any) -> dict[str, int]:
    """The weights of a ControlNet as large as the UNet's way down, and MiB of denoising one picture along one."""
    from diffusers import ControlNetModel

    from bootstrap.backends.control_settings import ControlSettings
    from bootstrap.backends.loaded_control import ControlledBatch

    unet, (width, height) = base.denoiser, base.resolution
    net = ControlNetModel.from_unet(unet, load_weights_from_unet=False).to(unet.dtype).requires_grad_(False).eval()
    pictures = torch.empty((1, 3, height, width), dtype=unet.dtype, device=CARD)
    controlled = ControlledBatch(net, unet, pictures, 1.0, ControlSettings(path="net", kind="openpose"))
    weights = sum(weight.numel() for weight in net.parameters())
    return {"weights": weights, "draw": drawing(live, base, 1, None, controlled)}


def recorded(base: Any) -> int:
    """MiB of what the self-attentions take in of one picture, and record where they are to heed it as a reference."""
    unet, taken = base.denoiser, []
    modules = [module for name, module in unet.named_modules() if name.endswith("attn1")]
    hooks = [one.register_forward_pre_hook(lambda module, given: taken.append(given[0].nbytes)) for one in modules]
    shape = base.architecture.latents.shape(base.pipe, *base.resolution)
    with torch.inference_mode():
        base.unprompted(torch.empty((1, *shape), dtype=unet.dtype, device=CARD), torch.zeros(1, device=CARD))
    for hook in hooks:
        hook.remove()
    return round(sum(taken) / (1 << 20))


def seeing(live: LiveBytes) -> Iterator[tuple[str, int]]:
    """The weights of the image encoder of references, and MiB of encoding one picture."""
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    encoder = CLIPVisionModelWithProjection(CLIPVisionConfig(**VIT_H)).to(torch.bfloat16).eval()
    yield "weights", sum(weight.numel() for weight in encoder.parameters())
    with torch.inference_mode():
        pixels = torch.empty((1, 3, 224, 224), dtype=torch.bfloat16, device=CARD)
        yield "encode", live.above(lambda: encoder(pixels, output_hidden_states=True).hidden_states[-2])


def encoding(live: LiveBytes, base: Any) -> int:
    """MiB of encoding one picture."""
    width, height = base.resolution
    with torch.inference_mode():
        pixels = torch.empty((1, 3, height, width), device=CARD)
        return live.above(lambda: base.architecture.latents.encode(base.pipe, pixels))


def decoding(live: LiveBytes, base: Any) -> int:
    """MiB of decoding one picture."""
    shape = base.architecture.latents.shape(base.pipe, *base.resolution)
    with torch.inference_mode():
        latents = torch.empty((1, *shape), device=CARD)
        return live.above(lambda: base.architecture.latents.decode(base.pipe, latents))


def reading(live: LiveBytes, base: Any) -> int:
    """MiB of encoding one prompt."""
    base.prompts.clear()
    return live.above(lambda: base.prompts.preload(["green hair"]))


def training(live: LiveBytes, base: Any, changes: Mapping[str, Any]) -> int:
    """MiB of the first step of a training, with an adapter of rank 16 and its gradients."""
    from bootstrap.backends.attaching import AttachedAdapter
    from bootstrap.backends.lora_trainer import LoraTrainer
    from bootstrap.backends.saving_memory import checkpointing
    from bootstrap.records import TrainItem
    from bootstrap.training.passes import Passes
    from bootstrap.training.recipe import TrainRecipe

    recipe = TrainRecipe.model_validate({"rank": RANK, "network_alpha": 8, "steps": 9, "batch_size": 1, **changes})
    items = [TrainItem(str(SEED), ("rubychr", "from front"), "seed")]
    adapter = AttachedAdapter(base)

    def step() -> None:
        inputs = LoraTrainer(base, adapter).inputs(items, recipe)
        Passes(inputs, items, recipe).loss(0).backward()

    if not recipe.text_encoder:
        base.prompts.preload(["", "rubychr, from front"])
    latents_given(base)
    with checkpointing(base.denoiser, recipe):
        found = live.above(step)
    for slot in (base.denoiser, *base.text_encoders):
        unwrap(slot)
    return found


def unwrap(model: Any) -> None:
    """Take an adapter out again."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    for name, layer in [*model.named_modules()]:
        if isinstance(layer, BaseTunerLayer):
            above, _, last = name.rpartition(".")
            setattr(model.get_submodule(above), last, layer.get_base_layer())
    vars(model).pop("peft_config", None)


def latents_given(base: Any) -> None:
    """Let pictures be latents already, as they are when the first step begins."""
    import bootstrap.backends.lora_trainer as trainer

    shape = base.architecture.latents.shape(base.pipe, *base.resolution)
    latents = SimpleNamespace(means=[torch.empty(shape)], deviations=(), masks=(), digests=("",))
    trainer.encode_pictures = lambda base, pictures, recipe: latents


TRAININGS: Mapping[str, Mapping[str, Any]] = {
    "train 1": {"gradient_checkpointing": True},
    "train 1 text": {"gradient_checkpointing": True, "text_encoder": True},
    "train 2": {"gradient_checkpointing": True, "gradient_checkpointing_interval": 2},
    "train 0": {"gradient_checkpointing": False},
}
"""Trainings that compute the activations of every block twice, of every second one, or of none."""


def counts(live: LiveBytes, name: str) -> Iterator[tuple[str, Any]]:
    """Weights of all parts, and MiB that one picture takes in each stage."""
    from bootstrap.backends.tiles import use_tiles

    base = loaded(name, "bfloat16", SIDES[name])
    yield "side", SIDES[name]
    yield "weights", weights_of(base)
    yield "linear", linear_weights_of(base)
    yield "rank", RANK
    yield "adapter", adapter_width(base)
    yield "whole", {"encode": encoding(live, base), "decode": decoding(live, base)}
    use_tiles(base.pipe)
    yield "tiles", {"encode": encoding(live, base), "decode": decoding(live, base)}
    yield "read", reading(live, base)
    yield "draw", drawing(live, base, 1)
    yield "reference", referring(live, base, name)
    yield "recorded", recorded(base)
    yield "control", controlling(live, base)
    for key, changes in TRAININGS.items():
        yield key, training(live, base, changes)


def weights_of(base: Any) -> dict[str, int]:
    """The weights of each part."""
    parts = base.architecture.weighted_parts
    return {part: sum(one.numel() for one in getattr(base.pipe, part).parameters()) for part in parts}


def linear_weights_of(base: Any) -> dict[str, int]:
    """Of these, the ones that can be quantised."""
    from bootstrap.backends.quantising import quantised_layers

    parts = (base.architecture.denoiser, *base.architecture.text_encoders)
    layers = {part: quantised_layers(getattr(base.pipe, part)).values() for part in parts}
    return {part: sum(one.weight.numel() for one in found) for part, found in layers.items()}


def adapter_width(base: Any) -> int:
    """The weights of an adapter of rank 1: inputs and outputs of every module that it is attached to."""
    modules = [
        part for name, part in base.denoiser.named_modules() if re.fullmatch(base.architecture.targets.denoiser, name)
    ]
    return sum(part.weight.shape[0] + part.weight.shape[1] for part in modules)


def scorers(live: LiveBytes) -> Iterator[tuple[str, int]]:
    """MiB of the shipped panels' encoders in float32, without data: the largest with its activations, and all."""
    import open_clip
    from transformers import Dinov2Config, Dinov2Model

    from scoring.offloaded import AT_ONCE

    with torch.device("meta"):
        clips = [
            (open_clip.create_model(name, device="meta"), side)
            for name, side in (("ViT-L-14", 224), ("convnext_base_w", 256))
        ]
        eyes = [(clip.visual.eval(), side) for clip, side in clips] + [(Dinov2Model(Dinov2Config()).eval(), 224)]
    taken = []
    for model, side in eyes:
        pixels = torch.empty((AT_ONCE, 3, side, side), device="meta")
        with torch.no_grad():
            working = live.above(lambda model=model, pixels=pixels: model(pixels))
        taken.append(round(size_of(model) / MIB) + working)
    yield "loaded one by one", max(taken)
    yield "all", round(sum(map(size_of, [*(clip for clip, _ in clips), eyes[-1][0]])) / MIB)


def size_of(model: torch.nn.Module) -> int:
    """Bytes of a model's weights."""
    return sum(weight.numel() * weight.element_size() for weight in model.parameters())


def main() -> None:
    """Measure and print, or write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counted", nargs="*", default=["sdxl", "sd1", "encoder", "scorers"])
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    found = json.loads(TARGET.read_text(encoding="utf-8")) if TARGET.is_file() else {}
    for name in given.counted:
        found[name] = {}
        with LiveBytes() if name == "scorers" else faking() as live:
            beside = {"encoder": seeing, "scorers": scorers}
            for key, numbers in beside[name](live) if name in beside else counts(live, name):
                found[name][key] = numbers
                print(name, key, numbers, flush=True)  # noqa: T201
    if given.write:
        TARGET.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
