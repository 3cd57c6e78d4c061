"""Names of every module of the real models, from their configs on the meta device, as programs look for them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from bootstrap.backends.architectures import ARCHITECTURES, grammars
from bootstrap.backends.architectures.original_names import original_name
from bootstrap.backends.architectures.sd2 import SD2_GRAMMAR
from bootstrap.errors import BackendError
from bootstrap.lora import Lora, kohya_names, load_kohya, metadata_of, save_kohya
from bootstrap.lora.grammar import grammar_of, in_file

SD1, SDXL = ARCHITECTURES["sd1"].grammar, ARCHITECTURES["sdxl"].grammar
DENOISER, TEXT = ARCHITECTURES["sdxl"].targets.denoiser, ARCHITECTURES["sdxl"].targets.text


UNETS = sorted(name for name, architecture in ARCHITECTURES.items() if architecture.denoiser == "unet")


def unet_of(architecture: str) -> torch.nn.Module:
    from diffusers import UNet2DConditionModel

    with torch.device("meta"):
        model: torch.nn.Module = UNet2DConditionModel.from_config(
            json.loads((ARCHITECTURES[architecture].configs / "unet" / "config.json").read_text())
        )
    return model


def text_of(architecture: str, part: str) -> torch.nn.Module:
    import transformers

    config = json.loads((ARCHITECTURES[architecture].configs / part / "config.json").read_text())
    with torch.device("meta"):
        model: torch.nn.Module = getattr(transformers, config["architectures"][0])(
            transformers.CLIPTextConfig.from_dict(config)
        )
    return model


def trained(model: torch.nn.Module, targets: str) -> list[str]:
    return [name for name, _ in model.named_modules() if re.fullmatch(targets, name)]


@pytest.fixture(scope="module")
def unets() -> dict[str, torch.nn.Module]:
    return {architecture: unet_of(architecture) for architecture in UNETS}


@pytest.mark.parametrize(
    ("architecture", "modules", "weights"), [("sd1", 192, 859_520_964), ("sdxl", 722, 2_567_463_684)]
)
def test_the_shipped_configs_are_those_of_the_real_models(
    unets: dict[str, torch.nn.Module], architecture: str, modules: int, weights: int
) -> None:
    unet = unets[architecture]
    assert sum(weight.numel() for weight in unet.parameters()) == weights
    names = kohya_names(ARCHITECTURES[architecture].grammar, trained(unet, DENOISER))
    assert len(names) == modules


def test_sdxl_is_named_as_the_original_code_numbers_it(unets: dict[str, torch.nn.Module]) -> None:
    names = kohya_names(SDXL, trained(unets["sdxl"], DENOISER))
    grammar = r"lora_unet_(input_blocks_[4578]_1|middle_block_1|output_blocks_[0-5]_1)_\w+"
    assert all(re.fullmatch(grammar, name) for name in names)
    assert names["lora_unet_input_blocks_4_1_proj_in"] == "down_blocks.1.attentions.0.proj_in"
    last = "output_blocks_5_1_transformer_blocks_1_ff_net_2"
    assert names[f"lora_unet_{last}"] == "up_blocks.1.attentions.2.transformer_blocks.1.ff.net.2"


def test_diffusers_maps_every_original_name_back(unets: dict[str, torch.nn.Module]) -> None:
    from diffusers.loaders.lora_conversion_utils import (
        _convert_non_diffusers_lora_to_diffusers,
        _maybe_map_sgm_blocks_to_diffusers,
    )

    unet = unets["sdxl"]
    modules = trained(unet, DENOISER)
    tensors = {}
    for name in kohya_names(SDXL, modules):
        tensors |= {f"{name}.lora_down.weight": torch.zeros(1, 1), f"{name}.lora_up.weight": torch.zeros(1, 1)}
        tensors[f"{name}.alpha"] = torch.tensor(1.0)
    mapped = _maybe_map_sgm_blocks_to_diffusers(dict(tensors), unet.config)
    back, _ = _convert_non_diffusers_lora_to_diffusers(mapped)
    found = {re.sub(r"^unet\.|\.processor|[._]lora\.(down|up)\.weight$", "", key) for key in back}
    assert found == {name.removesuffix(".0") if "to_out" in name else name for name in modules}


def layers(unet: torch.nn.Module) -> Iterator[str]:
    yield from (name for name, layer in unet.named_modules() if list(layer.parameters(recurse=False)))


def test_no_two_layers_have_one_name_and_all_are_original(unets: dict[str, torch.nn.Module]) -> None:
    named = [original_name(layer) for layer in layers(unets["sdxl"])]
    assert len(set(named)) == len(named)
    assert {name.split(".")[0] for name in named} == {
        "input_blocks", "middle_block", "output_blocks", "out", "time_embed", "label_emb",
    }  # fmt: skip
    assert "input_blocks.3.0.op" in named
    assert "output_blocks.2.2.conv" in named
    assert "middle_block.2.emb_layers.1" in named


@pytest.mark.parametrize(
    ("architecture", "prefixes", "counts"),
    [("sd1", ("lora_te_",), (72,)), ("sdxl", ("lora_te1_", "lora_te2_"), (72, 192))],
)
def test_text_encoders_have_their_prefix(architecture: str, prefixes: tuple[str, ...], counts: tuple[int, ...]) -> None:
    texts = [trained(text_of(architecture, part), TEXT) for part in ARCHITECTURES[architecture].text_encoders]
    assert tuple(map(len, texts)) == counts
    names = kohya_names(ARCHITECTURES[architecture].grammar, [], *texts)
    for prefix, count in zip(prefixes, counts, strict=True):
        assert sum(name.startswith(f"{prefix}text_model_encoder_layers_") for name in names) == count


def test_an_sdxl_file_says_what_it_is_and_comes_back_whole(tmp_path: Path) -> None:
    module, text = "down_blocks.1.attentions.0.proj_in", "text_model.encoder.layers.0.mlp.fc1"
    random = np.random.default_rng(0)
    pairs = [(random.normal(size=(2, 4)).astype("f4"), random.normal(size=(6, 2)).astype("f4")) for _ in range(3)]
    lora = Lora({module: pairs[0]}, 1.0, {text: pairs[1]}, {text: pairs[2]}, grammar=SDXL)
    save_kohya(tmp_path / "x", lora, {})
    assert metadata_of(tmp_path / "x")["ss_base_model_version"] == "sdxl_base_v1-0"
    back = load_kohya(tmp_path / "x", SDXL, [module], [text], [text])
    for before, after in zip(lora.parts, back.parts, strict=True):
        assert all((before[name][n] == after[name][n]).all() for name in before for n in (0, 1))
    with pytest.raises(BackendError, match="LoRA for Stable Diffusion XL"):
        load_kohya(tmp_path / "x", SD1, [module], [text], grammars=grammars())
    save_kohya(tmp_path / "1", Lora({module: pairs[0]}, 1.0, grammar=SD1), {})
    with pytest.raises(BackendError, match="LoRA for Stable Diffusion 1"):
        load_kohya(tmp_path / "1", SDXL, [module], grammars=grammars())


def test_a_modelspec_names_its_grammar() -> None:
    assert [grammar_of(grammar.modelspec, grammars()) for grammar in grammars()] == grammars()
    assert {SD1, SDXL, SD2_GRAMMAR} < set(grammars())
    with pytest.raises(BackendError, match='"flux-1-dev/lora"'):
        grammar_of("flux-1-dev/lora", grammars())


@pytest.mark.parametrize("architecture", UNETS)
def test_modules_listed_from_configs_are_those_of_the_models(
    unets: dict[str, torch.nn.Module], architecture: str
) -> None:
    targets = ARCHITECTURES[architecture].targets
    listed, *text = ARCHITECTURES[architecture].grammar.modules()
    assert len(listed) == len(set(listed))
    assert set(listed) == set(trained(unets[architecture], f"{targets.denoiser}|{targets.convolutions}"))
    for part, paths in zip(ARCHITECTURES[architecture].text_encoders, text, strict=True):
        assert {in_file(path) for path in trained(text_of(architecture, part), TEXT)} == set(paths)


@pytest.mark.parametrize("architecture", UNETS)
def test_kernels_are_those_of_the_models(unets: dict[str, torch.nn.Module], architecture: str) -> None:
    grammar = ARCHITECTURES[architecture].grammar
    for path in grammar.modules()[0]:
        layer = unets[architecture].get_submodule(path)
        kernel = layer.kernel_size[0] if isinstance(layer, torch.nn.Conv2d) else 0
        assert grammar.kernel(path) == kernel, path
