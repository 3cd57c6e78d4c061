"""A pipeline's weights in the layout of the original code, as checkpoints hold them: the converters' way back."""

import re

import torch
from safetensors.torch import save_file

from bootstrap.backends.architectures.sdxl import original_name

TEXT = (
    ("text_model.", ""),
    ("encoder.layers.", "transformer.resblocks."),
    ("layer_norm1", "ln_1"),
    ("layer_norm2", "ln_2"),
    ("mlp.fc1", "mlp.c_fc"),
    ("mlp.fc2", "mlp.c_proj"),
    ("self_attn.out_proj", "attn.out_proj"),
    ("final_layer_norm", "ln_final"),
    ("embeddings.token_embedding.weight", "token_embedding.weight"),
    ("embeddings.position_embedding.weight", "positional_embedding"),
)
VAE = (
    (r"mid_block\.attentions\.0\.group_norm", "mid.attn_1.norm"),
    (r"mid_block\.attentions\.0\.to_([qkv])", r"mid.attn_1.\1"),
    (r"mid_block\.attentions\.0\.to_out\.0", "mid.attn_1.proj_out"),
    (r"mid_block\.resnets\.0", "mid.block_1"),
    (r"mid_block\.resnets\.1", "mid.block_2"),
    (r"down_blocks\.(\d+)\.resnets", r"down.\1.block"),
    (r"down_blocks\.(\d+)\.downsamplers\.0", r"down.\1.downsample"),
    (r"up_blocks\.(\d+)\.resnets", r"up.\1.block"),
    (r"up_blocks\.(\d+)\.upsamplers\.0", r"up.\1.upsample"),
    ("conv_shortcut", "nin_shortcut"),
    ("conv_norm_out", "norm_out"),
)


def save_checkpoint(pipe, path, markers=(), metadata=None):
    """Write a pipeline as one file; ``markers`` are empty tensors that tell how it predicts."""
    tensors = in_original_layout(pipe) | {name: torch.zeros(0) for name in markers}
    save_file({name: w.detach().clone().contiguous() for name, w in tensors.items()}, path, metadata)


def in_original_layout(pipe):
    """The tensors of a checkpoint by their names; a pipeline on the meta device gives shapes alone."""
    tensors = {f"model.diffusion_model.{name}": w for name, w in unet(pipe.unet).items()}
    tensors |= {f"first_stage_model.{name}": w for name, w in vae(pipe.vae).items()}
    first = {f"text_model.{n.removeprefix('text_model.')}": w for n, w in pipe.text_encoder.state_dict().items()}
    if hasattr(pipe, "text_encoder_2"):
        tensors |= {f"conditioner.embedders.0.transformer.{name}": w for name, w in first.items()}
        second = open_clip(pipe.text_encoder_2)
        tensors |= {f"conditioner.embedders.1.model.{name}": w for name, w in second.items()}
    else:
        tensors |= {f"cond_stage_model.transformer.{name}": w for name, w in first.items()}
    return tensors


def save_configs(pipe, folder):
    """The configs of a pipeline, in the form that the package ships those of the real models in."""
    pipe.save_config(folder)
    for part in ("unet", "vae", "scheduler"):
        getattr(pipe, part).save_config(folder / part)
    for part in ("text_encoder", "text_encoder_2"):
        if model := getattr(pipe, part, None):
            model.config.save_pretrained(folder / part)


def unet(model):
    """With three blocks a side and two layers each, as the real models have."""
    modules = sorted((name for name, _ in model.named_modules() if name), key=len, reverse=True)
    found = {}
    for name, weight in model.state_dict().items():
        module = next(one for one in modules if name.startswith(f"{one}."))
        found[f"{original_name(module)}.{name.removeprefix(f'{module}.')}"] = weight
    return found


def vae(model):
    found, last = {}, len(model.decoder.up_blocks) - 1
    for name, weight in model.state_dict().items():
        name = re.sub(r"up_blocks\.(\d+)", lambda block: f"up_blocks.{last - int(block[1])}", name)
        for pattern, new in VAE:
            name = re.sub(pattern, new, name)
        linear = re.search(r"attn_1\.(q|k|v|proj_out)\.weight", name)
        found[name] = weight[..., None, None] if linear else weight
    return found


def open_clip(model):
    found, fused = {}, {}
    for name, weight in model.state_dict().items():
        if name == "text_projection.weight":
            found["text_projection"] = weight.T
            continue
        for old, new in TEXT:
            name = name.replace(old, new)
        if part := re.fullmatch(r"(.*)\.self_attn\.([qkv])_proj\.(weight|bias)", name):
            fused.setdefault(f"{part[1]}.attn.in_proj_{part[3]}", {})[part[2]] = weight
        else:
            found[name] = weight
    return found | {name: torch.cat([parts[p] for p in "qkv"]) for name, parts in fused.items()}
