"""What changes, as it changes: server-sent events for the pages of control and for programs."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Query, Request, Response

from api.described import problems
from api.people.access import needs
from api.process import process_of
from api.stream import Stream
from outages.store import StoreError

router = APIRouter(prefix="/api/v1", tags=["outages"])

ABOUT = "Events `outage` with {id, revision, status, kind, when, at, by, position}; `reset` where too much was missed."
EVENTS = {
    "schema": {"type": "string"},
    "example": 'id: 7\nevent: outage\ndata: {"id":"20260501-K7QM","revision":3,"status":"approved","kind":"approved",'
    '"when":"planned","at":"2026-04-22T01:05:00+00:00","by":"ben","position":7}\n\n',
}


@router.get(
    "/stream",
    dependencies=[needs("read")],
    response_class=Response,
    summary="Follow what happens",
    responses={200: {"content": {"text/event-stream": EVENTS}, "description": ABOUT}, **problems()},
)
def stream(
    request: Request,
    outage: Annotated[str, Query(description="Only this outage.", max_length=100)] = "",
    since: Annotated[int | None, Query(ge=0, description="Tell also what came after this position, that of a page.")] = None,
    last_event_id: Annotated[
        str, Header(description="Sent by a browser that comes back; goes before since.", max_length=20)
    ] = "",
) -> Response:
    """Everything that happens to outages, as it happens. It never ends by itself for long: come back with Last-Event-ID."""
    process = process_of(request)
    if not process.hub.is_open:
        raise HTTPException(503)
    after = int(last_event_id) if last_event_id.isascii() and last_event_id.isdigit() else since
    if after is not None and after > process.live.position:
        with suppress(StoreError):  # another process told more than we have heard yet
            process.live.catch_up()
    return Stream(process.hub, after=after, outage_id=outage)
