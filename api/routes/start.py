"""The first page: the places that whoever came may enter, and what is going on."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.people.access import anyone
from api.routes.desk import list_waiting
from api.visit import Visiting

router = APIRouter(include_in_schema=False)


@router.get("/", dependencies=[anyone])
def show_start(visit: Visiting) -> HTMLResponse:
    """Show where to go; to those who have signed in also the board, in numbers and in rows."""
    if not visit.actor.may("read"):
        return visit.page("start.html", board=None)
    board = visit.service.board(visit.now)
    return visit.page(
        "start.html",
        board=board,
        customers_now=visit.service.customers_out(visit.now),
        network=visit.service.network,
        waiting=list_waiting(board),
    )
