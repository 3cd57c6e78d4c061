"""Who may use the page: the machine it runs on, or whoever has the token; no foreign page in any case.

A page in the same browser can send requests to this server (cross-site requests) or make its own name point to it (DNS
rebinding). So the Host must be ours or the request must carry the token, whatever changes something must come from our
own pages, and bodies are limited in size. Pure ASGI; knows no run and no route.
"""

from __future__ import annotations

import hmac
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["COOKIE", "MARK", "Guard", "TooLargeError"]

COOKIE = "review-token"
MARK = "x-review"
"""A header that our script sends with every request that changes something: a foreign form or link cannot."""
SAFE = ("GET", "HEAD")
LARGEST_JSON = 16 * 1024
LARGEST_UPLOAD = 32 * 1024 * 1024
UPLOAD = "/api/pictures"
HEADERS = {
    "content-security-policy": "default-src 'none'; img-src 'self' blob:; style-src 'self'; script-src 'self';"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


class TooLargeError(Exception):
    """A body went on beyond its limit."""


class Guard:
    """Middleware. ``hosts`` are the names (with port) under which the page is served; ``token`` "" asks for none;
    ``most`` is the largest JSON body, in bytes.

    With a token the name does not matter: a page that makes another name point here does not know the token.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str], token: str = "", most: int = LARGEST_JSON) -> None:
        self._app, self._hosts, self._token, self._most = app, hosts, token, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a limited body, or answer it here."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, _with_headers(send))
            return
        most = self._limit(scope)
        try:
            await self._app(scope, _measured(receive, most), _with_headers(send))
        except TooLargeError:
            await _too_large(most)(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """The answer to a request that is refused; None if it is passed on."""
        host = headers.get("host", "").lower()
        if not self._token and host not in self._hosts:
            return _no(403, "this page is served under another name")
        if self._token and not self._has_token(headers):
            given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
            if self._is_token(given):
                return self._welcome(scope)
            return _no(403, "the address lacks its token")
        if scope["method"] not in SAFE and not _from_our_page(headers, scope["scheme"], host):
            return _no(403, "this request does not come from this page")
        length = headers.get("content-length", "0")
        most = self._limit(scope)
        if not (length.isascii() and length.isdigit()) or int(length[:20]) > most:
            return _too_large(most)
        return None

    def _limit(self, scope: Scope) -> int:
        """The largest body that a request may have, in bytes."""
        return LARGEST_UPLOAD if scope["path"] == UPLOAD else self._most

    def _has_token(self, headers: Headers) -> bool:
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return cookie is not None and self._is_token(cookie.value)

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token.encode())

    def _welcome(self, scope: Scope) -> Response:
        """Take the token out of the address and keep it as a cookie that scripts cannot read."""
        answer = RedirectResponse("/", 303)
        answer.set_cookie(COOKIE, self._token, httponly=True, samesite="strict", secure=scope["scheme"] == "https")
        return answer


def _from_our_page(headers: Headers, scheme: str, host: str) -> bool:
    """Whether a request that changes something was sent by our own script, or by a program that is no browser."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    ours = origin is None or origin.lower() == f"{scheme}://{host}"
    return ours and site in (None, "same-origin") and headers.get(MARK) == "1"


def _measured(receive: Receive, most: int) -> Receive:
    """``receive`` that raises TooLargeError when a body without a stated length goes on too long."""
    read = 0

    async def measured() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > most:
            raise TooLargeError
        return message

    return measured


def _with_headers(send: Send) -> Send:
    """``send`` that adds the headers of every answer."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", "no-store")
        await send(message)

    return sending


def _no(status: int, why: str) -> Response:
    return PlainTextResponse(f"{why}\n", status)


def _too_large(most: int) -> Response:
    return _no(413, f"more than {most // 1024} KiB")
