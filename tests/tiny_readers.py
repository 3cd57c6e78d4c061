"""Tiny image-text-to-text models of the real classes with random weights, as folders; they know every byte, no word."""

from pathlib import Path

import torch

from tests.tiny_edit_models import tokenizer

VISION = "{% if part.type == 'image' %}MARK{% else %}{{ part.text }}{% endif %}"
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{% for part in message.content %}"
    f"{VISION}"
    "{% endfor %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEXT = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2,
    "num_key_value_heads": 1, "vocab_size": 320, "max_position_embeddings": 16384,
    "bos_token_id": 0, "eos_token_id": 0,
}  # fmt: skip


def build_qwen_reader(folder: Path) -> Path:
    """A Qwen2.5-VL: 28 pixels are one token."""
    from transformers import (
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2_5_VLProcessor,
        Qwen2VLImageProcessor,
        Qwen2VLVideoProcessor,
    )

    torch.manual_seed(0)
    own = tokenizer()
    seen = {"hidden_size": 32, "intermediate_size": 32, "depth": 1, "num_heads": 2, "out_hidden_size": 32}
    text = {**TEXT, "rope_parameters": {"rope_type": "default", "mrope_section": [2, 2, 4]}}
    marks = {f"{name}_token_id": own.convert_tokens_to_ids(f"<|{mark}|>") for name, mark in (
        ("image", "image_pad"), ("video", "video_pad"), ("vision_start", "vision_start"), ("vision_end", "vision_end")
    )}  # fmt: skip
    model = Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(text_config=text, vision_config=seen, **marks))
    chat = CHAT.replace("MARK", "<|vision_start|><|image_pad|><|vision_end|>")
    processor = Qwen2_5_VLProcessor(
        Qwen2VLImageProcessor(min_pixels=28 * 28, max_pixels=56 * 56), own, Qwen2VLVideoProcessor(), chat_template=chat
    )
    return saved(model, processor, folder)


def build_gemma_reader(folder: Path, width: int = 32) -> Path:
    """A Gemma 3: every picture is four tokens. Four bits take layers from a ``width`` of 64 on: one block."""
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration, Gemma3ImageProcessor, Gemma3Processor

    torch.manual_seed(0)
    own = tokenizer(boi_token="<start_of_image>", eoi_token="<end_of_image>", image_token="<image_soft_token>")
    places = [own.boi_token_id, own.eoi_token_id, own.image_token_id]
    model = Gemma3ForConditionalGeneration(Gemma3Config(
        text_config={**TEXT, "hidden_size": width, "intermediate_size": 2 * width, "head_dim": width // 2},
        vision_config={"hidden_size": width, "intermediate_size": width, "num_hidden_layers": 1,
                       "num_attention_heads": 2, "image_size": 56, "patch_size": 14},
        mm_tokens_per_image=4, boi_token_index=places[0], eoi_token_index=places[1], image_token_index=places[2],
    ))  # fmt: skip
    pictures = Gemma3ImageProcessor(size={"height": 56, "width": 56})
    processor = Gemma3Processor(pictures, own, chat_template=CHAT.replace("MARK", own.boi_token), image_seq_length=4)
    return saved(model, processor, folder)


def build_smol_reader(folder: Path) -> Path:
    """A SmolVLM with the processor of its ancestor, which needs no further package: pictures are not split."""
    from transformers import Idefics3ImageProcessor, Idefics3Processor, SmolVLMConfig, SmolVLMForConditionalGeneration

    torch.manual_seed(0)
    own = tokenizer(image_token="<image>", around="<fake_token_around_image>", whole="<global-img>")
    image = own.convert_tokens_to_ids("<image>")
    model = SmolVLMForConditionalGeneration(SmolVLMConfig(
        text_config={**TEXT, "model_type": "llama", "pad_token_id": 0}, scale_factor=2, image_token_id=image,
        vision_config={"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
                       "image_size": 56, "patch_size": 14},
    ))  # fmt: skip
    pictures = Idefics3ImageProcessor(
        do_image_splitting=False, size={"longest_edge": 56}, max_image_size={"longest_edge": 56}
    )
    processor = Idefics3Processor(pictures, own, image_seq_len=4, chat_template=CHAT.replace("MARK", "<image>"))
    return saved(model, processor, folder)


def saved(model, processor, folder: Path) -> Path:
    """The folder, with both in it."""
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
