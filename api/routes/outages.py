"""Outages for programs: list, enter, look at, end, and take the lists and notices away."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import JSONResponse

from api.language import Language
from api.lists import affected_csv, affected_features
from api.routes.control import CONTROL
from api.schemas import (
    BoardOut,
    FactsIn,
    NoticeOut,
    OutageDetailOut,
    OutageOut,
    ProblemOut,
    TransitionIn,
    event_out,
    notice_out,
    outage_out,
    outages_of,
)
from api.visit import Visit, Visiting
from outages.events import Outage

router = APIRouter(prefix="/api/v1/outages", tags=["outages"])

IdempotencyKey = Annotated[
    str | None, Header(min_length=8, max_length=200, description="Any text of your own; the same command again has no effect.")
]
IfMatch = Annotated[
    str, Header(description='The revision that you looked at, as its ETag: "3".', pattern=r'^"?[1-9][0-9]*"?$', max_length=12)
]


def _problems(*statuses: int) -> dict[int | str, dict[str, object]]:
    return {status: {"model": ProblemOut, "description": "A problem document."} for status in statuses}


@router.get("")
def list_outages(visit: Visiting, when: Literal["current", "planned", "past"] | None = None) -> BoardOut:
    """All outages: going on, to come, and over; or only one of these."""
    parts = outages_of(visit.service.board(visit.now), when)
    listed = {name: [_out(visit, outage) for outage in outages] for name, outages in parts.items()}
    return BoardOut(at=visit.now, **listed)


@router.post("", status_code=201, responses=_problems(409, 422, 503))
def enter_outage(visit: Visiting, facts: FactsIn, response: Response, idempotency_key: IdempotencyKey = None) -> OutageOut:
    """Enter an outage. It is on disk when the answer comes."""
    outage = visit.service.enter(facts.value(), by=CONTROL, now=visit.now, key=idempotency_key)
    response.headers["Location"] = f"/api/v1/outages/{outage.id}"
    response.headers["ETag"] = _etag(outage)
    return _out(visit, outage)


@router.get("/{outage_id}", responses=_problems(404))
def get_outage(visit: Visiting, outage_id: str, response: Response) -> OutageDetailOut:
    """One outage as it stands, and what happened to it."""
    outage = visit.service.get_outage(outage_id)
    response.headers["ETag"] = _etag(outage)
    history = [event_out(event) for event in visit.service.history(outage_id)]
    return OutageDetailOut(**_out(visit, outage).model_dump(), history=history)


@router.post("/{outage_id}/transitions", responses=_problems(404, 409, 422, 503))
def change_outage(
    visit: Visiting, outage_id: str, step: TransitionIn, *, if_match: IfMatch, idempotency_key: IdempotencyKey = None
) -> OutageOut:
    """Confirm that power is back, or cancel. If-Match says which revision you saw; 409 tells the newer one."""
    seen = int(if_match.strip('"'))
    service, now = visit.service, visit.now
    if step.to == "restored":
        outage = service.confirm_restored(outage_id, step.at or now, seen=seen, by=CONTROL, now=now, key=idempotency_key)
    else:
        outage = service.cancel(outage_id, step.reason, seen=seen, by=CONTROL, now=now, key=idempotency_key)
    return _out(visit, outage)


@router.get(
    "/{outage_id}/affected.csv", responses={200: {"content": {"text/csv": {}}}, **_problems(404)}, response_class=Response
)
def get_affected_csv(visit: Visiting, outage_id: str) -> Response:
    """The affected customers, as CSV that Excel opens as it is meant (UTF-8 with BOM). No names, no telephone numbers."""
    outage = visit.service.get_outage(outage_id)
    impact = visit.service.preview(outage.facts.switching)
    body = affected_csv(impact, outage.facts, zone=visit.settings.zone)
    return Response(body, media_type="text/csv; charset=utf-8", headers=_download(outage, "csv"))


@router.get(
    "/{outage_id}/affected.geojson",
    responses={200: {"content": {"application/geo+json": {}}}, **_problems(404)},
    response_class=Response,
)
def get_affected_geojson(visit: Visiting, outage_id: str) -> Response:
    """The affected customers, as GeoJSON; null geometry where nobody knows where a customer is."""
    outage = visit.service.get_outage(outage_id)
    layer = affected_features(visit.service.preview(outage.facts.switching))
    return JSONResponse(layer, media_type="application/geo+json", headers=_download(outage, "geojson"))


@router.get("/{outage_id}/notice", responses=_problems(404))
def get_notice(
    visit: Visiting, outage_id: str, language: Annotated[Language | None, Query(description="Default: all.")] = None
) -> list[NoticeOut]:
    """The notice, in every language or in one; an empty list where the outage affects nobody."""
    notices = visit.service.list_notices(visit.service.get_outage(outage_id))
    return [notice_out(notice) for notice in notices if language in (None, notice.language)]


def _out(visit: Visit, outage: Outage) -> OutageOut:
    return outage_out(outage, visit.service.preview(outage.facts.switching), visit.now)


def _etag(outage: Outage) -> str:
    return f'"{outage.seq}"'


def _download(outage: Outage, suffix: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="affected-{outage.id}.{suffix}"', "Cache-Control": "no-store"}
