"""Tags that a person types, wherever that is: a kaomoji with a comma stays whole."""

import pytest
from PIL import Image

from bootstrap.captions import Wording
from bootstrap.captions.vocabulary import unknown_words
from bootstrap.character import Character
from bootstrap.cli.audit import AuditOptions, audit_command
from bootstrap.compare.trial_shots import trials_for
from bootstrap.config import load
from bootstrap.errors import ConfigError
from bootstrap.lora.metadata import dataset_entries

FACE = "(,_,)"
MIKA = {"name": "Mika", "trigger": "mikachr", "invariant": {"hair": "red hair"}, "expressions": [f"smile, {FACE}"]}


def settings(*overrides):
    return load("puppet", backend="fake", overrides=overrides)


def test_in_settings():
    config = settings(f'base.negative="blurry, {FACE}"', f'base.quality="best, {FACE}"')
    wording = Wording.of(Character.model_validate(MIKA), config)
    assert wording.negative(config.base.negative) == f"blurry, {FACE}"
    assert wording.quality == ("best", FACE)


@pytest.mark.parametrize("value", ["best, #1", "#1"])
def test_what_would_be_a_comment_of_a_setting_is_not_lost(value):
    with pytest.raises(ConfigError, match="put texts with signs into quotes"):
        settings(f"base.quality={value}")
    assert settings(f'base.quality="{value}"').base.quality == value


def test_in_character_json():
    mika = Character.model_validate(MIKA)
    assert unknown_words(mika, Wording.of(mika, settings()).vocabulary)["expressions"][-1] == FACE


def test_in_the_options_of_compare():
    trials = trials_for(Character.model_validate(MIKA), settings(), outfit=f"red hat, {FACE}")
    assert list(trials.character.wardrobe.values())[-1].tags == ("red hat", FACE)


def test_in_the_options_of_audit(tmp_path, capsys):
    for number in range(4):
        Image.effect_noise((64, 64), 80).save(tmp_path / f"{number}.png")
        (tmp_path / f"{number}.txt").write_text(f"mikachr, {FACE}, tag {number}")
    audit_command(tmp_path, AuditOptions("mikachr", intended=[f"best, {FACE}"]), as_json=False)
    assert f'"{FACE}"' not in capsys.readouterr().out


def test_in_the_counts_of_a_lora():
    entries = dataset_entries({"10_mikachr": [f"mikachr, {FACE}"]}, 1, 10)
    assert entries["ss_tag_frequency"] == f'{{"10_mikachr": {{"mikachr": 1, "{FACE}": 1}}}}'
