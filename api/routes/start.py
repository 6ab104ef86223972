"""The first page: where the three places are, and what is going on."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.visit import Visiting

router = APIRouter(include_in_schema=False)


@router.get("/")
def show_start(visit: Visiting) -> HTMLResponse:
    """Show the three places and the board in numbers."""
    board = visit.service.board(visit.now)
    return visit.page(
        "start.html",
        board=board,
        customers_now=visit.service.count_customers(board.current),
        network=visit.service.network,
    )
