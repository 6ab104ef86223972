"""The publishing desk: what is said about each outage, in every language, side by side."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.visit import Visiting

router = APIRouter(include_in_schema=False)


@router.get("/desk")
def show_desk(visit: Visiting) -> HTMLResponse:
    """Show the notices of all outages that go on or are to come."""
    board = visit.service.board(visit.now)
    items = [(outage, visit.service.list_notices(outage)) for outage in (*board.current, *board.planned)]
    return visit.page("desk.html", items=items)
