"""The ``__metadata__`` of a LoRA file: what sd-scripts (``ss_*``) and ModelSpec 1.0.1 (``modelspec.*``) name.

User interfaces read the base's kind, the trigger and the tags from it, people the settings. All values are text, an
absent setting is "None", as sd-scripts writes it. Knows no run and no tensor.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from bootstrap.lora.grammar import Grammar
from bootstrap.pictures.caption_text import caption_parts
from bootstrap.training.recipe import TrainRecipe

__all__ = ["dataset_entries", "metadata_for"]

RECIPE_KEYS = {
    "ss_learning_rate": "learning_rate",
    "ss_unet_lr": "learning_rate",
    "ss_text_encoder_lr": "text_encoder_lr",
    "ss_lr_scheduler": "lr_scheduler",
    "ss_lr_warmup_steps": "lr_warmup_steps",
    "ss_max_train_steps": "steps",
    "ss_batch_size_per_device": "batch_size",
    "ss_gradient_accumulation_steps": "gradient_accumulation_steps",
    "ss_gradient_checkpointing": "gradient_checkpointing",
    "ss_max_grad_norm": "max_grad_norm",
    "ss_enable_bucket": "enable_bucket",
    "ss_min_snr_gamma": "min_snr_gamma",
    "ss_noise_offset": "noise_offset",
    "ss_caption_dropout_rate": "caption_dropout",
    "ss_caption_tag_dropout_rate": "tag_dropout",
    "ss_keep_tokens": "keep_tokens",
    "ss_shuffle_caption": "shuffle_caption",
    "ss_seed": "random_seed",
}
"""What sd-scripts calls a setting → what a recipe calls it; a setting the recipe lacks is left out."""
REPEATS = re.compile(r"\d+(?=_)")
"""At the head of a folder's name."""
ALWAYS = {
    "ss_cache_latents": "True",
    "ss_color_aug": "False",
    "ss_debiased_estimation": "False",
    "ss_flip_aug": "False",
    "ss_loss_type": "l2",
    "ss_network_dropout": "None",
    "ss_num_reg_images": "0",
    "ss_random_crop": "False",
    "ss_shuffle_caption": "True",
}
"""How this engine always trains."""
PREDICTIONS = {"epsilon": "epsilon", "v_prediction": "v"}
"""Objective → ``modelspec.prediction_type``; the specification has no word for others."""


def metadata_for(
    title: str,
    trigger: str,
    resolution: tuple[int, int],
    steps: int,
    *,
    grammar: Grammar,
    objective: str,
    modules: Mapping[str, str],
    training: Mapping[str, object],
    zero_terminal_snr: bool = False,
) -> dict[str, str]:
    """``ss_*`` and ``modelspec.*`` entries of a trained LoRA (all strings), and our own record of its training.

    ``resolution`` is width and height in pixels; ``objective`` names what the base predicts; ``modules`` are names in
    the file → module paths, see `bootstrap.lora.weights.kohya_names`; ``training`` is the recipe as plain data.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    recipe = {key: str(training[name]) for key, name in RECIPE_KEYS.items() if name in training}
    prediction = PREDICTIONS.get(objective)
    return {
        **ALWAYS,
        **recipe,
        **_derived(training),
        "ss_optimizer": str(training.get("optimizer", "adamw")),
        "ss_output_name": title,
        "ss_steps": str(steps),
        "ss_resolution": f"({resolution[0]}, {resolution[1]})",
        "ss_base_model_version": grammar.base_version(objective),
        "ss_zero_terminal_snr": str(zero_terminal_snr),
        "ss_training_finished_at": str(now.timestamp()),
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": grammar.modelspec,
        "modelspec.implementation": grammar.implementation,
        "modelspec.title": title,
        "modelspec.date": now.isoformat(),
        "modelspec.resolution": f"{resolution[0]}x{resolution[1]}",
        "modelspec.trigger_phrase": trigger,
        **({"modelspec.prediction_type": prediction} if prediction else {}),
        "bootstrap.training": json.dumps(training, sort_keys=True),
        "bootstrap.modules": json.dumps(dict(modules)),
    }


def _derived(training: Mapping[str, object]) -> dict[str, str]:
    """Entries that follow from several settings, or are "None" where a part is not trained."""
    recipe = TrainRecipe.model_validate({name: training[name] for name in training.keys() & TrainRecipe.model_fields})
    return {
        "ss_text_encoder_lr": str(recipe.text_rate) if recipe.text_encoder else "None",
        "ss_total_batch_size": str(recipe.batch_size * recipe.gradient_accumulation_steps),
    }


def dataset_entries(captions: Mapping[str, Sequence[str]], batch_size: int, steps: int) -> dict[str, str]:
    """The entries about the pictures: ``captions`` are folder name → one comma-separated caption a picture.

    A folder without repeats in its name has those of the first that has some.

    ``ss_num_train_images`` counts repeats and the epochs follow from it, by sd-scripts' own arithmetic.
    """
    if not captions:
        return {}
    tags: dict[str, Counter[str]] = {}
    folders, repeats = {}, {folder: int(found[0]) for folder in captions if (found := REPEATS.match(folder))}
    for folder, texts in captions.items():
        tags[folder] = Counter(tag for text in texts for tag in caption_parts(text))
        folders[folder] = {
            "n_repeats": repeats.get(folder, next(iter(repeats.values()), 1)),
            "img_count": len(texts),
        }
    pictures = sum(one["n_repeats"] * one["img_count"] for one in folders.values())
    batches = math.ceil(pictures / max(1, batch_size))
    epochs = str(math.ceil(steps / max(1, batches)))
    return {
        "ss_tag_frequency": json.dumps(tags, ensure_ascii=False),
        "ss_dataset_dirs": json.dumps(folders, ensure_ascii=False),
        "ss_num_train_images": str(pictures),
        "ss_num_batches_per_epoch": str(batches),
        "ss_num_epochs": epochs,
        "ss_epoch": epochs,
    }
