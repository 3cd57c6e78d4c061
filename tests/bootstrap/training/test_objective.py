"""Objectives: what a base predicts, checked against closed forms and against diffusers' own schedulers."""

import pytest
import torch

from bootstrap.training.objective import Epsilon, RectifiedFlow, Velocity
from bootstrap.training.recipe import TrainRecipe
from bootstrap.training.train_lora import train_lora

SIGNAL = torch.tensor([0.99, 0.5, 0.0])
EVERY = torch.arange(3)
OBJECTIVES = [Epsilon(SIGNAL), Velocity(SIGNAL), RectifiedFlow()]


def pictures():
    return torch.randn(3, 2, 4, 4), torch.randn(3, 2, 4, 4)


def test_velocity_and_noise_give_back_the_latents():
    latents, noise = pictures()
    noised, velocity = Velocity(SIGNAL).noised(latents, noise, EVERY)
    a = SIGNAL.view(-1, 1, 1, 1)
    assert torch.allclose(a.sqrt() * noised - (1 - a).sqrt() * velocity, latents, atol=1e-5)
    again, target = Epsilon(SIGNAL).noised(latents, noise, EVERY)
    assert target is noise
    assert torch.equal(again, noised)


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
def test_noise_and_targets_are_those_of_diffusers(kind):
    from diffusers import DDPMScheduler

    scheduler = DDPMScheduler(num_train_timesteps=50, prediction_type=kind)
    objective = {"epsilon": Epsilon, "v_prediction": Velocity}[kind](scheduler.alphas_cumprod)
    assert objective.name == kind
    (latents, noise), times = pictures(), torch.tensor([0, 20, 49])
    noised, target = objective.noised(latents, noise, times)
    assert torch.allclose(noised, scheduler.add_noise(latents, noise, times), atol=1e-6)
    wanted = noise if kind == "epsilon" else scheduler.get_velocity(latents, noise, times)
    assert torch.allclose(target, wanted, atol=1e-6)


def test_a_flow_runs_from_latents_to_noise_along_its_target():
    (latents, noise), flow = pictures(), RectifiedFlow()
    times = torch.tensor([0.0, 0.25, 1.0])
    noised, target = flow.noised(latents, noise, times)
    assert torch.equal(target, noise - latents)
    assert torch.equal(noised[0], latents[0])
    assert torch.equal(noised[2], noise[2])
    share = times.view(-1, 1, 1, 1)
    assert torch.allclose(noised - share * target, latents, atol=1e-6)
    assert torch.equal(flow.weight(times, 5.0), torch.ones(3))


def test_a_flow_is_noised_as_diffusers_does_it():
    from diffusers import FlowMatchEulerDiscreteScheduler

    scheduler, flow = FlowMatchEulerDiscreteScheduler(), RectifiedFlow()
    (latents, noise), timesteps = pictures(), scheduler.timesteps[[900, 500, 3]]
    noised, target = flow.noised(latents, noise, timesteps / flow.time_scale)
    assert torch.allclose(noised, scheduler.scale_noise(latents, timesteps, noise), atol=1e-5)
    scheduler.set_timesteps(4)
    sigma, after = scheduler.sigmas[1:3]
    between = (1 - sigma) * latents + sigma * noise
    stepped = scheduler.step(target, scheduler.timesteps[1], between).prev_sample
    assert torch.allclose(stepped, (1 - after) * latents + after * noise, atol=1e-5)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda one: one.name)
def test_times_are_a_function_of_the_generator_alone(objective):
    first, again = (objective.times(500, torch.Generator().manual_seed(4)) for _ in range(2))
    assert torch.equal(first, again)
    scaled = first * objective.time_scale
    assert scaled.min() >= 0
    assert scaled.max() <= (1000 if objective.name == "flow" else len(SIGNAL) - 1)
    assert objective.name == "flow" or first.dtype == torch.long


@pytest.mark.parametrize("objective", OBJECTIVES[:2], ids=lambda one: one.name)
def test_min_snr_is_finite_at_zero_terminal_snr_and_caps(objective):
    weights = objective.weight(EVERY, 5.0)
    assert torch.isfinite(weights).all()
    assert weights[0] < weights[1]
    assert torch.equal(objective.weight(EVERY, None), torch.ones(3))


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda one: one.name)
def test_every_objective_trains(objective, make_inputs, four, tmp_path):
    recipe = TrainRecipe(steps=40, batch_size=4, learning_rate=0.02, lr_scheduler="constant", random_seed=7)
    inputs = make_inputs(objective=objective)
    before = inputs.weights[0].detach().clone()
    outcome = train_lora(inputs, four, recipe, tmp_path, lambda event: None)
    assert outcome.steps == 40
    assert torch.isfinite(torch.tensor(outcome.final_loss))
    assert not torch.equal(inputs.weights[0], before)
