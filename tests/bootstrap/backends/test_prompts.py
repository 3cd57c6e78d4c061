import numpy as np
import pytest
import torch

from bootstrap.backends.diffusers import DiffusersBackend
from bootstrap.backends.prompts import CACHED
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.records import Job, JobKind, Shot

SETTINGS = SamplingSettings(steps=2, guidance_scale=2.0, batch_size=4, width=32, height=32, dtype="float32")
SHOT = Shot(
    "front",
    "front",
    "portrait",
    {"expression": "smile", "pose": "standing", "outfit": "default", "background": "forest", "style": "cel shading"},
)
TAGS = "red hair, fox ears, green eyes, fair skin, smile, standing, forest, cel shading"
LONG = ", ".join([TAGS] * 6)


@pytest.fixture(scope="module")
def backend(tiny):
    return DiffusersBackend(tiny, SETTINGS, device="cpu")


@pytest.fixture
def prompts(backend):
    backend.base.prompts.clear()
    return backend.base.prompts


def drawn(backend, *prompts_and_negatives):
    jobs = [Job(f"j{n}", JobKind.CANDIDATE, 1, 1, SHOT, *pair, 7, {}) for n, pair in enumerate(prompts_and_negatives)]
    return [np.asarray(image).astype(int) for batch in backend.draw(jobs, None) for _, image in batch]


def words_of(prompts, text):
    made = prompts.tokenizer
    special = {made.bos_token_id, made.eos_token_id, made.pad_token_id}
    return [token for token in prompts.chunks(text).flatten().tolist() if token not in special]


def test_a_short_prompt_is_what_the_tokenizer_says(prompts):
    made = prompts.tokenizer
    theirs = made(TAGS, padding="max_length", truncation=True, return_tensors="pt").input_ids
    assert torch.equal(prompts.chunks(TAGS), theirs)


def test_a_long_prompt_loses_no_word_and_is_cut_at_commas(prompts):
    chunks, made = prompts.chunks(LONG), prompts.tokenizer
    assert len(chunks) > 1
    assert chunks.shape[1] == made.model_max_length
    assert words_of(prompts, LONG) == made(LONG, add_special_tokens=False, verbose=False).input_ids
    comma = made(",", add_special_tokens=False).input_ids[-1]
    for chunk in chunks[:-1].tolist():
        assert chunk[chunk.index(made.eos_token_id) - 1] == comma


def test_one_endless_tag_is_cut_where_it_must_be(prompts):
    endless = "z" * 300
    assert words_of(prompts, endless) == prompts.tokenizer(endless, add_special_tokens=False, verbose=False).input_ids


def test_brackets_escaped_for_user_interfaces_are_brackets(prompts):
    assert torch.equal(prompts.chunks(r"saber \(fate\)"), prompts.chunks("saber (fate)"))


def test_words_beyond_the_limit_change_the_picture(backend):
    plain, more = drawn(backend, (LONG, "")), drawn(backend, (f"{LONG}, blue hair", ""))
    assert (plain[0] != more[0]).any()


def test_a_short_prompt_beside_a_long_one_is_drawn_as_if_alone(backend):
    (alone,) = drawn(backend, (TAGS, ""))
    beside, long = drawn(backend, (TAGS, ""), (LONG, ""))
    assert abs(alone - beside).max() <= 1
    assert abs(alone - long).max() > 1


def test_gradients_reach_the_encoder_and_the_states_are_the_same(prompts):
    plain, live = prompts.encode([TAGS, LONG]), prompts.encode_with_gradients([TAGS, LONG])
    assert torch.allclose(plain.states, live.states, atol=1e-5)
    assert torch.equal(plain.mask, live.mask)
    chunks, limit = prompts.chunks(LONG).shape
    assert plain.mask.sum(1).tolist() == [limit, limit * chunks]


def test_prompts_are_encoded_once_and_only_so_many_are_kept(prompts):
    calls = []
    hook = prompts.encoder.register_forward_hook(lambda *seen: calls.append(1))
    for n in [*range(CACHED + 10), CACHED, CACHED + 9]:
        prompts.encode([str(n)])
    assert len(calls) == CACHED + 10
    prompts.encode(["10"])  # the oldest that is kept
    assert len(calls) == CACHED + 10
    prompts.encode(["9"])  # dropped before
    assert len(calls) == CACHED + 11
    hook.remove()
    prompts.clear()


def test_preloaded_prompts_stay_when_others_come(prompts):
    calls = []
    prompts.preload(["red hair", "blue hair"])
    hook = prompts.encoder.register_forward_hook(lambda *seen: calls.append(1))
    for n in range(CACHED):
        prompts.encode([str(n)])
    prompts.encode(["red hair", "blue hair"])
    assert len(calls) == CACHED
    hook.remove()
    prompts.clear()
