"""The page of one outage: what is in force, what waits for approval, its history, map and notices, and what can be done now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.form import OperationRow, read_operations, read_time, rows_of, write_minute
from api.guard import frame_headers
from api.mapping import outage_map
from api.people.access import needs, needs_one_of, require
from api.problems import kind_of
from api.record import tell
from api.routes.control import conflicts_of, drawn_layers, since
from api.service import permission_for
from api.visit import Visit, Visiting
from maps.affected import count_places
from maps.sealed import policy_of
from outages.course import Course
from outages.events import Approved, Cancelled, Closed, Event, Outage, Rejected, Restored, Staged, Submitted, SwitchedOff, Undone
from outages.facts import FactsError
from outages.lifecycle import ON, TransitionError, allowed, differences, is_overdue, when
from outages.store import KeyReusedError, StaleWriteError, StoreError

router = APIRouter(prefix="/outages/{outage_id}", include_in_schema=False)

OPERATION_ROWS = 3
"""Empty rows for operations that the page begins with; the script adds more."""

Short = Annotated[str, Form(max_length=500)]
Column = Annotated[list[str], Form(max_length=200)]


@dataclass(frozen=True)
class Asked:
    """What was sent from the page: ``seen`` is the revision that the person looked at, the rest is as it was typed."""

    seen: int
    why: str = ""
    at: str = ""
    key: str = ""
    operations: tuple[OperationRow, ...] = ()


@dataclass(frozen=True)
class Attempt:
    """A step that could not be taken, kept so that nothing is typed twice."""

    kind: str
    asked: Asked
    error: Exception


def asked_for(seen: Annotated[int, Form(ge=1)], why: Short = "", at: Short = "", key: Short = "") -> Asked:
    """Return what was sent with a step that happens at one time, or at none."""
    return Asked(seen, why, at, key)


def operations_asked_for(
    seen: Annotated[int, Form(ge=1)],
    operation_at: Column,
    action: Column,
    device: Column,
    *,
    why: Short = "",
    key: Short = "",
) -> Asked:
    """Return what was sent with operations."""
    return Asked(seen, why, "", key, rows_of(operation_at, action, device))


Asking = Annotated[Asked, Depends(asked_for)]
AskingOperations = Annotated[Asked, Depends(operations_asked_for)]


@router.get("", dependencies=[needs("read")])
def show_outage(visit: Visiting, outage_id: str) -> HTMLResponse:
    """Show an outage as it stands."""
    return _page(visit, outage_id)


@router.get("/map", dependencies=[needs("read", "lists")])
def show_map(visit: Visiting, outage_id: str, *, newest: bool = False) -> HTMLResponse:
    """Show the map of an outage, to be framed by its page or opened alone; ``newest``: of a change that is not in force yet."""
    outage = visit.service.get_outage(outage_id)
    html = outage_map(visit.service, outage, visit.language, assets="/assets/", newest=newest)
    return HTMLResponse(html, headers=frame_headers(policy_of(html)))


@router.post("/submitted", dependencies=[needs("enter")])
def submit(visit: Visiting, outage_id: str, asked: Asking) -> Response:
    """Hand the draft to another person to be approved."""
    return _record(visit, outage_id, "submitted", asked, lambda by: Submitted(visit.now, by, asked.why))


@router.post("/approved", dependencies=[needs("approve")])
def approve(visit: Visiting, outage_id: str, asked: Asking) -> Response:
    """Bring what was submitted into force."""
    return _record(visit, outage_id, "approved", asked, lambda by: Approved(visit.now, by, asked.why))


@router.post("/rejected", dependencies=[needs("approve")])
def reject(visit: Visiting, outage_id: str, asked: Asking) -> Response:
    """Give what was submitted back, and say why."""
    return _record(visit, outage_id, "rejected", asked, lambda by: Rejected(visit.now, by, asked.why))


@router.post("/switched_off", dependencies=[needs("enter")])
def switch_off(visit: Visiting, outage_id: str, asked: Asking) -> Response:
    """Record when power went off."""

    def event(by: str) -> Event:
        return SwitchedOff(read_time(asked.at, "off_at", visit.settings.zone), visit.now, by, asked.why)

    return _record(visit, outage_id, "switched_off", asked, event)


@router.post("/staged", dependencies=[needs("enter")])
def operate_devices(visit: Visiting, outage_id: str, asked: AskingOperations) -> Response:
    """Record devices that were operated while the outage lasts."""

    def event(by: str) -> Event:
        return Staged(read_operations(asked.operations, visit.settings.zone), visit.now, by, asked.why)

    return _record(visit, outage_id, "staged", asked, event)


@router.post("/restored", dependencies=[needs("enter")])
def confirm_restored(visit: Visiting, outage_id: str, asked: Asking) -> Response:
    """Record that everybody has power again."""

    def event(by: str) -> Event:
        return Restored(read_time(asked.at, "restored_at", visit.settings.zone), visit.now, by, asked.why)

    return _record(visit, outage_id, "restored", asked, event)


@router.post("/closed", dependencies=[needs("enter")])
def close(visit: Visiting, outage_id: str, asked: Asking) -> Response:
    """Record that nothing will be added."""
    return _record(visit, outage_id, "closed", asked, lambda by: Closed(visit.now, by, asked.why))


@router.post("/cancelled", dependencies=[needs("enter")])
def cancel(visit: Visiting, outage_id: str, asked: Asking) -> Response:
    """Record that the outage will not take place, and why."""
    return _record(visit, outage_id, "cancelled", asked, lambda by: Cancelled(visit.now, by, asked.why))


@router.post("/undone", dependencies=[needs_one_of("enter", "approve")])
def undo(visit: Visiting, outage_id: str, asked: Asking) -> Response:
    """Take the last step back, and say why. It needs the permission that the step itself needed."""
    # As the person saw it: a button that was pressed twice asks twice for the same.
    outage = visit.service.outage_at(outage_id, asked.seen)
    require(visit.actor, permission_for(outage, "undone"))
    return _record(visit, outage_id, "undone", asked, lambda by: Undone(outage.last_seq, visit.now, by, asked.why))


def _record(visit: Visit, outage_id: str, kind: str, asked: Asked, make: Callable[[str], Event]) -> Response:  # noqa: PLR0917
    """Record the event that ``make`` returns for whoever asks; where it cannot be, show the page with what was typed."""
    try:
        visit.service.record(outage_id, make(visit.actor.name), seen=asked.seen, key=asked.key or None)
    except (FactsError, TransitionError, StaleWriteError, KeyReusedError, StoreError) as error:
        return _page(visit, outage_id, Attempt(kind, asked, error))
    return RedirectResponse(f"/outages/{outage_id}", status_code=303)


def possible(visit: Visit, outage: Outage) -> list[str]:
    """Return the steps that the outage allows and that whoever asks may take. Nobody approves their own facts."""
    own = outage.facts_by == visit.actor.name
    going_on = when(outage, visit.now) == "current"
    return [
        kind
        for kind in allowed(outage)
        if visit.actor.may(permission_for(outage, kind)) and not (kind == "approved" and own) and (kind != "restored" or going_on)
    ]


def _page(visit: Visit, outage_id: str, attempt: Attempt | None = None) -> HTMLResponse:
    outage = visit.service.get_outage(outage_id)
    facts = outage.in_force or outage.facts
    impact = visit.service.impact_in_force(outage)
    pending = outage.in_force is not None and outage.facts != outage.in_force
    history = tell(outage.id, visit.service.history(outage_id))
    course = visit.service.course(outage, visit.now) if outage.status in ON else None
    return visit.page(
        "outage.html",
        status=kind_of(attempt.error).status if attempt else 200,
        address=f"/outages/{outage.id}",
        outage=outage,
        facts=facts,
        impact=impact,
        in_all=len(course.affected) if course and outage.operations else None,
        off_now=_off_at(course, visit.now) if course else None,
        pending=differences(facts, outage.facts) if pending else [],
        pending_impact=visit.service.impact(outage) if pending else None,
        conflicts=conflicts_of(visit, outage.facts, outage.id) if outage.status in ("draft", "submitted") else (),
        when=when(outage, visit.now),
        overdue=is_overdue(outage, visit.now),
        places=count_places(impact),
        history=history,
        last=history[outage.last_seq - 1].event,
        notices=visit.service.list_notices(outage),
        possible=possible(visit, outage),
        attempt=attempt,
        problems=attempt.error.problems if attempt and isinstance(attempt.error, FactsError) else (),
        is_refused=attempt is not None and isinstance(attempt.error, TransitionError),
        error_title=kind_of(attempt.error).title if attempt else "",
        entered="entered" in visit.request.query_params,
        changed="changed" in visit.request.query_params,
        meanwhile=since(visit.service, outage, attempt.asked.seen) if attempt else None,
        layers=drawn_layers(visit, impact),
        now_typed=write_minute(visit.now, visit.settings.zone),
        key=uuid4().hex,
        rows=_rows(visit, attempt),
    )


def _off_at(course: Course, at: datetime) -> int:
    """Return how many customers are out or partly out at ``at``."""
    return next((one.out + one.partial for one in reversed(course.counts) if one.at <= at), 0)


def _rows(visit: Visit, attempt: Attempt | None) -> list[OperationRow]:
    typed = list(attempt.asked.operations) if attempt else []
    empty = OperationRow(at=write_minute(visit.now, visit.settings.zone))
    return typed + [empty] * max(0, OPERATION_ROWS - len(typed))
