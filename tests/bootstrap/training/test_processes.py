"""Several processes that train one LoRA share the passes of each step: the weights are those of one process."""

import socket

import pytest
import torch
from torch.multiprocessing import get_context

from bootstrap.training.processes import ALONE, Meeting, joined_processes
from bootstrap.training.recipe import TrainRecipe
from bootstrap.training.train_lora import train_lora

RECIPE = TrainRecipe(steps=12, batch_size=1, gradient_accumulation_steps=2, learning_rate=0.01, rank=1)


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def trained(make_inputs, four, workdir, processes):
    inputs = make_inputs()
    outcome = train_lora(inputs, four, RECIPE, workdir, lambda event: None, processes=processes)
    return [weight.detach().numpy().tolist() for weight in (*inputs.weights, *inputs.text_weights)], outcome.final_loss


def second(make_inputs, four, workdir, port, found):
    with joined_processes(Meeting(1, 2, "127.0.0.1", port)) as processes:
        found.put(trained(make_inputs, four, workdir, processes))


@pytest.mark.filterwarnings("ignore")
def test_two_processes_train_what_one_trains(make_inputs, four, tmp_path):
    for name in ("alone", "first", "second"):
        (tmp_path / name).mkdir()
    weights, loss = trained(make_inputs, four, tmp_path / "alone", ALONE)
    port, fork = free_port(), get_context("fork")
    found = fork.SimpleQueue()
    other = fork.Process(target=second, args=(make_inputs, four, tmp_path / "second", port, found))
    other.start()
    with joined_processes(Meeting(0, 2, "127.0.0.1", port)) as processes:
        first = trained(make_inputs, four, tmp_path / "first", processes)
    assert first == found.get()
    other.join()
    for mine, alone in zip(first[0], weights, strict=True):
        assert torch.allclose(torch.tensor(mine), torch.tensor(alone), atol=1e-4)
    assert first[1] == pytest.approx(loss, abs=1e-4)
    assert not torch.distributed.is_initialized()


def test_every_pass_of_a_step_belongs_to_one_process():
    from bootstrap.training.processes import Processes

    parts = [[one.mine(part) for one in (Processes(0, 3), Processes(1, 3), Processes(2, 3))] for part in range(7)]
    assert all(sum(part) == 1 for part in parts)
