"""Spoilt inputs of every kind that a person hands over, for `test_fuzz.py`: strategies of Hypothesis, and their bases.

A base is a valid input; what is drawn is the base after a few changes of its tree or of its bytes.
"""

import functools
import io
import json
import struct

import yaml
from hypothesis import strategies as st
from PIL import Image

PIXEL = (215, 60, 40)
TEXTS = (
    "", " ", "a" * 5000, "\0", "\u202e", "\ud800", "\x1b[31m", "null", "../..", "🦊", "e\u0301", "=1+1", "[red]", "%s",
    "${HOME}", "~", "1girl, ", ",,,", "a\nb", "con", "character", "puppet", "front", "1e999", "<b>",
)  # fmt: skip
NUMBERS = (0, -1, 1, 3, 0.5, -0.0, 1e308, 2**31, 2**63, 2**64, 10**400, float("nan"), float("inf"))
SCALARS = st.one_of(st.none(), st.booleans(), st.sampled_from(TEXTS), st.sampled_from(NUMBERS), st.text(max_size=12))
VALUES = st.recursive(
    SCALARS,
    lambda below: st.one_of(st.lists(below, max_size=4), st.dictionaries(st.text(max_size=8), below, max_size=4)),
)
CHARACTER = {
    "version": 1, "kind": "character", "name": "Red", "trigger": "redchr", "base": "puppet", "purpose": "comics",
    "must_obey": "from behind, sitting, forest",
    "seeds": [{"file": "seed.png", "view": "front", "framing": "upper body", "tags": "smile, standing"}],
    "core": "1girl, solo", "invariant": {"hair": "red hair, bob cut", "eyes": "red eyes"},
    "outfits": {"default": {"tags": "white shirt", "share": 0.5}, "night": {"tags": "blue dress"}},
    "expressions": ["smile", "frown"], "poses": ["standing", "sitting"], "backgrounds": ["forest", "night"],
    "styles": ["cel shading"], "views": "standard", "license": "MIT", "credits": "nobody",
}  # fmt: skip
CONFIG = {
    "loop": {"target": 4, "goals": [2], "rounds": 2, "lookalikes": 10, "gate_level": 0.4, "most_decoys": 20},
    "base": {
        "recipes": {"style": {"steps": 10, "rank": 4}, "character": {"steps": 10, "optimizer": "adamw"}},
        "sampling": {"width": 32, "height": 32, "steps": 4, "guidance_scale": 2.0, "batch_size": 4},
    },
    "panel": {"scorers": {"clip": {"kind": "clip"}}, "vocabulary": {"background": ["forest", "night"]}},
    "random_seed": 3,
}
CAPTION = "redchr, 1girl, solo, red hair, bob cut, white shirt, smile, from front, (forest:1.2)\n"
LORA = "lora_unet_down_blocks_0_attentions_0_proj_in"
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252", "shift-jis", "utf-7")


def places(tree):
    """Every place in a tree of dicts and lists: (the container, the key or index)."""
    for key in tree if isinstance(tree, dict) else range(len(tree)):
        yield tree, key
        if isinstance(tree[key], dict | list):
            yield from places(tree[key])


@st.composite
def changed_tree(draw, base):
    """A tree after one to three changes: a value replaced, removed, wrapped, renamed or added."""
    tree = json.loads(json.dumps(base))
    for _ in range(draw(st.integers(1, 3))):
        found = list(places(tree))
        if not found:
            break
        holder, key = draw(st.sampled_from(found))
        how = draw(st.sampled_from(("replace", "replace", "remove", "wrap", "rename", "add")))
        if how == "remove":
            del holder[key]
        elif how == "wrap":
            holder[key] = draw(st.sampled_from(([holder[key]], {"a": holder[key]})))
        elif how == "rename" and isinstance(holder, dict):
            holder[draw(st.sampled_from(TEXTS))] = holder.pop(key)
        elif how == "add" and isinstance(holder, dict):
            holder[draw(st.text(max_size=8))] = draw(VALUES)
        else:
            holder[key] = draw(VALUES)
    return tree


@st.composite
def changed_bytes(draw, base):
    """Bytes after one to four changes: a bit, a piece cut, put in, repeated, or the rest cut off."""
    data = bytearray(base)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(0, len(data) - 1)))
        length = draw(st.integers(1, 24))
        how = draw(st.sampled_from(("flip", "flip", "cut", "put", "repeat", "end")))
        if how == "flip" and data:
            data[place] ^= 1 << draw(st.integers(0, 7))
        elif how == "cut":
            del data[place : place + length]
        elif how == "put":
            data[place:place] = draw(st.binary(min_size=1, max_size=length))
        elif how == "repeat":
            data[place:place] = data[place : place + length] * draw(st.integers(1, 40))
        elif how == "end":
            del data[place:]
    return bytes(data)


@st.composite
def written(draw, tree):
    """A tree as bytes: JSON, pretty or not, in one of several encodings."""
    text = json.dumps(draw(tree), ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from((None, 2))))
    return text.encode(draw(st.sampled_from(("utf-8", "utf-8", *ENCODINGS))), "replace")


def characters():
    whole = json.dumps(CHARACTER).encode()
    return st.one_of(written(changed_tree(CHARACTER)), changed_bytes(whole), st.binary(max_size=80))


def configs():
    whole = yaml.safe_dump(CONFIG).encode()
    return st.one_of(written(changed_tree(CONFIG)), changed_bytes(whole), st.binary(max_size=80))


def captions():
    mixed = st.lists(st.sampled_from((*TEXTS, *CAPTION.split(", "))), max_size=8)
    texts = st.builds(lambda parts, between: between.join(parts), mixed, st.sampled_from((", ", "\n", ". ", "|||")))
    encoded = st.builds(lambda text, name: text.encode(name, "replace"), texts, st.sampled_from(ENCODINGS))
    return st.one_of(encoded, changed_bytes(CAPTION.encode()), st.binary(max_size=80))


@functools.cache
def drawn_as(format, mode):
    """A small picture's bytes."""
    data = io.BytesIO()
    picture = Image.new("RGB", (128, 128), PIXEL)
    picture.paste((20, 90, 200), (30, 30, 90, 100))
    picture.convert(mode).save(data, format=format)
    return data.getvalue()


KINDS = (
    ("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "I;16"), ("PNG", "1"), ("PNG", "LA"), ("JPEG", "RGB"),
    ("JPEG", "L"), ("JPEG", "CMYK"), ("WEBP", "RGB"), ("WEBP", "RGBA"), ("GIF", "P"), ("BMP", "RGB"), ("TIFF", "RGB"),
    ("MPO", "RGB"), ("ICO", "RGBA"), ("PPM", "RGB"),
)  # fmt: skip


def pictures():
    return st.sampled_from(KINDS).flatmap(lambda kind: changed_bytes(drawn_as(*kind)))


HEADER = {
    "__metadata__": {"ss_network_dim": "2", "ss_network_alpha": "2", "modelspec.architecture": "stable-diffusion-v1"},
    f"{LORA}.lora_down.weight": {"dtype": "F32", "shape": [2, 4], "data_offsets": [0, 32]},
    f"{LORA}.lora_up.weight": {"dtype": "F32", "shape": [6, 2], "data_offsets": [32, 80]},
    f"{LORA}.alpha": {"dtype": "F32", "shape": [], "data_offsets": [80, 84]},
}
NAMES = (
    "lora_down.weight", "lora_up.weight", "alpha", "dora_scale", "hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b",
    "lokr_w1", "lokr_w2", "lokr_w2_a", "lokr_w2_b", "lora_mid.weight", "diff", "on_input", "lora_A.weight",
)  # fmt: skip


@st.composite
def loras(draw):
    """A LoRA file whose header was changed as a tree or as bytes, with its length right or not."""
    tree = json.loads(json.dumps(HEADER))
    if draw(st.booleans()):  # another network, or half of one
        spoilt = draw(st.sampled_from(sorted(tree)))
        tree[f"{LORA}.{draw(st.sampled_from(NAMES))}"] = tree.pop(spoilt)
    header = draw(
        st.one_of(written(st.just(tree)), written(changed_tree(tree)), changed_bytes(json.dumps(tree).encode()))
    )
    length = draw(
        st.one_of(st.just(len(header)), st.just(len(header)), st.sampled_from((0, 1, 2**31, 2**63, 2**64 - 1)))
    )
    numbers = draw(st.lists(st.floats(width=32), min_size=21, max_size=21))
    data = struct.pack("<21f", *numbers)
    return struct.pack("<Q", length) + header + data[: draw(st.sampled_from((84, 84, 84, 80, 0)))]
