"""Tokens are counted as CLIP's own tokenizer counts them, and what is too long is told where captions are looked at."""

import json

import pytest
from PIL import Image

from bootstrap.captions.clip_tokens import clip_tokens, too_long
from bootstrap.config import load
from bootstrap.export.card import card
from bootstrap.export.card_use import ReleaseFiles
from tests.test_practices import RUBY, Adapter

LONG = ", ".join(f"aqua sweater {n}" for n in range(20))


@pytest.mark.parametrize(
    "text",
    ["", "mikachr, 1girl, solo, blue hair", "a girl's  café, über 2024 (x:1.2)", "★ 日本語\n\tDON'T"],
)
def test_the_count_is_that_of_clips_tokenizer(text):
    from bootstrap.backends.tokenizer import clip_tokenizer

    assert clip_tokens(text) == len(clip_tokenizer()(text, add_special_tokens=False).input_ids)


def test_only_what_is_longer_than_a_chunk_is_told():
    assert clip_tokens("word " * 75) == 75
    assert too_long(["word " * 75, "a"], "captions") == ""
    assert too_long(["word " * 76, "a"], "captions") == "1 of 2 captions have more than 75 tokens of CLIP (at most 76)"
    assert "1 of them more than 225" in too_long(["word " * 226, "word " * 80], "captions")


def test_audit_names_the_captions_that_trainers_cut(call, tmp_path):
    for name, words in (("a", "smile"), ("b", LONG), ("c", f"{LONG}, {LONG}, {LONG}")):
        Image.effect_noise((64, 64), 50).save(tmp_path / f"{name}.png")
        (tmp_path / f"{name}.txt").write_text(f"mikachr, {words}")
    found = json.loads(call("audit", tmp_path, "--trigger", "mikachr", "--json").out)["findings"]
    told = {one["kind"]: one for one in found if one["kind"].startswith("tokens")}
    assert told["tokens"]["files"] == ["b.png"]
    assert told["tokens lost"]["files"] == ["c.png"]
    assert "--max_token_length 225" in told["tokens"]["hint"]
    assert all(one["severity"] == "warning" for one in told.values())


def test_the_card_says_where_prompt_and_captions_are_cut():
    facts = {"seeds": 1, "provisional": 0, "kept": 48, "rounds": [], "view_families": {}}
    style = Adapter("r01-style", "style", 1, "a", "0" * 64, 800, 0.1)
    wordy = RUBY.model_copy(update={"quality": tuple(f"very aqua sweater {n}" for n in range(20))})
    for base, said in (("sdxl", True), ("puppet", False)):
        text = card(wordy, load(base), style, {}, facts, ReleaseFiles("a", "b"), "sdxl", [LONG, "smile"])
        assert ("The prompt above has " in text) == said
        assert ("Here 1 of 2 captions that it was trained on have more than 75 tokens" in text) == said
    assert "tokens of CLIP" not in card(RUBY, load("sdxl"), style, {}, facts, ReleaseFiles("a", "b"), "sdxl")


def test_check_says_how_long_the_prompts_are(call, tmp_path, monkeypatch, header_file):
    from bootstrap.cli import check_tokens

    seed = tmp_path / "seed.png"
    Image.effect_noise((64, 64), 50).convert("RGB").save(seed)
    about = RUBY.model_dump(mode="json") | {"seeds": [], "quality": [f"very aqua sweater {n}" for n in range(20)]}
    (tmp_path / "character.json").write_text(json.dumps(about))
    checkpoint = header_file(tmp_path / "illustrious.safetensors")
    said = call("check", seed, tmp_path / "character.json", "--base", checkpoint).out
    assert "\ntokens     prompts with every trait have " in said
    assert "note: 48 of 48 prompts have more than 75 tokens of CLIP" in said
    assert check_tokens.CHUNK == 75
    assert "tokens" not in call("check", seed, tmp_path / "character.json", "--base", "puppet").out
