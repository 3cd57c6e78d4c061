"""The dataset described for sd-scripts, so that anyone can train on it elsewhere with the same settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bootstrap.backends.sampling import SamplingSettings
from bootstrap.captions.clip_tokens import LONGEST
from bootstrap.lora.network import Network
from bootstrap.lora.weights import NETWORKS
from bootstrap.store.delivery import Delivery
from bootstrap.store.files import write_atomic
from bootstrap.training.recipe import TrainRecipe

__all__ = ["TRAINER_FILE", "write_trainer_file"]

TRAINER_FILE = "sd-scripts.toml"
OPTIMIZERS = {"adamw": "AdamW", "adamw8bit": "AdamW8bit", "adafactor": "Adafactor", "prodigy": "Prodigy"}


def write_trainer_file(
    folder: Path,
    folders: Sequence[str],
    recipe: TrainRecipe,
    sampling: SamplingSettings,
    delivery: Delivery | None = None,
) -> None:
    """Write ``sd-scripts.toml`` beside the pictures' folders; one that exists stays, a person may have changed it."""
    path, data = folder / TRAINER_FILE, _text(folders, recipe, sampling).encode()
    if delivery:
        delivery.write(path, data, spare=True)
    elif not path.is_file():
        write_atomic(path, data)


def _text(folders: Sequence[str], recipe: TrainRecipe, sampling: SamplingSettings) -> str:
    """The file. Paths are relative to where sd-scripts is started; it takes no repeats from names of folders."""
    subsets = [f'image_dir = "{name}"\nnum_repeats = {int(name.partition("_")[0])}\n' for name in folders]
    bucket = f"bucket_reso_steps = {recipe.bucket_reso_steps}\n" if recipe.enable_bucket else ""
    width, height = recipe.size_for((sampling.width, sampling.height))
    return f"""\
# Train on this dataset elsewhere: in this folder, run sd-scripts' train_network.py (SDXL: sdxl_train_network.py) with
# --dataset_config {TRAINER_FILE} and
# {_options(recipe, sampling)}
[general]
caption_extension = ".txt"
shuffle_caption = {_bool(recipe.shuffle_caption)}
keep_tokens = {recipe.keep_tokens}
caption_dropout_rate = {recipe.caption_dropout:g}
caption_tag_dropout_rate = {recipe.tag_dropout:g}

[[datasets]]
resolution = [{width}, {height}]
batch_size = {recipe.batch_size}
enable_bucket = {_bool(recipe.enable_bucket)}
{bucket}
[[datasets.subsets]]
{f"{chr(10)}[[datasets.subsets]]{chr(10)}".join(subsets)}"""


def _options(recipe: TrainRecipe, sampling: SamplingSettings) -> str:
    """The recipe as options of the command line, one a line, then the switches; both as comments of the file."""
    lines = [f"--{name} {value}" for name, value in _values(recipe, sampling).items() if value is not None]
    switches = [f"--{name}" for name, on in _switches(recipe, sampling).items() if on]
    return "\n# ".join([*lines, " ".join(switches)])


def _values(recipe: TrainRecipe, sampling: SamplingSettings) -> dict[str, object]:
    """Options with a value; None leaves one out. Text encoders are left out where they were not trained."""
    network = Network.of(recipe)
    values: dict[str, object] = {
        "network_module": _algorithm(network)[0],
        "network_dim": recipe.rank,
        "network_alpha": f"{recipe.network_alpha:g}",
        "optimizer_type": OPTIMIZERS[recipe.optimizer],
        "unet_lr": f"{recipe.learning_rate:g}",
        "text_encoder_lr": None,
        "lr_scheduler": recipe.lr_scheduler,
        "lr_scheduler_num_cycles": None,
        "lr_warmup_steps": recipe.lr_warmup_steps,
        "max_token_length": LONGEST,
        "max_train_steps": recipe.steps,
        "network_args": _network_args(network) or None,
        "prior_loss_weight": None,
        "gradient_accumulation_steps": recipe.gradient_accumulation_steps,
        "min_snr_gamma": _nonzero(recipe.min_snr_gamma),
        "noise_offset": _nonzero(recipe.noise_offset),
        "clip_skip": None,
        "max_grad_norm": f"{recipe.max_grad_norm:g}",
        "seed": recipe.random_seed,
    }
    if recipe.text_encoder:
        values["text_encoder_lr"] = f"{recipe.text_rate:g}"
    if "restarts" in recipe.lr_scheduler:
        values["lr_scheduler_num_cycles"] = recipe.lr_scheduler_num_cycles
    if recipe.reg_data_dir is not None:
        values["prior_loss_weight"] = f"{recipe.prior_loss_weight:g}"
    if sampling.clip_skip:
        values["clip_skip"] = sampling.clip_skip + 1  # sd-scripts counts from 1 for none
    return values


def _switches(recipe: TrainRecipe, sampling: SamplingSettings) -> dict[str, bool]:
    """Options without a value."""
    return {
        "network_train_unet_only": not recipe.text_encoder,
        "gradient_checkpointing": recipe.gradient_checkpointing,
        "v_parameterization": sampling.prediction_type == "v_prediction",
        "zero_terminal_snr": bool(sampling.zero_terminal_snr),
        "cache_latents": True,
    }


def _algorithm(network: Network) -> tuple[str, Mapping[str, str]]:
    """The module of sd-scripts or LyCORIS that trains such a network, and its arguments."""
    return NETWORKS["lora" if network.kind == "locon" else network.kind]


def _network_args(network: Network) -> str:
    """Arguments of the module: LyCORIS' algorithm, and the rank of convolutions."""
    arguments = dict(_algorithm(network)[1])
    if network.kind == "lokr":
        arguments["factor"] = str(network.factor)
    if network.conv_rank is not None:
        arguments["conv_dim"] = str(network.conv_rank)
        arguments["conv_alpha"] = f"{network.conv_alpha or network.scale * network.conv_rank:g}"
    return " ".join(f"{name}={value}" for name, value in arguments.items())


def _nonzero(value: float | None) -> str | None:
    """The number as text; None for 0 and for none."""
    return f"{value:g}" if value else None


def _bool(value: bool) -> str:
    return str(value).lower()
