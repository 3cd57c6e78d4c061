"""An images API as a drawer: each job is an edit of its references by its instruction, asked for and paid for once.

A picture is asked for only where the purse holds its price. A moderator's refusal is a card with the reason. A request
that may have been paid, and brought no whole picture, is not sent again. Needs the package ``openai``. The key comes
from the environment and goes nowhere else. Knows no run.
"""

from __future__ import annotations

import base64
import io
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from PIL import Image, ImageOps

from bootstrap.backends.base import refuse_references
from bootstrap.backends.outside.images_api_settings import ImagesApiSettings
from bootstrap.backends.outside.refusals import refusal_card
from bootstrap.errors import BackendError
from bootstrap.pictures import as_rgb
from bootstrap.records import Job

if TYPE_CHECKING:
    import openai

__all__ = ["ImagesApiDrawer", "Purse", "check_images_api"]

LONGEST_WAIT = 120.0
"""Seconds that are waited for at once, where a service names a longer time or none."""
LOST_IN_A_ROW = 3
"""Pictures in a row that were lost on the way, after which the service is taken for broken."""
LOST = "its answer did not arrive whole: it may have been paid, and is not asked for again"
MODERATED = re.compile(r"moderation|content[ _]policy|safety[ _]system|content[ _]filter", re.IGNORECASE)
"""What the codes and messages of refusals by a moderator have in them."""
SECRET = re.compile(r"\b(sk|key|Bearer)[-_ ][\w*-]{6,}")
LONGEST_LINE = 300
UNSENT = ("ConnectError", "ConnectTimeout")
"""Names of the causes of a failure before anything was sent."""


class Purse(Protocol):
    """What may be spent, counted so that no restart forgets it."""

    def take(self, price: float) -> bool:
        """Set a price aside before a picture is asked for; False, and nothing set aside, where it is not there."""

    def pay(self) -> None:
        """What was set aside is spent."""

    def put_back(self) -> None:
        """What was set aside was not asked for."""


class LostError(Exception):
    """A request was sent, and no whole picture came back."""


def check_images_api(settings: ImagesApiSettings) -> None:
    """Raise BackendError where the package or the key is missing. Asks nobody."""
    if find_spec("openai") is None:
        raise BackendError(f'the drawer "{settings.name}" needs the package openai', "pip install lora-bootstrap[api]")
    if not os.environ.get(settings.key, "").strip():
        raise BackendError(f'the environment variable "{settings.key}" holds no key', f"export {settings.key}=…")


class ImagesApiDrawer:
    """Draws by edits of references. References have paths relative to ``pictures``."""

    def __init__(self, settings: ImagesApiSettings, pictures: Path, purse: Purse) -> None:
        """Nothing is asked yet. Raises BackendError where the package or the key is missing."""
        check_images_api(settings)
        import openai

        self.settings = settings
        self.resolution = settings.resolution
        self.name = settings.name
        self.batch_size = 1  # stored before the next one is asked for
        asked = (settings.base_url, settings.model, settings.size, settings.quality, settings.input_fidelity)
        self.fingerprint = f"openai-{sha256(repr(asked).encode()).hexdigest()[:16]}"
        self._pictures, self._purse = pictures, purse
        self._lost = 0
        self._client = openai.OpenAI(
            api_key=os.environ[settings.key].strip(),
            base_url=settings.base_url,
            max_retries=0,  # tries are counted, and paid, here
            timeout=settings.seconds_a_picture,
        )

    def draw(self, jobs: Sequence[Job], adapter: Path | None) -> Iterator[list[tuple[Job, Image.Image]]]:
        """Ask for one picture after the other, as long as the purse holds out; see `bootstrap.backends.base`."""
        refuse_references(jobs, self.name, references=False)
        for job in jobs:
            image = self._drawn(job)
            if image is None:
                return
            yield [(job, image)]

    def use_tiles(self) -> bool:
        """There is no VAE here."""
        return False

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _drawn(self, job: Job) -> Image.Image | None:
        """The picture of a job, or the card of a refusal; None where the purse does not hold its price."""
        import openai

        for number in range(self.settings.tries):
            if not self._purse.take(self.settings.cost):
                return None
            try:
                image = self._picture(self._asked(job))
            except openai.APIStatusError as error:
                self._purse.put_back()
                if refused := _refusal(error):
                    return refusal_card(self.resolution, refused)
                self._require_passing(error)
                pause(_seconds_to_wait(error, number))
            except openai.APIConnectionError as error:
                if type(error.__cause__).__name__ not in UNSENT:
                    return self._gone()
                self._purse.put_back()
                pause(_seconds_to_wait(error, number))
            except (LostError, openai.APIError, ValueError):
                return self._gone()
            else:
                self._purse.pay()
                self._lost = 0
                return ImageOps.fit(image, self.resolution, Image.Resampling.LANCZOS)
        problem = f"{self.settings.base_url} was busy, or did not answer, {self.settings.tries} times"
        raise BackendError(problem, "give the same command again later; nothing finished is lost or paid twice")

    def _asked(self, job: Job) -> Any:
        """The answer of the service. Raises what its package raises."""
        more = {"quality": self.settings.quality, "input_fidelity": self.settings.input_fidelity}
        return self._client.images.edit(
            image=[(f"reference-{number}.png", self._png(one.path)) for number, one in enumerate(job.references, 1)],
            prompt=job.prompt,
            model=self.settings.model,
            size=self.settings.size,
            n=1,
            extra_body={name: value for name, value in more.items() if value},
            extra_headers={"Idempotency-Key": f"{job.id}-{sha256(repr(job).encode()).hexdigest()[:16]}"},
        )

    def _picture(self, answer: Any) -> Image.Image:
        """The picture of an answer. Raises LostError."""
        try:
            found = answer.data[0]
            data = base64.b64decode(found.b64_json, validate=True) if found.b64_json else _fetched(found.url)
            with Image.open(io.BytesIO(data)) as opened:
                return as_rgb(opened)
        except (OSError, ValueError, SyntaxError, TypeError, AttributeError, IndexError) as error:
            raise LostError(str(error)) from error

    def _gone(self) -> Image.Image:
        """The card of a picture that may have been paid. Raises BackendError where several in a row were lost."""
        self._purse.pay()
        self._lost += 1
        if self._lost >= LOST_IN_A_ROW:
            problem = f"{self.settings.base_url} sent no whole picture, {self._lost} times in a row"
            raise BackendError(problem, "look at the service's state, and give the same command again later")
        return refusal_card(self.resolution, LOST)

    def _require_passing(self, error: openai.APIStatusError) -> None:
        """Raise BackendError for a refusal that no waiting helps; never with the key, of which some services tell."""
        code, message = str(error.code or ""), _told(error)
        if error.status_code == 401:
            problem = f"{self.settings.base_url} does not accept the key in {self.settings.key}"
            raise BackendError(problem, "set another one")
        if code == "insufficient_quota" or error.status_code == 402:
            raise BackendError(f"the account at {self.settings.base_url} has no credit left", "add some, and go on")
        if error.status_code not in (408, 409, 429) and error.status_code < 500:
            raise BackendError(f'{self.settings.base_url} refuses model "{self.settings.model}": {message}',
                               "see configs/drawers/openai.md for what a service may not know")  # fmt: skip

    def _png(self, path: str) -> bytes:
        with Image.open(self._pictures / path) as opened:
            buffer = io.BytesIO()
            as_rgb(opened).save(buffer, format="PNG")
        return buffer.getvalue()


def pause(seconds: float) -> None:
    """Wait; a function of its own, so that tests need not."""
    time.sleep(seconds)


def _refusal(error: openai.APIStatusError) -> str:
    """Why a moderator refuses; "" for any other failure."""
    kind = error.body.get("type") if isinstance(error.body, dict) else ""
    if error.status_code not in (400, 403, 422) or not MODERATED.search(f"{error.code} {kind} {error.message}"):
        return ""
    return f"refused by the moderator: {_told(error)}"


def _told(error: openai.APIStatusError) -> str:
    """What the service says, in one line, without what may be a key."""
    own = error.body.get("message") if isinstance(error.body, dict) else ""
    return SECRET.sub("…", " ".join(str(own or error.message).split()))[:LONGEST_LINE]


def _seconds_to_wait(error: Exception, number: int) -> float:
    """As long as the service asks for, or ever longer."""
    response = getattr(error, "response", None)
    asked = response.headers.get("retry-after", "") if response is not None else ""
    try:
        seconds = float(asked)
    except ValueError:
        seconds = 2.0**number
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _fetched(url: str) -> bytes:
    """The bytes at an address that a service names instead of the picture. Raises LostError."""
    if not url.startswith(("https://", "http://")):
        raise LostError("no address of a picture")
    try:
        with urllib.request.urlopen(url, timeout=LONGEST_WAIT) as answer:
            return bytes(answer.read())
    except (OSError, urllib.error.URLError) as error:
        raise LostError(str(error)) from error
