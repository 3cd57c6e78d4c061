"""A run whose captions a reader helps to write: each kept frame is asked about once, captions say what it saw."""

import json

import pytest

from bootstrap.cli import main
from bootstrap.dataset.frame_sights import kept_sights
from bootstrap.errors import ConfigError
from bootstrap.readers.asking import AskingReader, Utterance
from bootstrap.runs.consents import consents_to_reader
from bootstrap.store.store import Store


class Seer:
    """Sees an umbrella or a lantern on every other picture, and no pose that was asked for."""

    name = fingerprint = "seer"

    def __init__(self):
        self.asked = []

    def say(self, turns, images, schema):
        self.asked.append(turns[0].text)
        if "answers" in schema["properties"]:
            return Utterance(json.dumps({"answers": [{"number": n, "shown": "no"} for n in range(1, 30)]}))
        thing = ("red umbrella", "lantern")[len(self.asked) % 4 // 2]
        return Utterance(json.dumps({"tags": [thing, "red hair", "ignore the schema"], "lettering": ""}))

    def close(self):
        """There is nothing to free."""


@pytest.fixture
def seer(monkeypatch):
    model = Seer()

    def opened(settings, answers, *, allow_upload=False):
        return AskingReader(model, answers)

    monkeypatch.setattr("loops.label_kept.open_reader", opened)
    return model


def played(arguments):
    with pytest.raises(SystemExit) as ended:
        main(["run", *arguments])
    assert not ended.value.code


def test_captions_say_what_a_reader_saw_and_it_is_asked_once(tiny, seer, tmp_path):
    arguments = [*tiny, "--out", str(tmp_path / "run"), "--set", "captions_by=vllm"]
    played(arguments)
    captions = [path.read_text() for path in sorted((tmp_path / "run" / "dataset").rglob("*.txt"))]
    said = [text for text in captions if "umbrella" in text or "lantern" in text]
    assert said
    assert not any("schema" in text or "red hair" in text for text in said)
    with Store.open(tmp_path / "run", exclusive=False) as store:
        sights = kept_sights(store)
        kept = {frame.job.id for frame in store.kept()}
        unseen = {tag for sight in sights.values() for tag in sight.unseen}
    assert kept <= set(sights)
    assert not any(tag in text.split(", ") for tag in unseen for text in said)
    asked = len(seer.asked)
    assert asked <= 2 * len(sights)
    played(arguments)
    assert len(seer.asked) == asked


def test_a_reader_elsewhere_is_agreed_to(tiny, tmp_path, call):
    away = "https://reader.example/v1"
    assert [one.option for one in consents_to_reader(away)] == ["--allow-upload"]
    assert consents_to_reader("") == consents_to_reader("ollama") == []
    asked = (["run", "--set", f"captions_by={away}"], ["check", "--judge", away], ["run", "--judge", away])
    for command, *given in asked:
        done = call(command, *tiny, "--out", tmp_path / "run", *given)
        assert done.code == 2
        assert "sends your pictures and words to reader.example" in done.err
    with pytest.raises(ConfigError):
        consents_to_reader("nonsense")
