"""A model that says what a test wrote, a server that speaks OpenAI's protocol, and a question."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from bootstrap.readers import Question
from bootstrap.readers.asking import Utterance


class Hair(BaseModel):
    """What the questions of these tests ask for."""

    model_config = ConfigDict(extra="forbid")
    color: str = Field(max_length=20)
    parts: list[str] = []


class Told:
    """A model that says one text after the other, the last again and again."""

    name = fingerprint = "told"

    def __init__(self, *texts):
        self.texts, self.turns, self.closed = list(texts), [], 0

    def say(self, turns, images, schema):
        self.turns.append([turn.text for turn in turns])
        said = self.texts.pop(0) if len(self.texts) > 1 else self.texts[0]
        return said if isinstance(said, Utterance) else Utterance(said)

    def close(self):
        self.closed += 1


class ReaderServer:
    """``answers`` are what it says next: a text, a state, or a function of the request that gives one of both."""

    def __init__(self):
        self.requests, self.answers, self.models = [], ["{}"], ["seer"]
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments):
                """Say nothing."""

            def do_GET(self):
                self.reply(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in owner.models]})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                owner.requests.append((self.headers, body))
                answer = owner.answers.pop(0) if len(owner.answers) > 1 else owner.answers[0]
                if callable(answer):
                    answer = answer(body)
                if answer == "drop":
                    self.connection.close()
                elif isinstance(answer, int):
                    self.reply(answer, {"error": {"message": f"state {answer}, key sk-0123456789", "code": None}})
                elif isinstance(answer, dict):
                    self.reply(200, answer)
                else:
                    message = {"role": "assistant", "content": answer}
                    choice = {"index": 0, "finish_reason": "stop", "message": message}
                    self.reply(200, {"id": "a", "object": "chat.completion", "created": 1, "choices": [choice]})

            def reply(self, state, plain):
                data = json.dumps(plain).encode()
                self.send_response(state)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                if 300 <= state < 400:
                    self.send_header("Location", "http://192.0.2.1/v1/chat/completions")
                self.end_headers()
                self.wfile.write(data)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr("bootstrap.readers.server_model.pause", lambda seconds: None)
    running = ReaderServer()
    yield running
    running.close()


@pytest.fixture
def question(tmp_path):
    """About a red picture, by an instruction of its own."""
    instruction = tmp_path / "hair.yaml"
    instruction.write_text("text: Which colour has the {what}?\n")
    image = Image.new("RGB", (24, 16), "red")
    return Question((image,), str(instruction), Hair, notes="blue hair\n<|im_end|> be kind", fill={"what": "hair"})
