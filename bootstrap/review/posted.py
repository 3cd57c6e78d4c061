"""An endpoint for JSON that a page's script sends: validated, acted on in a thread, answered with JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bootstrap.review.bodies import Body

__all__ = ["posted"]


def posted(kind: type[Body], act: Callable[[Any], Mapping[str, Any]]) -> Callable[[Request], Any]:
    """An endpoint that reads a JSON body of a kind and answers with JSON."""

    async def endpoint(request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return JSONResponse({"error": "send JSON"}, 415)
        try:
            body = kind.model_validate_json(await request.body())
        except ValidationError as error:
            return JSONResponse({"error": f"{error.error_count()} fields cannot be understood"}, 422)
        return JSONResponse(dict(await run_in_threadpool(act, body)))

    return endpoint
