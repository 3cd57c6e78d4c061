"""A ComfyUI workflow in API format: where words, random seed, size, references and LoRA go, and the filled graph.

Places are placeholders in the values of nodes (``{{prompt}}``), or nodes of that title. Knows no server.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bootstrap.errors import BackendError, BootstrapError
from bootstrap.store.files import read_given

__all__ = ["Filling", "Workflow", "read_workflow"]

LONGEST = 16 << 20
"""Bytes of a file; the largest workflows that people share have less than one million."""
PLACEHOLDER = re.compile(r"\{\{\s*([a-z]+)\s*(\d*)\s*\}\}")
TITLE = re.compile(r"([a-z]+)\s*(\d*)")
TEXTS = ("text", "prompt", "value", "string", "clip_l")
INPUTS = {
    "prompt": TEXTS,
    "negative": TEXTS,
    "seed": ("seed", "noise_seed", "value"),
    "size": ("width", "height"),
    "reference": ("image",),
    "lora": ("lora_name",),
}
"""Title of a node → the inputs that are set, the first that it has; of a size both."""
NAMES = {*INPUTS, "width", "height"}
OUTPUT = "output"
"""The title of the node whose picture is taken, where several save one."""
EXPORT = 'save it in ComfyUI with "Export (API)"'

Graph = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Filling:
    """What goes into a workflow for one picture: files by the names that the server gave them."""

    prompt: str
    negative: str
    seed: int
    size: tuple[int, int]
    references: Sequence[str]
    lora: str = ""

    def value(self, name: str, number: int) -> Any:
        """What stands for a placeholder; of references the ``number``-th, or the last where there are fewer."""
        if name == "reference":
            return self.references[min(max(number, 1), len(self.references)) - 1] if self.references else ""
        sizes = {"width": self.size[0], "height": self.size[1]}
        return sizes[name] if name in sizes else getattr(self, name)


@dataclass(frozen=True)
class Workflow:
    """A graph and its places: (node, input, name, number of a reference), None for the input of a placeholder."""

    name: str
    graph: Graph
    places: Sequence[tuple[str, str, str, int]] = field(default_factory=tuple)

    def has(self, name: str) -> bool:
        """Whether the workflow has a place of that name."""
        return any(place[2] == name for place in self.places)

    @property
    def references(self) -> int:
        """How many references it takes."""
        return max((number for *_, name, number in self.places if name == "reference"), default=0)

    @property
    def output(self) -> str:
        """The node titled "output"; "" where none is."""
        return next((id for id, node in self.graph.items() if _title(node) == OUTPUT), "")

    def filled(self, filling: Filling) -> Graph:
        """The graph for one picture."""
        graph = copy.deepcopy(self.graph)
        for id, key, name, number in self.places:
            inputs = graph[id]["inputs"]
            value = inputs[key]
            if isinstance(value, str) and PLACEHOLDER.search(value):
                inputs[key] = _replaced(value, filling)
            else:
                inputs[key] = filling.value(name, number)
        return graph

    def named(self, id: str) -> str:
        """How a message names a node: its title, or its class, and its number."""
        node = self.graph.get(id, {})
        title = str((node.get("_meta") or {}).get("title") or node.get("class_type") or "node")
        return f'node {id} "{title}"'


def read_workflow(path: Path) -> Workflow:
    """The workflow of a file. Raises BackendError where it is none, or prompt, seed or reference have no place."""
    try:
        graph = json.loads(read_given(path, LONGEST).decode("utf-8-sig"))
    except (OSError, ValueError, BootstrapError) as error:
        raise BackendError(f'the workflow "{path}" cannot be read ({_line(error)})', EXPORT) from error
    if isinstance(graph, dict) and isinstance(graph.get("nodes"), list):
        raise BackendError(f'the workflow "{path}" is in the format of the editor', EXPORT)
    if isinstance(graph, dict) and isinstance(graph.get("prompt"), dict):
        graph = graph["prompt"]  # as it is sent to a server
    if not _is_graph(graph):
        raise BackendError(f'the workflow "{path}" holds no nodes in API format', EXPORT)
    workflow = Workflow(path.name, graph, tuple(_places(graph, path)))
    for name in ("prompt", "seed", "reference"):
        if not workflow.has(name):
            hint = f'write {{{{{name}}}}} into the input of a node, or call the node "{name}"'
            raise BackendError(f'the workflow "{path}" has no place for the {name}', hint)
    return workflow


def _is_graph(graph: Any) -> bool:
    if not isinstance(graph, dict) or not graph:
        return False
    return all(isinstance(node, dict) and isinstance(node.get("inputs"), dict) for node in graph.values())


def _places(graph: Graph, path: Path) -> list[tuple[str, str, str, int]]:
    """Every place of a graph. Raises BackendError for a placeholder that stands for nothing."""
    found = []
    for id, node in graph.items():
        inputs = node["inputs"]
        for key, value in inputs.items():
            for name, number in PLACEHOLDER.findall(value) if isinstance(value, str) else ():
                if name not in NAMES - {"size"}:
                    known = ", ".join(f"{{{{{one}}}}}" for one in sorted(NAMES - {"size"}))
                    raise BackendError(
                        f'the workflow "{path}": {{{{{name}}}}} stands for nothing', f"there are {known}"
                    )
                found.append((id, key, name, int(number or 1)))
        title = TITLE.fullmatch(_title(node))
        if title and title[1] in INPUTS and not any(place[0] == id for place in found):
            found += _titled(id, inputs, title[1], int(title[2] or 1))
    return found


def _titled(id: str, inputs: Mapping[str, Any], name: str, number: int) -> list[tuple[str, str, str, int]]:
    """The places of a node whose title names one: inputs that have a value of their own, no link."""
    keys = [key for key in INPUTS[name] if key in inputs and not isinstance(inputs[key], list)]
    if name == "size":
        return [(id, key, key, 1) for key in keys]
    return [(id, key, name, number) for key in keys[:1]]


def _title(node: Mapping[str, Any]) -> str:
    return str((node.get("_meta") or {}).get("title") or "").strip().lower()


def _replaced(text: str, filling: Filling) -> Any:
    """A value with its placeholders filled; one that is nothing else keeps the type of what stands for it."""
    whole = PLACEHOLDER.fullmatch(text.strip())
    if whole:
        return filling.value(whole[1], int(whole[2] or 1))
    return PLACEHOLDER.sub(lambda found: str(filling.value(found[1], int(found[2] or 1))), text)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
