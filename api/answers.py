"""Every error as an answer: a problem document for programs, a page with the way back for people."""

from __future__ import annotations

import logging

from fastapi import Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.routing import Match

from api.guard import add_headers
from api.people.access import NOBODY, ForbiddenError, Identity, PasswordDueError, SignInError, identify, sign_in_address
from api.people.limits import TooManyRequestsError
from api.problems import MEDIA_TYPE, UNEXPECTED, CrossSiteError, UnknownHostError, kind_of, problem_of
from api.visit import visit
from outages.failures import StoreError

_log = logging.getLogger("gridnotice")

MACHINE_PATHS = ("/api/", "/health/", "/metrics", "/openapi.json")
METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")


async def answer_error(request: Request, error: Exception) -> Response:
    """Return the answer to a request that ended with ``error``."""
    kind = kind_of(error)
    if kind is UNEXPECTED:
        _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    if request.url.path.startswith(MACHINE_PATHS):
        response: Response = JSONResponse(problem_of(error, request.url.path), kind.status, media_type=MEDIA_TYPE)
    elif isinstance(error, SignInError) and _is_navigation(request):
        response = RedirectResponse(sign_in_address(request), status_code=303)
    elif isinstance(error, PasswordDueError) and _is_navigation(request):
        response = RedirectResponse("/account", status_code=303)
    else:
        seen = visit(request, await run_in_threadpool(_identity, request, error))
        roles = error.roles if isinstance(error, ForbiddenError) else ()
        response = seen.page("error.html", status=kind.status, kind=kind, roles=roles)
    if isinstance(error, SignInError):
        response.headers["WWW-Authenticate"] = 'Bearer realm="gridnotice"'
    if kind.status == 405:
        response.headers["Allow"] = _allowed(request) or getattr(error, "headers", {}).get("Allow", "")
    if isinstance(error, TooManyRequestsError):
        response.headers["Retry-After"] = str(error.retry_after_s)
    add_headers(response)
    return response


def _allowed(request: Request) -> str:
    """Return the methods that the address of ``request`` answers, "" for a file; each of its routes knows only its own."""
    scopes = {method: {**request.scope, "method": method} for method in METHODS}
    routes = request.app.routes
    return ", ".join(name for name, scope in scopes.items() if any(route.matches(scope)[0] is Match.FULL for route in routes))


def _is_navigation(request: Request) -> bool:
    """Return whether a browser opens a page, and not a script a part of one: a script would take the form for its answer."""
    return request.headers.get("sec-fetch-dest", "document") in ("document", "iframe", "frame", "")


def _identity(request: Request, error: Exception) -> Identity:
    """Return who sees the error page; nobody, where the store cannot say, or the request came from a foreign page."""
    if isinstance(error, (UnknownHostError, CrossSiteError, TooManyRequestsError, StoreError)):
        return NOBODY
    try:
        return identify(request)
    except StoreError:
        return NOBODY
