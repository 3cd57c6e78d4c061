"""The adapter of a loaded base: attached from a file, begun anew for a training, switched off and on, read back.

One adapter at a time, in place; the denoiser and the text encoders each have a slot for it. Knows no picture.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch

from bootstrap.backends.adapters import Slot
from bootstrap.backends.architectures import grammars
from bootstrap.backends.loaded import LoadedBase
from bootstrap.errors import BackendError
from bootstrap.lora import Lora, load_kohya
from bootstrap.lora.foreign import read_any
from bootstrap.lora.network import Network

__all__ = ["AttachedAdapter"]

Parameters = list[torch.nn.Parameter]
ALONE = "set the recipe's reference_distillation to 0"


class AttachedAdapter:
    """What is attached to a base: the weights of one file, those of a training, or nothing."""

    def __init__(self, base: LoadedBase) -> None:
        targets = base.architecture.targets
        self._base = base
        self._denoiser = Slot(base.denoiser, targets.denoiser, targets.convolutions, targets.kernels)
        self._text = [Slot(encoder, targets.text) for encoder in base.text_encoders]
        self._file: Path | None = None
        self._attached = False
        self._file_has_text = False
        self._encoded_with: Path | None = None
        self._kept: dict[Path, Lora] = {}

    def attach(self, adapter: Path | None) -> None:
        """Draw with the weights of a file, or (None) with the base alone. Raises BackendError."""
        if adapter is not None and adapter != self._file:
            lora = self._kept.get(adapter) or self.load(adapter)
            self._denoiser.fill(lora.modules, lora.rank, lora.network_alpha)
            has_text = bool(lora.text_modules or lora.text_modules_2)
            if has_text:
                for slot, modules in zip(self._text, lora.parts[1:], strict=False):
                    slot.fill(modules, lora.rank, lora.network_alpha)
            self._file, self._file_has_text = adapter, has_text
        self._attached = adapter is not None
        self._denoiser.switch(on=self._attached)
        self._encode_with(adapter if self._file_has_text else None)

    def switch_denoiser(self, on: bool) -> None:
        """Denoise with what is attached from now on, or without; words stay encoded as they are."""
        self._denoiser.switch(on=on and self._attached)

    @contextlib.contextmanager
    def keeping(self, adapters: Sequence[Path]) -> Iterator[None]:
        """A block in which these files are held in memory, because they are attached in turn."""
        self._kept = {path: self.load(path) for path in dict.fromkeys(adapters)}
        try:
            yield
        finally:
            self._kept = {}

    def begin(self, network: Network, random_seed: int, *, text_encoder: bool) -> tuple[Parameters, Parameters]:
        """Attach a new adapter that changes nothing yet; the weights to train in the denoiser and the text encoders."""
        self.attach(None)
        self._file, self._file_has_text = None, False
        weights = self._denoiser.begin(network, random_seed)
        text_weights: Parameters = []
        if text_encoder:
            for number, slot in enumerate(self._text, 1):
                text_weights += slot.begin(network, random_seed + number)
        return weights, text_weights

    @contextlib.contextmanager
    def switched_off(self, *, text_encoder: bool) -> Iterator[None]:
        """The base without the adapter that is in training."""
        slots = [self._denoiser, *self._text] if text_encoder else [self._denoiser]
        for slot in slots:
            slot.switch(on=False)
        try:
            yield
        finally:
            for slot in slots:
                slot.switch(on=True)

    def lending(self, files: Sequence[Path]) -> Callable[[Path | None], contextlib.AbstractContextManager[None]]:
        """What makes the base predict, for a block, with one of these files in place of what is in training.

        With None the base predicts alone. Prompts are encoded as the base does. Raises BackendError for a file whose
        weights have no place in the network that is in training.
        """
        held = {}
        for path in dict.fromkeys(files):
            lora = self.load(path)
            if lora.text_modules or lora.text_modules_2:
                raise BackendError(f'"{path}" has weights for text encoders, which stay as the base has them', ALONE)
            held[path] = self._denoiser.prepared(lora.modules, lora.rank, lora.network_alpha)

        def lent(path: Path | None) -> contextlib.AbstractContextManager[None]:
            return self._denoiser.lent(held[path]) if path else self.switched_off(text_encoder=False)

        return lent

    def weights(self, rank: int, network_alpha: float, *, text_encoder: bool) -> Lora:
        """The weights that are attached."""
        parts = [self._denoiser.weights()]
        if text_encoder:
            parts += [slot.weights() for slot in self._text]
        return Lora(
            parts[0],
            network_alpha,
            *parts[1:],
            grammar=self._base.architecture.grammar,
            network_rank=rank,
        )

    def load(self, adapter: Path) -> Lora:
        """A kohya file of modules that this base has. Raises BackendError for any other."""
        grammar, text = self._base.architecture.grammar, [slot.modules for slot in self._text]
        return load_kohya(adapter, grammar, self._denoiser.modules, *text, grammars=grammars())

    def read(self, adapter: Path) -> Lora:
        """A LoRA of any trainer: by the modules of the real models, or by the base's own where it is none of these.

        Raises BackendError.
        """
        try:
            found = read_any(adapter, grammars())
        except BackendError:
            with contextlib.suppress(BackendError):
                return self.load(adapter)
            raise
        if found.lora.grammar == self._base.architecture.grammar and not found.unknown:
            return found.lora
        return self.load(adapter)

    def _encode_with(self, adapter: Path | None) -> None:
        """Encode prompts with this adapter's text weights, or with the base's; cached states are of one of them."""
        if adapter != self._encoded_with:
            self._base.prompts.clear()
            self._encoded_with = adapter
        for slot in self._text:
            slot.switch(on=adapter is not None)
