"""A model of transformers' image-text-to-text classes on this machine: Qwen-VL, Gemma, SmolVLM and their like.

Loaded by the first question that has no kept answer, freed by ``close``. Downloads nothing, and runs no code out of a
model's folder. Knows no question.
"""

from __future__ import annotations

import contextlib
import gc
import json
import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from PIL import Image

from bootstrap.errors import BackendError
from bootstrap.machine.hub import HUB_ID, cached, fetched
from bootstrap.readers.asking import Turn, Utterance
from bootstrap.readers.reader_settings import LocalReaderSettings
from bootstrap.readers.shown_size import shown_size

__all__ = ["LocalModel", "find_model"]

CONFIG = "config.json"
PROCESSORS = ("processor_config.json", "preprocessor_config.json")
MOST_OF_CARD = 0.7
"""Share of a card's free memory that weights may take before they are quantised: the rest is for pictures and cache."""
MARK = re.compile(r"[<\[].+[>\]]")
"""A token that no plain text has: it begins a turn, or stands for a picture."""
NEEDED = {"SmolVLMProcessor": "num2words"}
"""Processor of transformers → a package that it needs and that transformers does not bring."""
INSTALL = re.compile(r"pip install [\w.-]+")
HINT = "choose a smaller model, or one behind a server, with --reader"


class LocalModel:
    """See `bootstrap.readers.asking.ReadingModel`."""

    def __init__(self, settings: LocalReaderSettings) -> None:
        """Nothing is loaded yet. Raises BackendError where the model is not whole on this machine."""
        self._settings = settings
        self._folder = find_model(settings.model)
        self._loaded: tuple[Any, Any] | None = None
        self.name = settings.name
        self.fingerprint = f"local-{_digest(self._folder, settings)}"

    def say(self, turns: Sequence[Turn], images: Sequence[Image.Image], schema: dict[str, Any]) -> Utterance:
        """The most likely next turn. The schema is in the prompt; nothing else holds the model to it."""
        import torch

        from bootstrap.machine.device import reporting_memory

        model, processor = self._model()
        with reporting_memory(HINT), _one_line(self.name):
            shown = [shown_size(image, self._settings.longest_side) for image in images]
            given = _tokens(processor, turns, shown, model)
            begin = given["input_ids"].shape[1]
            with torch.inference_mode():
                written = model.generate(**given, max_new_tokens=self._settings.most_tokens, do_sample=False)
        (text,) = processor.batch_decode(written[:, begin:], skip_special_tokens=True)
        return Utterance(str(text))

    def close(self) -> None:
        """Free the model and what it holds on the device."""
        if self._loaded is None:
            return
        import torch

        self._loaded = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _model(self) -> tuple[Any, Any]:
        if self._loaded is None:
            self._loaded = _load(self._folder, self._settings)
        return self._loaded


@contextlib.contextmanager
def _one_line(name: str) -> Iterator[None]:
    """A block in which a model is asked; what its library cannot do with a question is a BackendError of one line."""
    try:
        yield
    except (ValueError, TypeError, KeyError, IndexError) as error:
        reason = " ".join(str(error).split())[:200]
        raise BackendError(f'the reader "{name}" cannot read the question: {reason}', HINT) from error


def find_model(name: str) -> Path:
    """The folder of a model. Raises BackendError where it, or a file of it, is not on this machine."""
    folder = Path(name).expanduser()
    if not folder.is_dir() and HUB_ID.fullmatch(name):
        folder = cached(name, CONFIG) or fetched(name)
    fetch = f"hf download {name}" if HUB_ID.fullmatch(name) else "give the folder of a whole model"
    if not (folder / CONFIG).is_file():
        raise BackendError(f'the reader "{name}" is not on this machine', fetch)
    if not any((folder / file).is_file() for file in PROCESSORS):
        raise BackendError(f'the reader "{name}" has no {PROCESSORS[1]}: it reads no pictures', "choose another model")
    if not list(folder.glob("*.safetensors")):
        raise BackendError(f'the reader "{name}" has no weights in safetensors\' format', fetch)
    if package := _missing_package(folder):
        raise BackendError(f'the reader "{name}" needs the package {package}', f"pip install {package}")
    return folder


def _missing_package(folder: Path) -> str:
    """A package that the processor of a model needs and that is not installed; "" for none."""
    for name in PROCESSORS:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            processor = json.loads((folder / name).read_text(encoding="utf-8")).get("processor_class")
            package = NEEDED.get(str(processor), "")
            if package and find_spec(package) is None:
                return package
    return ""


def _digest(folder: Path, settings: LocalReaderSettings) -> str:
    """Of what decides an answer: the model's configuration, the sizes of its weights, the settings."""
    weights = [(path.name, path.stat().st_size) for path in sorted(folder.glob("*.safetensors"))]
    parts = (weights, settings.longest_side, settings.most_tokens, settings.bits)
    return sha256((folder / CONFIG).read_bytes() + repr(parts).encode()).hexdigest()[:16]


def _load(folder: Path, settings: LocalReaderSettings) -> tuple[Any, Any]:
    """The model on its device, and its processor. Raises BackendError."""
    from transformers import AutoModelForImageTextToText

    from bootstrap.backends.loading_quietly import loading
    from bootstrap.machine.device import pick_device, weights_dtype

    device = pick_device(settings.device)
    more: dict[str, Any] = {}
    if _quantises(folder, settings, device):
        more = {"quantization_config": _four_bits(device), "device_map": {"": device}}
    with loading(folder, HINT):
        processor = _processor(folder, settings.name)
        model = AutoModelForImageTextToText.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=weights_dtype(device), **more
        )
    return (model if more else model.to(device)).eval(), processor


def _processor(folder: Path, name: str) -> Any:
    """What turns pictures and words into a model's input. Raises BackendError where it needs a package."""
    from transformers import AutoProcessor

    try:
        return AutoProcessor.from_pretrained(folder, local_files_only=True)
    except ImportError as error:
        told = " ".join(str(error).split())
        command = INSTALL.search(told.replace("`", ""))
        hint = command[0] if command else "install the package that it names"
        raise BackendError(f'the reader "{name}" lacks a package: {told[:200]}', hint) from error


def _quantises(folder: Path, settings: LocalReaderSettings, device: str) -> bool:
    """Whether the weights are loaded in four bits. Raises BackendError where that was asked for and cannot be."""
    import torch

    wanted = settings.bits == "4bit"
    if settings.bits == "auto" and device == "cuda":
        free, _ = torch.cuda.mem_get_info()
        wanted = sum(path.stat().st_size for path in folder.glob("*.safetensors")) > MOST_OF_CARD * free
    if wanted and find_spec("bitsandbytes") is None:
        problem = f'the reader "{settings.name}" needs the package bitsandbytes to fit this card'
        raise BackendError(problem, "pip install lora-bootstrap[quantised]")
    return wanted


def _four_bits(device: str) -> Any:
    """NF4 with scales that are quantised too, as QLoRA has them (arXiv 2305.14314)."""
    from transformers import BitsAndBytesConfig

    from bootstrap.machine.device import arithmetic

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=arithmetic(device),
    )


def _messages(turns: Sequence[Turn], images: Sequence[Image.Image], marks: Sequence[str]) -> list[dict[str, Any]]:
    """The conversation as chat templates have it, the pictures before the first text."""
    found: list[dict[str, Any]] = []
    for number, turn in enumerate(turns):
        parts: list[dict[str, Any]] = [{"type": "image", "image": image} for image in images if number == 0]
        found.append({"role": turn.by, "content": [*parts, {"type": "text", "text": _spelled(turn.text, marks)}]})
    return found


def _spelled(text: str, marks: Sequence[str]) -> str:
    """A text without the marks of a chat: a person's notes that spell one must not begin a turn, or a picture."""
    for mark in marks:
        text = text.replace(mark, " ")
    return text


def _tokens(processor: Any, turns: Sequence[Turn], images: Sequence[Image.Image], model: Any) -> Any:
    """What the model is given, on its device and in its type."""
    words = processor.tokenizer
    marks = {*words.all_special_tokens, *words.get_added_vocab(), getattr(processor, "image_token", "")}
    messages = _messages(turns, images, [mark for mark in marks if MARK.search(mark)])
    given = processor.apply_chat_template(
        messages, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
    )
    return given.to(model.device, dtype=model.dtype)
