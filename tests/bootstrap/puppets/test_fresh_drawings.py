"""A training draws while it trains: shards, the processes that draw them, and the pool that they go into."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from bootstrap.errors import BackendError
from bootstrap.puppets import scene, shipped
from bootstrap.puppets.train import data, individuals, judge_pictures, twins
from bootstrap.puppets.train.base_folder import read_base
from bootstrap.puppets.train.caption_sampling import visible_tags
from bootstrap.puppets.train.drawing_stream import AHEAD, DrawingStream
from bootstrap.puppets.train.fresh_drawings import (
    CAPTIONS,
    FIRST_NUMBER,
    GROUP,
    NAMING,
    FreshShard,
    ShardPlan,
    captions_of,
    draw_shard,
    group_specs,
    read_shard,
    write_shard,
)
from bootstrap.puppets.train.latent_pool import LatentPool
from bootstrap.puppets.train.train_base import spelling
from bootstrap.puppets.train.train_text import CONTEXT, tokens
from tests.benchmarks.puppetbench.settings import CHARACTERS

MOST_PUPPETS = 20_000_000
"""More than any set will ever have."""


@pytest.fixture(scope="module")
def tokenizer():
    return read_base(shipped.base_dir()).tokenizer


@pytest.fixture
def plan(tokenizer, tmp_path: Path) -> ShardPlan:
    return ShardPlan(tmp_path, spelling(tokenizer), groups=1)


def taken(stream: DrawingStream, count: int) -> Iterator[FreshShard]:
    return (stream.wait() for _ in range(count))


def test_no_other_set_and_no_benchmark_has_a_puppet_of_the_stream():
    sets = {**data.FIRST_NUMBER, **individuals.FIRST_NUMBER, **judge_pictures.FIRST_NUMBER}
    lasts = [twins.twins_of(first + MOST_PUPPETS)[-1].number for first in sets.values()]
    assert max(*lasts, *CHARACTERS, *(twins.twins_of(one)[-1].number for one in CHARACTERS)) < FIRST_NUMBER
    assert group_specs(0)[0][0].number == FIRST_NUMBER


def test_a_shard_is_a_function_of_its_number_and_groups_show_one_puppet(plan):
    first, again, other = draw_shard(5, plan), draw_shard(5, plan), draw_shard(6, plan)
    assert all((getattr(first, part) == getattr(again, part)).all() for part in ("images", "ids", "framing"))
    assert (first.images != other.images).any()
    assert first.ids.shape == (GROUP, CAPTIONS, CONTEXT)
    specs = group_specs(5)
    assert {puppet.number for puppet, _ in specs} == {FIRST_NUMBER + 5}
    assert [scene.ALL_FRAMINGS[index] for index in first.framing] == [shot.framing for _, shot in specs]


def test_half_of_the_groups_begin_like_a_seed():
    firsts = [group_specs(group)[0][1] for group in range(60)]
    wanted = ("front", "cel shading", "simple background", 0)
    like = [(shot.view_family, shot.style, shot.background, shot.outfit) == wanted for shot in firsts]
    assert 20 <= sum(like) <= 42


def test_captions_are_tokenised_as_the_pipeline_does_and_half_leave_her_out(plan, tokenizer):
    puppet, shot = group_specs(9)[0]
    captions = captions_of(visible_tags(puppet, shot), np.random.default_rng(0))
    color = f"{puppet.named.hair_color} hair"
    assert any(color in caption for caption in captions[:NAMING])
    assert not any(color in caption for caption in captions[NAMING:])
    ours = [one.ids for one in Tokenizer.from_str(plan.tokenizer).encode_batch([*captions, "blue hair, " * 60])]
    assert ours == tokens(tokenizer, [*captions, "blue hair, " * 60]).tolist()


def test_a_damaged_shard_is_drawn_again(plan):
    whole = write_shard(0, plan)
    plan.path(0).write_bytes(plan.path(0).read_bytes()[:-500])
    assert (read_shard(0, plan).images == whole.images).all()
    assert (read_shard(0, plan).ids == whole.ids).all()


def test_a_stream_goes_on_where_it_was_whatever_draws_and_keeps_a_bounded_number(plan):
    with DrawingStream(plan, workers=0, keep=2) as stream:
        first = [shard.images for shard in taken(stream, 4)]
    assert plan.numbers() == [2, 3]
    with DrawingStream(plan, workers=1, keep=2) as stream:
        assert stream.position == 2
        again = [shard.images for shard in taken(stream, 3)]
        assert len(plan.numbers()) <= 2 + AHEAD
        assert plan.numbers()[0] == 3
    assert all((one == other).all() for one, other in zip(first[2:], again, strict=False))
    assert (again[2] == draw_shard(4, plan).images).all()


def test_a_gap_at_the_beginning_is_no_shard_that_was_dropped(plan):
    write_shard(1, plan)
    assert DrawingStream(plan, workers=0, keep=8).position == 0


def test_processes_that_draw_end_with_a_killed_training(plan):
    code = (
        "import sys; from pathlib import Path; from bootstrap.puppets.train.drawing_stream import *\n"
        "if __name__ == '__main__':\n"
        "    with DrawingStream(ShardPlan(Path(sys.argv[1]), sys.stdin.read(), 1), 1, 1) as stream:\n"
        "        stream.wait(); print('drawn', flush=True)\n"
        "        while True: stream.wait()\n"
    )
    script = plan.folder / "training.py"
    script.write_text(code, encoding="utf-8")
    training = subprocess.Popen(
        [sys.executable, script, plan.folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )  # fmt: skip
    assert training.stdin is not None
    assert training.stdout is not None
    training.stdin.write(plan.tokenizer)
    training.stdin.close()
    training.stdin = None
    assert training.stdout.readline() == "drawn\n"
    training.kill()
    assert training.communicate(timeout=60)[0] == ""  # the output ends when the last process that holds it has ended


def test_a_process_that_ends_is_said(tmp_path: Path):
    with (
        DrawingStream(ShardPlan(tmp_path, "no tokenizer", groups=1), workers=1, keep=1) as stream,
        pytest.raises(BackendError, match="exit code 1"),
    ):
        stream.wait()


def test_a_full_pool_replaces_the_oldest_shard(plan):
    def brightness(images: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(images[:, :1, :1, 0] * 1.0)[:, None]

    pool = LatentPool(2, brightness, torch.device("cpu"))
    for shade in (10, 20, 30):
        ids = np.full((4, CAPTIONS, 3), shade, np.int16)
        pool.add(FreshShard(np.full((4, 1, 1, 3), shade, np.uint8), ids, np.zeros(4, np.int8)))
    assert len(pool) == 8
    drawn = pool.sample(64, np.random.default_rng(0))
    assert set(drawn.latents.flatten().tolist()) == {20, 30}
    assert (drawn.ids[:, 0, 0] == drawn.latents[:, 0, 0, 0]).all()
