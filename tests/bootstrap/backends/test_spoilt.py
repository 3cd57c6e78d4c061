"""A base whose arithmetic ran over draws no picture: it is reported in a line instead of stored as a black frame."""

import pytest
import torch

from bootstrap.backends.diffusers import DiffusersBackend
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.errors import BackendError
from bootstrap.records import Job, JobKind, Shot

SETTINGS = SamplingSettings(steps=1, guidance_scale=2.0, batch_size=2, width=32, height=32)
SHOT = Shot(
    "front",
    "front",
    "portrait",
    {"expression": "smile", "pose": "standing", "outfit": "default", "background": "forest", "style": "cel shading"},
)


@pytest.mark.parametrize("number", [torch.nan, torch.inf])
def test_latents_that_are_no_numbers_are_told_and_not_drawn(tiny, monkeypatch, number):
    backend = DiffusersBackend(tiny, SETTINGS, device="cpu")
    spoilt = torch.full((2, 4, 8, 8), number)
    monkeypatch.setattr("bootstrap.backends.drawing.denoise", lambda *given: spoilt)
    jobs = [Job(f"j{n}", JobKind.CANDIDATE, 1, 1, SHOT, "green hair", "", n, {}) for n in range(2)]
    with pytest.raises(BackendError, match='"j0" came out as no finite picture'):
        list(backend.draw(jobs, None))
