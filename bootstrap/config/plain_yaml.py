"""YAML texts as plain data, read with distrust: no key twice, no alias that multiplies, no bottomless nesting.

Knows no setting. Its finder of keys that are written twice serves JSON files too, of which YAML is nearly a superset.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator
from typing import Any

import yaml

__all__ = ["PlainYamlError", "key_twice", "read_plain"]

MOST_NODES = 100_000
"""Values and keys of a text with every alias written out; shipped files have some hundred."""
LONGEST_NUMBER = 100
"""Digits of a whole number; Python does not even write out one of some 4000."""


class PlainYamlError(ValueError):
    """A text that is refused; the message says why, and in which lines."""


def read_plain(text: str) -> Any:
    """The data of a YAML text, the caller's own. Raises PlainYamlError."""
    return copy.deepcopy(_read(text))


@functools.lru_cache(maxsize=64)
def _read(text: str) -> Any:
    """The data of a text; a process reads the shipped files again and again."""
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _size(node, {}, set())
        if found := key_twice(node):
            raise PlainYamlError(found)
        return loader.construct_document(node)
    except yaml.YAMLError as error:
        raise PlainYamlError(" ".join(str(error).split())) from error
    except RecursionError:
        raise PlainYamlError("it is nested too deeply") from None
    except (ValueError, OverflowError) as error:  # an impossible date, a number without end
        raise error if isinstance(error, PlainYamlError) else PlainYamlError(str(error).partition(";")[0]) from None


def key_twice(text: str | yaml.Node) -> str:
    """A sentence on the first key that is written twice in one mapping; "" where there is none.

    For a text that is no YAML the answer is "" too.
    """
    try:
        node = yaml.compose(text.replace("\t", " "), yaml.SafeLoader) if isinstance(text, str) else text
        for mapping in _mappings(node):
            lines: dict[tuple[str, str], int] = {}
            for key, _ in mapping.value:
                name, line = (key.tag, str(key.value)), key.start_mark.line + 1
                if name in lines and not key.value.startswith(("_", "$")):
                    return f'"{key.value}" is written twice, in lines {lines[name]} and {line}'
                lines.setdefault(name, line)
    except (yaml.YAMLError, ValueError, RecursionError, AttributeError):
        return ""
    return ""


def _mappings(root: yaml.Node | None) -> Iterator[yaml.MappingNode]:
    """Every mapping, in the order of the text, each once."""
    waiting, seen = [root], set()
    while waiting:
        node = waiting.pop()
        if not isinstance(node, yaml.CollectionNode) or id(node) in seen:
            continue
        seen.add(id(node))
        children = node.value
        if isinstance(node, yaml.MappingNode):
            yield node
            children = [part for pair in node.value for part in pair]
        waiting += reversed(children)


def _size(node: yaml.Node, sizes: dict[int, int], above: set[int]) -> int:
    """How many nodes there are with every alias written out. Raises PlainYamlError where that is too many."""
    line = node.start_mark.line + 1
    if id(node) in above:
        raise PlainYamlError(f"line {line}: an alias holds itself")
    if node.tag == "tag:yaml.org,2002:int" and len(node.value) > LONGEST_NUMBER:
        raise PlainYamlError(f"line {line}: a number of {len(node.value)} digits")
    if id(node) not in sizes:
        above.add(id(node))
        size = 1
        for child in node.value if isinstance(node, yaml.CollectionNode) else ():
            for part in child if isinstance(child, tuple) else (child,):
                size += _size(part, sizes, above)
        above.discard(id(node))
        if size > MOST_NODES:
            raise PlainYamlError(f"line {line}: it holds more than {MOST_NODES} values, its aliases written out")
        sizes[id(node)] = size
    return sizes[id(node)]
