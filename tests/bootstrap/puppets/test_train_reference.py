"""The reference adapter: its file loads in an unmodified pipeline, a step trains it, its pairs show one puppet."""

import numpy as np
import pytest
import torch

from bootstrap.puppets import shipped
from bootstrap.puppets.train import train_reference
from bootstrap.puppets.train.base_folder import read_base
from bootstrap.puppets.train.fresh_drawings import FIRST_NUMBER, GROUP, ShardPlan
from bootstrap.puppets.train.reference_adapter import ENCODER, OWN, PAIRED, new_adapter, read_adapter, write_adapter
from bootstrap.puppets.train.train_options import TrainOptions
from bootstrap.puppets.train.train_reference import REFERENCES, cropped, sample_pairs
from tests.benchmarks.puppetbench.settings import CHARACTERS


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with an adapter of one step, and one with the adapter that was made of it, taught on own references."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_reference, "START_BATCHES", 1)
        patch.setattr(train_reference, "ShardPlan", lambda folder, tokenizer: ShardPlan(folder, tokenizer, groups=1))
        common = {"steps": 1, "batch": 2, "pictures": 4, "workers": 0, "workdir": folder / "work"}
        train_reference.train(TrainOptions(**common, out=folder / "paired"))
        train_reference.train(TrainOptions(**common, own_reference=True, start=folder / "paired", out=folder / "own"))
    return folder


def drawn(pipe, pixels, scale):
    pipe.set_ip_adapter_scale(scale)
    return pipe(
        "1girl", num_inference_steps=1, ip_adapter_image=pixels, generator=torch.Generator().manual_seed(0),
        output_type="np",
    ).images  # fmt: skip


def test_an_unmodified_pipeline_draws_with_the_file(trained):
    from diffusers import StableDiffusionPipeline

    pipe = StableDiffusionPipeline.from_pretrained(shipped.base_dir(), safety_checker=None)
    pipe.set_progress_bar_config(disable=True)
    picture = pipe.numpy_to_pil(np.random.default_rng(0).random((1, 96, 96, 3)))[0]
    plain = pipe("1girl", num_inference_steps=1, generator=torch.Generator().manual_seed(0), output_type="np").images
    pipe.load_ip_adapter(trained / "paired", "", PAIRED, image_encoder_folder=ENCODER)
    assert np.allclose(drawn(pipe, picture, 0.0), plain, atol=1e-5)
    assert not np.allclose(drawn(pipe, picture, 1.0), plain, atol=1e-3)


def test_an_adapter_is_read_as_it_was_written(trained, tmp_path):
    adapter = read_adapter(trained / "paired", shipped.base_dir())
    write_adapter(tmp_path, adapter)
    again = read_adapter(tmp_path, shipped.base_dir()).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in adapter.state_dict().items())


def test_every_weight_that_draws_is_trained(trained):
    unet = read_base(shipped.base_dir()).unet
    torch.manual_seed(0)
    before = new_adapter(unet).state_dict()
    after = torch.load(trained / "work" / "reference" / "state.pt")["model"]
    still = {name for name, value in before.items() if torch.equal(value, after[name])}
    unused = ("visual_projection", "post_layernorm", "layers.4.", "position_ids")
    assert [name for name in still if not any(part in name for part in unused)] == []


def test_one_that_learns_from_its_own_picture_keeps_the_encoder(trained):
    paired = read_adapter(trained / "paired", shipped.base_dir()).state_dict()
    own = read_adapter(trained / "own", shipped.base_dir(), OWN).state_dict()
    changed = {name.partition(".")[0] for name in paired if not torch.equal(paired[name], own[name])}
    assert changed == {"resampler", "attentions"}


def test_a_reference_is_another_drawing_of_the_same_puppet():
    rng = np.random.default_rng(0)
    several = [sample_pairs(5, 40, rng) for _ in range(20)]
    assert {pairs.references.shape[1] for pairs in several} == set(range(1, len(REFERENCES) + 1))
    for pairs in several:
        together = np.concatenate([pairs.targets[:, None], pairs.references], axis=1)
        assert (together // GROUP == together[:, :1] // GROUP).all()
        assert all(len(set(row)) == len(row) for row in together.tolist())
    first = np.concatenate([pairs.references[:, 0] for pairs in several])
    assert 0.45 < np.mean(first % GROUP == 0) < 0.6
    alone = sample_pairs(5, 40, rng, own=True)
    assert (alone.references[:, 0] == alone.targets).all()


def test_a_crop_shows_the_same_picture():
    images = torch.arange(96).float().view(1, 1, 1, 96, 1).expand(6, 2, 96, 96, 3)
    found = cropped(images, np.random.default_rng(0))
    assert found.shape == images.shape
    widths = found[:, :, 0, -1, 0] - found[:, :, 0, 0, 0]
    assert (widths > 0.75 * 95).all()
    assert found.min() >= 0
    assert found.max() <= 95


def test_no_benchmark_puppet_is_in_the_stream():
    assert max(CHARACTERS) < FIRST_NUMBER
