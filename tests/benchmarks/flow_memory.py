"""Memory of the transformer bases, counted without a card: see card_memory.py beside this, whose file it adds to.

    python tests/benchmarks/flow_memory.py [flux2-klein z-image] [--write]

The text encoder of both is Qwen3-4B (text_encoder/config.json of the published models), the VAEs are diffusers'
defaults, as large as the published ones.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parent.parent.parent))
from tests.benchmarks import card_memory as counting
from tests.benchmarks.card_memory import CARD, RANK, TARGET, LiveBytes
from tests.benchmarks.edit_memory import QWEN3, WORDS

SIDE = 1024
WIDTHS = {"flux2-klein": 7680, "z-image": 2560}
"""Of a text state."""


def pipeline(architecture: Any, dtype: torch.dtype) -> Any:
    """The architecture's real model."""
    import diffusers
    from transformers import Qwen3Config, Qwen3ForCausalLM, Qwen3Model

    def config(part: str, name: str) -> Any:
        return json.loads((architecture.configs / part / name).read_text(encoding="utf-8"))

    is_klein = architecture.name == "flux2-klein"
    kind = diffusers.Flux2Transformer2DModel if is_klein else diffusers.ZImageTransformer2DModel
    pipe = SimpleNamespace(
        transformer=kind.from_config(config("transformer", "config.json")),
        text_encoder=(Qwen3ForCausalLM if is_klein else Qwen3Model)(Qwen3Config(**QWEN3)),
        vae=diffusers.AutoencoderKLFlux2() if is_klein else autoencoder(),
        scheduler=SimpleNamespace(config=SimpleNamespace(use_dynamic_shifting=False, shift=3.0)),
        tokenizer=SimpleNamespace(model_max_length=WORDS),
        vae_scale_factor=8,
        to=lambda device: None,
    )
    architecture.prepare(pipe)
    for part in architecture.weighted_parts:
        getattr(pipe, part).to(torch.float32 if part == "vae" else dtype).requires_grad_(False).eval()
    if is_klein:  # one weight, which fake tensors hold twice
        pipe.text_encoder.lm_head.weight = pipe.text_encoder.model.embed_tokens.weight
    return pipe


def autoencoder() -> Any:
    """FLUX.1's, which Z-Image has."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(128, 256, 512, 512), down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4, layers_per_block=2, latent_channels=16, scaling_factor=0.3611,
        shift_factor=0.1159, use_quant_conv=False, use_post_quant_conv=False,
    )  # fmt: skip


def loaded(name: str) -> Any:
    """A base on the fake card, whose prompts are text states of the longest kind."""
    import bootstrap.backends.loaded as loading
    from bootstrap.backends.architectures import ARCHITECTURES
    from bootstrap.backends.prompts import TextStates
    from bootstrap.backends.sampling import SamplingSettings

    architecture = dataclasses.replace(ARCHITECTURES[name], sampler=counting.sampler)
    settings = SamplingSettings(dtype="bfloat16", width=SIDE, height=SIDE, guidance_scale=5.0, scheduler="euler")
    pipe = pipeline(architecture, torch.bfloat16)
    loading.load_pipeline, loading.digest_of_base = lambda *given: (pipe, architecture), lambda base: name
    loading.settings_by_test = lambda base, pipe, architecture, settings, device, predict: settings
    base = loading.LoadedBase(Path(name), settings, CARD)

    def encode(prompts: Any) -> TextStates:
        return TextStates(torch.empty((len(prompts), WORDS, WIDTHS[name]), dtype=torch.bfloat16, device=CARD), None)

    base.prompts = SimpleNamespace(encode=encode, preload=lambda prompts: None, clear=lambda: None)
    return base


def referring(live: LiveBytes, base: Any) -> int:
    """MiB of denoising one picture that sees another of its size."""
    from bootstrap.backends.loaded_references import ShownToBatch

    shape = base.architecture.latents.shape(base.pipe, SIDE, SIDE)
    return counting.drawing(live, base, 1, ShownToBatch(None, latents=(torch.empty((1, *shape), device=CARD),)))


def reading(live: LiveBytes, encoder: Any) -> int:
    """MiB of encoding one prompt."""
    words = torch.zeros(1, WORDS, dtype=torch.int64, device=CARD)
    given = {"attention_mask": torch.ones_like(words), "output_hidden_states": True, "use_cache": False}
    with torch.no_grad():
        return live.above(lambda: encoder(input_ids=words, **given))


def counts(live: LiveBytes, name: str) -> Iterator[tuple[str, Any]]:
    """Weights of all parts, and MiB that one picture takes in each stage."""
    from bootstrap.backends.tiles import use_tiles

    base = loaded(name)
    yield "side", SIDE
    yield "weights", counting.weights_of(base)
    yield "linear", counting.linear_weights_of(base)
    yield "rank", RANK
    yield "adapter", counting.adapter_width(base)
    yield "whole", {"encode": counting.encoding(live, base), "decode": counting.decoding(live, base)}
    use_tiles(base.pipe)
    yield "tiles", {"encode": counting.encoding(live, base), "decode": counting.decoding(live, base)}
    yield "read", reading(live, base.pipe.text_encoder)
    yield "draw", counting.drawing(live, base, 1)
    if "native" in base.architecture.limits.references:
        yield "draw 1", referring(live, base)
    for key, changes in counting.TRAININGS.items():
        if "text" not in key:
            yield key, counting.training(live, base, changes)


def main() -> None:
    """Measure and print, or write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counted", nargs="*", default=list(WIDTHS))
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    found = json.loads(TARGET.read_text(encoding="utf-8"))
    for name in given.counted:
        found[name] = {}
        with counting.faking() as live:
            for key, numbers in counts(live, name):
                found[name][key] = numbers
                print(name, key, numbers, flush=True)  # noqa: T201
    if given.write:
        TARGET.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
