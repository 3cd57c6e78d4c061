"""Tiny pipelines of both architectures with random weights, as folders and as single files in the original layout."""

import shutil

import pytest
import torch

from bootstrap.puppets.shipped import base_dir
from tests.bootstrap.backends.tiny_flow import save_klein, save_z_image


def tokenizer_in(folder):
    from transformers import CLIPTokenizer

    shutil.copytree(base_dir() / "tokenizer", folder)
    return CLIPTokenizer.from_pretrained(folder)


def text_encoder(kind, tokenizer, width, **more):
    from transformers import CLIPTextConfig

    return kind(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=width,
            intermediate_size=37,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=tokenizer.model_max_length,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            **more,
        )
    )


def vae(scaling_factor=0.18215):
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(32, 32, 32),
        down_block_types=("DownEncoderBlock2D",) * 3,
        latent_channels=4,
        up_block_types=("UpDecoderBlock2D",) * 3,
        norm_num_groups=32,
        sample_size=32,
        scaling_factor=scaling_factor,
    )


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A folder that `StableDiffusionPipeline.from_pretrained` loads: 32x32 pixels, 8x8 latents."""
    from diffusers import DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextModel

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("tiny")
    tokenizer = tokenizer_in(folder / "tokenizer")
    text = text_encoder(CLIPTextModel, tokenizer, 32)
    unet = UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(32, 64),
        layers_per_block=1,
        cross_attention_dim=32,
        attention_head_dim=8,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    )
    StableDiffusionPipeline(
        vae=vae(),
        text_encoder=text,
        tokenizer=tokenizer,
        unet=unet,
        scheduler=DDIMScheduler(steps_offset=1, clip_sample=False),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_xl(tmp_path_factory):
    """A folder that `StableDiffusionXLPipeline.from_pretrained` loads: SDXL's blocks, small; 32x32 pixels."""
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("tiny-xl")
    tokenizers = [tokenizer_in(folder / name) for name in ("tokenizer", "tokenizer_2")]
    unet = UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(32, 32, 64),
        layers_per_block=2,
        cross_attention_dim=96,
        attention_head_dim=(4, 4, 8),
        transformer_layers_per_block=(1, 1, 2),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=64 + 6 * 8,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    )
    StableDiffusionXLPipeline(
        vae=vae(0.13025),
        text_encoder=text_encoder(CLIPTextModel, tokenizers[0], 32),
        text_encoder_2=text_encoder(CLIPTextModelWithProjection, tokenizers[1], 64, projection_dim=64),
        tokenizer=tokenizers[0],
        tokenizer_2=tokenizers[1],
        unet=unet,
        scheduler=EulerDiscreteScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1
        ),
        add_watermarker=False,
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_klein(tmp_path_factory):
    """A folder that `Flux2KleinPipeline.from_pretrained` loads: 16 pixels a patch."""
    return save_klein(tmp_path_factory.mktemp("tiny-klein"))


@pytest.fixture(scope="session")
def tiny_z_image(tmp_path_factory):
    """A folder that `ZImagePipeline.from_pretrained` loads: 16 pixels a patch."""
    return save_z_image(tmp_path_factory.mktemp("tiny-z-image"))
