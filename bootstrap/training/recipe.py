"""How a LoRA is trained, as validated data. Knows nothing of why it is trained or of any model.

Names are the field's own (sd-scripts, diffusers), so that what people know of other trainers holds here.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from bootstrap.errors import BackendError

__all__ = ["OPTIMIZER_PACKAGES", "Kind", "TrainRecipe", "no_package"]

Kind = Literal["lora", "locon", "dora", "loha", "lokr"]
"""What is trained: LoRA on the transformer blocks; LoCon, on every convolution too; DoRA (arXiv 2402.09353), which
trains direction and length apart; LoHa and LoKr, products of Hadamard and Kronecker (LyCORIS, arXiv 2309.14859)."""

OPTIMIZER_PACKAGES = {"adamw8bit": "bitsandbytes", "prodigy": "prodigyopt"}
"""Optimizers that live in packages which are not installed with this one."""

TEXT_SHARE = 0.1
"""The text encoder's rate as a share of the denoiser's where none is given: what guides for character LoRAs advise."""
WITHOUT_EFFECT = ("sample_every_n_steps", "tensorboard", "early_steps")
"""Settings that change no weight."""
ADDED_LATER = frozenset({
    "network", "conv_rank", "lokr_factor", "gradient_checkpointing_interval", "text_variants", "latent_crops",
    "sample_latents", "masked_loss", "background_weight", "reg_data_dir", "prior_pictures", "prior_loss_weight",
    "output_preservation", "conv_alpha", "lr_warmup_ratio", "repeats_for", "target_steps",
    "epochs_for", "resolution", "reference_distillation", "beside_references",
})  # fmt: skip
"""Settings that older checkpoints do not know."""
SHOWN_OF_A_FOLDER = 100
"""Pictures that an epoch shows of each of several folders: guides repeat 20, 33 and 50 pictures 5, 3 and 2 times."""
LARGEST = 1.5
"""Side of training pictures over that of drawn ones, at most: guides train Stable Diffusion 1.5, of 512, at 768."""
GRID = 16
"""Steps of the sides of training pictures in pixels: what autoencoders and patches of every architecture divide."""
PRODIGY_FLOOR = 0.1
"""Prodigy finds the rate itself and multiplies it by ``learning_rate``; below this it hardly moves."""


def no_package(optimizer: str, reason: str = "not installed") -> BackendError:
    """The error where an optimizer's package cannot be used."""
    package = OPTIMIZER_PACKAGES[optimizer]
    return BackendError(
        f'optimizer "{optimizer}" needs the package {package} ({reason})',
        f"pip install {package}, or set the recipe's optimizer to adamw or adafactor",
    )


class TrainRecipe(BaseModel):
    """The settings of one LoRA training. Defaults are for the embedded base; configs/ override them for others."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    rank: int = Field(16, ge=1, le=256)
    """LoRA rank (``network_dim``)."""
    network_alpha: float = Field(16.0, gt=0)
    """LoRA alpha; the weights are scaled by ``network_alpha / rank``."""
    network: Kind = "lora"
    """``lora``, ``locon``, ``dora``, ``loha`` or ``lokr``; user interfaces load each of them."""
    conv_rank: int | None = Field(None, ge=1, le=256)
    """Rank of the convolutions of k x k (``conv_dim``); null: with ``locon`` as ``rank``, else they are left alone."""
    conv_alpha: float | None = Field(None, gt=0)
    """Alpha of these convolutions; null: they are scaled like the rest."""
    lokr_factor: int = Field(8, ge=-1)
    """Size of LoKr's small factor; -1 takes the most even one, for the smallest files."""
    text_encoder: bool = False
    """Train LoRA weights in the text encoder too; for Stable Diffusion XL most trainers leave it off."""
    optimizer: Literal["adamw", "adamw8bit", "adafactor", "prodigy"] = "adamw"
    """``adamw8bit`` needs the package bitsandbytes, ``prodigy`` needs prodigyopt and a learning_rate of 1."""
    learning_rate: float = Field(1e-3, gt=0, le=1)
    """Peak rate for the denoiser's LoRA weights."""
    text_encoder_lr: float | None = Field(None, gt=0, le=1)
    """Peak rate for the text encoder's; null takes a tenth of ``learning_rate`` (with prodigy: the same)."""
    lr_scheduler: Literal["constant", "constant_with_warmup", "linear", "cosine", "cosine_with_restarts"] = "cosine"
    """Rate over the steps."""
    lr_scheduler_num_cycles: int = Field(3, ge=1, le=100)
    """Falls of ``cosine_with_restarts``."""
    lr_warmup_steps: int = Field(10, ge=0)
    """Steps of linear warm-up (``constant`` has none)."""
    lr_warmup_ratio: float | None = Field(None, ge=0, lt=1)
    """Warm-up as a share of the steps, in place of ``lr_warmup_steps``."""
    steps: int = Field(300, ge=1)
    """Optimiser steps, at most, where no ``epochs`` are set: the number of pictures decides how many."""
    epochs: int | None = Field(None, ge=1)
    """Epochs, from which the steps follow as in sd-scripts, without a cap; null: from the base's
    ``steps_per_picture``."""
    repeats: int = Field(10, ge=1)
    """Times an epoch shows each picture; it is in the name of the dataset's folder, ``10_<trigger>``."""
    repeats_for: Mapping[int, int] = Field(default_factory=dict)
    """Pictures of a set → its repeats, in place of ``repeats``; between two sizes, what an epoch shows grows evenly."""
    epochs_for: Mapping[int, int] = Field(default_factory=dict)
    """Pictures that an epoch shows of several folders → its epochs, in place of ``epochs``: where outfits have triggers
    of their own, each has a folder, and repeats that make about 100 pictures of it."""
    target_steps: int | None = Field(None, ge=1)
    """Optimiser steps that the epochs should come closest to: it decides the repeats."""
    batch_size: int = Field(8, ge=1)
    """Pictures a forward pass."""
    enable_bucket: bool = False
    """Train on pictures in their own aspect ratio instead of cutting them to the base's."""
    resolution: int | None = Field(None, ge=32, multiple_of=16)
    """Pixels of training pictures, as the side of a square of their area; null: as the base draws. A base that draws in
    less than two thirds of it is trained in what it draws."""
    bucket_reso_steps: int = Field(64, ge=8, multiple_of=8)
    """Steps of a bucket's width and height, in pixels."""
    gradient_accumulation_steps: int = Field(1, ge=1, le=1024)
    """Forward passes an optimiser step: a larger batch in the memory of a small one."""
    gradient_checkpointing: bool = False
    """Compute the denoiser's activations twice instead of keeping them: less memory, about a third slower."""
    gradient_checkpointing_interval: int = Field(1, ge=1, le=64)
    """Compute twice in every n-th block only: 2 takes more memory and is up to half faster (SimpleTuner PR 1184)."""
    ema_decay: float | None = Field(None, gt=0, lt=1)
    """Exponential moving average of the weights, which is what is then exported; null switches it off."""
    min_snr_gamma: float | None = Field(5.0, gt=0)
    """Min-SNR loss weighting (arXiv 2303.09556); null switches it off."""
    noise_offset: float = Field(0.0, ge=0, le=1)
    """Constant offset noise a channel."""
    shuffle_caption: bool = True
    """Shuffle the tags after the kept ones, anew for every picture that is shown."""
    keep_tokens: int = Field(1, ge=0)
    """Leading tags that are never shuffled or dropped (the trigger)."""
    tag_dropout: float = Field(0.1, ge=0, le=1)
    """Probability that a tag after the kept ones is dropped."""
    caption_dropout: float = Field(0.05, ge=0, le=1)
    """Probability that a whole caption is emptied."""
    text_variants: int = Field(0, ge=0, le=64)
    """Shuffled and dropped-out variants of each caption, encoded once before the training, which then needs no text
    encoder in memory; 0 shuffles anew each time."""
    latent_crops: int = Field(1, ge=1, le=16)
    """Crops of a picture that is cut to its shape: centred, and spread over what the cut leaves out."""
    sample_latents: bool = False
    """Sample latents from the VAE's mean and deviation anew each time, instead of taking the mean."""
    masked_loss: bool = False
    """Weigh the background down: the subject is what a picture's alpha, its ``<stem>_mask.png`` or its box shows."""
    background_weight: float = Field(0.1, ge=0, le=1)
    """Weight of the background where ``masked_loss`` is on; 0 leaves it out of the loss."""
    reg_data_dir: str | None = None
    """Folder of regularisation pictures: each with a ``.txt``, or in a folder ``<repeats>_<class>``."""
    prior_pictures: int = Field(0, ge=0, le=1000)
    """Regularisation pictures that the base draws itself, of the captions without their trigger (arXiv 2208.12242)."""
    prior_loss_weight: float = Field(1.0, ge=0)
    """Weight of the loss on regularisation pictures."""
    output_preservation: float = Field(0.0, ge=0)
    """Weight of the distance to the base's own output for captions without their trigger: what is not the character
    stays as it was, without any further picture; twice the time. 0 switches it off."""
    reference_distillation: float = Field(0.0, ge=0, le=1)
    """For pictures that the base drew from references, the share of the target that is what the base predicts when it
    is shown these again, with the prompt of the picture, in place of the noise that is in it: the LoRA then learns what
    the base knows of the character, and fewer of the errors of single pictures; a third more time. 0 switches it off;
    it needs ``base.reference``."""
    beside_references: bool = False
    """Train while the base is shown the references that it draws from, so that the LoRA learns what these leave out.
    Not set here, but by ``base.reference.beside_steps``."""
    rare_tag_floor: int = Field(0, ge=0)
    """Identity tags that fewer generated pictures show than this, and fewer than half, stay in the captions of the
    character phase, because the trigger cannot absorb what it seldom sees (guides advise 15); 0 leaves every one to the
    trigger. Sentences are not counted: with ``dialect: prose`` it changes nothing."""
    weight_decay: float = Field(0.01, ge=0)
    """Decay of the weights, by any optimizer."""
    max_grad_norm: float = Field(1.0, gt=0)
    """Gradient clipping."""
    random_seed: int = Field(0, ge=0)
    """Seed of data order, noise and initialisation."""
    checkpoint_every: int = Field(100, ge=1)
    """Steps between checkpoints from which a killed training continues exactly."""
    sample_every_n_steps: int = Field(0, ge=0)
    """Steps between two sheets of samples, drawn with the weights as they are; 0 for none."""
    tensorboard: bool = False
    """Write loss, rate and samples for TensorBoard too (needs the package tensorboard); a CSV is always written."""
    candidates: int = Field(1, ge=1, le=20)
    """Versions of the weights that one training keeps to choose from, the finished ones among them."""
    early_steps: tuple[int, ...] = ()
    """Further steps whose weights are kept, for a comparison of epochs."""

    @field_validator("learning_rate")
    @classmethod
    def _high_rate_for_prodigy(cls, rate: float, info: ValidationInfo) -> float:
        if info.data.get("optimizer") == "prodigy" and rate <= PRODIGY_FLOOR:
            raise ValueError("prodigy finds the rate itself; set learning_rate to 1")
        return rate

    @field_validator("text_encoder_lr")
    @classmethod
    def _one_rate_for_prodigy(cls, rate: float | None, info: ValidationInfo) -> float | None:
        if info.data.get("optimizer") == "prodigy" and rate not in (None, info.data.get("learning_rate")):
            raise ValueError("prodigy knows one rate; leave text_encoder_lr null")
        return rate

    def check_packages(self) -> None:
        """Raise BackendError when the optimizer lives in a package that is not installed; loads nothing."""
        package = OPTIMIZER_PACKAGES.get(self.optimizer)
        if package and importlib.util.find_spec(package) is None:
            raise no_package(self.optimizer)
        if self.tensorboard and importlib.util.find_spec("tensorboard") is None:
            raise BackendError(
                "tensorboard needs the package tensorboard (not installed)",
                "pip install tensorboard, or set the recipe's tensorboard to false",
            )
        if self.reg_data_dir is not None and not Path(self.reg_data_dir).expanduser().is_dir():
            raise BackendError(f'reg_data_dir "{self.reg_data_dir}" is no folder', "name a folder of pictures, or null")

    def identity(self) -> str:
        """The settings as text that tells trainings apart; later additions are left out where they change nothing."""
        plain = {name for name in ADDED_LATER if getattr(self, name) == type(self).model_fields[name].default}
        return self.model_dump_json(exclude={*plain, *WITHOUT_EFFECT})

    def epoch_steps(self, pictures: int) -> int | None:
        """Optimiser steps of ``epochs`` over so many pictures, by sd-scripts' arithmetic; None where none are set."""
        if self.epochs is None:
            return None
        return self.epochs * math.ceil(pictures * self.repeats_of(pictures) / self.effective_batch)

    def repeats_of(self, pictures: int) -> int:
        """Times an epoch shows each of so many pictures: by ``target_steps``, else by ``repeats_for``, else fixed."""
        if self.target_steps is not None:
            shown = self.target_steps * self.effective_batch / (self.epochs or 1)
        elif self.repeats_for:
            sizes = sorted(self.repeats_for)
            shown = float(np.interp(pictures, sizes, [size * self.repeats_for[size] for size in sizes]))
            if pictures < sizes[0]:
                shown = pictures * self.repeats_for[sizes[0]]
        else:
            return self.repeats
        return max(1, round(shown / max(1, pictures)))

    def of_folders(self, folders: int) -> TrainRecipe:
        """The recipe for a set in so many folders: the epochs of ``epochs_for``, and the repeats that go with them."""
        if folders < 2 or not self.epochs_for:
            return self
        shown, sizes = SHOWN_OF_A_FOLDER * folders, sorted(self.epochs_for)
        whole = float(np.interp(shown, sizes, [size * self.epochs_for[size] for size in sizes]))
        epochs = max(1, round(whole / shown))
        steps = max(1, round(epochs * shown / self.effective_batch))
        return self.model_copy(update={"epochs": epochs, "target_steps": steps})

    def lasting(self, steps: int) -> TrainRecipe:
        """The same recipe for so many steps, with the warm-up that it has then."""
        changes = {"steps": steps}
        if self.lr_warmup_ratio is not None:
            changes["lr_warmup_steps"] = round(self.lr_warmup_ratio * steps)
        return self.model_copy(update=changes)

    def size_for(self, drawn: tuple[int, int]) -> tuple[int, int]:
        """Width and height of training pictures for a base that draws in ``drawn``, in pixels: of the same shape."""
        side = math.sqrt(drawn[0] * drawn[1])
        if self.resolution is None or self.resolution > LARGEST * side:
            return drawn
        width, height = (max(GRID, round(length * self.resolution / side / GRID) * GRID) for length in drawn)
        return width, height

    @property
    def effective_batch(self) -> int:
        """Pictures an optimiser step."""
        return self.batch_size * self.gradient_accumulation_steps

    @property
    def kept_steps(self) -> tuple[int, ...]:
        """The steps before the last whose weights are kept, ascending: to choose from, all after the first half."""
        parts = [0.5 + 0.5 * n / self.candidates for n in range(1, self.candidates)]
        kept = {*self.early_steps, *(round(self.steps * part) for part in parts)}
        return tuple(sorted(step for step in kept if 0 < step < self.steps))

    def with_early(self, pictures: int, count: int) -> TrainRecipe:
        """The recipe, with ``count`` weights kept from the end of the first epoch to half of the steps, evenly."""
        half = self.steps // 2
        first = min(half, math.ceil(pictures * self.repeats_of(pictures) / self.effective_batch))
        steps = np.linspace(first, half, count) if count > 1 else [first] * count
        return self.model_copy(update={"early_steps": tuple(sorted({int(step) for step in steps}))})

    @property
    def text_rate(self) -> float:
        """Peak rate for the text encoder's LoRA weights."""
        if self.text_encoder_lr is not None:
            return self.text_encoder_lr
        return self.learning_rate * (1.0 if self.optimizer == "prodigy" else TEXT_SHARE)
