"""Outages for programs, to change: what one would cost, entering it, revising it, and every step of its life."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from api.asked import EnterIn, PlanIn, PreviewIn, ReviseIn, TransitionIn
from api.described import problems
from api.lists import list_affected
from api.people.access import needs, needs_one_of, require
from api.routes.affected import customers_out
from api.routes.devices import helpful_ties
from api.routes.outages import OutageId, etag, told
from api.schemas import ConflictOut, OutageOut, PreviewOut, impact_out, tie_out
from api.service import permission_for
from api.visit import Visit, Visiting
from outages.facts import OutageFacts, Switching, switching_to_json
from outages.together import state_before
from topology.supply import State, normal_state

router = APIRouter(prefix="/api/v1/outages", tags=["outages"])

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=8,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Any text of your own; the same command again has no effect.",
    ),
]
IfMatch = Annotated[
    str,
    Header(description='The revision that you looked at, as its ETag: "3".', pattern=r'^"?[1-9][0-9]{0,8}"?$', examples=['"1"']),
]


@router.post("", status_code=201, summary="Enter an outage", responses=problems(400, 413), dependencies=[needs("enter")])
def enter_outage(visit: Visiting, asked: EnterIn, response: Response, idempotency_key: IdempotencyKey = None) -> OutageOut:
    """Enter an outage. It is on disk when the answer comes. What is announced is a draft, or submitted with submit."""
    facts = asked.facts(resolved(visit, asked), visit.settings.zone)
    outage = visit.service.enter(
        facts, by=visit.actor.name, now=visit.now, key=idempotency_key, why=asked.why, submit=asked.submit
    )
    response.headers["Location"] = f"/api/v1/outages/{outage.id}"
    response.headers["ETag"] = etag(outage)
    return told(visit, outage)


@router.post("/preview", summary="Preview an outage", responses=problems(400, 413), dependencies=[needs("read")])
def preview_outage(
    visit: Visiting, asked: PreviewIn, head: Annotated[int, Query(ge=0, le=500, description="Customers that are shown.")] = 10
) -> PreviewOut:
    """What an outage would cost, whom it would affect, and what would make it smaller. Nothing is entered.

    With a time it is compared with what is in force then, without one with normal operation.
    """
    service, switching, windows = visit.service, resolved(visit, asked), asked.when(visit.settings.zone)
    impact = service.preview(switching, at=windows[0].start if windows else None, outage_id=asked.outage_id)
    facts = _planned(visit, asked, switching) if windows else None
    before = _before(visit, asked, facts)
    scopes = {tag: service.scope(impact, tag, outage_class=asked.outage_class) for tag in visit.settings.languages}
    found = service.conflicts(facts, visit.now, asked.outage_id) if facts else []
    return PreviewOut(
        **impact_out(impact).model_dump(),
        switching=switching_to_json(switching),
        customers=customers_out(list_affected(impact, facts).head(head), visit.settings.zone),
        scope=scopes,
        conflicts=[ConflictOut.model_validate(one, from_attributes=True) for one in found],
        ties=[tie_out(service.network, step) for step in helpful_ties(service.network, before, switching)],
        lead_hours=round((facts.start - visit.now).total_seconds() / 3600, 2) if facts else None,
    )


@router.put("/{outage_id}", summary="Revise an outage", responses=problems(400, 404, 409, 413), dependencies=[needs("enter")])
def revise_outage(
    visit: Visiting,
    outage_id: OutageId,
    asked: ReviseIn,
    response: Response,
    *,
    if_match: IfMatch,
    idempotency_key: IdempotencyKey = None,
) -> OutageOut:
    """Replace the facts: other times, another scope, another estimate. An approved plan has to be approved again.

    If-Match says which revision you saw; 409 tells the newer one.
    """
    seen = _seen(if_match)
    before = visit.service.outage_at(visit.service.get_outage(outage_id).id, seen)
    facts = asked.facts(resolved(visit, asked), visit.settings.zone, contact=before.facts.contact)
    outage = visit.service.revise(
        outage_id, facts, why=asked.why, seen=seen, by=visit.actor.name, now=visit.now, key=idempotency_key
    )
    response.headers["ETag"] = etag(outage)
    return told(visit, outage)


@router.post(
    "/{outage_id}/transitions",
    summary="Take the next step",
    responses=problems(400, 404, 409, 413),
    dependencies=[needs_one_of("enter", "approve")],
)
def change_outage(
    visit: Visiting,
    outage_id: OutageId,
    asked: TransitionIn,
    response: Response,
    *,
    if_match: IfMatch,
    idempotency_key: IdempotencyKey = None,
) -> OutageOut:
    """Submit, approve, reject, switch off, restore in stages or wholly, close, cancel, or undo the last step.

    If-Match says which revision you saw; 409 tells the newer one. Approving needs another person than the author.
    """
    seen = _seen(if_match)
    before = visit.service.outage_at(visit.service.get_outage(outage_id).id, seen)
    require(visit.actor, permission_for(before, asked.to))
    event = asked.event(undoes=before.last_seq, now=visit.now, by=visit.actor.name)
    outage = visit.service.record(outage_id, event, seen=seen, key=idempotency_key)
    response.headers["ETag"] = etag(outage)
    return told(visit, outage)


def resolved(visit: Visit, asked: PlanIn) -> Switching:
    """Return what is to be switched, with what the selection leads to; raises FactsError."""
    switching, chosen = asked.switching.value(), asked.chosen()
    return switching if chosen is None else visit.service.resolve(switching, chosen)


def _planned(visit: Visit, asked: PreviewIn, switching: Switching) -> OutageFacts:
    """Return the facts as far as they are said, for a plan whose reason nobody has written yet."""
    said = asked if asked.reason.strip() else asked.model_copy(update={"reason": "-"})
    return said.facts(switching, visit.settings.zone)


def _before(visit: Visit, asked: PreviewIn, facts: OutageFacts | None) -> State:
    """Return what is closed and fed when the outage begins, under all others; in normal operation where no time is said."""
    if facts is None:
        return normal_state(visit.service.network)
    others = [outage for outage in visit.service.live.open_outages() if outage.id != asked.outage_id]
    return state_before(visit.service.network, others, facts.start)


def _seen(if_match: str) -> int:
    return int(if_match.strip('"'))
