"""The page that shows all runs, as a web application behind the guard of the review page. It changes nothing."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from bootstrap.review.guard import Guard
from bootstrap.review.serve import Address, listen, serve_app
from bootstrap.runs.overview import overview, states

__all__ = ["build_overview", "serve_overview"]

HERE = Path(__file__).parent


def serve_overview(queue: Path | None, address: Address) -> None:
    """Serve until Ctrl-C. Raises UsageError if the address is taken."""
    serve_app(build_overview(queue, address.hosts, address.token), listen(address))


def build_overview(queue: Path | None, hosts: frozenset[str], token: str = "", below: Path = Path()) -> Starlette:
    """The application for the runs of a queue's file, or of the nearest folder of runs; see `Guard`."""
    loader = FileSystemLoader(HERE / "templates")
    page = Environment(loader=loader, autoescape=select_autoescape(), auto_reload=False).get_template("overview.html")

    def show(request: Request) -> Response:
        return HTMLResponse(page.render(of=queue.name if queue else "runs"))

    def rows(request: Request) -> Response:
        found = overview(queue, below)
        return JSONResponse({"told": states(found), "rows": [row.plain() for row in found]})

    static = Mount("/static", StaticFiles(directory=HERE / "static"))
    routes: list[Route | Mount] = [Route("/", show), Route("/api/overview", rows), static]
    return Starlette(routes=routes, middleware=[Middleware(Guard, hosts=hosts, token=token)])
