"""The page of one outage for control: numbers, steps, map, notices, lists, and what can be done now."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.form import read_time, write_time
from api.guard import frame_headers
from api.mapping import outage_map
from api.problems import kind_of
from api.routes.control import CONTROL, drawn_layers
from api.visit import Visit, Visiting
from maps.affected import count_places
from maps.sealed import policy_of
from outages.events import FactsError
from outages.lifecycle import TRANSITIONS, TransitionError, is_overdue, when
from outages.store import StaleWriteError

router = APIRouter(prefix="/outages/{outage_id}", include_in_schema=False)

Seen = Annotated[int, Form(ge=1)]
Typed = Annotated[str, Form(max_length=500)]


@router.get("")
def show_outage(visit: Visiting, outage_id: str) -> HTMLResponse:
    """Show an outage as it stands."""
    return _page(visit, outage_id)


@router.get("/map")
def show_map(visit: Visiting, outage_id: str) -> HTMLResponse:
    """Show the map of an outage, to be framed by its page or opened alone."""
    html = outage_map(visit.service, visit.service.get_outage(outage_id), visit.language, assets="/assets/")
    return HTMLResponse(html, headers=frame_headers(policy_of(html)))


@router.post("/restored")
def confirm_restored(visit: Visiting, outage_id: str, seen: Seen, restored_at: Typed = "") -> Response:
    """Record that everybody has power again, as of the revision that the person saw."""
    try:
        at = read_time(restored_at, "restored_at", visit.settings.zone)
        visit.service.confirm_restored(outage_id, at, seen=seen, by=CONTROL, now=visit.now)
    except (FactsError, TransitionError, StaleWriteError) as error:
        return _page(visit, outage_id, error=error)
    return RedirectResponse(f"/outages/{outage_id}", status_code=303)


@router.post("/cancelled")
def cancel(visit: Visiting, outage_id: str, seen: Seen, reason: Typed = "") -> Response:
    """Record that the outage will not take place, as of the revision that the person saw."""
    try:
        visit.service.cancel(outage_id, reason, seen=seen, by=CONTROL, now=visit.now)
    except (FactsError, TransitionError, StaleWriteError) as error:
        return _page(visit, outage_id, error=error)
    return RedirectResponse(f"/outages/{outage_id}", status_code=303)


def _page(visit: Visit, outage_id: str, *, error: Exception | None = None) -> HTMLResponse:
    outage = visit.service.get_outage(outage_id)
    impact = visit.service.preview(outage.facts.switching)
    return visit.page(
        "outage.html",
        status=200 if error is None else 422 if isinstance(error, FactsError) else 409,
        outage=outage,
        impact=impact,
        when=when(outage, visit.now),
        overdue=is_overdue(outage, visit.now),
        places=count_places(impact),
        history=visit.service.history(outage_id),
        notices=visit.service.list_notices(outage),
        allowed=TRANSITIONS[outage.status],
        error=error,
        error_title=kind_of(error).title if error else "",
        entered="entered" in visit.request.query_params,
        layers=drawn_layers(visit.service, outage.facts.switching),
        now_typed=write_time(visit.now, visit.settings.zone),
    )
