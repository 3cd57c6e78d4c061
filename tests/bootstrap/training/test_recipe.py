import sys

import pytest
import torch
from pydantic import ValidationError

from bootstrap.errors import BackendError
from bootstrap.training.optimizers import optimizer_for
from bootstrap.training.recipe import TrainRecipe
from bootstrap.training.schedule import learning_rate


def some_weights():
    return [torch.nn.Parameter(torch.zeros(3, 3))]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("rank", 0),
        ("learning_rate", 2),
        ("ema_decay", 1.0),
        ("gradient_accumulation_steps", 0),
        ("lr_scheduler", "cosin"),
        ("optimizer", "lion"),
        ("caption_dropout", 1.5),
        ("text_encoder_lr", -1e-4),
    ],
)
def test_values_out_of_range_are_refused_by_name(field, value):
    with pytest.raises(ValidationError) as error:
        TrainRecipe(**{field: value})
    assert error.value.errors()[0]["loc"] == (field,)


def test_every_setting_says_what_it_does():
    assert all(field.description for field in TrainRecipe.model_fields.values())


def test_steps_follow_from_epochs_as_in_sd_scripts():
    recipe = TrainRecipe(repeats=10, epochs=10, batch_size=2)
    assert recipe.epoch_steps(20) == 1000  # 20 pictures x 10 repeats x 10 epochs / 2
    assert recipe.model_copy(update={"gradient_accumulation_steps": 2}).epoch_steps(21) == 530
    assert TrainRecipe().epoch_steps(20) is None


def test_target_steps_and_tables_become_repeats():
    levels = TrainRecipe(epochs=1, target_steps=1150, batch_size=3)
    assert (levels.repeats_of(48), levels.epoch_steps(48)) == (72, 1152)
    guide = TrainRecipe(epochs=10, repeats_for={20: 10, 100: 3, 400: 1}, batch_size=2)
    assert [guide.repeats_of(count) for count in (5, 20, 48, 100, 400, 1000)] == [10, 10, 5, 3, 1, 1]
    assert [guide.epoch_steps(count) for count in (20, 48, 100, 400)] == [1000, 1200, 1500, 2000]
    assert TrainRecipe.model_validate_json(guide.model_dump_json()) == guide
    assert guide.of_folders(3) == guide, "it has no table for folders"
    guide = guide.model_copy(update={"epochs_for": {200: 17, 300: 12, 400: 10}})
    several = [guide.of_folders(folders) for folders in (1, 2, 3, 4, 5)]
    assert [one.epochs for one in several] == [10, 17, 12, 10, 8]
    assert [one.epoch_steps(50) for one in several[1:]] == [1700, 1800, 2000, 2000]


def test_a_warm_up_may_be_a_share_of_the_steps():
    assert TrainRecipe(lr_warmup_ratio=0.05).lasting(400).lr_warmup_steps == 20
    assert TrainRecipe(lr_warmup_steps=7).lasting(400).lr_warmup_steps == 7


def test_a_missing_package_is_known_before_anything_is_trained(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    TrainRecipe().check_packages()
    with pytest.raises(BackendError, match="pip install prodigyopt"):
        TrainRecipe(optimizer="prodigy", learning_rate=1.0).check_packages()
    with pytest.raises(BackendError, match="pip install bitsandbytes"):
        TrainRecipe(optimizer="adamw8bit").check_packages()


def test_prodigy_wants_a_rate_of_one_for_everything():
    with pytest.raises(ValidationError, match="set learning_rate to 1"):
        TrainRecipe(optimizer="prodigy", learning_rate=1e-4)
    with pytest.raises(ValidationError, match="leave text_encoder_lr null"):
        TrainRecipe(optimizer="prodigy", learning_rate=1.0, text_encoder_lr=0.1)
    assert TrainRecipe(optimizer="prodigy", learning_rate=1.0).text_rate == 1.0


def test_the_text_encoder_learns_at_a_tenth_unless_told():
    assert TrainRecipe(learning_rate=1e-3).text_rate == pytest.approx(1e-4)
    recipe = TrainRecipe(learning_rate=1e-3, text_encoder_lr=5e-5)
    rates = [group["peak"] for group in optimizer_for(recipe, some_weights(), some_weights()).param_groups]
    assert rates == [1e-3, 5e-5]
    assert learning_rate(recipe, 9, 5e-5) == pytest.approx(0.05 * learning_rate(recipe, 9))


@pytest.mark.parametrize(("name", "package"), [("prodigy", "prodigyopt"), ("adamw8bit", "bitsandbytes")])
def test_a_package_that_is_missing_is_named_with_the_way_to_get_it(monkeypatch, name, package):
    monkeypatch.setitem(sys.modules, package, None)
    recipe = TrainRecipe(optimizer=name, learning_rate=1.0)
    with pytest.raises(BackendError, match=rf'optimizer "{name}" needs .* pip install {package}') as error:
        optimizer_for(recipe, some_weights())
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["linear", "cosine", "cosine_with_restarts", "constant"])
def test_without_warm_up_the_rates_are_those_of_diffusers(name):
    from diffusers.optimization import get_scheduler

    recipe = TrainRecipe(steps=20, lr_warmup_steps=0, lr_scheduler=name, learning_rate=0.5, lr_scheduler_num_cycles=2)
    optimizer = torch.optim.SGD(some_weights(), lr=0.5)
    # cosine takes half a wave for num_cycles 0.5, its own default
    cycles = {"num_cycles": 2} if name == "cosine_with_restarts" else {}
    theirs = get_scheduler(name, optimizer, num_warmup_steps=0, num_training_steps=20, **cycles) if not cycles else None
    if theirs is None:
        from diffusers.optimization import get_cosine_with_hard_restarts_schedule_with_warmup

        theirs = get_cosine_with_hard_restarts_schedule_with_warmup(optimizer, 0, 20, num_cycles=2)
    for step in range(20):
        assert learning_rate(recipe, step) == pytest.approx(theirs.get_last_lr()[0], abs=1e-9)
        optimizer.step()
        theirs.step()


def test_only_constant_has_no_warm_up():
    rates = {
        name: learning_rate(TrainRecipe(lr_scheduler=name, lr_warmup_steps=10, learning_rate=1.0, steps=1000), 0)
        for name in ("constant", "constant_with_warmup", "linear", "cosine", "cosine_with_restarts")
    }
    assert rates.pop("constant") == 1.0
    assert set(rates.values()) == {0.1}
