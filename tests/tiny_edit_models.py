"""Tiny edit pipelines of the real classes with random weights, as folders; they know every byte and no word."""

from pathlib import Path

import torch

MARKS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>")
VIDEO = "<|video_pad|>"
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "<|im_start|>assistant\n"
)
WORDS = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 28, "num_attention_heads": 2,
    "num_key_value_heads": 1, "vocab_size": 320, "max_position_embeddings": 4096,
}  # fmt: skip
"""Of a text encoder; FLUX.2 klein reads its layers 9, 18 and 27."""
SCHEDULE = {"use_dynamic_shifting": True, "shift": 3.0}
LOUD = 4.0
"""Times the weights that a new transformer has: it then heeds what it is given so that pixels show it."""


def tokenizer(**marks):
    """One that has a token for every byte, and the marks of a chat, or those ``marks`` by name."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import Qwen2TokenizerFast

    vocabulary = {letter: place for place, letter in enumerate(sorted(ByteLevel.alphabet()))}
    return Qwen2TokenizerFast(
        vocab=vocabulary,
        merges=[],
        unk_token="<|endoftext|>",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        extra_special_tokens=marks or [*MARKS, VIDEO],
        chat_template=CHAT,
    )


def loud(transformer):
    """A transformer that heeds what it is given."""
    with torch.no_grad():
        for weight in transformer.parameters():
            weight.mul_(LOUD)
    return transformer


def build_klein(folder: Path) -> Path:
    """What `Flux2KleinPipeline.from_pretrained` loads: 64 pixels are 4 x 4 places."""
    from diffusers import (
        AutoencoderKLFlux2,
        FlowMatchEulerDiscreteScheduler,
        Flux2KleinPipeline,
        Flux2Transformer2DModel,
    )
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(0)
    Flux2KleinPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(**SCHEDULE),
        vae=AutoencoderKLFlux2(
            block_out_channels=(4, 4, 4, 4), layers_per_block=1, latent_channels=4, norm_num_groups=2, sample_size=64
        ),
        text_encoder=Qwen3ForCausalLM(Qwen3Config(head_dim=16, **WORDS)),
        tokenizer=tokenizer(),
        transformer=loud(Flux2Transformer2DModel(
            in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
            joint_attention_dim=96, timestep_guidance_channels=16, axes_dims_rope=(4, 4, 4, 4), guidance_embeds=False,
        )),
        is_distilled=True,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def build_qwen(folder: Path) -> Path:
    """What `QwenImageEditPlusPipeline.from_pretrained` loads."""
    from diffusers import (
        AutoencoderKLQwenImage,
        FlowMatchEulerDiscreteScheduler,
        QwenImageEditPlusPipeline,
        QwenImageTransformer2DModel,
    )
    from transformers import (
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2VLImageProcessor,
        Qwen2VLProcessor,
        Qwen2VLVideoProcessor,
    )

    torch.manual_seed(0)
    own = tokenizer()
    seen = {"hidden_size": 32, "intermediate_size": 32, "depth": 1, "num_heads": 2, "out_hidden_size": 32}
    text = {**WORDS, "num_hidden_layers": 1, "rope_parameters": {"rope_type": "default", "mrope_section": [2, 2, 4]}}
    marks = {f"{name}_token_id": own.convert_tokens_to_ids(f"<|{mark}|>") for name, mark in (
        ("image", "image_pad"), ("video", "video_pad"), ("vision_start", "vision_start"), ("vision_end", "vision_end")
    )}  # fmt: skip
    QwenImageEditPlusPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(**SCHEDULE),
        vae=AutoencoderKLQwenImage(
            base_dim=4, z_dim=4, dim_mult=[1, 1, 1, 1], num_res_blocks=1, latents_mean=[0.0] * 4, latents_std=[1.0] * 4
        ),
        text_encoder=Qwen2_5_VLForConditionalGeneration(
            Qwen2_5_VLConfig(text_config=text, vision_config=seen, **marks)
        ),
        tokenizer=own,
        processor=Qwen2VLProcessor(Qwen2VLImageProcessor(), own, Qwen2VLVideoProcessor(), chat_template=CHAT),
        transformer=loud(QwenImageTransformer2DModel(
            in_channels=16, out_channels=4, num_layers=1, attention_head_dim=16, num_attention_heads=2,
            joint_attention_dim=32, axes_dims_rope=(4, 6, 6),
        )),
    ).save_pretrained(folder)  # fmt: skip
    return folder
