"""The review page as a web application: a few routes over a store, behind the guard.

Ids are looked up in the database; nothing that a client sends becomes part of a path. Endpoints are plain functions:
they run in threads, and the store serves them one at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from bootstrap.errors import BootstrapError
from bootstrap.events import CaptionWritten
from bootstrap.pictures.caption_text import caption_parts
from bootstrap.records import DECOY_KINDS, Frame, JobKind
from bootstrap.retouch.repairs import proposed_repairs
from bootstrap.review.album import album, caption_of, explanation, verdict_states
from bootstrap.review.bodies import (
    CaptionBody,
    EditBody,
    EmptyBody,
    TagsBody,
    UndoBody,
    UndoManyBody,
    VerdictBody,
    VerdictsBody,
)
from bootstrap.review.edits import edited_copy, retagged
from bootstrap.review.guard import Guard
from bootstrap.review.live import LIVE, live_state
from bootstrap.review.near_duplicates import NearDuplicates
from bootstrap.review.nearest import NOTHING_NEAR, Nearest
from bootstrap.review.p_values import PValues
from bootstrap.review.person_verdicts import CHOICES, checked_reasons, judge, take_back, verdict_fields
from bootstrap.review.plain_words import likeness_sentences
from bootstrap.review.posted import posted
from bootstrap.review.thumbnails import SIDES, RunPictures
from bootstrap.review.uploads import add_upload
from bootstrap.runs.approval_setting import open_waiting_round
from bootstrap.runs.blind_audit import audit_of, blindfolded
from bootstrap.runs.fakes import fake_note
from bootstrap.store.person import PERSON, Answer, action_key
from bootstrap.store.store import Store

__all__ = ["build"]

HERE = Path(__file__).parent
FOREVER = {"cache-control": "private, max-age=31536000, immutable"}
"""Pictures of a run never change."""
LONGEST_ID = 200


class NotFoundError(Exception):
    """No candidate has this id."""


def build(store: Store, hosts: frozenset[str], token: str = "", audit: int | None = None) -> Starlette:
    """The application for an open run; see `bootstrap.review.guard.Guard` for ``hosts`` and ``token``.

    ``audit`` is the round of a blind audit: then none of the gate's verdicts leaves the server.
    """
    page = ReviewPage(store) if audit is None else AuditPage(store, audit)
    routes: list[Route | Mount] = [
        Route("/", page.page),
        Route("/api/frames", page.frames),
        Route("/api/verdict-states", page.verdict_states),
        Route("/api/frames/{id}", page.frame),
        Route("/api/nearest/{id}", page.nearest),
        Route("/api/repairs/{id}", page.repairs),
        Route("/thumbs/{size}/{id}", page.thumbnail),
        Route("/pictures/{id}", page.picture),
        Route("/decoys/{id}", page.decoy),
        Route("/seeds/{number:int}", page.seed),
        Route("/api/verdicts", posted(VerdictBody, page.judge), methods=["POST"]),
        Route("/api/verdicts/many", posted(VerdictsBody, page.judge_many), methods=["POST"]),
        Route("/api/near-duplicates", page.near_duplicates),
        Route("/api/undo/many", posted(UndoManyBody, page.undo_many), methods=["POST"]),
        Route("/api/undo", posted(UndoBody, page.undo), methods=["POST"]),
        Route("/api/captions", posted(CaptionBody, page.caption), methods=["POST"]),
        Route("/api/edits", posted(EditBody, page.edit), methods=["POST"]),
        Route("/api/tags", posted(TagsBody, page.retag), methods=["POST"]),
        Route("/api/approval", posted(EmptyBody, page.open_round), methods=["POST"]),
        Route("/api/pictures", page.upload, methods=["POST"]),
        Mount("/static", StaticFiles(directory=HERE / "static")),
    ]
    if audit is None:
        routes += [Route(LIVE, page.live), Route(f"/api{LIVE}", page.live_state)]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Guard, hosts=hosts, token=token)],
        exception_handlers={BootstrapError: _refused, NotFoundError: _unknown},
    )


class ReviewPage:
    """The endpoints of one open run."""

    audited: int | None = None
    """The round that is audited, if this is an audit."""

    def __init__(self, store: Store) -> None:
        self._store, self._pictures = store, RunPictures(store)
        self._nearest, self._p_values = Nearest(store), PValues(store)
        self._near_duplicates = NearDuplicates(store)
        loader = FileSystemLoader(HERE / "templates")
        self._templates = Environment(loader=loader, autoescape=select_autoescape(), auto_reload=False)

    def page(self, request: Request) -> Response:
        """The page itself; its script fetches what it shows."""
        page = self._templates.get_template("review.html")
        folder = self._store.directory
        names = {"run": folder.name, "folder": str(folder), "audit": self.audited or "", "fake": fake_note(self._store)}
        return HTMLResponse(page.render(**names))

    def live(self, request: Request) -> Response:
        """The page that follows the run; its script fetches what it shows."""
        return HTMLResponse(self._templates.get_template("live.html").render(run=self._store.directory.name))

    def live_state(self, request: Request) -> Response:
        """Where the run stands now, and its latest pictures."""
        return JSONResponse(live_state(self._store))

    def frames(self, request: Request) -> Response:
        """Everything to open with."""
        return JSONResponse(album(self._store))

    def verdict_states(self, request: Request) -> Response:
        """The verdicts in force now, other windows' among them."""
        return JSONResponse(verdict_states(self._store))

    def frame(self, request: Request) -> Response:
        """Why one frame has its verdict."""
        return JSONResponse(explanation(self._store, self._candidate(request.path_params["id"])))

    def nearest(self, request: Request) -> Response:
        """Each scorer's p of a frame, and the nearest seed and decoy; a request of its own, because it takes longer."""
        frame = self._candidate(request.path_params["id"])
        near, views = self._nearest.of(frame), frame.job.shot.view_family
        kept = self._nearest.to_seeds([one for one in self._store.kept() if one.job.shot.view_family == views])
        plain = likeness_sentences(self._store, frame, near, kept)
        return JSONResponse({**near, "p": self._p_values.of(frame), "plain": plain})

    def repairs(self, request: Request) -> Response:
        """What may be repaired in a frame's picture: crops and regions to cover."""
        image = self._store.frame_image(self._candidate(request.path_params["id"]))
        return JSONResponse({"repairs": [asdict(one) for one in proposed_repairs(image)]})

    def near_duplicates(self, request: Request) -> Response:
        """Pairs of pictures that nearly repeat each other, the most alike first."""
        return JSONResponse({"pairs": self._near_duplicates.pairs(), "gate_bits": self._near_duplicates.gate_bits()})

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
        decoy = self._found(request.path_params["id"], DECOY_KINDS)
        return _image(self._pictures.thumbnail(decoy, "m"), "image/webp")

    def seed(self, request: Request) -> Response:
        """A seed, by its number from 0."""
        seeds, number = self._store.seeds(), request.path_params["number"]
        if number >= len(seeds):
            raise NotFoundError
        return _image(self._pictures.seed(seeds[number]), "image/png")

    def judge(self, body: VerdictBody) -> dict[str, Any]:
        """Keep or reject a frame."""
        frame = self._candidate(body.id)
        return _answer(judge(self._store, frame, CHOICES[body.verdict], body.reasons, body.seen, body.key))

    def judge_many(self, body: VerdictsBody) -> dict[str, Any]:
        """Keep or reject several frames as one action: nothing is judged where one of them is unknown or refused."""
        frames = [self._candidate(one.id) for one in body.verdicts]
        for one in body.verdicts:
            checked_reasons(self._store, one.reasons)
        answers = []
        for number, (frame, one) in enumerate(zip(frames, body.verdicts, strict=True)):
            kind, key = CHOICES[one.verdict], action_key(body.key, number)
            answers.append(_answer(judge(self._store, frame, kind, one.reasons, one.seen, key)))
        return {"answers": answers}

    def undo_many(self, body: UndoManyBody) -> dict[str, Any]:
        """Withdraw the verdicts of one action, each where no other came after it."""
        for one in body.frames:
            self._candidate(one.id)
        keyed = [one.model_copy(update={"key": action_key(body.key, number)}) for number, one in enumerate(body.frames)]
        return {"answers": [self.undo(one) for one in keyed]}

    def undo(self, body: UndoBody) -> dict[str, Any]:
        """Withdraw the last verdict; the one that is in force now."""
        answer = take_back(self._store, self._candidate(body.id), body.seen, body.key)
        return {**_answer(answer), **verdict_fields(self._store.verdicts().get(body.id))}

    def caption(self, body: CaptionBody) -> dict[str, Any]:
        """Write a caption; the one that is in force now."""
        frame = self._candidate(body.id)
        text = ", ".join(caption_parts(body.caption))
        self._store.person.write_caption(frame.job.id, text, CaptionWritten(frame.job.id, text))
        return {"caption": caption_of(self._store, frame), "written": bool(text)}

    def edit(self, body: EditBody) -> dict[str, Any]:
        """Register an edited copy of a frame; its id."""
        box = (body.left, body.top, body.right, body.bottom)
        return {"id": edited_copy(self._store, self._candidate(body.id), body.edit, box, body.framing).job.id}

    def retag(self, body: TagsBody) -> dict[str, Any]:
        """Change the captions of several frames; what a person had written of those that changed."""
        frames = [self._candidate(id) for id in dict.fromkeys(body.ids)]
        return {"before": retagged(self._store, frames, body.add, body.drop)}

    def open_round(self, body: EmptyBody) -> dict[str, Any]:
        """Let the waiting round go on."""
        return {"round": open_waiting_round(self._store)}

    async def upload(self, request: Request) -> Response:
        """A person's own picture, as the body; ``like`` names the frame that it stands in for."""
        data = await request.body()
        return await run_in_threadpool(self._add, request.query_params.get("like", ""), data)

    def _add(self, like: str, data: bytes) -> Response:
        return JSONResponse({"id": add_upload(self._store, self._candidate(like), data).job.id})

    def _candidate(self, id: str) -> Frame:
        """The candidate of that id; raises NotFoundError."""
        return self._found(id, (JobKind.CANDIDATE,))

    def _found(self, id: str, kinds: Sequence[JobKind]) -> Frame:
        if not id or len(id) > LONGEST_ID or "\x00" in id:
            raise NotFoundError
        frame = self._store.frame(id)
        if frame is None or frame.job.kind not in kinds:
            raise NotFoundError
        return frame


class AuditPage(ReviewPage):
    """The same for a blind audit: only its frames, and none of the gate's verdicts and scores."""

    def __init__(self, store: Store, number: int) -> None:
        super().__init__(store)
        self.audited = number

    def frames(self, request: Request) -> Response:
        """The frames of the audit."""
        everything = album(self._store)
        rows = blindfolded(everything["frames"], audit_of(self._store, self.audited or 0))
        return JSONResponse({**everything, "frames": rows, "waits": None})

    def verdict_states(self, request: Request) -> Response:
        """A person's verdicts on them."""
        states = verdict_states(self._store)
        found = {}
        for id in audit_of(self._store, self.audited or 0).gate:
            if id in states and states[id][2] == PERSON:
                found[id] = states[id]
        return JSONResponse(found)

    def frame(self, request: Request) -> Response:
        """What is known of one frame apart from verdicts and scores."""
        everything = explanation(self._store, self._candidate(request.path_params["id"]))
        hidden: dict[str, Any] = {"p": None, "score": None, "gate": ""}
        hidden |= {"reasons": [], "plain": [], "answers": [], "history": []}
        return JSONResponse({**everything, **hidden})

    def nearest(self, request: Request) -> Response:
        """Nothing: a similarity is a score."""
        return JSONResponse({**NOTHING_NEAR, "p": {}, "plain": []})

    def near_duplicates(self, request: Request) -> Response:
        """None: which pictures form a pair follows from the gate's verdicts."""
        return JSONResponse({"pairs": []})

    def undo(self, body: UndoBody) -> dict[str, Any]:
        """Withdraw the last verdict; the gate's, if it is in force again, stays hidden."""
        answer = super().undo(body)
        if answer["by"] == PERSON:
            return answer
        return {**answer, **verdict_fields(None)}


def _answer(answer: Answer) -> dict[str, Any]:
    other = None
    if answer.other:
        other = {"verdict": answer.other.kind.value, "reasons": list(answer.other.reasons)}
    return {"version": answer.seq, "taken": answer.taken, "other": other}


def _image(data: bytes | None, kind: str) -> Response:
    return Response(status_code=404) if data is None else Response(data, media_type=kind, headers=FOREVER)


def _refused(request: Request, error: Exception) -> Response:
    """What a person can correct."""
    return JSONResponse({"error": str(error)}, 400)


def _unknown(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "no such candidate"}, 404)
