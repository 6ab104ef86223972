"""What protects every answer and every request: security headers, sizes, rates, and from which site a change may be asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

from fastapi import Request, Response
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.people.access import SAFE_METHODS
from api.people.limits import RateLimits, TooManyRequestsError, client_address, is_https, neighbourhood
from api.problems import CrossSiteError, UnknownHostError
from api.settings import Settings

AnswerError = Callable[[Request, Exception], Awaitable[Response]]

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "frame-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'self'",
}

HEADERS = {
    "Content-Security-Policy": "; ".join(f"{directive} {sources}" for directive, sources in _POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Set on every answer that has not set its own."""

RATES = {"/api/v1/public/address": "address", "/api/v1/public/": "public", "/map": "public"}
"""Beginning of a path → which rate it counts against; the first that fits. Signing in counts for itself."""


def rates_of(settings: Settings) -> RateLimits:
    """Return the counters of requests, as ``settings`` limit them."""
    return RateLimits(
        {
            "public": settings.public_per_minute,
            "address": settings.address_per_minute,
            "sign_in": settings.sign_ins_per_minute,
        }
    )


class Guard:
    """Stands in front of the whole application: checks requests before anything reads them, adds headers to every answer."""

    def __init__(self, app: ASGIApp, *, settings: Settings, rates: RateLimits, answer_error: AnswerError) -> None:
        self._app = app
        self._settings = settings
        self._rates = rates
        self._answer_error = answer_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hand on what is no request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        trusted = self._settings.trusted_proxies
        request.state.address = client_address(scope, trusted)
        request.state.is_https = is_https(scope, trusted)
        try:
            check_host(request, self._settings.hosts)
            check_same_site(request)
            check_size(_content_length(request), self._settings.max_request_bytes)
            self._check_rate(request)
        except (UnknownHostError, CrossSiteError, TooManyRequestsError, HTTPException) as error:
            await (await self._answer_error(request, error))(scope, receive, send)
            return
        await self._app(scope, _limited(receive, self._settings.max_request_bytes), _with_headers(send))

    def _check_rate(self, request: Request) -> None:
        kind = next((kind for start, kind in RATES.items() if request.url.path.startswith(start)), None)
        if kind is not None:
            self._rates.check(kind, neighbourhood(request.state.address))


def _limited(receive: Receive, most_bytes: int) -> Receive:
    """Read no more than ``most_bytes``, for a request that did not say how long it is."""
    read_bytes = 0

    async def read() -> Message:
        nonlocal read_bytes
        message = await receive()
        read_bytes += len(message.get("body", b""))
        check_size(read_bytes, most_bytes)
        return message

    return read


def _with_headers(send: Send) -> Send:
    async def write(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return write


def _content_length(request: Request) -> int:
    said = request.headers.get("content-length", "0")
    if not (said.isascii() and said.isdigit()):
        raise HTTPException(400)
    return int(said[:18])


def check_size(size_bytes: int, most_bytes: int) -> None:
    """Refuse a request that is too large."""
    if size_bytes > most_bytes:
        raise HTTPException(413)


def add_headers(response: Response) -> None:
    """Set `HEADERS` on ``response`` where it has none of its own."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


def frame_headers(policy: str) -> dict[str, str]:
    """Return the headers of a page that brings its own content policy, and may be framed by our own pages only."""
    return {"Content-Security-Policy": f"{policy}; frame-ancestors 'self'", "Cache-Control": "no-store"}


def check_host(request: Request, hosts: Sequence[str]) -> None:
    """Refuse a request addressed to a foreign host name: a site that makes its name point to us must not read from us."""
    host = request.headers.get("host", "")
    name = host if host.endswith("]") else host.rpartition(":")[0] if ":" in host else host
    if "*" not in hosts and name.lower() not in hosts:
        raise UnknownHostError(
            f"This service is not called {name!r} (it is {', '.join(hosts)}). Add the name to GRIDNOTICE_HOSTS."
        )


def check_same_site(request: Request) -> None:
    """Refuse a change that a page of another site asks for.

    Browsers say where a request comes from (Sec-Fetch-Site, Origin); programs that are no browsers say nothing and may pass.
    """
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    foreign = site not in (None, "same-origin", "none")
    if not foreign and origin is not None:
        foreign = urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower()
    if foreign:
        raise CrossSiteError(f"A page of {origin or 'another site'} may not change anything here. Open the page from this site.")
