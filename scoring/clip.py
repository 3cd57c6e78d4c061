"""An OpenCLIP model as encoder of pictures and words.

Knows how open_clip loads (a folder with config, weights and tokenizer, or a model name with a local weights file) and
nothing of scores. torch and open_clip are imported when a model is loaded. Nothing is downloaded.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydantic import Field

from scoring.features import Vectors
from scoring.offloaded import Offloaded
from scoring.settings import ModelSettings


class ScorerUnavailable(ValueError):
    """A model file that a scorer needs is missing or is not what it should be; the message says which and where."""


class ClipModel(ModelSettings):
    """The OpenCLIP model that reads pictures; a panel cannot do without."""

    model: str = Field(min_length=1)
    """An open_clip model name, or a folder with its config; ``embedded:clip`` is the shipped one."""
    pretrained: str = ""
    """Weights file; empty for the one in the folder."""


class ClipEncoder:
    """Unit embeddings of images and of phrases.

    Args:
        model: an open_clip model name ("ViT-B-32"), or a folder with one model config (``*.json`` with embed_dim,
            vision_cfg, text_cfg, or open_clip's own open_clip_config.json), weights and tokenizer files.
        pretrained: weights file; empty for the ``*.safetensors`` of the folder.
        device: torch device that pictures are embedded on; words are embedded on the CPU.

    Raises:
        ScorerUnavailable: no such model, or no local weights for it.
    """

    def __init__(self, model: str, pretrained: str = "", device: str = "cpu") -> None:
        import torch

        name, weights = _named(model, pretrained)
        digest = hashlib.sha256(weights.read_bytes()).hexdigest()
        self._torch = torch
        self._device = device
        self._model, self._transform, self._tokenizer = _loaded(name, weights)
        self._pictures = Offloaded([self._model.visual], device)
        self.fingerprint = f"clip:{Path(name).name}:{digest[:16]}"
        self.scale = float(self._model.logit_scale.detach().exp())
        self._words: dict[str, Vectors] = {}

    def embed(self, images: Sequence[Image.Image]) -> Vectors:
        """Unit vectors of RGB images, shape (n, embed_dim)."""
        with self._torch.no_grad():
            pixels = self._torch.stack([self._transform(image.convert("RGB")) for image in images])
            parts = self._pictures.parts(pixels)
            with self._pictures:
                return np.concatenate([_units(self._model.encode_image(part.to(self._device))) for part in parts])

    def embed_words(self, phrases: Sequence[str]) -> Vectors:
        """Unit vectors of phrases, shape (n, embed_dim); each phrase is embedded once."""
        new = list(dict.fromkeys(phrase for phrase in phrases if phrase not in self._words))
        if new:
            with self._torch.inference_mode():
                rows = _units(self._model.encode_text(self._tokenizer(new)))
            self._words.update(zip(new, rows, strict=True))
        return np.stack([self._words[phrase] for phrase in phrases])


def _units(rows: Any) -> Vectors:
    vectors: Vectors = rows.float().cpu().numpy()
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12), np.float32)


def _named(model: str, pretrained: str) -> tuple[str, Path]:
    """The name open_clip knows the model by (its folder's config is added), and the weights file."""
    import open_clip

    folder = Path(model)
    if folder.is_dir():
        name = _add_folder(folder, own_weights=not pretrained)
        weights = Path(pretrained) if pretrained else next(iter(sorted(folder.glob("*.safetensors"))), folder / "?")
    elif model in open_clip.list_models():
        name, weights = model, Path(pretrained or "?")
    else:
        raise ScorerUnavailable(f"clip: '{model}' is neither a folder nor a model that open_clip knows")
    if not weights.is_file():
        where = f"'{pretrained}'" if pretrained else "none given"
        raise ScorerUnavailable(f"clip: no weights file for '{model}' ({where}); give a local file")
    return name, weights


def _add_folder(folder: Path, own_weights: bool) -> str:
    """What open_clip calls the folder's model: "local-dir:…" loads the weights in it, a plain name those of a file."""
    import open_clip

    for path in sorted(folder.glob("*.json")):
        try:
            config = json.loads(path.read_text("utf-8"))
        except ValueError:
            continue
        if own_weights and isinstance(config, dict) and "model_cfg" in config:
            return f"local-dir:{folder}"
        if isinstance(config, dict) and {"embed_dim", "vision_cfg", "text_cfg"} <= config.keys():
            open_clip.add_model_config(path)
            return path.stem
    raise ScorerUnavailable(f"clip: folder '{folder}' has no model config (embed_dim, vision_cfg, text_cfg)")


def _loaded(name: str, weights: Path) -> tuple[Any, Any, Any]:
    """Model in evaluation mode, image transform, tokenizer (a file name in the config is beside the weights)."""
    import open_clip

    local = name.startswith("local-dir:")
    _all_here(name, weights.parent)
    try:
        with _quiet():
            model, transform = open_clip.create_model_from_pretrained(name, pretrained=None if local else str(weights))
        return model.eval(), transform, _tokenizer(name, weights.parent)
    except (RuntimeError, OSError, KeyError, ValueError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ScorerUnavailable(f"clip: '{weights}' does not load as {name}: {first}") from error


def _all_here(name: str, folder: Path) -> None:
    """Raise ScorerUnavailable for a model whose words need files of the hub that are not on this machine.

    open_clip would fetch them: the tokenizer of the SigLIP models, the text tower's config of the RoBERTa ones.
    """
    import open_clip
    from huggingface_hub import try_to_load_from_cache

    text = (open_clip.get_model_config(name) or {}).get("text_cfg", {})
    needed = {"config.json": text.get("hf_model_name")}
    if not _has_tokenizer(folder):
        needed["tokenizer_config.json"] = text.get("hf_tokenizer_name")
    for file, repository in needed.items():
        if repository and not isinstance(try_to_load_from_cache(repository, file), str):
            raise ScorerUnavailable(
                f"clip: '{name}' needs {file} of '{repository}', which is not on this machine; put the tokenizer "
                f"beside the weights, or fetch it: hf download {repository}"
            )


def _has_tokenizer(folder: Path) -> bool:
    return any((folder / file).is_file() for file in ("tokenizer.json", "vocab.json"))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence the root logger: open_clip warns there of folders with one weights file, which calls for no action."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)


def _tokenizer(name: str, folder: Path) -> Any:
    import open_clip
    from open_clip.tokenizer import HFTokenizer, SimpleTokenizer

    text = (open_clip.get_model_config(name) or {}).get("text_cfg", {})
    length = text.get("context_length", 77)
    options = dict(text.get("tokenizer_kwargs", {}))
    if text.get("hf_tokenizer_name") and _has_tokenizer(folder):
        return HFTokenizer(str(folder), context_length=length, tokenizer_mode=text.get("tokenizer_mode"), **options)
    merges = options.get("bpe_path")
    if merges and not Path(merges).is_file():
        options["bpe_path"] = str(folder / Path(merges).name)
        return SimpleTokenizer(context_length=length, **options)
    return open_clip.get_tokenizer(name)
