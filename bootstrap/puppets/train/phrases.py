"""The phrases of captions as tokens and as truth tables: a CLIP tokenizer, and which phrase is true of a picture.

Does NOT know any model or any picture.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bootstrap.puppets import anatomy, captions, scene
from bootstrap.puppets.anatomy import Puppet
from bootstrap.puppets.scene import PuppetShot

START, END = "<|startoftext|>", "<|endoftext|>"

PHRASES: tuple[str, ...] = tuple(phrase for phrase in captions.VOCABULARY if phrase not in ("1girl", "solo"))
_INDEX: Mapping[str, int] = {phrase: index for index, phrase in enumerate(PHRASES)}


def _colored(kinds: Sequence[str]) -> list[str]:
    return [f"{color} {kind}" for kind in kinds for color in anatomy.ALL_CLOTH_COLORS]


def _axes() -> dict[str, list[str]]:
    return {
        "hair_color": [f"{color} hair" for color in anatomy.ALL_HAIR_COLORS],
        "hair_style": list(anatomy.ALL_HAIR_STYLES),
        "eye_color": [f"{color} eyes" for color in anatomy.ALL_EYE_COLORS],
        "ears": [ears for ears in anatomy.ALL_EARS if ears],
        "hat": _colored(anatomy.ALL_HATS),
        "accessory": ["glasses", *_colored(("scarf", "ribbon"))],
        "skin": list(anatomy.ALL_SKINS),
        "tail": [tail for tail in anatomy.ALL_TAILS if tail],
        "top": _colored((*anatomy.ALL_TOPS, anatomy.DRESS)),
        "bottom": _colored(anatomy.ALL_BOTTOMS),
        "view_family": ["from front", "three-quarter view", "from side", "from behind", "from above", "from below"],
        "facing": ["facing left", "facing right"],
        "framing": list(scene.ALL_FRAMINGS),
        "expression": list(scene.ALL_EXPRESSIONS),
        "pose": list(scene.ALL_POSES),
        "background": list(scene.ALL_BACKGROUNDS),
        "style": list(scene.ALL_STYLES),
    }


AXES: Mapping[str, NDArray[np.int64]] = {
    axis: np.array([_INDEX[phrase] for phrase in phrases]) for axis, phrases in _axes().items()
}
"""Axis -> indices into `PHRASES` of its phrases, of which at most one is true."""


def seen_phrases(puppet: Puppet, shot: PuppetShot) -> NDArray[np.bool_]:
    """Which of `PHRASES` are true of a picture and seen on it: bool (len(PHRASES),)."""
    row = np.zeros(len(PHRASES), dtype=np.bool_)
    for axis, tag in captions.tags(puppet, shot).items():
        if tag and captions.is_seen(axis, tag, shot):
            row[[_INDEX[part] for part in tag.split(", ")]] = True
    return row


def byte_pair_merges(words: Iterable[str]) -> list[tuple[str, str]]:
    """Byte-pair merges, most frequent pair first, until every word is a single symbol (Sennrich et al. 2016)."""
    spelled = [[*word[:-1], word[-1] + "</w>"] for word in sorted(set(words))]
    merges: list[tuple[str, str]] = []
    while pairs := _count_pairs(spelled):
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        spelled = [_merge(symbols, best) for symbols in spelled]
    return merges


def _count_pairs(spelled: Iterable[Sequence[str]]) -> Counter[tuple[str, str]]:
    pairs: Counter[tuple[str, str]] = Counter()
    for symbols in spelled:
        pairs.update(pairwise(symbols))
    return pairs


def _merge(symbols: list[str], pair: tuple[str, str]) -> list[str]:
    merged: list[str] = []
    for symbol in symbols:
        if merged and (merged[-1], symbol) == pair:
            merged[-1] += symbol
        else:
            merged.append(symbol)
    return merged


def byte_symbols() -> list[str]:
    """One printable character for each byte, as in byte-level BPE (Radford et al. 2019)."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in plain]
    return [chr(byte) for byte in plain] + [chr(256 + place) for place in range(len(others))]


def write_tokenizer(folder: Path, context_length: int) -> None:
    """Write a CLIP tokenizer folder (vocab.json, merges.txt, tokenizer_config.json) that spells any word.

    Every word of the caption vocabulary is one token; the end token has the largest id, which CLIP's pooling requires.
    """
    words = " ".join(captions.words()).replace("-", " ").split()
    merges = byte_pair_merges(filter(str.isalpha, words))
    symbols = byte_symbols()
    vocabulary = [*symbols, *(f"{symbol}</w>" for symbol in symbols), *("".join(pair) for pair in merges), START, END]
    unique = list(dict.fromkeys(vocabulary))
    folder.mkdir(parents=True, exist_ok=True)
    spelling = {symbol: index for index, symbol in enumerate(unique)}
    (folder / "vocab.json").write_text(json.dumps(spelling, ensure_ascii=False), encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    settings = {
        "tokenizer_class": "CLIPTokenizer",
        "bos_token": START,
        "eos_token": END,
        "unk_token": END,
        "pad_token": END,
        "model_max_length": context_length,
        "do_lower_case": True,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
