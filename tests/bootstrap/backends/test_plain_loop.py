"""With every extra off, the losses are those of a training loop written with diffusers and peft alone."""

import numpy as np
import pytest
import torch
from PIL import Image

from bootstrap.backends.diffusers import DiffusersBackend
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.records import TrainItem
from bootstrap.training.batches import Batches
from bootstrap.training.losslog import LOSSES
from bootstrap.training.recipe import TrainRecipe

SETTINGS = SamplingSettings(steps=2, batch_size=1, width=32, height=32, dtype="float32")
RECIPE = TrainRecipe(
    rank=4, network_alpha=2, steps=5, batch_size=2, learning_rate=0.01, lr_scheduler="constant", lr_warmup_steps=0,
    min_snr_gamma=None, shuffle_caption=False, tag_dropout=0, caption_dropout=0, random_seed=3,
)  # fmt: skip


@pytest.fixture
def items(tmp_path):
    found = []
    for name in ("red", "blue", "green"):
        Image.effect_noise((32, 32), 60).convert("RGB").save(tmp_path / f"{name}.png")
        found.append(TrainItem(str(tmp_path / f"{name}.png"), ("rubychr", name), "seed"))
    return found


def latents_of(pipe, items):
    processor = pipe.image_processor
    pictures = torch.cat([processor.preprocess(Image.open(item.path)) for item in items])
    with torch.no_grad():
        return pipe.vae.encode(pictures).latent_dist.mean * pipe.vae.config.scaling_factor


def conditions_of(pipe, captions):
    """Keyword arguments of the UNet, from the pipeline's own ``encode_prompt``."""
    if not hasattr(pipe, "text_encoder_2"):
        return {"encoder_hidden_states": pipe.encode_prompt(captions, "cpu", 1, False)[0]}
    states, _, pooled, _ = pipe.encode_prompt(captions, device="cpu", do_classifier_free_guidance=False)
    sizes = torch.tensor([[32, 32, 0, 0, 32, 32]], dtype=torch.float32).repeat(len(captions), 1)
    return {"encoder_hidden_states": states, "added_cond_kwargs": {"text_embeds": pooled, "time_ids": sizes}}


def plain_losses(pipe, items, rank, start):
    """What people write: peft on the UNet, DDPMScheduler.add_noise, mse_loss, AdamW."""
    from diffusers import DDPMScheduler
    from peft import LoraConfig

    pipe.unet.requires_grad_(False)
    targets = ["to_q", "to_k", "to_v", "to_out.0", "proj_in", "proj_out", "ff.net.0.proj", "ff.net.2"]
    pipe.unet.add_adapter(LoraConfig(r=rank, lora_alpha=2, target_modules=targets))
    named = {name: weight for name, weight in pipe.unet.named_parameters() if "lora_" in name}
    for name, weight in named.items():  # the same beginning
        weight.data.copy_(start[name.replace(".default", ".character")])
    optimizer = torch.optim.AdamW(named.values(), lr=RECIPE.learning_rate, weight_decay=RECIPE.weight_decay)
    noising = DDPMScheduler.from_config(pipe.scheduler.config)
    latents, batches, losses = latents_of(pipe, items), Batches(items, RECIPE), []
    for step in range(RECIPE.steps):
        random = torch.Generator().manual_seed(RECIPE.random_seed * 1_000_003 + step)
        shown = latents[batches.places(step)]
        noise = torch.randn(shown.shape, generator=random)
        times = torch.randint(0, noising.config.num_train_timesteps, (len(shown),), generator=random)
        with torch.no_grad():
            conditions = conditions_of(pipe, [items[place].caption for place in batches.places(step)])
        guess = pipe.unet(noising.add_noise(shown, noise, times), times, **conditions).sample
        loss = torch.nn.functional.mse_loss(guess, noise)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(named.values(), RECIPE.max_grad_norm)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    return losses


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("architecture", ["sd1", "sdxl"])
def test_the_losses_are_those_of_a_plain_diffusers_loop(architecture, items, tmp_path, request):
    import diffusers

    base = request.getfixturevalue("tiny" if architecture == "sd1" else "tiny_xl")
    backend = DiffusersBackend(base, SETTINGS, device="cpu")
    backend.trainer.inputs(items, RECIPE)
    start = {name: weight.clone() for name, weight in backend.base.denoiser.named_parameters() if "lora_" in name}
    backend.train(items, RECIPE, tmp_path, lambda event: None)
    ours = [float(row.split(",")[1]) for row in (tmp_path / LOSSES).read_text().splitlines()[1:]]
    kind = "StableDiffusionPipeline" if architecture == "sd1" else "StableDiffusionXLPipeline"
    checks = {"safety_checker": None, "requires_safety_checker": False} if architecture == "sd1" else {}
    pipe = getattr(diffusers, kind).from_pretrained(base, **checks)
    theirs = plain_losses(pipe, items, RECIPE.rank, start)
    assert np.allclose(ours, theirs, atol=1e-5), (ours, theirs)
    assert len(set(ours)) == RECIPE.steps
