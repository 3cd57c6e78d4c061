"""The workflow beside an exported LoRA: complete, the same in both forms, and with what the card recommends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bootstrap.character import Character
from bootstrap.config import RunConfig, embedded, load
from bootstrap.export.comfyui_graph import OUTPUTS, as_window, comfyui_files, graph_for
from bootstrap.export.release import publish
from bootstrap.export.usage import Usage
from bootstrap.records import Adapter
from bootstrap.store.decisions import Accepted
from bootstrap.store.store import Store

FINAL = Adapter("final-r02", "character", 2, "a.safetensors", "0" * 64, 1, 0.1)
WIDGETS = {
    "CheckpointLoaderSimple": 1, "LoraLoader": 3, "CLIPSetLastLayer": 1, "ModelSamplingDiscrete": 2, "SaveImage": 1,
    "CLIPTextEncode": 1, "EmptyLatentImage": 3, "KSampler": 7, "VAEDecode": 0,
}  # fmt: skip
"""Widgets of each node in the window; KSampler's have one more than its inputs, after the random seed."""
TITLE = 30
"""Pixels above a node that its title takes."""


def graph_of(config: RunConfig, character: Character) -> dict[str, dict[str, Any]]:
    return graph_for(Usage.of(character, config, FINAL), config.base, "mika-1.safetensors", 0.8)


def by_kind(graph: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {node["_meta"]["title"]: node["inputs"] for node in graph.values()}


def test_checkpoint_words_weight_and_sampling_are_the_ones_of_the_base(character: Character) -> None:
    config = load("illustrious", overrides=["base.path=/models/my mix.safetensors"])
    nodes = by_kind(graph_of(config, character))
    assert nodes["checkpoint"]["ckpt_name"] == "my mix.safetensors"
    assert nodes["lora"]["lora_name"] == "mika-1.safetensors"
    assert (nodes["lora"]["strength_model"], nodes["lora"]["strength_clip"]) == (0.8, 0.8)
    assert nodes["prompt"]["text"] == "mikachr, 1girl, solo, masterpiece, best quality, newest, absurdres, highres"
    assert nodes["negative"]["text"].endswith("glasses")
    sampled = {name: value for name, value in nodes["seed"].items() if not isinstance(value, list)}
    assert sampled == {"seed": 0, "steps": 26, "cfg": 6.0, "sampler_name": "euler_ancestral", "scheduler": "normal",
                       "denoise": 1.0}  # fmt: skip
    assert nodes["size"] == {"width": 1024, "height": 1024, "batch_size": 1}
    assert by_kind(graph_of(load("sdxl"), character))["checkpoint"]["ckpt_name"].endswith(".safetensors")


def test_brackets_are_letters_there_as_here(character: Character) -> None:
    named = character.model_copy(update={"core": ("mika (cat)",)})
    assert r"mika \(cat\)" in by_kind(graph_of(load("illustrious"), named))["prompt"]["text"]


@pytest.mark.parametrize(
    ("tag", "in_api", "in_window"),
    [
        ("smile [soft]", "smile [soft]", "smile [soft]"),
        ("={ }=", "={ }=", r"=\{ \}="),
        (r"\{x\}", r"\{x\}", r"\{x\}"),
        (r"\||/", r"\||/", r"\\||/"),
        ("://", "://", ":/ /"),
        ("/* x */ ///", "/* x */ ///", "/ * x */ / / /"),
    ],
)
def test_what_the_window_would_read_as_more_than_words_is_written_for_it(
    tag: str, in_api: str, in_window: str, character: Character
) -> None:
    graph = graph_of(load("illustrious"), character.model_copy(update={"core": (tag,)}))
    assert f", {in_api}, " in by_kind(graph)["prompt"]["text"]
    words = next(node["widgets_values"][0] for node in as_window(graph)["nodes"] if node["title"] == "prompt")
    assert f", {in_window}, " in words


@pytest.mark.parametrize("base", ["illustrious", "sd15-anime", "noobai-vpred", "pony"])
def test_no_node_of_the_window_hides_another(base: str, character: Character) -> None:
    nodes = as_window(graph_of(load(base), character))["nodes"]
    for number, node in enumerate(nodes):
        (x, y), (width, height) = node["pos"], node["size"]
        least = 20 * max(len(node["inputs"]), len(node["outputs"])) + 24 * len(node["widgets_values"]) + 14
        assert height >= least, "the window makes it as high as it needs"
        for other in nodes[:number]:
            left, top = other["pos"]
            beside = left + other["size"][0] <= x or x + width <= left
            assert beside or y - TITLE >= top + other["size"][1] or top - TITLE >= y + height
    assert max(node["pos"][0] + node["size"][0] for node in nodes) < 1600, "the window hides words when far away"


@pytest.mark.parametrize("base", ["illustrious", "sd15-anime", "noobai-vpred", "pony"])
def test_the_window_has_the_graph_of_the_api(base: str, character: Character) -> None:
    graph = graph_of(load(base), character)
    kinds = {node["class_type"] for node in graph.values()}
    assert ("CLIPSetLastLayer" in kinds) == (load(base).base.sampling.clip_skip is not None)
    assert ("ModelSamplingDiscrete" in kinds) == (base == "noobai-vpred")
    window = as_window(graph)
    nodes = {node["id"]: node for node in window["nodes"]}
    assert [str(id) for id in nodes] == list(graph)
    assert (window["last_node_id"], window["last_link_id"]) == (len(nodes), len(window["links"]))
    found = {}
    for id, source, output, target, slot, kind in window["links"]:
        given, taken = nodes[source]["outputs"][output], nodes[target]["inputs"][slot]
        assert given["type"] == taken["type"] == kind == OUTPUTS[nodes[source]["type"]][output]
        assert id in given["links"]
        assert taken["link"] == id
        found[target, taken["name"]] = [str(source), output]
    for id, node in graph.items():
        links = {name: value for name, value in node["inputs"].items() if isinstance(value, list)}
        assert links == {name: link for (target, name), link in found.items() if target == int(id)}
        assert len(nodes[int(id)]["widgets_values"]) == WIDGETS[node["class_type"]]
    sampler = next(node for node in nodes.values() if node["type"] == "KSampler")
    assert sampler["widgets_values"][:3] == [0, "randomize", load(base).base.sampling.steps]


@pytest.mark.parametrize(
    ("base", "architecture"), [("puppet", "sd1"), ("klein", "flux2-klein"), ("z-image", "z-image")]
)
def test_bases_that_are_no_single_checkpoint_have_none(base: str, architecture: str, character: Character) -> None:
    config = load(base)
    usage = Usage.of(character, config, FINAL)
    assert comfyui_files(usage, config.base, "a.safetensors", 1.0, architecture) == {}


def test_both_files_lie_beside_the_lora_and_the_card_says_what_to_do(store: Store, config: RunConfig) -> None:
    path = str(embedded(config.base.path))
    base = config.base.model_copy(update={"path": path, "name": "sketchy", "demonstration": False})
    store.remember("config", config.model_copy(update={"base": base}).model_dump_json())
    late = store.adapters()[-1]
    store.decide(Accepted(late.id, "{}", 0.7, {"summary": "", "strengths": [], "weaknesses": [], "advice": []}))
    kohya = publish(store, late, store.directory / "lora")
    window, api = (kohya.with_name(f"{kohya.stem}{ending}") for ending in ("-comfyui.json", "-comfyui-api.json"))
    assert json.loads(window.read_text())["version"] == 0.4
    assert by_kind(json.loads(api.read_text()))["lora"]["strength_model"] == 0.7
    assert f"drag `{window.name}` onto the window" in (kohya.parent / "README.md").read_text()
