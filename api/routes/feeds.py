"""Outages for programs of everybody: a feed, a calendar, records, and each alert. All of them are made from the same bulletins.

They are answered from memory, as the public map is: what was known last stays up. The language is that of ``?lang=``, else the
browser's.
"""

from __future__ import annotations

from email.utils import format_datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from starlette.exceptions import HTTPException

from api.described import Answers, public_problems
from api.feeds import ALERTS_PATH, ATOM_PATH, CALENDAR_PATH, JSON_TYPE, OUTAGES_PATH, Document, Feeds
from api.people.access import anyone
from api.visit import VARY, Visit, Visiting
from notices.cap import MEDIA_TYPE as CAP_TYPE
from notices.feeds import ATOM_TYPE, CALENDAR_TYPE

router = APIRouter(tags=["public"], dependencies=[anyone])

FEED_AGE_S = 60
ALERT_AGE_S = 3600
"""For how long a copy may be used: a feed changes when an outage does, an alert never."""

Identifier = Annotated[str, Path(min_length=1, max_length=400, description="As the feed gives it.", examples=["20260501-K7QM.3"])]


def _described(media_type: str, says: str, example: Any, *statuses: int) -> dict[str, Any]:
    """Return how a document is described, by an example of it."""
    schema = {"type": "string"} if isinstance(example, str) else {"type": "object", "required": [*example]}
    found = {"content": {media_type: {"schema": schema, "example": example}}, "description": says}
    answers: Answers = {200: found, **public_problems(421, 429, *statuses)}
    return {"response_class": Response, "responses": answers}


_ATOM = _described(ATOM_TYPE, "An entry for each outage.", '<feed xmlns="http://www.w3.org/2005/Atom">…</feed>')
_CALENDAR = _described(CALENDAR_TYPE, "An event for each window.", "BEGIN:VCALENDAR\r\n…\r\nEND:VCALENDAR\r\n")
_OUTAGES = _described(JSON_TYPE, "A record for each outage.", {"PubOutages": {"Outage": []}})
_ALERT = _described(CAP_TYPE, "One alert.", '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">…</alert>', 404, 422)


@router.get(ATOM_PATH, summary="Feed of outages (Atom)", **_ATOM)
def get_feed(visit: Visiting) -> Response:
    """The newest bulletin of each outage. What is restored or cancelled stays for seven days. ?lang= is zh or en."""
    return _answer(visit, _feeds(visit).atom(visit.language, visit.now), age_s=FEED_AGE_S)


@router.get(CALENDAR_PATH, summary="Calendar of announced outages (iCalendar)", **_CALENDAR)
def get_calendar(visit: Visiting) -> Response:
    """The windows of what is announced. What is called off stays for seven days as cancelled, so that calendars drop it.

    ?lang= is zh or en.
    """
    return _answer(visit, _feeds(visit).calendar(visit.language, visit.now), age_s=FEED_AGE_S)


@router.get(OUTAGES_PATH, summary="Outages as records (IEC 61968-3)", **_OUTAGES)
def get_records(visit: Visiting) -> Response:
    """The newest bulletin of each outage, in the shape of PubOutages, as the Outage Data Initiative has it.

    ?lang= is zh or en.
    """
    return _answer(visit, _feeds(visit).outages(visit.language, visit.now), age_s=FEED_AGE_S)


@router.get(f"{ALERTS_PATH}/{{identifier}}.xml", summary="One alert (CAP 1.2)", **_ALERT)
def get_alert(visit: Visiting, identifier: Identifier) -> Response:
    """One bulletin in every language, also one that a later one has superseded. It never changes."""
    alert = _feeds(visit).find_alert(identifier, visit.now)
    if alert is None:
        raise HTTPException(404)
    return _answer(visit, alert, age_s=ALERT_AGE_S)


def _feeds(visit: Visit) -> Feeds:
    feeds: Feeds = visit.request.app.state.feeds
    return feeds


def _answer(visit: Visit, document: Document, *, age_s: int) -> Response:
    """Return ``document``, or that it is unchanged for whoever has it already."""
    headers = {
        "Cache-Control": f"public, max-age={age_s}",
        "ETag": document.etag,
        "Last-Modified": format_datetime(document.modified.replace(microsecond=0), usegmt=True),
        "Vary": VARY,
    }
    held = {tag.strip().removeprefix("W/") for tag in visit.request.headers.get("if-none-match", "").split(",")}
    if held & {document.etag, "*"}:
        return Response(status_code=304, headers=headers)
    return Response(document.body, media_type=document.media_type, headers=headers)
