"""What an architecture is: facts as data, and the few functions in which architectures differ.

A new architecture is one file with one `Architecture`, and one line in the table beside it. Functions import torch and
diffusers when they are called: the facts are read without any model library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bootstrap.backends.sampling import SamplingSettings
from bootstrap.lora.grammar import Grammar

if TYPE_CHECKING:
    import torch

    from bootstrap.backends.framing import CropWindow
    from bootstrap.backends.prompts import TextStates
    from bootstrap.training.objective import Objective

__all__ = [
    "Architecture", "BaseLimits", "CheckpointKeys", "LatentCoding", "Presets", "Targets", "TextEncoding", "configs_of",
]  # fmt: skip


@dataclass(frozen=True)
class CheckpointKeys:
    """How the keys of a single-file checkpoint begin."""

    denoiser: str
    vae: str
    text_encoder: str
    """Begin of the keys of a text encoder that only this architecture has."""
    input_weight: str
    """Key of the denoiser's input layer; its second axis are the channels of the latents."""
    input_channels: int
    """Channels of a plain text-to-image base; further ones are masks or pictures."""
    text_encoders: tuple[str, ...] = ()
    """Begin of the keys of each text encoder, in the pipeline's order."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """How keys of old files begin (NovelAI's) → how those of others begin; A1111 and ComfyUI read both."""

    def usual(self, key: str) -> str:
        """A key as most files have it."""
        for old, new in self.renamed.items():
            if key.startswith(old):
                return new + key.removeprefix(old)
        return key


@dataclass(frozen=True)
class Targets:
    """Regular expressions for the module paths that an adapter is attached to."""

    denoiser: str
    convolutions: str
    """What a network with ``conv_rank`` is attached to as well."""
    kernels: str
    """How the paths of those convolutions end that have a kernel of more than one pixel, and ``conv_rank``."""
    text: str


@dataclass(frozen=True)
class Presets:
    """Which files of configs/base/ fit; `bootstrap.backends.presets` chooses between them."""

    plain: str
    """For photographs, by sentences."""
    velocity: str
    """For finetunes that predict velocity, of whose name nothing else is known."""
    finetunes: Mapping[str, str] = field(default_factory=dict)
    """A finetune, see `bootstrap.backends.checkpoint_names.FINETUNES` → its preset."""
    drawings: str = ""
    """For drawings by tags, of no finetune in particular; "": the plain one."""
    drawn_by_tags: bool = False
    """Whether finetunes that draw take the same tags, so that none of them has to be asked about."""

    @property
    def names(self) -> frozenset[str]:
        """All of them."""
        return frozenset({self.plain, self.velocity, self.drawings, *self.finetunes.values()} - {""})


@dataclass(frozen=True)
class BaseLimits:
    """What the bases of an architecture can be set to; the defaults are those of Stable Diffusion."""

    side: int = 8
    """The sides of pictures are multiples of it, in pixels."""
    schedulers: tuple[str, ...] = ()
    """Samplers that draw with it; () for all."""
    without: tuple[str, ...] = ()
    """Settings of sampling that mean nothing to it."""
    trains_text: bool = True
    """Whether LoRA weights in its text encoder can be trained."""
    references: tuple[str, ...] = ("path", "attention")
    """Settings of `bootstrap.backends.reference_settings` by which it draws from references."""
    has_control: bool = True
    """Whether a ControlNet can steer it."""
    encodes_alone: bool = False
    """Whether its text encoder is so large that with ``offload`` the denoiser is not loaded while it encodes."""
    operations: float = 1.0
    """Of a pass, for each weight and latent pixel, over a UNet's (see `bootstrap.config.estimate`)."""
    takes_negative: bool = True
    """Whether diffusers' pipeline takes a negative prompt as text."""
    no_guidance: float = 1.0
    """The scale that is no guidance to diffusers' pipeline; 1 to us."""


class TextEncoding(Protocol):
    """Prompts as text states; see `bootstrap.backends.prompts.PromptEncoder`."""

    def encode(self, prompts: Sequence[str]) -> TextStates:
        """Text states of prompts, cached."""

    def encode_with_gradients(self, prompts: Sequence[str]) -> TextStates:
        """Text states of prompts from a text encoder that is being trained."""

    def preload(self, prompts: Sequence[str]) -> None:
        """Encode prompts now, so that the text encoder is not needed for them later."""

    def clear(self) -> None:
        """Drop the cached states: the text encoder has changed."""


class LatentCoding(Protocol):
    """Pictures as latents and back; pixels are (n, 3, h, w) in -1..1, latents (n, c, h, w), scaled."""

    def encode(self, pipe: Any, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Mean and standard deviation of the latents; None where the autoencoder gives one value only."""

    def decode(self, pipe: Any, latents: torch.Tensor) -> torch.Tensor:
        """The pixels of latents, in float32."""

    def shape(self, pipe: Any, width: int, height: int) -> tuple[int, int, int]:
        """Channels, height and width of the latents of a picture with this many pixels."""


@dataclass(frozen=True)
class Architecture:
    """One architecture. ``name`` is its key in the table."""

    name: str
    title: str
    """Its name in messages."""
    pipeline: str
    """The class that diffusers loads it with, as in ``model_index.json``."""
    denoiser: str
    """The pipeline's attribute, and the folder, of the model that removes noise."""
    text_encoders: tuple[str, ...]
    tokenizers: tuple[str, ...]
    checkpoint: CheckpointKeys | None
    """None: it is not used as a single file."""
    presets: Presets
    targets: Targets
    grammar: Grammar
    latents: LatentCoding
    text_encoding: Callable[[Any, int | None, str, str], TextEncoding]
    """(pipeline, clip_skip, device of the states, device of the text encoders) → prompts as text states."""
    predict: Callable[[Any, torch.Tensor, torch.Tensor, TextStates, Sequence[CropWindow]], torch.Tensor]
    """(denoiser, latents, timesteps of the scheduler, text states, how each picture was cut) → prediction."""
    objective: Callable[[Any, SamplingSettings], Objective]
    """(pipeline, settings) → what it is trained to predict, at which times."""
    sampler: Callable[[Any, SamplingSettings], Any]
    """(pipeline, settings with the width and height of the pictures) → a fresh diffusers scheduler."""
    set_schedule: Callable[[Any, str | None, bool], None]
    """(pipeline, prediction type or None, zero terminal SNR): give the pipeline another noise schedule."""
    read_prediction: Callable[[Mapping[str, Any], Mapping[str, str]], tuple[str, bool]]
    """(keys of a checkpoint, its metadata) → prediction type, zero terminal SNR."""
    is_text_to_image: Callable[[Any], bool]
    """Whether a loaded pipeline is no inpainting or editing variant."""
    make_tokenizers: Callable[[], dict[str, Any]]
    """The tokenizers of a single file, which holds none."""
    autoencoder: str = "AutoencoderKL"
    """The class that diffusers loads the pipeline's ``vae`` with."""
    layers: Callable[[Path], Iterable[str]] = lambda configs: ()
    """(folder of configs) → keys of weights that a whole single file has, the autoencoder's left out."""
    loading_options: Mapping[str, Any] = field(default_factory=dict)
    """Further arguments of the pipeline's ``from_pretrained``."""
    check: Callable[[Path], None] = lambda base: None
    """Raises BackendError for a folder that no LoRA can be trained on, such as one that was distilled to few steps."""
    prepare: Callable[[Any], None] = lambda pipe: None
    """Changes a pipeline that was just loaded, for example fuses its projections."""
    limits: BaseLimits = field(default_factory=BaseLimits)
    """What its bases can be set to."""

    @property
    def weighted_parts(self) -> tuple[str, ...]:
        """Parts of the pipeline that have weights."""
        return (self.denoiser, "vae", *self.text_encoders)

    @property
    def configs(self) -> Path:
        """The configs of the real model, for checkpoints that come as a single file without any."""
        return configs_of(self.name)


def configs_of(name: str) -> Path:
    """The folder with the configs of an architecture's real model."""
    return Path(__file__).parents[1] / "pipelines" / name
