"""A toy architecture in one file: a flow that a small denoiser called ``mover`` predicts, LoRA files in dotted names.

It is added to the table by a test alone; no file of the package names it.
"""

import re

import torch
from diffusers import DiffusionPipeline, FlowMatchEulerDiscreteScheduler, UNet2DConditionModel

from bootstrap.backends.architectures import unet
from bootstrap.backends.architectures.architecture import Architecture, Presets, Targets
from bootstrap.backends.prompts import PromptEncoder
from bootstrap.lora.grammar import Grammar
from bootstrap.training.objective import RectifiedFlow

SHAPE = {
    "sample_size": 8,
    "block_out_channels": (32, 64),
    "layers_per_block": 1,
    "cross_attention_dim": 32,
    "attention_head_dim": 8,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
}
TARGETS = Targets(
    denoiser=r".*attn[12]\.(to_[qkv]|to_out\.0)",
    convolutions=r".*resnets\.\d+\.conv[12]",
    kernels=r"resnets\.\d+\.conv[12]",
    text=unet.TARGETS.text,
)


class ToyPipeline(DiffusionPipeline):
    """What a folder of it is loaded with; diffusers draws nothing with it."""

    def __init__(self, mover, vae, text_encoder, tokenizer, scheduler):
        super().__init__()
        self.register_modules(mover=mover, vae=vae, text_encoder=text_encoder, tokenizer=tokenizer, scheduler=scheduler)
        self.vae_scale_factor = 2 ** (len(vae.config.block_out_channels) - 1)


class FlowSampler(FlowMatchEulerDiscreteScheduler):
    """Euler steps along the flow, with what schedulers of noise have besides."""

    init_noise_sigma = 1.0

    def scale_model_input(self, sample, timestep):
        return sample


def mover():
    return UNet2DConditionModel(**SHAPE)


def modules():
    with torch.device("meta"):
        model = mover()
    wanted = f"{TARGETS.denoiser}|{TARGETS.convolutions}"
    text = [f"text_model.encoder.layers.{layer}.{part}" for layer in range(2) for part in unet.IN_LAYER]
    return [name for name, _ in model.named_modules() if re.fullmatch(wanted, name)], text


def predict(denoiser, latents, timesteps, text, cuts):
    assert len(cuts) == len(latents)
    return unet.predict(denoiser, latents, timesteps, text)


TOY = Architecture(
    name="toy",
    title="Toy Flow",
    pipeline="ToyPipeline",
    denoiser="mover",
    text_encoders=("text_encoder",),
    tokenizers=("tokenizer",),
    checkpoint=None,
    presets=Presets(plain="puppet", velocity="puppet"),
    targets=TARGETS,
    grammar=Grammar(
        architecture="toy",
        title="Toy Flow",
        modelspec="toy-flow/lora",
        implementation="toy",
        version="toy_v1",
        velocity_version="toy_v1",
        interface="Toy",
        denoiser_name=lambda module: f"diffusion_model.{module}",
        text_prefixes=("toy_text_",),
        modules=modules,
        kernel=lambda module: 3 if ".conv" in module else 0,
        marks=r"diffusion_model\.",
        parts=("mover", "text_encoder"),
    ),
    latents=unet.KlLatents(),
    text_encoding=lambda pipe, skip, device, on: PromptEncoder(pipe.tokenizer, pipe.text_encoder, skip, device, on),
    predict=predict,
    objective=lambda pipe, prediction_type: RectifiedFlow(),
    sampler=lambda pipe, settings: FlowSampler.from_config(pipe.scheduler.config),
    set_schedule=lambda pipe, prediction_type, zero_terminal_snr: None,
    read_prediction=lambda keys, metadata: ("flow", False),
    is_text_to_image=lambda pipe: True,
    make_tokenizers=dict,
)
