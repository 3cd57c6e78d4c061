"""A model behind a server that speaks OpenAI's protocol: Ollama, LM Studio, llama.cpp, vLLM, or a service.

Needs the package ``openai``. The key comes from the environment and goes to this server alone; no redirection is
followed, and a server on this machine is reached through no proxy, so that pictures go where was agreed. Knows no
question.
"""

from __future__ import annotations

import base64
import io
import os
import re
import time
from collections.abc import Sequence
from hashlib import sha256
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from PIL import Image

from bootstrap.errors import BackendError
from bootstrap.machine.addresses import is_own_machine
from bootstrap.readers.asking import Turn, Utterance
from bootstrap.readers.reader_settings import ServerReaderSettings
from bootstrap.readers.shown_size import shown_size

if TYPE_CHECKING:
    import openai

__all__ = ["ServerModel", "require_package"]

LONGEST_WAIT = 60.0
"""Seconds that are waited for at once."""
LONGEST_LINE = 200
SECRET = re.compile(r"\b(sk|key|Bearer)[-_ ][\w*-]{6,}")
NO_KEY = "none"
"""What is sent for a key where there is none: the package insists on one."""
FORMATS = ("json_schema", "json_object", "")
"""How a server is asked for JSON, best first; "" by words alone. What it does not know it refuses, and the next is
tried."""
BUSY = (408, 409, 425, 429)
ILL_FORMED = (400, 404, 415, 422, 501)
"""States with which servers refuse a format that they do not know."""
MOST_MODELS = 6


class ServerModel:
    """See `bootstrap.readers.asking.ReadingModel`."""

    def __init__(self, settings: ServerReaderSettings) -> None:
        """Ask for the server's models where none is named. Raises BackendError."""
        require_package(settings)
        import openai

        self._settings, self._format = settings, 0
        self._own = is_own_machine(urlsplit(settings.url).hostname or "")
        self._key = os.environ.get(settings.key, "").strip()
        client = openai.DefaultHttpxClient(follow_redirects=False, trust_env=not self._own, timeout=settings.seconds)
        self._client = openai.OpenAI(
            api_key=self._key or NO_KEY,
            base_url=settings.url,
            max_retries=0,
            timeout=settings.seconds,
            organization="",
            project="",
            http_client=client,
        )
        self._model = settings.model
        if not self._model:
            self._model = self._only_model()
        self.name = f"{settings.name} ({self._model})"
        asked = (settings.url, self._model, settings.longest_side, settings.most_tokens)
        self.fingerprint = f"server-{sha256(repr(asked).encode()).hexdigest()[:16]}"

    def say(self, turns: Sequence[Turn], images: Sequence[Image.Image], schema: dict[str, Any]) -> Utterance:
        """Ask for the next turn, in the best format that the server knows. Raises BackendError."""
        import openai

        messages = _messages(turns, [shown_size(image, self._settings.longest_side) for image in images])
        while True:
            try:
                return self._said(self._answered(messages, schema))
            except openai.APIStatusError as error:
                if error.status_code not in ILL_FORMED or self._format == len(FORMATS) - 1:
                    raise self._refused(error) from None
                self._format += 1

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _answered(self, messages: list[dict[str, Any]], schema: dict[str, Any]) -> Any:
        """The server's answer, asked for again where it is busy. Raises APIStatusError or BackendError."""
        import openai

        more: dict[str, Any] = {}
        if form := _response_format(FORMATS[self._format], schema):
            more = {"response_format": form}
        problem = ""
        for number in range(self._settings.tries):
            if number:
                pause(min(2.0**number, LONGEST_WAIT))
            try:
                return self._client.chat.completions.create(
                    model=self._model,
                    messages=messages,  # type: ignore[arg-type]
                    temperature=0,
                    max_tokens=self._settings.most_tokens,
                    **more,
                )
            except openai.APITimeoutError:
                problem = f"did not answer within {self._settings.seconds:.0f} seconds"
            except openai.APIConnectionError:
                problem = "cannot be reached"
            except openai.APIStatusError as error:
                if error.status_code not in BUSY and (error.status_code < 500 or error.status_code in ILL_FORMED):
                    raise
                problem = f"answers with state {error.status_code}: {_told(error)}"
            except (openai.OpenAIError, ValueError) as error:
                problem = f"sent no answer that can be read: {_line(str(error))}"
        raise BackendError(f"the reader at {self._settings.url} {problem}", "start it, or give another with --reader")

    def _said(self, answer: Any) -> Utterance:
        """The text of an answer, or why there is none. Raises BackendError for what is no answer."""
        try:
            choice = answer.choices[0]
            text, refusal = choice.message.content or "", getattr(choice.message, "refusal", None)
        except (AttributeError, IndexError, TypeError):
            problem = f"the reader at {self._settings.url} sent no answer of a chat"
            raise BackendError(problem, "check that the address ends where its chats begin, mostly in /v1") from None
        if refusal:
            return Utterance(text, _line(str(refusal)))
        if choice.finish_reason == "content_filter":
            return Utterance(text, "its content filter")
        return Utterance(str(text))

    def _only_model(self) -> str:
        """The one model that the server has. Raises BackendError where it has none or several."""
        import openai

        try:
            names = [str(one.id) for one in self._client.models.list().data]
        except openai.APIStatusError as error:
            raise self._refused(error) from None
        except (openai.OpenAIError, ValueError, TypeError, AttributeError):
            problem = f"the reader at {self._settings.url} cannot be reached"
            raise BackendError(problem, "start it, or give another with --reader") from None
        if len(names) != 1:
            listed = ", ".join(names[:MOST_MODELS]) or "none"
            problem = f"the server at {self._settings.url} has these models: {listed}"
            raise BackendError(problem, "name one that reads pictures with --model")
        return names[0]

    def _refused(self, error: openai.APIStatusError) -> BackendError:
        """The line for a request that no waiting helps; never with the key."""
        url = self._settings.url
        if error.status_code in (401, 403):
            state = "does not accept the key in" if self._key else "asks for a key; there is none in"
            return BackendError(f"{url} {state} {self._settings.key}", f"export {self._settings.key}=…")
        if 300 <= error.status_code < 400:
            return BackendError(f"{url} sends to another address", "give that address with --reader")
        told = _told(error).replace(self._key, "…") if self._key else _told(error)
        hint = "name a model that reads pictures with --model"
        if error.status_code == 404:
            hint = f"check that the address ends where chats begin, mostly in /v1, and {hint}"
        return BackendError(f'{url} refuses model "{self._model}": {told}', hint)


def require_package(settings: ServerReaderSettings) -> None:
    """Raise BackendError where the package ``openai`` is missing."""
    if find_spec("openai") is None:
        problem = f'the reader "{settings.name}" needs the package openai'
        raise BackendError(problem, "pip install lora-bootstrap[readers]")


def pause(seconds: float) -> None:
    """Wait; a function of its own, so that tests need not."""
    time.sleep(seconds)


def _messages(turns: Sequence[Turn], images: Sequence[Image.Image]) -> list[dict[str, Any]]:
    """The conversation as the protocol has it, the pictures before the first text."""
    found: list[dict[str, Any]] = [{"role": turn.by, "content": turn.text} for turn in turns]
    parts: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": _data_url(image)}} for image in images]
    found[0]["content"] = [*parts, {"type": "text", "text": turns[0].text}]
    return found


def _data_url(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _response_format(name: str, schema: dict[str, Any]) -> dict[str, Any] | None:
    if name == "json_schema":
        return {"type": name, "json_schema": {"name": "answer", "schema": schema, "strict": True}}
    return {"type": name} if name else None


def _told(error: openai.APIStatusError) -> str:
    """What the server says, in one line, without what may be a key."""
    own = error.body.get("message") if isinstance(error.body, dict) else ""
    return _line(str(own or error.message))


def _line(text: str) -> str:
    return SECRET.sub("…", " ".join(text.split()))[:LONGEST_LINE]
