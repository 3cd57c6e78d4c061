"""The reference adapter of the puppet base, in the files of IP-Adapter Plus that diffusers loads for any UNet.

A folder `image_encoder` and beside it one file for each way the adapter was taught. Does NOT know how it is trained.

Source of the architecture: Ye et al., "IP-Adapter" (2023). A file holds the resampler as `image_proj.` and the keys and
values of the cross-attentions as `ip_adapter.`, numbered 1, 3, 5, ... in the UNet's order of processors.
"""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from diffusers.models.attention_processor import IPAdapterAttnProcessor2_0
from diffusers.models.embeddings import IPAdapterPlusImageProjection, MultiIPAdapterImageProjection
from safetensors.torch import save
from torch import Tensor, nn
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from bootstrap.errors import UsageError
from bootstrap.puppets.train.data import SIZE
from bootstrap.store.files import write_atomic

PAIRED = "ip-adapter-plus_puppet.safetensors"
"""Taught to draw a puppet from another drawing of it."""
OWN = "ip-adapter-plus-own_puppet.safetensors"
"""Taught to draw a picture from the picture itself, as public adapters are."""
ENCODER = "image_encoder"
CROSS = "attn2.processor"
"""End of the names of the cross-attentions' processors."""

_ENCODER = {"hidden_size": 256, "intermediate_size": 768, "num_hidden_layers": 5, "num_attention_heads": 4}
_ENCODER |= {"image_size": SIZE, "patch_size": 8, "projection_dim": 256}
_TOKENS, _HEADS, _HEAD_WIDTH = 16, 3, 64
_DEPTH = 4  # the only one that diffusers reads
_VALUE_SHARE = 0.3  # of the text's values that the reference's begin with, so that the first steps change little
_RENAMED = (
    (".ln0.", ".0.norm1."), (".ln1.", ".0.norm2."), (".attn.to_q.", ".0.to_q."), (".attn.to_out.0.", ".0.to_out."),
    (".ff.0.", ".1.0."), (".ff.1.net.0.proj.", ".1.1."), (".ff.1.net.2.", ".1.3."),
)  # fmt: skip
"""Names of a resampler's layers in diffusers and in the file, but for the keys and values, which the file joins."""


class ReferenceAdapter(nn.Module):
    """What a UNet needs to draw from reference pictures."""

    def __init__(
        self,
        encoder: CLIPVisionModelWithProjection,
        resampler: MultiIPAdapterImageProjection,
        attentions: nn.ModuleList,
    ) -> None:
        """`attentions` are the processors of the UNet's cross-attentions, in its order."""
        super().__init__()
        self.encoder, self.resampler, self.attentions = encoder, resampler, attentions

    def forward(self, pixels: Tensor) -> Tensor:
        """Features (N, R, T, D) of R references for each of N pictures; `pixels` (N, R, 3, H, W) as CLIP takes them."""
        found: Tensor = self.encoder(pixels.flatten(0, 1), output_hidden_states=True).hidden_states[-2]
        return found.view(*pixels.shape[:2], *found.shape[1:])


def new_adapter(unet: UNet2DConditionModel) -> ReferenceAdapter:
    """An adapter with random weights, whose keys and values are those of the text."""
    width = unet.config["cross_attention_dim"]
    resampler = IPAdapterPlusImageProjection(
        _ENCODER["hidden_size"], width, _HEADS * _HEAD_WIDTH, _DEPTH, _HEAD_WIDTH, _HEADS, _TOKENS
    )
    attentions = nn.ModuleList()
    for name in cross_attentions(unet):
        text = unet.get_submodule(name.removesuffix(".processor"))
        own = IPAdapterAttnProcessor2_0(text.to_q.out_features, width, num_tokens=(_TOKENS,))
        own.to_k_ip[0].weight.data.copy_(text.to_k.weight)
        own.to_v_ip[0].weight.data.copy_(text.to_v.weight * _VALUE_SHARE)
        attentions.append(own)
    encoder = CLIPVisionModelWithProjection(CLIPVisionConfig(**_ENCODER))
    return ReferenceAdapter(encoder, MultiIPAdapterImageProjection([resampler]), attentions)


def cross_attentions(unet: UNet2DConditionModel) -> list[str]:
    """The names of the cross-attentions' processors, in the order that numbers them in a file."""
    return [name for name in unet.attn_processors if name.endswith(CROSS)]


def attach(unet: UNet2DConditionModel, adapter: ReferenceAdapter) -> None:
    """Let the UNet take the features of references as `added_cond_kwargs["image_embeds"]`, a list of one tensor."""
    processors = dict(unet.attn_processors)
    processors.update(zip(cross_attentions(unet), adapter.attentions, strict=True))
    unet.set_attn_processor(processors)
    unet.encoder_hid_proj = adapter.resampler
    unet.register_to_config(encoder_hid_dim_type="ip_image_proj")


def read_adapter(folder: Path, base: Path, name: str = PAIRED) -> ReferenceAdapter:
    """Read an adapter as diffusers does, in full precision. Raises UsageError if a file is missing."""
    for wanted in (name, f"{ENCODER}/config.json"):
        if not (folder / wanted).is_file():
            raise UsageError(f'"{folder}" is no reference adapter: it has no "{wanted}"', "give an IP-Adapter's folder")
    pipe = StableDiffusionPipeline.from_pretrained(base, safety_checker=None, dtype=torch.float32)
    pipe.load_ip_adapter(folder, "", name, image_encoder_folder=ENCODER)
    attentions = nn.ModuleList(pipe.unet.attn_processors[name] for name in cross_attentions(pipe.unet))
    return ReferenceAdapter(pipe.image_encoder, pipe.unet.encoder_hid_proj, attentions).float()


def write_adapter(folder: Path, adapter: ReferenceAdapter, name: str = PAIRED) -> None:
    """Write the adapter's file and its image encoder in half precision; other files in the folder stay."""
    tensors = {f"image_proj.{key}": value for key, value in published(adapter.resampler).items()}
    for place, attention in enumerate(adapter.attentions):
        for key in ("to_k_ip", "to_v_ip"):
            tensors[f"ip_adapter.{2 * place + 1}.{key}.weight"] = getattr(attention, key)[0].weight.data
    write_atomic(folder / name, save({key: value.half().cpu().contiguous() for key, value in tensors.items()}))
    encoder = CLIPVisionModelWithProjection(adapter.encoder.config)
    encoder.load_state_dict(adapter.encoder.state_dict())
    encoder.half().save_pretrained(folder / ENCODER)


def published(resampler: MultiIPAdapterImageProjection) -> dict[str, Tensor]:
    """The weights of the one resampler by the names that they have in a file."""
    ours = resampler.image_projection_layers[0].state_dict()
    found = {}
    for key, value in ours.items():
        if ".attn.to_v." in key:
            continue
        if ".attn.to_k." in key:
            joined = torch.cat([value, ours[key.replace("to_k", "to_v")]])
            found[key.replace(".attn.to_k.", ".0.to_kv.")] = joined
            continue
        for old, new in _RENAMED:
            key = key.replace(old, new)
        found[key] = value
    return found
