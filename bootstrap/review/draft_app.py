"""The page on which a character file is written, as a web application behind the guard of the review page.

Nothing that a client sends becomes part of a path: pictures are asked for by number, and the file is the one that the
command line named.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape
from pydantic import Field
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from bootstrap.character import Character
from bootstrap.character.form import CharacterForm
from bootstrap.errors import BootstrapError
from bootstrap.review.bodies import Body
from bootstrap.review.guard import Guard
from bootstrap.review.open_draft import FileThereError, OpenDraft
from bootstrap.review.posted import posted

__all__ = ["build_draft"]

HERE = Path(__file__).parent
LARGEST_FORM = 512 * 1024
"""Bytes of the notes on a hundred seeds, with room to spare."""
LARGEST_SIDE = 1024


class FormBody(Body):
    """The form as it stands."""

    form: CharacterForm


class SaveBody(FormBody):
    """Save it; ``replace`` names the version of a file that the person agreed to replace."""

    replace: str = Field("", max_length=64)


def build_draft(draft: OpenDraft, hosts: frozenset[str], token: str = "") -> Starlette:
    """The application for an open draft; see `bootstrap.review.guard.Guard` for ``hosts`` and ``token``."""
    page = DraftPage(draft)
    routes = [
        Route("/", page.page),
        Route("/api/draft", page.draft),
        Route("/seeds/{number:int}", page.seed),
        Route("/api/look", posted(FormBody, page.look), methods=["POST"]),
        Route("/api/save", posted(SaveBody, page.save), methods=["POST"]),
        Mount("/static", StaticFiles(directory=HERE / "static")),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Guard, hosts=hosts, token=token, most=LARGEST_FORM)],
        exception_handlers={BootstrapError: _refused, FileThereError: _there},
    )


class DraftPage:
    """The endpoints of one open draft."""

    def __init__(self, draft: OpenDraft) -> None:
        self._draft = draft
        loader = FileSystemLoader(HERE / "templates")
        self._templates = Environment(loader=loader, autoescape=select_autoescape(), auto_reload=False)

    def page(self, request: Request) -> Response:
        """The page itself; its script fetches what it shows."""
        help = {name: " ".join((info.description or "").split()) for name, info in Character.model_fields.items()}
        page = self._templates.get_template("draft.html")
        return HTMLResponse(page.render(file=self._draft.out.name, base=self._draft.config.base, help=help))

    def draft(self, request: Request) -> Response:
        """Everything to open with."""
        draft, config = self._draft, self._draft.config
        views = [name for plan in config.views.families.values() for name in plan.views]
        state = {
            "form": draft.form().model_dump(),
            "pictures": [{"file": one.file, "remarks": list(one.remarks)} for one in draft.pictures],
            "readings": [{"axis": one.axis, "word": one.word, "text": one.certainty} for one in draft.readings],
            "notes": list(draft.notes),
            "vocabulary": config.panel.vocabulary,
            "offered": {axis.words: _offered(axis.defaults, config.panel.vocabulary.get(name, ()))
                        for name, axis in config.subject.axes.items() if axis.words},
            "views": views,
            "framings": list(config.views.framings),
        }  # fmt: skip
        return JSONResponse(state)

    def seed(self, request: Request) -> Response:
        """A seed, by its number from 0, reduced."""
        number = request.path_params["number"]
        if number >= len(self._draft.pictures):
            return Response(status_code=404)
        image = self._draft.pictures[number].image.copy()
        image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
        buffer = io.BytesIO()
        image.save(buffer, format="PNG")
        return Response(buffer.getvalue(), media_type="image/png", headers={"cache-control": "private, max-age=3600"})

    def look(self, body: FormBody) -> dict[str, Any]:
        """What there is to say of the form."""
        return self._draft.said(body.form)

    def save(self, body: SaveBody) -> Mapping[str, Any]:
        """Write the file; the commands that come next."""
        return {**self._draft.save(body.form, body.replace), "next": list(self._draft.next_commands)}


def _offered(defaults: tuple[str, ...], words: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys((*words, *defaults)))


def _refused(request: Request, error: Exception) -> Response:
    """What a person can correct."""
    return JSONResponse({"error": str(error)}, 400)


def _there(request: Request, error: Exception) -> Response:
    """A file that nobody agreed to replace."""
    assert isinstance(error, FileThereError)
    return JSONResponse({"error": str(error), "version": error.version}, 409)
