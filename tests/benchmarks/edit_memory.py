"""Memory of the edit drawers, counted without a card: the real models on fake tensors, see card_memory.py beside this.

    python tests/benchmarks/edit_memory.py [--write]

Prints the weights of each part and what a picture takes beside them; ``--write`` stores it as
``bootstrap/config/edit_memory.json``, which `bootstrap.config.edit_memory` computes with. Sizes are those of the
published configurations: FLUX.2-klein-4B transformer/config.json and text_encoder/config.json (Qwen3-4B);
Qwen-Image-Edit is diffusers' default transformer with Qwen2.5-VL-7B; both VAEs are diffusers' defaults.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parent.parent.parent))
from tests.benchmarks.card_memory import CARD, LiveBytes, faking

SIDE = 1024
WORDS = 512
"""Tokens of an instruction: klein pads to them, and Qwen's with a reference are about as many."""
QWEN3 = {
    "hidden_size": 2560, "intermediate_size": 9728, "num_hidden_layers": 36, "num_attention_heads": 32,
    "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151936, "tie_word_embeddings": True,
}  # fmt: skip
QWEN25 = {
    "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28,
    "num_key_value_heads": 4, "vocab_size": 152064, "tie_word_embeddings": False,
}  # fmt: skip
QWEN25_SEEN = {
    "depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16, "out_hidden_size": 3584,
}  # fmt: skip
TARGET = Path(__file__).parent.parent.parent / "bootstrap/config/edit_memory.json"


def ready(model: torch.nn.Module) -> Any:
    """A model in bfloat16 that only draws."""
    return model.to(torch.bfloat16).requires_grad_(False).eval()


def count(model: torch.nn.Module) -> int:
    """Its weights."""
    return sum(weight.numel() for weight in model.parameters())


def given(*shape: int) -> torch.Tensor:
    """Something of a shape, in bfloat16."""
    return torch.empty(shape, dtype=torch.bfloat16, device=CARD)


def klein() -> tuple[Any, Any, Any, Callable[[Any, int], object], Callable[[Any], object]]:
    """FLUX.2 klein 4B: transformer, text encoder, VAE; a step from so many references; encoding an instruction."""
    from diffusers import AutoencoderKLFlux2, Flux2Transformer2DModel
    from transformers import Qwen3Config, Qwen3ForCausalLM

    config = json.loads((TARGET.parent.parent / "backends/pipelines/flux2-klein/transformer/config.json").read_text())
    transformer, vae = Flux2Transformer2DModel.from_config(config), AutoencoderKLFlux2()

    def step(model: Any, references: int) -> object:
        places = (SIDE // 16) ** 2 * (1 + references)
        return model(
            hidden_states=given(1, places, 128), timestep=given(1), guidance=None,
            encoder_hidden_states=given(1, WORDS, 7680), txt_ids=torch.zeros(1, WORDS, 4),
            img_ids=torch.zeros(1, places, 4),
        )  # fmt: skip

    return transformer, Qwen3ForCausalLM(Qwen3Config(**QWEN3)), vae, step, _reading


def qwen() -> tuple[Any, Any, Any, Callable[[Any, int], object], Callable[[Any], object]]:
    """Qwen-Image-Edit: the same."""
    from diffusers import AutoencoderKLQwenImage, QwenImageTransformer2DModel
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    text = Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(text_config=QWEN25, vision_config=QWEN25_SEEN))

    def step(model: Any, references: int) -> object:
        side = SIDE // 16
        return model(
            hidden_states=given(1, side**2 * (1 + references), 64), timestep=given(1),
            encoder_hidden_states=given(1, WORDS, 3584), img_shapes=[[(1, side, side)] * (1 + references)],
        )  # fmt: skip

    return QwenImageTransformer2DModel(), text, AutoencoderKLQwenImage(), step, _reading


def _reading(model: Any) -> object:
    words = torch.zeros(1, WORDS, dtype=torch.int64, device=CARD)
    return model(input_ids=words, attention_mask=torch.ones_like(words), output_hidden_states=True, use_cache=False)


def coded(vae: Any) -> tuple[Callable[[], object], Callable[[], object]]:
    """Encoding a picture, and decoding one."""
    frames = (1,) if "Qwen" in type(vae).__name__ else ()
    channels = vae.config.get("z_dim") or vae.config["latent_channels"]
    picture, latents = given(1, 3, *frames, SIDE, SIDE), given(1, channels, *frames, SIDE // 8, SIDE // 8)
    return lambda: vae.encode(picture), lambda: vae.decode(latents)


def counts(live: LiveBytes, make: Callable[[], tuple[Any, Any, Any, Any, Any]]) -> Iterator[tuple[str, Any]]:
    """Weights, and MiB that one picture takes in each stage."""
    transformer, text, vae, step, reading = make()
    parts = {"transformer": transformer, "text_encoder": text, "vae": vae}
    yield "weights", {name: count(part) for name, part in parts.items()}
    blocks = [*transformer.transformer_blocks, *getattr(transformer, "single_transformer_blocks", ())]
    yield "block", max(count(block) for block in blocks)
    yield "outside blocks", count(transformer) - sum(count(block) for block in blocks)
    for part in parts.values():
        ready(part)
    with torch.no_grad():
        yield "read", live.above(lambda: reading(text))
        for references in range(3):
            yield f"draw {references}", live.above(lambda references=references: step(transformer, references))
        for tiles in (False, True):
            if tiles:
                vae.enable_tiling()
                vae.tile_sample_min_size, vae.tile_latent_min_size = 512, 64
            encode, decode = coded(vae)
            yield "tiles" if tiles else "whole", {"encode": live.above(encode), "decode": live.above(decode)}


def main() -> None:
    """Count and print, or write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    write = parser.parse_args().write
    found: dict[str, dict[str, Any]] = {}
    for name, make in (("Flux2KleinPipeline", klein), ("QwenImageEditPlusPipeline", qwen)):
        found[name] = {}
        with faking() as live:
            for key, numbers in counts(live, make):
                found[name][key] = numbers
                print(name, key, numbers, flush=True)  # noqa: T201
    if write:
        TARGET.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
