"""The publishing desk: what waits for approval, and what is said about each outage in force, in every language, side by side."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.live import Board
from api.people.access import needs
from api.visit import Visiting
from outages.events import Outage

router = APIRouter(include_in_schema=False)


@router.get("/desk", dependencies=[needs("read")])
def show_desk(visit: Visiting) -> HTMLResponse:
    """Show the queue of what is to be approved, and the notices of all outages that go on or are to come."""
    board = visit.service.board(visit.now)
    items = [(outage, visit.service.list_notices(outage)) for outage in (*board.current, *board.planned)]
    return visit.page("desk.html", items=items, waiting=list_waiting(board), newest_impact=visit.service.impact)


def list_waiting(board: Board) -> list[Outage]:
    """Return what waits for approval, drafts and changes of what is in force; what begins next first."""
    waiting = (outage for outage in (*board.drafts, *board.current, *board.planned) if outage.status == "submitted")
    return sorted(waiting, key=lambda outage: outage.facts.start)
