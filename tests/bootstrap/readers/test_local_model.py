"""Models of the real classes with random weights: loaded when first asked, told of mistakes, freed."""

import pytest

from bootstrap.errors import BackendError
from bootstrap.readers.asking import Turn
from bootstrap.readers.kept_answers import AnswersInFolder
from bootstrap.readers.local_model import LocalModel
from bootstrap.readers.open_reader import open_reader
from bootstrap.readers.reader_settings import reader_named
from tests.tiny_readers import build_gemma_reader, build_qwen_reader, build_smol_reader


def tiny(folder):
    """The settings of a reader that says eight tokens."""
    return reader_named(str(folder)).model_copy(update={"most_tokens": 8, "device": "cpu"})


@pytest.mark.parametrize("build", [build_qwen_reader, build_smol_reader], ids=["qwen", "smol"])
def test_a_model_of_each_class_continues_a_conversation_about_pictures(build, tmp_path, question):
    model = LocalModel(tiny(build(tmp_path)))
    turns = [Turn("user", "red? <image> <|image_pad|> <image_soft_token>"), Turn("assistant", "{"), Turn("user", "?")]
    assert isinstance(model.say(turns, question.pictures, {}).text, str)
    model.close()
    model.close()


def test_random_weights_are_asked_three_times_and_given_up(tmp_path, question):
    with open_reader(tiny(build_gemma_reader(tmp_path)), None) as reader:
        reply = reader.ask(question)
    assert (reply.value, reply.asked) == (None, 3)
    assert "did not answer by the schema" in reply.refused


def test_four_bits_are_loaded_where_they_are_asked_for(tmp_path, question):
    pytest.importorskip("bitsandbytes")
    settings = tiny(build_gemma_reader(tmp_path, width=128))
    model = LocalModel(settings.model_copy(update={"bits": "4bit"}))
    assert model.fingerprint != LocalModel(settings).fingerprint
    assert isinstance(model.say([Turn("user", "red?")], question.pictures, {}).text, str)
    model.close()


def test_a_model_that_is_not_there_is_one_line(tmp_path, question):
    for name, said in (("nobody/no-such-model", "is not on this machine; hf download nobody/no-such-model"),
                       (str(tmp_path), "give the folder of a whole model")):  # fmt: skip
        with pytest.raises(BackendError, match=said):
            open_reader(reader_named(name), None)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(BackendError, match="it reads no pictures"):
        open_reader(reader_named(str(tmp_path)), None)
    (tmp_path / "processor_config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"0" * 9)
    with open_reader(reader_named(str(tmp_path)), None) as reader, pytest.raises(BackendError, match="does not load"):
        reader.ask(question)


def test_a_model_is_loaded_by_the_first_question_without_a_kept_answer(tmp_path, question, monkeypatch):
    settings, answers = tiny(build_gemma_reader(tmp_path / "model")), AnswersInFolder(tmp_path / "answers")
    answers.final = True
    with open_reader(settings, answers) as reader:
        first = reader.ask(question)
    monkeypatch.setattr(
        "transformers.AutoModelForImageTextToText.from_pretrained", lambda *a, **b: pytest.fail("loaded")
    )
    with open_reader(settings, answers) as reader:
        assert reader.ask(question) == first
