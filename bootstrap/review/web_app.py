"""The review page as a web application: a few routes over a store, behind the guard.

Ids are looked up in the database; nothing that a client sends becomes part of a path. Endpoints are plain functions:
they run in threads, and the store lets one speak at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, select_autoescape
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from bootstrap.errors import BootstrapError
from bootstrap.events import CaptionWritten
from bootstrap.records import Frame, JobKind
from bootstrap.review.album import album, caption_of, explanation, words_on
from bootstrap.review.p_values import PValues
from bootstrap.review.guard import Guard
from bootstrap.review.nearest import DECOYS, NOTHING_NEAR, Nearest
from bootstrap.review.uploads import add_own
from bootstrap.review.thumbnails import SIDES, Pictures
from bootstrap.review.person_verdicts import SAID, judge, take_back
from bootstrap.runs.approval_setting import open_waiting_round
from bootstrap.runs.blind_audit import audit_of, blindfolded
from bootstrap.store.person import PERSON, Answer
from bootstrap.store.store import Store

__all__ = ["build"]

HERE = Path(__file__).parent
FOREVER = {"cache-control": "private, max-age=31536000, immutable"}
"""Pictures of a run never change."""
ID = Field(min_length=1, max_length=200)
KEY = Field(None, min_length=8, max_length=64, pattern=r"^[A-Za-z0-9-]+$")
SEEN = Field(None, ge=0, le=2**53)


class Body(BaseModel):
    """What a client sends: nothing but what is named."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Spoken(Body):
    """Keep or reject."""

    id: str = ID
    verdict: Literal["keep", "reject"]
    reasons: list[str] = Field(default_factory=list, max_length=6)
    seen: int | None = SEEN
    key: str | None = KEY


class TakenBack(Body):
    """Undo."""

    id: str = ID
    seen: int | None = SEEN
    key: str | None = KEY


class Captioned(Body):
    """A caption of the person's own; "" brings the generated one back."""

    id: str = ID
    caption: str = Field(max_length=2000)


class Nothing(Body):
    """A wish without details."""


class NotFoundError(Exception):
    """No candidate has this id."""


def build(store: Store, hosts: frozenset[str], token: str = "", audit: int | None = None) -> Starlette:
    """The application for an open run; see `bootstrap.review.guard.Guard` for ``hosts`` and ``token``.

    ``audit`` is the round whose audit is asked about: then nothing that the gate says leaves the server.
    """
    desk = Desk(store) if audit is None else AuditDesk(store, audit)
    routes = [
        Route("/", desk.page),
        Route("/api/frames", desk.frames),
        Route("/api/words", desk.words),
        Route("/api/frames/{id}", desk.frame),
        Route("/api/nearest/{id}", desk.near),
        Route("/thumbs/{size}/{id}", desk.thumbnail),
        Route("/pictures/{id}", desk.picture),
        Route("/decoys/{id}", desk.decoy),
        Route("/seeds/{number:int}", desk.seed),
        Route("/api/verdicts", desk.posted(Spoken, desk.judge), methods=["POST"]),
        Route("/api/undo", desk.posted(TakenBack, desk.undo), methods=["POST"]),
        Route("/api/captions", desk.posted(Captioned, desk.caption), methods=["POST"]),
        Route("/api/approval", desk.posted(Nothing, desk.open_round), methods=["POST"]),
        Route("/api/pictures", desk.upload, methods=["POST"]),
        Mount("/static", StaticFiles(directory=HERE / "static")),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Guard, hosts=hosts, token=token)],
        exception_handlers={BootstrapError: _refused, NotFoundError: _unknown},
    )


class Desk:
    """The endpoints of one open run."""

    audited: int | None = None
    """The round that is audited, if this is an audit."""

    def __init__(self, store: Store) -> None:
        self._store, self._pictures = store, Pictures(store)
        self._nearest, self._p_values = Nearest(store), PValues(store)
        loader = FileSystemLoader(HERE / "templates")
        self._templates = Environment(loader=loader, autoescape=select_autoescape(), auto_reload=False)

    def page(self, request: Request) -> Response:
        """The page itself; what it shows is asked for by its script."""
        page = self._templates.get_template("review.html")
        return HTMLResponse(page.render(run=self._store.directory.name, audit=self.audited or ""))

    def frames(self, request: Request) -> Response:
        """Everything to open with."""
        return JSONResponse(album(self._store))

    def words(self, request: Request) -> Response:
        """What was said by now, also in other windows."""
        return JSONResponse(words_on(self._store))

    def frame(self, request: Request) -> Response:
        """Why one frame is judged as it is."""
        return JSONResponse(explanation(self._store, self._candidate(request.path_params["id"])))

    def near(self, request: Request) -> Response:
        """Each scorer's p of a frame, and what it looks most like; asked for apart, as reading that takes a moment."""
        frame = self._candidate(request.path_params["id"])
        return JSONResponse({**self._nearest.of(frame), "p": self._p_values.of(frame)})

    def thumbnail(self, request: Request) -> Response:
        """A small picture."""
        if request.path_params["size"] not in SIDES:
            raise NotFoundError
        small = self._pictures.thumbnail(self._candidate(request.path_params["id"]), request.path_params["size"])
        return _image(small, "image/webp")

    def picture(self, request: Request) -> Response:
        """A whole picture."""
        return _image(self._pictures.whole(self._candidate(request.path_params["id"])), "image/png")

    def decoy(self, request: Request) -> Response:
        """A decoy, small: what a frame must stand out from."""
        return _image(self._pictures.thumbnail(self._found(request.path_params["id"], DECOYS), "m"), "image/webp")

    def seed(self, request: Request) -> Response:
        """A seed, by its place from 0."""
        seeds, number = self._store.seeds(), request.path_params["number"]
        if number >= len(seeds):
            raise NotFoundError
        return _image(self._pictures.seed(seeds[number]), "image/png")

    def judge(self, said: Spoken) -> dict[str, Any]:
        """Keep or reject."""
        frame = self._candidate(said.id)
        return _answer(judge(self._store, frame, SAID[said.verdict], said.reasons, said.seen, said.key))

    def undo(self, said: TakenBack) -> dict[str, Any]:
        """Take the last word back."""
        answer = take_back(self._store, self._candidate(said.id), said.seen, said.key)
        now = self._store.verdicts().get(said.id)
        return {**_answer(answer), "verdict": now.kind.value if now else "", "by": now.by if now else "",
                "reasons": list(now.reasons) if now else []}  # fmt: skip

    def caption(self, said: Captioned) -> dict[str, Any]:
        """Write a caption; what it is now."""
        frame, text = self._candidate(said.id), ", ".join(filter(None, (t.strip() for t in said.caption.split(","))))
        self._store.person.write_caption(frame.job.id, text, CaptionWritten(frame.job.id, text))
        return {"caption": caption_of(self._store, frame), "written": bool(text)}

    def open_round(self, said: Nothing) -> dict[str, Any]:
        """Let the round that waits go on."""
        return {"round": open_waiting_round(self._store)}

    async def upload(self, request: Request) -> Response:
        """A picture of one's own, as the body; ``like`` names the frame that it stands in for."""
        data = await request.body()
        return await run_in_threadpool(self._add, request.query_params.get("like", ""), data)

    def _add(self, like: str, data: bytes) -> Response:
        return JSONResponse({"id": add_own(self._store, self._candidate(like), data).job.id})

    def posted(self, kind: type[Body], act: Callable[[Any], dict[str, Any]]) -> Callable[[Request], Any]:
        """An endpoint that reads a JSON body of a kind and answers with JSON."""

        async def endpoint(request: Request) -> Response:
            if request.headers.get("content-type", "").partition(";")[0] != "application/json":
                return JSONResponse({"error": "send JSON"}, 415)
            try:
                said = kind.model_validate_json(await request.body())
            except ValidationError as error:
                return JSONResponse({"error": f"{error.error_count()} things in it cannot be understood"}, 422)
            return JSONResponse(await run_in_threadpool(act, said))

        return endpoint

    def _candidate(self, id: str) -> Frame:
        """The candidate of that id; raises NotFoundError."""
        return self._found(id, (JobKind.CANDIDATE,))

    def _found(self, id: str, kinds: Sequence[JobKind]) -> Frame:
        frame = self._store.frame(id) if id and len(id) <= 200 and "\x00" not in id else None
        if frame is None or frame.job.kind not in kinds:
            raise NotFoundError
        return frame


class AuditDesk(Desk):
    """The same for a blind audit: only its frames, and nothing that the gate said of them."""

    def __init__(self, store: Store, number: int) -> None:
        super().__init__(store)
        self.audited = number

    def frames(self, request: Request) -> Response:
        """The frames that were drawn."""
        told, audit = album(self._store), audit_of(self._store, self.audited or 0)
        return JSONResponse({**told, "frames": blindfolded(told["frames"], audit), "waits": None})

    def words(self, request: Request) -> Response:
        """What a person said of them by now."""
        words = words_on(self._store)
        return JSONResponse({id: words[id] for id in self._asked() if id in words and words[id][2] == PERSON})

    def frame(self, request: Request) -> Response:
        """Of one frame what is no judgement."""
        told = explanation(self._store, self._candidate(request.path_params["id"]))
        return JSONResponse({**told, "p": None, "score": None, "gate": "", "reasons": [], "answers": [], "history": []})

    def near(self, request: Request) -> Response:
        """Nothing: a similarity is a score."""
        return JSONResponse({**NOTHING_NEAR, "p": {}})

    def undo(self, said: TakenBack) -> dict[str, Any]:
        """Take the last word back; the gate's that counts again is not told."""
        told = super().undo(said)
        return told if told["by"] == PERSON else {**told, "verdict": "", "by": "", "reasons": []}

    def _asked(self) -> list[str]:
        return list(audit_of(self._store, self.audited or 0).gate)


def _answer(answer: Answer) -> dict[str, Any]:
    other = answer.other
    return {
        "version": answer.seq,
        "taken": answer.taken,
        "other": {"verdict": other.kind.value, "reasons": list(other.reasons)} if other else None,
    }


def _image(data: bytes | None, kind: str) -> Response:
    return Response(status_code=404) if data is None else Response(data, media_type=kind, headers=FOREVER)


def _refused(request: Request, error: Exception) -> Response:
    """What a person can mend."""
    return JSONResponse({"error": str(error)}, 400)


def _unknown(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "no such candidate"}, 404)
