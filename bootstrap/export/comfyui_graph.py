"""A workflow for ComfyUI that draws with an exported LoRA: checkpoint, LoRA, words, weight and sampling filled in.

In two forms: the graph that its window opens by drag and drop (the format of its own default graph, version 0.4: a
node's widgets in the order of its inputs), and the API format for ``/prompt``. Nodes, inputs and outputs are those of
ComfyUI's nodes.py, and of nodes_model_advanced.py for ModelSamplingDiscrete. For bases that are one checkpoint: Stable
Diffusion and SDXL.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bootstrap.backends.architectures import ARCHITECTURES
from bootstrap.backends.parameters import literal
from bootstrap.config import BaseConfig
from bootstrap.export.usage import Usage, is_toy

__all__ = ["ENDINGS", "as_window", "comfyui_files", "graph_for", "typed"]

ENDINGS = ("-comfyui.json", "-comfyui-api.json")
"""How the names of the files end: for the window, for the API."""
OUTPUTS: Mapping[str, tuple[str, ...]] = {
    "CheckpointLoaderSimple": ("MODEL", "CLIP", "VAE"),
    "LoraLoader": ("MODEL", "CLIP"),
    "CLIPSetLastLayer": ("CLIP",),
    "ModelSamplingDiscrete": ("MODEL",),
    "CLIPTextEncode": ("CONDITIONING",),
    "EmptyLatentImage": ("LATENT",),
    "KSampler": ("LATENT",),
    "VAEDecode": ("IMAGE",),
    "SaveImage": (),
}
"""Class of a node → types of what it gives."""
SAMPLERS = {
    "ddim": ("ddim", "ddim_uniform"),
    "dpm++": ("dpmpp_2m", "normal"),
    "dpm++_karras": ("dpmpp_2m", "karras"),
    "euler": ("euler", "normal"),
    "euler_a": ("euler_ancestral", "normal"),
}
"""Our samplers → the sampler and the schedule that ComfyUI calls so."""
AFTER_SEED = "randomize"
"""What the window's widget after a random seed says: the next picture has another."""
EMPHASIS = "()"
"""Brackets that weigh words there; square ones are letters."""
READ_BY_THE_WINDOW = ((r"(?<!\\)([{}])", r"\\\1"), (r"\\\|", r"\\\\|"), (r"/(?=[/*])", "/ "))
"""The window takes braces for a choice of words, a bar's backslash for an escape, two slashes for a comment: what it
must find for a prompt that says so, as far as it can be written."""
COLUMNS = {"CLIPTextEncode": 1, "EmptyLatentImage": 1, "KSampler": 2, "VAEDecode": 3, "SaveImage": 3}
"""Class of a node → its column in the window, where it is not the first; no more than show with their words."""
WIDTH, COLUMN, GAP = 320, 380, 60
"""Pixels of a node in the window, from one column to the next, and from a node to the one below, with its title."""
SLOT, WIDGET, EDGE, TEXT = 20, 24, 20, 190
"""Pixels that an input or output, a widget, the edges and a whole node of words take in height."""

Graph = dict[str, dict[str, Any]]


def comfyui_files(usage: Usage, base: BaseConfig, lora: str, weight: float, architecture: str) -> dict[str, bytes]:
    """Name of each file → its bytes; none for the embedded base, and for bases that are no single checkpoint."""
    if is_toy(base) or ARCHITECTURES[architecture].limits.schedulers:
        return {}
    graph = graph_for(usage, base, lora, weight)
    stem = Path(lora).stem
    forms = zip(ENDINGS, (as_window(graph), graph), strict=True)
    return {
        f"{stem}{ending}": (json.dumps(form, ensure_ascii=False, indent=2) + "\n").encode() for ending, form in forms
    }


def graph_for(usage: Usage, base: BaseConfig, lora: str, weight: float) -> Graph:
    """The graph in API format; a link is [node, number of its output]."""
    shape, graph = base.sampling, Graph()
    checkpoint = Path(base.path).name if base.path.endswith(".safetensors") else f"{Path(base.path).name}.safetensors"
    loader = _add(graph, "CheckpointLoaderSimple", "checkpoint", ckpt_name=checkpoint)
    with_lora = _add(graph, "LoraLoader", "lora", model=[loader, 0], clip=[loader, 1], lora_name=lora,
                     strength_model=weight, strength_clip=weight)  # fmt: skip
    model, clip = [with_lora, 0], [with_lora, 1]
    if shape.clip_skip:
        clip = [_add(graph, "CLIPSetLastLayer", "clip skip", clip=clip, stop_at_clip_layer=-shape.clip_skip - 1), 0]
    if shape.prediction_type == "v_prediction":
        zero = bool(shape.zero_terminal_snr)
        model = [_add(graph, "ModelSamplingDiscrete", "prediction", model=model, sampling="v_prediction", zsnr=zero), 0]
    words = _add(graph, "CLIPTextEncode", "prompt", clip=clip, text=literal(usage.prompt, EMPHASIS))
    unwanted = literal(usage.negative, EMPHASIS)
    negative = _add(graph, "CLIPTextEncode", "negative", clip=clip, text=unwanted)
    latent = _add(graph, "EmptyLatentImage", "size", width=shape.width, height=shape.height, batch_size=1)
    sampler, scheduler = SAMPLERS[shape.scheduler]
    drawn = _add(graph, "KSampler", "seed", model=model, positive=[words, 0], negative=[negative, 0],
                 latent_image=[latent, 0], seed=0, steps=shape.steps, cfg=shape.guidance_scale, sampler_name=sampler,
                 scheduler=scheduler, denoise=1.0)  # fmt: skip
    picture = _add(graph, "VAEDecode", "decode", samples=[drawn, 0], vae=[loader, 2])
    _add(graph, "SaveImage", "output", images=[picture, 0], filename_prefix=Path(lora).stem)
    return graph


def as_window(graph: Graph) -> dict[str, Any]:
    """A graph as ComfyUI's window saves and opens it."""
    links: list[list[Any]] = []
    nodes = []
    tops = [0] * (1 + max(COLUMNS.values()))
    for order, (id, node) in enumerate(graph.items()):
        inputs = []
        for slot, (name, (source, output)) in enumerate(_linked(node)):
            kind = OUTPUTS[graph[source]["class_type"]][output]
            links.append([len(links) + 1, int(source), output, int(id), slot, kind])
            inputs.append({"name": name, "type": kind, "link": len(links)})
        column, widgets = COLUMNS.get(node["class_type"], 0), list(_widgets(node))
        slots = max(len(inputs), len(OUTPUTS[node["class_type"]]))
        height = TEXT if node["class_type"] == "CLIPTextEncode" else SLOT * slots + WIDGET * len(widgets) + EDGE
        nodes.append({
            "id": int(id), "type": node["class_type"], "title": node["_meta"]["title"],
            "pos": [column * COLUMN, tops[column]], "size": [WIDTH, height], "flags": {}, "order": order, "mode": 0,
            "inputs": inputs, "outputs": [], "properties": {}, "widgets_values": widgets,
        })  # fmt: skip
        tops[column] += height + GAP
    for node in nodes:
        for slot, kind in enumerate(OUTPUTS[node["type"]]):
            own = [link[0] for link in links if link[1:3] == [node["id"], slot]]
            node["outputs"].append({"name": kind, "type": kind, "links": own, "slot_index": slot})
    return {
        "last_node_id": len(nodes), "last_link_id": len(links), "nodes": nodes, "links": links, "groups": [],
        "config": {}, "extra": {}, "version": 0.4,
    }  # fmt: skip


def typed(prompt: str) -> str:
    """A prompt as it is typed into the window, which then passes it on as it is."""
    prompt = literal(prompt, EMPHASIS)
    for read, written in READ_BY_THE_WINDOW:
        prompt = re.sub(read, written, prompt)
    return prompt


def _add(graph: Graph, kind: str, title: str, **inputs: Any) -> str:
    """Add a node; returns its id."""
    id = str(len(graph) + 1)
    graph[id] = {"class_type": kind, "inputs": inputs, "_meta": {"title": title}}
    return id


def _linked(node: Mapping[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """The inputs of a node that come from others."""
    for name, value in node["inputs"].items():
        if isinstance(value, list):
            yield name, value


def _widgets(node: Mapping[str, Any]) -> Iterator[Any]:
    """The values of a node's own, as its widgets in the window have them."""
    for name, value in node["inputs"].items():
        if not isinstance(value, list):
            yield typed(value) if name == "text" else value
            if name == "seed":
                yield AFTER_SEED
