"""Text encoders in main memory and a VAE in tiles: for small cards, with the same pictures."""

import numpy as np
import torch

from bootstrap.backends.architectures.sd1 import SD1
from bootstrap.backends.diffusers import DiffusersBackend
from bootstrap.backends.loading import place
from bootstrap.backends.prompts_in_turn import PromptsInTurn
from bootstrap.backends.regularisation import NO_SHOT
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.records import Job, JobKind

SETTINGS = SamplingSettings(steps=2, guidance_scale=2.0, batch_size=1, width=32, height=32, dtype="float32")


def test_offloaded_parts_draw_the_same_picture(tiny_xl):
    job = Job("j", JobKind.PROBE, 0, 0, NO_SHOT, "green hair", "", 1, {})
    drawn = []
    for offload in (False, True):
        backend = DiffusersBackend(tiny_xl, SETTINGS.model_copy(update={"offload": offload}), device="cpu")
        ((_, picture),) = next(iter(backend.draw([job], None)))
        drawn.append(np.asarray(picture).astype(int))
        assert len(backend.base.beside_denoiser) == (1 if offload else 3)
    assert abs(drawn[0] - drawn[1]).max() <= 1


def test_only_unet_and_vae_go_to_the_device_and_settings_tell_it():
    moved = []

    class Part(torch.nn.Module):
        def __init__(self, name):
            super().__init__()
            self.name = name

        def to(self, device):
            moved.append((self.name, device))

        def enable_tiling(self):
            moved.append((self.name, "tiles"))

    class Pipe:
        unet, vae = Part("unet"), Part("vae")
        vae_scale_factor = 8

        def to(self, device):
            moved.append(("all", device))

    place(Pipe(), SD1, "cuda", offload=True)
    assert moved == [("unet", "cuda"), ("vae", "cuda"), ("vae", "tiles")]
    place(Pipe(), SD1, "cuda", offload=False)
    assert moved[-1] == ("all", "cuda")
    assert SETTINGS.identity() != SETTINGS.model_copy(update={"offload": True}).identity()
    assert "offload" not in SETTINGS.identity()


def test_a_vae_that_works_in_tiles_never_sees_more_than_512_pixels_of_a_side(tiny_xl):
    seen = []
    backend = DiffusersBackend(tiny_xl, SETTINGS.model_copy(update={"offload": True}), device="cpu")
    vae, latents = backend.base.pipe.vae, backend.base.architecture.latents
    vae.encoder.register_forward_hook(lambda module, given, made: seen.append(given[0].shape[-1]))
    vae.decoder.register_forward_hook(lambda module, given, made: seen.append(made.shape[-1]))
    with torch.inference_mode():
        mean, _ = latents.encode(backend.base.pipe, torch.zeros(1, 3, 64, 1024))
        latents.decode(backend.base.pipe, mean)
    assert max(seen) <= 512
    assert len(seen) > 4


def test_text_encoders_that_take_turns_are_offloaded_after_every_call():
    happened = []

    class Encoders:
        def __enter__(self):
            happened.append("in")

        def __exit__(self, *error):
            happened.append("out")

    class Prompts:
        def encode(self, prompts):
            happened.append("encoded")
            return "states"

        def preload(self, prompts):
            happened.append("preloaded")

    prompts = PromptsInTurn(Prompts(), Encoders())
    assert prompts.encode(["a"]) == "states"
    prompts.preload(["a"])
    assert happened == ["in", "encoded", "out", "in", "preloaded", "out"]
