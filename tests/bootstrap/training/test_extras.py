"""What a recipe may ask for beside the plain loss: each does what its name says, and off it changes nothing."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from bootstrap.errors import BackendError
from bootstrap.records import Job, JobKind, Shot, TrainItem
from bootstrap.training.batches import Batches
from bootstrap.training.losslog import LOSSES, LossLog
from bootstrap.training.passes import SEED_DISTANCE, Passes
from bootstrap.training.recipe import TrainRecipe
from bootstrap.training.train_lora import train_lora

RECIPE = TrainRecipe(steps=6, batch_size=2, random_seed=7, min_snr_gamma=None, tag_dropout=0, caption_dropout=0)
DRAWN = Job("j", JobKind.CANDIDATE, 1, 1, Shot("front", "front", "portrait"), "a girl", "", 1, {})


def asked(**changes):
    return RECIPE.model_copy(update=changes)


def sampled(inputs, places, seed):
    """Latents, noise and timesteps of a pass, as the documentation has them."""
    random = torch.Generator().manual_seed(seed)
    latents = torch.stack([inputs.latents[place] for place in places])
    noise = torch.randn(latents.shape, generator=random)
    times = torch.randint(0, 50, (len(places),), generator=random)
    return latents, noise, times, random


def test_masks_weigh_every_place_of_the_latents(make_inputs, four):
    inputs = make_inputs()
    masks = [torch.rand(1, 6, 6) for _ in four]
    places = Batches(four, RECIPE).places(3)
    latents, noise, times, _ = sampled(inputs, places, 7 * 1_000_003 + 3)
    prediction = inputs.predict(
        inputs.objective.noised(latents, noise, times)[0], times, Batches(four, RECIPE).captions(3), places
    )
    wanted = ((prediction - noise) ** 2 * torch.stack([masks[place] for place in places])).mean()
    assert torch.allclose(Passes(replace(inputs, masks=masks), four, RECIPE).loss(3), wanted)
    ones = [torch.ones(1, 6, 6) for _ in four]
    assert Passes(replace(inputs, masks=ones), four, RECIPE).loss(3) == Passes(inputs, four, RECIPE).loss(3)


def test_latents_are_drawn_anew_within_their_deviation(make_inputs, four):
    inputs = make_inputs()
    spread = [torch.full_like(latents, 0.5) for latents in inputs.latents]
    places = Batches(four, RECIPE).places(0)
    latents, noise, times, random = sampled(inputs, places, 7 * 1_000_003)
    latents = latents + 0.5 * torch.randn(latents.shape, generator=random)
    prediction = inputs.predict(
        inputs.objective.noised(latents, noise, times)[0], times, Batches(four, RECIPE).captions(0), places
    )
    loss = Passes(replace(inputs, deviations=spread), four, RECIPE).loss(0)
    assert torch.allclose(loss, functional.mse_loss(prediction, noise))


def test_every_crop_of_a_picture_is_seen(make_inputs, four):
    inputs, seen = make_inputs(), set()

    def predict(latents, times, captions, entries):
        seen.update(entries)
        return inputs.predict(latents, times, captions, entries)

    latents = [latents + crop for latents in inputs.latents for crop in range(3)]
    passes = Passes(replace(inputs, latents=latents, crops=3, predict=predict), four, RECIPE)
    for number in range(80):
        passes.loss(number)
    assert seen == set(range(12))


def test_regularisation_pictures_have_a_loss_of_their_own(make_inputs, four):
    inputs = make_inputs()
    regular = [TrainItem("r.png", ("1girl", "smile"), "reg")]
    other = replace(inputs, latents=[*inputs.latents, torch.ones(4, 6, 6)], regularisation=regular)
    plain = Passes(inputs, four, RECIPE).loss(2)
    latents, noise, times, _ = sampled(other, [4, 4], 7 * 1_000_003 + 2 + SEED_DISTANCE)
    captions = Batches(regular, asked(random_seed=8)).captions(2)
    prediction = other.predict(other.objective.noised(latents, noise, times)[0], times, captions, [4, 4])
    wanted = plain + 0.3 * functional.mse_loss(prediction, noise)
    assert torch.allclose(Passes(other, four, asked(prior_loss_weight=0.3)).loss(2), wanted)
    assert Passes(other, four, asked(prior_loss_weight=0.0)).loss(2) == plain
    assert all(text.startswith("1girl") for text in captions)


def test_the_base_s_own_output_is_kept_for_captions_without_the_trigger(make_inputs, four):
    inputs, written = make_inputs(), []

    def base(latents, times, captions, entries):
        written.extend(captions)
        return torch.zeros_like(latents)

    recipe = asked(output_preservation=2.0, keep_tokens=1)
    passes = Passes(replace(inputs, predict_base=base), four, recipe)
    batches = Batches(four, recipe)
    places, captions = batches.places(1), batches.captions(1, without_trigger=True)
    latents, noise, times, _ = sampled(inputs, places, 7 * 1_000_003 + 1)
    prediction = inputs.predict(inputs.objective.noised(latents, noise, times)[0], times, captions, places)
    assert torch.allclose(passes.loss(1), Passes(inputs, four, RECIPE).loss(1) + 2.0 * prediction.square().mean())
    assert written == captions
    assert {tag for caption in written for tag in caption.split(", ")} == {"a", "b", "c"}
    assert [f"t, {text}" for text in captions] == batches.captions(1)
    with pytest.raises(BackendError, match="output_preservation"):
        Passes(inputs, four, recipe).loss(1)


def test_captions_of_a_cached_training_are_some_shuffles_all_known_before(four):
    recipe = asked(text_variants=3, tag_dropout=0.3, caption_dropout=0.1)
    batches = Batches(four, recipe)
    known = set(batches.texts())
    captions = {text for number in range(200) for text in batches.captions(number)}
    assert captions <= known
    assert "" in captions
    assert 3 < len(known) <= 1 + 3 * len(four)
    bare = {text for number in range(50) for text in batches.captions(number, without_trigger=True)}
    assert bare <= set(batches.texts(without_trigger=True))


def test_the_losses_are_logged_and_a_resume_leaves_no_gap(make_inputs, four, tmp_path):
    recipe = asked(checkpoint_every=2)

    def stop(event):
        raise KeyboardInterrupt

    whole = tmp_path / "whole"
    train_lora(make_inputs(), four, recipe, whole, lambda event: None)
    rows = (whole / LOSSES).read_text().splitlines()
    assert rows[0] == "step,loss,learning_rate"
    assert [int(row.split(",")[0]) for row in rows[1:]] == [1, 2, 3, 4, 5, 6]
    with pytest.raises(KeyboardInterrupt):
        train_lora(make_inputs(), four, recipe, tmp_path / "cut", stop)
    train_lora(make_inputs(), four, recipe, tmp_path / "cut", lambda event: None)
    assert (tmp_path / "cut" / LOSSES).read_bytes() == (whole / LOSSES).read_bytes()


def test_tensorboard_gets_losses_and_sheets_once(tmp_path):
    from PIL import Image

    written = []

    class Board:
        def add_scalar(self, name, value, step):
            written.append((name, step))

        def add_image(self, name, pixels, step, dataformats):
            written.append((name, step, pixels.shape))

        def flush(self):
            pass

    log = LossLog(tmp_path, asked(tensorboard=True), open_board=lambda folder: Board())
    (tmp_path / "samples").mkdir()
    Image.new("RGB", (8, 4)).save(tmp_path / "samples" / "step00000002.png")
    for count in (1, 2):
        log.write([torch.tensor(0.5)] * count)
    named = [("loss", 1), ("learning_rate", 1), ("samples", 2, (4, 8, 3)), ("loss", 2), ("learning_rate", 2)]
    assert written == named


def test_what_is_missing_is_told_before_anything_begins(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(BackendError, match="pip install tensorboard"):
        asked(tensorboard=True).check_packages()
    with pytest.raises(BackendError, match='"nowhere" is no folder'):
        asked(reg_data_dir="nowhere").check_packages()


def test_settings_that_change_nothing_name_the_same_training():
    assert RECIPE.identity() == asked(sample_every_n_steps=10).identity()
    assert RECIPE.identity() != asked(masked_loss=True).identity()
    assert '"network":' not in RECIPE.identity()


def test_pictures_drawn_from_references_have_the_base_shown_these_as_target(make_inputs, four):
    half = asked(reference_distillation=0.5)
    taught = [four[0], *(replace(item, job=DRAWN) for item in four[1:])]
    asked_of = []

    def predict_shown(latents, times, prompts, entries):
        assert set(prompts) == {DRAWN.prompt}
        asked_of.extend(entries)
        return torch.full_like(latents, 3.0)

    inputs = replace(make_inputs(), predict_shown=predict_shown)
    for number in range(6):
        places = Batches(taught, half).places(number)
        latents, noise, times, _ = sampled(inputs, places, 7 * 1_000_003 + number)
        mixed = inputs.objective.noised(latents, noise, times)[0]
        target = [(noise[row] + 3) / 2 if place else noise[row] for row, place in enumerate(places)]
        prediction = inputs.predict(mixed, times, Batches(taught, half).captions(number), places)
        wanted = functional.mse_loss(prediction, torch.stack(target))
        assert torch.allclose(Passes(inputs, taught, half).loss(number), wanted)
    assert set(asked_of) == {1, 2, 3}
    assert Passes(inputs, taught, RECIPE).loss(0) == Passes(inputs, four, RECIPE).loss(0)
    assert "a girl" in Passes(inputs, taught, half.model_copy(update={"text_variants": 1})).texts()


def test_distillation_needs_a_base_that_is_shown_references(make_inputs, four):
    taught = [replace(item, job=DRAWN) for item in four]
    with pytest.raises(BackendError, match="draws from no reference"):
        Passes(make_inputs(), taught, asked(reference_distillation=1)).loss(0)
