"""A reader behind a server: what is sent, which form of answer it knows, what goes wrong, where pictures may go."""

import base64
import io

import pytest
from PIL import Image

from bootstrap.errors import BackendError, ConfigError
from bootstrap.readers.kept_answers import AnswersInFolder
from bootstrap.readers.open_reader import open_reader
from bootstrap.readers.reader_settings import CHOSEN, chosen_reader, reader_named

pytest.importorskip("openai")
KEY = "sk-very-secret-0123456789"


@pytest.fixture
def opened(server):
    """A reader of the server, by its address alone."""
    with open_reader(reader_named(server.address), None) as reader:
        yield reader


def test_pictures_instruction_and_schema_are_sent_and_the_only_model_is_taken(opened, server, question, monkeypatch):
    server.answers = ['{"color": "red"}']
    reply = opened.ask(question)
    assert (reply.value["color"], reply.asked) == ("red", 1)
    assert reply.model == f"{server.address.removeprefix('http://').removesuffix('/v1')} (seer)"
    headers, body = server.requests[0]
    picture, text = body["messages"][0]["content"]
    data = base64.b64decode(picture["image_url"]["url"].removeprefix("data:image/png;base64,"))
    assert Image.open(io.BytesIO(data)).size == (24, 16)
    assert "Which colour" in text["text"]
    assert body["response_format"]["json_schema"]["schema"]["required"] == ["color", "parts"]
    assert (body["model"], body["temperature"]) == ("seer", 0)
    assert headers["Authorization"] == "Bearer none"


def test_a_server_that_knows_no_schema_is_asked_more_simply(opened, server, question):
    def by_format(body):
        return 400 if "response_format" in body else '{"color": "red"}'

    server.answers = [by_format]
    assert opened.ask(question).value["color"] == "red"
    kinds = [body.get("response_format", {}).get("type") for _, body in server.requests]
    assert kinds == ["json_schema", "json_object", None]
    opened.ask(question)
    assert len(server.requests) == 4, "what it does not know is not tried twice"


REFUSALS = [
    ([401], "asks for a key; there is none in READER_API_KEY"),
    ([400], 'refuses model "seer": state 400, …'),
    ([307], "sends to another address"),
    ([500], "answers with state 500"),
    (["drop"], "cannot be reached"),
    ([{"object": "error"}], "sent no answer of a chat"),
]


@pytest.mark.parametrize(("answers", "said"), REFUSALS)
def test_what_a_server_cannot_do_is_one_line(opened, server, question, answers, said):
    server.answers = answers
    with pytest.raises(BackendError, match=said) as error:
        opened.ask(question)
    assert "\n" not in str(error.value)


def test_a_busy_server_is_asked_again_and_a_filter_is_a_refusal(opened, server, question):
    filtered = {"choices": [{"index": 0, "finish_reason": "content_filter", "message": {"content": None}}]}
    server.answers = [429, "drop", '{"color": "red"}', filtered]
    assert opened.ask(question).value["color"] == "red"
    assert opened.ask(question).refused.endswith("refuses to answer: its content filter")


def test_the_key_comes_from_its_own_variable_and_is_never_told(server, question, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-service")
    monkeypatch.setenv("READER_API_KEY", KEY)
    server.answers = ['{"color": "red"}', 401]
    with open_reader(reader_named(server.address), None) as reader:
        assert reader.ask(question).value
        assert server.requests[0][0]["Authorization"] == f"Bearer {KEY}"
        with pytest.raises(BackendError) as error:
            reader.ask(question)
    assert KEY not in str(error.value)


def test_pictures_leave_this_machine_only_when_somebody_agreed(server, question, tmp_path):
    away = reader_named("https://reader.example/v1", "seer")
    with pytest.raises(
        ConfigError, match=r"sends your pictures and words to reader\.example; agree with --allow-upload"
    ):
        open_reader(away, None)
    open_reader(away, None, allow_upload=True).close()
    assert reader_named("http://127.0.0.1:11434/v1", "seer").away == ""
    assert "cloud" in reader_named("http://localhost:11434/v1", "qwen3-vl:235b-cloud").away
    for wrong in ("https://u:p@host/v1", "https://host/v1?key=1", "ftp://host"):
        with pytest.raises(ConfigError):
            reader_named(wrong)


def test_a_server_that_is_gone_is_one_line_and_kept_answers_need_none(server, question, tmp_path):
    answers = AnswersInFolder(tmp_path / "answers")
    server.answers = ['{"color": "red"}']
    settings = reader_named(server.address, "seer")
    with open_reader(settings, answers) as reader:
        first = reader.ask(question)
    server.close()
    with open_reader(settings, answers) as reader:
        assert reader.ask(question) == first
    with pytest.raises(BackendError, match="cannot be reached; start it, or give another with --reader"):
        open_reader(reader_named(server.address), None)


def test_several_models_must_be_told_apart(server):
    server.models = ["seer", "writer"]
    with pytest.raises(BackendError, match="has these models: seer, writer; name one that reads pictures with --model"):
        open_reader(reader_named(server.address), None)


def test_the_environment_names_a_reader(monkeypatch):
    assert chosen_reader(None) is None
    monkeypatch.setenv(CHOSEN, "http://localhost:1/v1")
    assert chosen_reader(None).url == "http://localhost:1/v1"
    assert chosen_reader("none") is None
    with pytest.raises(ConfigError, match='--reader "olama"'):
        chosen_reader("olama")
