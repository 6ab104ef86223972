"""The description of the interface as a page, from files of our own."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.visit import Visiting

router = APIRouter(include_in_schema=False)


@router.get("/docs")
def show_docs(visit: Visiting) -> HTMLResponse:
    """Show Swagger UI on /openapi.json."""
    return visit.page("docs.html")
