"""How many tokens of CLIP a caption or a prompt has: what user interfaces count, and where trainers cut.

Counted with CLIP's own vocabulary, which open_clip installs; no model library is imported. Bases with another text
encoder than CLIP count otherwise.
"""

from __future__ import annotations

import gzip
import importlib.util
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from bootstrap.backends.tokenizer import MERGES, VOCABULARY

__all__ = ["CHUNK", "LONGEST", "clip_tokens", "too_long"]

CHUNK = 75
"""Tokens that CLIP sees at once, without those of begin and end."""
LONGEST = 225
"""Tokens that sd-scripts trains with at most (``--max_token_length 225``): three chunks."""
WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
"""What CLIP's tokenizer takes for a word (openai/CLIP, simple_tokenizer.py)."""


def clip_tokens(text: str) -> int:
    """The tokens of a text, without begin and end."""
    return len(_tokenizer().encode(text).ids)


def too_long(texts: Iterable[str], what: str) -> str:
    """A sentence without a full stop about those of some texts that are longer than one chunk; "" where none is."""
    counts = [clip_tokens(text) for text in texts]
    longer = [count for count in counts if count > CHUNK]
    if not longer:
        return ""
    lost = sum(count > LONGEST for count in longer)
    beyond = f", {lost} of them more than {LONGEST}, beyond which sd-scripts reads nothing" if lost else ""
    return (
        f"{len(longer)} of {len(counts)} {what} have more than {CHUNK} tokens of CLIP (at most {max(longer)}){beyond}"
    )


@cache
def _tokenizer() -> Any:
    """CLIP's byte pair encoding; which number a token has does not matter here."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    found = importlib.util.find_spec("open_clip")
    lines = gzip.decompress((Path(str(found and found.origin)).parent / VOCABULARY).read_bytes()).decode().split("\n")
    merges = [(first, second) for first, second in map(str.split, lines[1 : MERGES + 1])]
    letters = pre_tokenizers.ByteLevel.alphabet()
    words = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(merge) for merge in merges)]
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase(),
    ])  # fmt: skip
    split = pre_tokenizers.Split(Regex(WORDS), behavior="removed", invert=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])  # fmt: skip
    return tokenizer
