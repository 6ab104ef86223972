"""Whether the process answers, and the small picture that browsers ask every server for."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import FileResponse

from api.visit import WEB

router = APIRouter()


@router.get("/health/live", tags=["health"])
def live() -> dict[str, str]:
    """The process answers. Nothing else is asked."""
    return {"status": "ok"}


@router.get("/favicon.ico", include_in_schema=False)
def get_favicon() -> FileResponse:
    """Show the mark of the pages also on pages that name none, such as the map of one outage."""
    return FileResponse(WEB / "static" / "mark.svg", media_type="image/svg+xml")
