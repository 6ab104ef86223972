"""The publishing desk: what waits for approval, which notices are due, and what the public reads of each outage in force."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api import notice_labels
from api.live import Board
from api.people.access import needs
from api.problems import kind_of
from api.publishing import Waiting
from api.service import NetworkChangedError
from api.visit import Visit, Visiting
from notices.dossier import NoticeTransitionError
from notices.facts import KINDS, NoticeError
from notices.rules import Due
from outages.events import Outage
from outages.store import StoreError

router = APIRouter(include_in_schema=False)

_PRESSING = ("missed", "at_risk", "open", "met")


@dataclass(frozen=True)
class Attempt:
    """A notice that could not be written."""

    outage_id: str
    error: Exception


@router.get("/desk", dependencies=[needs("read")])
def show_desk(visit: Visiting) -> HTMLResponse:
    """Show the queue of what is to be approved and to be told, and the notices of all outages that go on or are to come."""
    return _page(visit)


@router.post("/outages/{outage_id}/notices", dependencies=[needs("notices")])
def write_notice(visit: Visiting, outage_id: str, *, kind: Annotated[str, Form(max_length=20)] = "") -> Response:
    """Write the notice that is due, or of a kind, and go to its page; one that is open already is not written anew."""
    outage = visit.service.get_outage(outage_id)
    asked = next((one for one in KINDS if one == kind), None)
    try:
        dossier = visit.publishing.registry.find_open(outage.id) or visit.publishing.draft(
            outage.id, by=visit.actor.name, now=visit.now, kind=asked
        )
    except (NoticeError, NoticeTransitionError, NetworkChangedError, StoreError) as error:
        return _page(visit, Attempt(outage.id, error))
    return RedirectResponse(f"/notices/{dossier.id}", status_code=303)


def list_waiting(board: Board) -> list[Outage]:
    """Return what waits for approval, drafts and changes of what is in force; what begins next first."""
    waiting = (outage for outage in (*board.drafts, *board.current, *board.planned) if outage.status == "submitted")
    return sorted(waiting, key=lambda outage: outage.facts.start)


def pressing(one: Waiting) -> list[Due]:
    """Return what the rules ask for where they apply: missed, at risk, in time, met; the earliest limit first."""
    applying = ((_PRESSING.index(due.status), due.due_at, due) for due in one.dues if due.due_at and due.status in _PRESSING)
    return [due for _, _, due in sorted(applying, key=lambda item: item[:2])]


def _page(visit: Visit, attempt: Attempt | None = None) -> HTMLResponse:
    board = visit.service.board(visit.now)
    return visit.page(
        "desk.html",
        status=kind_of(attempt.error).status if attempt else 200,
        address="/desk",
        items=[(outage, visit.service.list_notices(outage)) for outage in (*board.current, *board.planned)],
        waiting=list_waiting(board),
        queue=visit.publishing.list_waiting(visit.now),
        newest_impact=visit.service.impact,
        pressing=pressing,
        says=notice_labels,
        attempt=attempt,
        refused=kind_of(attempt.error) if attempt else None,
        problems=getattr(attempt.error, "problems", ()) if attempt else (),
    )
