"""The dataset as sd-scripts wants it described, so that anyone can train on it elsewhere with the same settings."""

from __future__ import annotations

from pathlib import Path

from bootstrap.backends.sampling import SamplingSettings
from bootstrap.lora.network import Network
from bootstrap.lora.weights import NETWORKS
from bootstrap.store.files import write_atomic
from bootstrap.training.recipe import TrainRecipe

__all__ = ["TRAINER_FILE", "write_trainer_file"]

TRAINER_FILE = "sd-scripts.toml"
OPTIMIZERS = {"adamw": "AdamW", "adamw8bit": "AdamW8bit", "adafactor": "Adafactor", "prodigy": "Prodigy"}


def write_trainer_file(folder: Path, pictures: Path, recipe: TrainRecipe, sampling: SamplingSettings) -> None:
    """Write ``sd-scripts.toml`` beside the pictures' folder; one that is there already may be a person's, and stays."""
    path = folder / TRAINER_FILE
    if not path.is_file():
        write_atomic(path, _text(pictures.name, recipe, sampling).encode())


def _text(pictures: str, recipe: TrainRecipe, sampling: SamplingSettings) -> str:
    """Paths are relative, as sd-scripts reads them from where it is started; a TOML takes no repeats from names."""
    bucket = f"bucket_reso_steps = {recipe.bucket_reso_steps}\n" if recipe.enable_bucket else ""
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
resolution = [{sampling.width}, {sampling.height}]
batch_size = {recipe.batch_size}
enable_bucket = {_bool(recipe.enable_bucket)}
{bucket}
[[datasets.subsets]]
image_dir = "{pictures}"
num_repeats = {int(pictures.partition("_")[0])}
"""


def _options(recipe: TrainRecipe, sampling: SamplingSettings) -> str:
    """The recipe as options of the command line; text encoders are left out where they were not trained."""
    network = Network.of(recipe)
    pairs = {
        "network_module": NETWORKS[network.kind if network.kind != "locon" else "lora"][0],
        "network_dim": recipe.rank,
        "network_alpha": f"{recipe.network_alpha:g}",
        "optimizer_type": OPTIMIZERS[recipe.optimizer],
        "unet_lr": f"{recipe.learning_rate:g}",
        "text_encoder_lr": f"{recipe.text_rate:g}" if recipe.text_encoder else None,
        "lr_scheduler": recipe.lr_scheduler,
        "lr_scheduler_num_cycles": recipe.lr_scheduler_num_cycles if "restarts" in recipe.lr_scheduler else None,
        "lr_warmup_steps": recipe.lr_warmup_steps,
        "max_train_steps": recipe.steps,
        "network_args": _network_args(network),
        "prior_loss_weight": f"{recipe.prior_loss_weight:g}" if recipe.reg_data_dir is not None else None,
        "gradient_accumulation_steps": recipe.gradient_accumulation_steps,
        "min_snr_gamma": f"{recipe.min_snr_gamma:g}" if recipe.min_snr_gamma else None,
        "noise_offset": f"{recipe.noise_offset:g}" if recipe.noise_offset else None,
        "clip_skip": sampling.clip_skip + 1 if sampling.clip_skip else None,  # theirs counts from 1 for none
        "max_grad_norm": f"{recipe.max_grad_norm:g}",
        "seed": recipe.random_seed,
    }
    switches = {
        "network_train_unet_only": not recipe.text_encoder,
        "gradient_checkpointing": recipe.gradient_checkpointing,
        "v_parameterization": sampling.prediction_type == "v_prediction",
        "zero_terminal_snr": bool(sampling.zero_terminal_snr),
        "cache_latents": True,
    }
    words = [f"--{name} {value}" for name, value in pairs.items() if value is not None]
    return "\n# ".join([*words, " ".join(f"--{name}" for name, on in switches.items() if on)])


def _network_args(network: Network) -> str | None:
    """LyCORIS' algorithm, and what convolutions get."""
    told = dict(NETWORKS[network.kind if network.kind != "locon" else "lora"][1])
    if network.kind == "lokr":
        told["factor"] = str(network.factor)
    if network.conv_rank is not None:
        told |= {"conv_dim": str(network.conv_rank), "conv_alpha": f"{network.scale * network.conv_rank:g}"}
    return " ".join(f"{name}={value}" for name, value in told.items()) or None


def _bool(value: bool) -> str:
    return str(value).lower()
