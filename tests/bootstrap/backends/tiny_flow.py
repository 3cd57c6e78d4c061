"""Tiny pipelines with random weights of the real classes that predict a flow, as folders; their tokenizer is bytes."""

import torch

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if not enable_thinking %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
"""As Qwen3's template asks one question."""


def tokenizer():
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import Qwen2TokenizerFast

    letters = sorted(ByteLevel.alphabet())
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    vocab = {token: place for place, token in enumerate([*letters, *special])}
    return Qwen2TokenizerFast(vocab=vocab, merges=[], chat_template=TEMPLATE, pad_token=special[0])


def qwen3(kind, words, layers):
    from transformers import Qwen3Config

    return kind(
        Qwen3Config(
            vocab_size=len(words),
            hidden_size=16,
            intermediate_size=24,
            num_hidden_layers=layers,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=8,
            max_position_embeddings=512,
        )
    )


AUTOENCODER = {
    "block_out_channels": (8, 8, 8, 8),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 1,
    "latent_channels": 4,
    "norm_num_groups": 4,
    "sample_size": 32,
}


def schedule(**more):
    from diffusers import FlowMatchEulerDiscreteScheduler

    return FlowMatchEulerDiscreteScheduler(**more)


def save_klein(folder, *, is_distilled=False):
    """FLUX.2 klein, small: one block of two streams and two of one."""
    from diffusers import AutoencoderKLFlux2, Flux2KleinPipeline, Flux2Transformer2DModel
    from transformers import Qwen3ForCausalLM

    torch.manual_seed(0)
    words = tokenizer()
    vae = AutoencoderKLFlux2(**AUTOENCODER)
    vae.bn.running_mean.normal_()
    vae.bn.running_var.uniform_(0.5, 2.0)
    transformer = Flux2Transformer2DModel(
        in_channels=16,
        num_layers=1,
        num_single_layers=2,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=48,
        timestep_guidance_channels=16,
        axes_dims_rope=(2, 2, 2, 2),
        guidance_embeds=False,
    )
    Flux2KleinPipeline(
        scheduler=schedule(use_dynamic_shifting=True, shift=3.0),
        vae=vae,
        text_encoder=qwen3(Qwen3ForCausalLM, words, 27),
        tokenizer=words,
        transformer=transformer,
        is_distilled=is_distilled,
    ).save_pretrained(folder)
    return folder


def save_z_image(folder):
    """Z-Image, small: two layers, and a refiner each of noise and of words."""
    from diffusers import AutoencoderKL, ZImagePipeline, ZImageTransformer2DModel
    from transformers import Qwen3Model

    torch.manual_seed(0)
    words = tokenizer()
    vae = AutoencoderKL(
        **AUTOENCODER,
        scaling_factor=0.3611,
        shift_factor=0.1159,
        use_quant_conv=False,
        use_post_quant_conv=False,
    )
    transformer = ZImageTransformer2DModel(
        in_channels=4,
        dim=16,
        n_layers=2,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=16,
        axes_dims=[2, 2, 4],
        axes_lens=[640, 64, 64],
    )
    for token in (transformer.x_pad_token, transformer.cap_pad_token):
        torch.nn.init.normal_(token)
    ZImagePipeline(
        scheduler=schedule(shift=6.0),
        vae=vae,
        text_encoder=qwen3(Qwen3Model, words, 2),
        tokenizer=words,
        transformer=transformer,
    ).save_pretrained(folder)
    return folder
