"""CLIP's tokenizer, made from the vocabulary that open_clip installs: a single-file checkpoint holds none."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

__all__ = ["MERGES", "VOCABULARY", "clip_tokenizer"]

VOCABULARY = "bpe_simple_vocab_16e6.txt.gz"
"""The file of CLIP's merges in open_clip's package."""
MERGES = 49152 - 256 - 2
"""Merges of CLIP's vocabulary: what is left of it after the bytes, in both forms, and two special tokens."""
TOKENS = 77
"""Length of a prompt, begin and end included."""


def clip_tokenizer(pad_token: str = "<|endoftext|>") -> Any:
    """A transformers tokenizer; nothing is downloaded."""
    import open_clip
    from open_clip.tokenizer import bytes_to_unicode
    from transformers import CLIPTokenizer

    packed = Path(open_clip.__file__).parent / VOCABULARY
    lines = gzip.decompress(packed.read_bytes()).decode().split("\n")
    merges = [tuple(line.split()) for line in lines[1 : MERGES + 1]]
    letters = list(bytes_to_unicode().values())
    words = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(merge) for merge in merges)]
    vocabulary = {word: n for n, word in enumerate([*words, "<|startoftext|>", "<|endoftext|>"])}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, pad_token=pad_token, model_max_length=TOKENS)
