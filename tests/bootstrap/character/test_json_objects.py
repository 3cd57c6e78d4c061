"""What a file with a JSON object may look like: a language model's answer is read, what is ambiguous is one line."""

import json

import pytest

from bootstrap.character import load_character
from bootstrap.errors import CharacterError

MIKA = {"name": "Mika", "trigger": "mikachr", "invariant": {"hair": "red hair"}}
TEXT = json.dumps(MIKA, indent=1)
OUTFIT = ', "outfits": {"default": {"tags": "red dress"}}}'
READ = {
    "a fence": f"```json\n{TEXT}\n```\n",
    "a fence without a language": f"```\n{TEXT}\n```",
    "words around it": f"Sure! Here is {{your}} JSON:\n\n{TEXT}\n\nShall I change {{hair}}?",
    "a comment above it": f"// mine\n{TEXT}",
    "UTF-16": TEXT,
}
REFUSED = {
    "two objects": (f"first:\n{TEXT}\nor:\n{TEXT}", "two JSON objects, in lines 2 and 10"),
    "a draft and an answer": (f'{{"draft": 1}} {TEXT}', "two JSON objects"),
    "a brace too many": (TEXT + OUTFIT, "not valid JSON"),
    "no first brace": (TEXT[1:], "not valid JSON"),
    "a list with a mistake": (f"[{TEXT} {TEXT}]", "not valid JSON"),
    "a missing comma": (TEXT.replace(",", "", 1), "character.json:3: not valid JSON"),
    "no object at all": ("I cannot help with that.", "not valid JSON"),
    "5,000 digits": ('{"name": ' + "9" * 5000 + "}", "not valid JSON (Exceeds the limit (4300 digits)"),
    "no bottom": ('{"a":' * 100_000, "nested too deeply"),
    "deep and whole": ('{"name":' * 3000 + "1" + "}" * 3000, "nested too deeply"),
    "a key twice": (TEXT.replace('"name"', '"trigger": "m",\n "name"'), '"trigger" is written twice, in lines 2 and 4'),
    "a key twice, in words": ('So: {"name": "A", "name": "B"}', '"name" is written twice'),
}


@pytest.mark.parametrize("kind", READ)
def test_the_object_in_an_answer_is_read(tmp_path, kind):
    path = tmp_path / "character.json"
    path.write_text(READ[kind], encoding="utf-16" if kind == "UTF-16" else "utf-8")
    character = load_character(path)
    assert (character.name, character.identity) == ("Mika", ("red hair",))
    assert len(character.notes) == (kind != "UTF-16")


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_ambiguous_or_broken_is_one_line(tmp_path, kind):
    text, reason = REFUSED[kind]
    path = tmp_path / "character.json"
    path.write_text(text)
    with pytest.raises(CharacterError) as refused:
        load_character(path)
    assert reason in refused.value.message
    assert "\n" not in refused.value.message
