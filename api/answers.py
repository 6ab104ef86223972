"""Every error as an answer: a problem document for programs, a page with the way back for people."""

from __future__ import annotations

import logging

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from api.guard import add_headers
from api.problems import MEDIA_TYPE, UNEXPECTED, kind_of, problem_of
from api.visit import visit

_log = logging.getLogger("gridnotice")

MACHINE_PATHS = ("/api/", "/health/", "/openapi.json")


async def answer_error(request: Request, error: Exception) -> Response:
    """Return the answer to a request that ended with ``error``."""
    kind = kind_of(error)
    if kind is UNEXPECTED:
        _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    if request.url.path.startswith(MACHINE_PATHS):
        response: Response = JSONResponse(problem_of(error, request.url.path), kind.status, media_type=MEDIA_TYPE)
    else:
        response = visit(request).page("error.html", status=kind.status, kind=kind)
    add_headers(response)
    return response
