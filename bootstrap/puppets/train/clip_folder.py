"""The folder of the OpenCLIP model: configuration, tokenizer and weights, written here and loaded by `open_clip`.

`open_clip.create_model_from_pretrained("local-dir:FOLDER")` and `open_clip.get_tokenizer("local-dir:FOLDER")` load
it; so does `open_clip.add_model_config(FOLDER)` with the model name "puppet-clip". Does NOT know how it is trained.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip.transformer import text_global_pool
from safetensors.torch import save_file
from torch import Tensor, nn

from bootstrap.puppets.train.phrases import PHRASES, write_tokenizer

NAME = "puppet-clip"
WEIGHTS = "open_clip.safetensors"
CONTEXT = 64
EMBEDDING = 256
SIDE = 96
"""Side in pixels of the image tower's input: that of the base model's pictures."""
_VISION = {
    "timm_model_name": "resnet10t",
    "timm_pool": "avgmax",  # the maximum responds to small things: a hair clip, the colour of an eye
    "timm_proj": "linear",
    "image_size": SIDE,
}
_TEXT = {"context_length": CONTEXT, "hf_tokenizer_name": NAME, "width": 128, "heads": 4, "layers": 2}
_PREPROCESS = {"size": SIDE, "resize_mode": "squash", "interpolation": "bilinear"}


def write_configuration(folder: Path) -> None:
    """Write the tokenizer and both forms of the model configuration."""
    write_tokenizer(folder, CONTEXT)
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    model = {"embed_dim": EMBEDDING, "vision_cfg": _VISION, "text_cfg": {**_TEXT, "vocab_size": len(vocabulary)}}
    _write_json(folder / f"{NAME}.json", model)
    _write_json(folder / "open_clip_config.json", {"model_cfg": model, "preprocess_cfg": _PREPROCESS})


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def write_weights(folder: Path, state: Mapping[str, Tensor]) -> None:
    """Write weights: matrices in half precision, vectors (normalisation statistics among them) in full."""
    stored = {}
    for name, value in state.items():
        stored[name] = value.contiguous()
        if value.ndim > 1:
            stored[name] = value.half().contiguous()
    draft = folder / f"{WEIGHTS}.draft"
    save_file(stored, draft)
    draft.chmod(0o644)  # safetensors writes for the owner only
    draft.replace(folder / WEIGHTS)


def new_model(folder: Path) -> open_clip.CLIP:
    """A model with random weights, of the architecture in the folder's configuration."""
    config = json.loads((folder / f"{NAME}.json").read_text(encoding="utf-8"))
    return open_clip.CLIP(**config)


def load(folder: Path) -> tuple[open_clip.CLIP, PhraseTokens]:
    """The trained model in evaluation mode, and the tokens of its phrases."""
    model, _ = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    return model.eval(), PhraseTokens(folder)


class PhraseTokens:
    """Token ids of captions that are put together from phrases."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
        self.phrases = trim(self.tokenizer(list(PHRASES)))
        inner = self.tokenizer.tokenizer
        self._start, self._end = inner.bos_token_id, inner.eos_token_id
        self._comma = inner(",", add_special_tokens=False).input_ids
        self._spelled = inner(list(PHRASES), add_special_tokens=False).input_ids

    def captions(self, included: Tensor) -> Tensor:
        """Ids (N, longest) of the comma-separated phrases marked in `included` bool (N, phrases)."""
        rows = [self._spell(row.nonzero().ravel().tolist()) for row in included]
        longest = max(map(len, rows))
        return torch.tensor([row + [self._end] * (longest - len(row)) for row in rows])

    def _spell(self, phrases: list[int]) -> list[int]:
        ids: list[int] = []
        for phrase in phrases:
            if ids:
                ids += self._comma
            ids += self._spelled[phrase]
        return [self._start, *ids[: CONTEXT - 2], self._end]


def trim(tokens: Tensor) -> Tensor:
    """Cut off the columns that hold end tokens in every row, except for one."""
    end = tokens.max()
    longest = int((tokens != end).sum(1).max())
    return tokens[:, : longest + 1]


def encode_text(model: nn.Module, tokens: Tensor) -> Tensor:
    """Unit text embeddings (N, D) of ids that `trim` cut: the model's `encode_text` without the cost of the padding.

    Exact, because attention is causal and the first end token is pooled.
    """
    length = tokens.shape[1]
    hidden = model.token_embedding(tokens) + model.positional_embedding[:length]  # type: ignore[operator,index]
    hidden = model.transformer(hidden, attn_mask=model.attn_mask[:length, :length])  # type: ignore[operator,index]
    pooled = text_global_pool(model.ln_final(hidden), tokens, model.text_pool_type)  # type: ignore[operator]
    return nn.functional.normalize(pooled @ model.text_projection, dim=1)
