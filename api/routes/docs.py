"""The description of the interface as a page, from files of our own."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from api.people.access import needs
from api.visit import Visiting

router = APIRouter(include_in_schema=False)


@router.get("/docs", dependencies=[needs("read")])
def show_docs(visit: Visiting) -> HTMLResponse:
    """Show Swagger UI on /openapi.json."""
    return visit.page("docs.html")


@router.get("/openapi.json", dependencies=[needs("read")])
def get_openapi(request: Request) -> dict[str, Any]:
    """The description itself."""
    described: dict[str, Any] = request.app.openapi()
    return described
