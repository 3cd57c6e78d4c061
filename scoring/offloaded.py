"""Models that take turns on an accelerator: each is in main memory, and loaded for as long as it computes.

Knows no picture and no score. accelerate is imported for an accelerator only; on the CPU nothing is moved. They stay in
float32: in float16, 7 of 6,000 answers of the embedded CLIP were others (400 renders, 15 axes), and one that is loaded
alone fits beside a base on every card.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

__all__ = ["Offloaded"]

AT_ONCE = 8
"""Pictures that an encoder sees at once on an accelerator, whose memory it shares with a base."""


class Offloaded:
    """Models that compute on ``device`` inside a ``with`` block: each is loaded by its first forward pass in it.

    Leaving the block offloads them to main memory. Parameters stay the same objects. Models that they stand
    ``instead_of`` are in main memory from the first forward pass to the end of the block, if they were on the device.
    """

    def __init__(self, models: Sequence[Any], device: str, instead_of: Sequence[Any] = ()) -> None:
        self._hooks: list[Any] = []
        self._device, self._instead_of, self._inside = device, instead_of, False
        self._aside: list[Any] = []
        if device != "cpu":
            from accelerate import cpu_offload_with_hook

            for model in models:
                self._hooks.append(cpu_offload_with_hook(model, device)[1])
                model.register_forward_pre_hook(self._make_room)

    def parts(self, pictures: Any) -> Sequence[Any]:
        """A batch (n, ...) as it is computed: on an accelerator `AT_ONCE` pictures at once, on the CPU all."""
        return [pictures] if self._device == "cpu" else list(pictures.split(AT_ONCE))

    def __enter__(self) -> None:
        """Nothing is loaded before it computes."""
        self._inside = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Offload what was loaded, also after an error, and load again what made room for it."""
        self._inside = False
        moved = [hook for hook in self._hooks if next(hook.model.parameters()).device.type != "cpu"]
        for hook in moved:
            hook.offload()
        if moved:
            from accelerate.utils.memory import clear_device_cache

            clear_device_cache()
        while self._aside:
            self._aside.pop().to(self._device)

    def _make_room(self, *called: object) -> None:
        """Offload the others before a model's forward pass loads it."""
        for other in self._instead_of if self._inside else ():
            if next(other.parameters()).device.type != "cpu":
                other.to("cpu")
                self._aside.append(other)
