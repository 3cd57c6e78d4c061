from dataclasses import replace

import pytest
import torch

from bootstrap.errors import BackendError, Interrupted
from bootstrap.events import Noted, Progress
from bootstrap.training.batches import Batches
from bootstrap.training.checkpoint import NAME, load_checkpoint
from bootstrap.training.recipe import TrainRecipe
from bootstrap.training.schedule import learning_rate
from bootstrap.training.state import TrainingState
from bootstrap.training.train_lora import train_lora

RECIPE = TrainRecipe(steps=13, batch_size=2, checkpoint_every=4, learning_rate=0.02, random_seed=7, text_encoder=True)
RECIPES = {
    "adamw": RECIPE,
    "everything": RECIPE.model_copy(
        update={"ema_decay": 0.9, "gradient_accumulation_steps": 2, "noise_offset": 0.1, "lr_scheduler": "linear"}
    ),
    "adafactor": RECIPE.model_copy(update={"optimizer": "adafactor"}),
}


def weights(inputs):
    return [weight.detach().clone() for weight in (*inputs.weights, *inputs.text_weights)]


def run(inputs, items, recipe, folder, emit=lambda event: None):
    outcome = train_lora(inputs, items, recipe, folder, emit)
    return weights(inputs), outcome


class Killed(Exception):
    pass


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_a_training_killed_at_any_pass_ends_with_the_same_bits(make_inputs, four, recipe, tmp_path):
    recipe = recipe.model_copy(update={"steps": 7, "checkpoint_every": 3})
    whole, outcome_once = run(make_inputs(), four, recipe, tmp_path / "whole")
    for last in range(1, recipe.steps * recipe.gradient_accumulation_steps):
        inputs, passes = make_inputs(), []

        def predict(*seen, inputs=inputs, passes=passes, last=last):
            passes.append(1)
            if len(passes) > last:
                raise Killed
            return inputs.predict(*seen)

        dying = replace(inputs, predict=predict)
        folder = tmp_path / str(last)
        with pytest.raises(Killed):
            run(dying, four, recipe, folder)
        before = make_inputs.passes
        continued, again = run(make_inputs(), four, recipe, folder)
        assert all(torch.equal(a, b) for a, b in zip(whole, continued, strict=True))
        assert again == outcome_once
        done = recipe.gradient_accumulation_steps * recipe.checkpoint_every
        assert make_inputs.passes - before == recipe.steps * recipe.gradient_accumulation_steps - last // done * done


def test_plain_settings_are_a_plain_adamw_loop(make_inputs, four, tmp_path):
    recipe = TrainRecipe(steps=6, batch_size=3, random_seed=5)
    trained, _ = run(make_inputs(text=False), four, recipe, tmp_path)
    inputs, batches = make_inputs(text=False), Batches(four, recipe)
    optimizer = torch.optim.AdamW(inputs.weights, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    for step in range(recipe.steps):
        optimizer.param_groups[0]["lr"] = learning_rate(recipe, step)
        random = torch.Generator().manual_seed(recipe.random_seed * 1_000_003 + step)
        latents = inputs.latents[batches.places(step)]
        noise = torch.randn(latents.shape, generator=random)
        times = torch.randint(0, 50, (3,), generator=random)
        noised, target = inputs.objective.noised(latents, noise, times)
        prediction = inputs.predict(noised, times, batches.captions(step), batches.places(step))
        each = (prediction - target).square().mean((1, 2, 3))
        optimizer.zero_grad()
        (each * inputs.objective.weight(times, 5.0)).mean().backward()
        torch.nn.utils.clip_grad_norm_(inputs.weights, 1.0)
        optimizer.step()
    assert torch.equal(trained[0], inputs.weights[0])


def test_accumulated_passes_are_one_step_on_their_mean_gradient(make_inputs, four, tmp_path):
    recipe = RECIPE.model_copy(update={"steps": 1, "gradient_accumulation_steps": 3, "max_grad_norm": 1e9})
    seen = []
    inputs = make_inputs()
    inputs.weights[0].register_hook(lambda gradient: seen.append(gradient.clone()))
    _, outcome = run(inputs, four, recipe, tmp_path)
    assert make_inputs.passes == 3
    assert outcome.steps == 1
    first = load_checkpoint_of(tmp_path)["optimizer"]["state"][0]["exp_avg"]
    assert torch.allclose(first, 0.1 * sum(seen), atol=1e-7)
    assert not torch.allclose(seen[0], seen[1])


def load_checkpoint_of(folder):
    return torch.load(folder / NAME, weights_only=True)


def test_the_average_is_what_comes_out(make_inputs, four, tmp_path):
    plain, _ = run(make_inputs(), four, RECIPE, tmp_path / "plain")
    averaged, _ = run(make_inputs(), four, RECIPE.model_copy(update={"ema_decay": 0.9}), tmp_path / "ema")
    kept = load_checkpoint_of(tmp_path / "ema")
    assert all(torch.equal(a, b) for a, b in zip(averaged, kept["average"], strict=True))
    assert all(torch.equal(a, b) for a, b in zip(plain, kept["weights"], strict=True))
    assert not torch.equal(plain[0], averaged[0])


@pytest.mark.parametrize("change", ["pixels", "caption", "weight", "recipe"])
def test_a_checkpoint_of_other_pixels_captions_or_settings_is_not_taken_up(make_inputs, four, tmp_path, change):
    short = RECIPE.model_copy(update={"steps": 4})
    run(make_inputs(), four, short, tmp_path)
    items, recipe, content = list(four), short, "pixels"
    if change == "pixels":
        content = "other pixels under the same names"
    elif change == "caption":
        items[0] = type(items[0])(items[0].path, ("t", "x"), "kept", items[0].weight)
    elif change == "weight":
        items[0] = items[0].weighing(3.0)
    else:
        recipe = short.model_copy(update={"noise_offset": 0.2})
    before = make_inputs.passes
    run(make_inputs(content), items, recipe, tmp_path)
    assert make_inputs.passes - before == 4
    before = make_inputs.passes
    run(make_inputs(content), items, recipe, tmp_path)
    assert make_inputs.passes == before


def test_a_damaged_checkpoint_costs_time_only(make_inputs, four, tmp_path):
    whole, _ = run(make_inputs(), four, RECIPE, tmp_path)
    data = (tmp_path / NAME).read_bytes()
    key = load_checkpoint_of(tmp_path)["key"]
    assert load_checkpoint(tmp_path, key) is not None
    for place in range(100, len(data), len(data) // 40):  # torch itself would read most of these without a word
        (tmp_path / NAME).write_bytes(data[:place] + bytes((data[place] ^ 4,)) + data[place + 1 :])
        assert load_checkpoint(tmp_path, key) is None
    (tmp_path / NAME).write_bytes(data[:500])
    assert all(torch.equal(a, b) for a, b in zip(whole, run(make_inputs(), four, RECIPE, tmp_path)[0], strict=True))


def test_no_finite_number_stops_with_the_last_good_weights_and_one_line(make_inputs, poisoned, four, tmp_path):
    good, _ = run(
        make_inputs(), four, RECIPE.model_copy(update={"steps": 8, "lr_scheduler": "constant"}), tmp_path / "8"
    )
    events = []
    recipe = RECIPE.model_copy(update={"lr_scheduler": "constant"})
    stopped, outcome = run(poisoned(poison=10)(), four, recipe, tmp_path / "nan", events.append)
    assert outcome.steps == 8
    assert outcome.final_loss == pytest.approx(outcome.final_loss)  # a number, not NaN
    assert all(torch.equal(a, b) for a, b in zip(good, stopped, strict=True))
    (note,) = [event.text for event in events if isinstance(event, Noted)]
    assert "step 8" in note
    assert "learning_rate" in note
    with pytest.raises(BackendError, match="not finite"):
        run(poisoned(poison=2)(), four, RECIPE, tmp_path / "soon")


def test_a_wish_to_stop_between_checkpoints_does_not_move_the_good_weights(make_inputs, poisoned, four, tmp_path):
    whole, _ = run(poisoned(poison=8)(), four, RECIPE, tmp_path / "whole")

    def stop(event):
        if isinstance(event, Progress) and event.done == 5:
            raise Interrupted

    with pytest.raises(Interrupted):
        run(make_inputs(), four, RECIPE, tmp_path / "cut", stop)
    cut, outcome = run(poisoned(poison=3)(), four, RECIPE, tmp_path / "cut")
    assert outcome.steps == 4
    assert all(torch.equal(a, b) for a, b in zip(whole, cut, strict=True))


def test_a_loss_scale_changes_no_bit_where_nothing_underflows(make_inputs, four, tmp_path):
    plain, outcome_once = run(make_inputs(), four, RECIPE, tmp_path / "plain")
    scaled, again = run(replace(make_inputs(), scales_loss=True), four, RECIPE, tmp_path / "scaled")
    assert all(torch.equal(a, b) for a, b in zip(plain, scaled, strict=True))
    assert outcome_once == again


def _overflow(state, weight):
    loss = (weight * 1e36).sum()  # finite; times the scale, its gradient is not
    state.scaled(loss).backward()
    state.advance(loss)


def test_a_step_whose_gradients_overflow_moves_nothing_and_halves_the_scale_for_good():
    weight, one = torch.nn.Parameter(torch.ones(2)), torch.ones(())
    state = TrainingState([weight], [], RECIPE, scales_loss=True)
    whole = float(state.scaled(one))
    _overflow(state, weight)
    assert (state.step, weight.tolist()) == (1, [1, 1])
    assert float(state.scaled(one)) == whole / 2
    again = TrainingState([torch.nn.Parameter(torch.ones(2))], [], RECIPE, scales_loss=True)
    again.restore(state.state())
    assert float(again.scaled(one)) == whole / 2
    state.scaled(weight.sum()).backward()
    state.advance(one)
    assert weight.tolist() != [1, 1]
    assert state.finite()


def test_gradients_that_overflow_at_every_scale_are_not_finite():
    weight = torch.nn.Parameter(torch.ones(2))
    state = TrainingState([weight], [], RECIPE, scales_loss=True)
    for _ in range(18):
        weight.grad = torch.full((2,), torch.inf)
        state.scaled(torch.ones(()))
        state.advance(torch.ones(()))
    assert weight.tolist() == [1, 1]
    assert not state.finite()


def test_the_text_encoder_learns_at_its_own_rate(make_inputs, four, tmp_path):
    slow = RECIPE.model_copy(update={"text_encoder_lr": 1e-6})
    (weight, text_weight), _ = run(make_inputs(), four, slow, tmp_path)
    untouched = make_inputs().weights[0].detach()
    assert 0 < float(text_weight.detach().abs().max()) <= 13 * 1e-6
    assert float((weight - untouched).abs().max()) > 1e-2


@pytest.mark.parametrize("ema", [None, 0.9])
def test_weights_kept_on_the_way_are_those_the_training_had_then(make_inputs, four, ema, tmp_path):
    recipe = RECIPE.model_copy(update={"steps": 12, "candidates": 3, "ema_decay": ema, "lr_scheduler": "constant"})
    inputs, kept = make_inputs(), {}

    def keep(steps):
        kept[steps] = weights(inputs)

    outcome = train_lora(inputs, four, recipe, tmp_path / "long", lambda event: None, keep)
    assert [one.steps for one in outcome.earlier] == list(kept) == [8, 10]
    for steps, found in kept.items():
        short = recipe.model_copy(update={"steps": steps, "candidates": 1})
        wanted, _ = run(make_inputs(), four, short, tmp_path / str(steps))
        assert all(torch.equal(a, b) for a, b in zip(found, wanted, strict=True))
    whole, _ = run(make_inputs(), four, recipe, tmp_path / "unwatched")
    assert all(torch.equal(a, b) for a, b in zip(weights(inputs), whole, strict=True))


def test_a_training_leaves_as_many_weights_as_it_has_room_for():
    assert RECIPE.kept_steps == ()
    assert RECIPE.model_copy(update={"steps": 400, "candidates": 4}).kept_steps == (250, 300, 350)
    assert RECIPE.model_copy(update={"steps": 1, "candidates": 5}).kept_steps == ()
    whole = RECIPE.model_copy(update={"steps": 400, "candidates": 3, "batch_size": 4, "repeats": 10})
    assert whole.with_early(20, 3).kept_steps == (50, 125, 200, 267, 333), "from the end of the first epoch on"
    assert whole.with_early(20, 0) == whole
    assert whole.with_early(500, 3).early_steps == (200,), "an epoch that is longer than half of the training"
    assert whole.with_early(20, 3).identity() == whole.identity()
