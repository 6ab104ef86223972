"""Outages for programs, to read: lists, one as it stands and as it stood, what changed, what it collides with, what is said."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from api.asked import Moment, OutageClass
from api.described import problems
from api.language import Language
from api.people.access import needs
from api.record import tell
from api.schemas import (
    ConflictOut,
    DifferenceOut,
    NoticeOut,
    OutageDetailOut,
    OutageOut,
    OutagePageOut,
    Status,
    When,
    difference_out,
    history_out,
    notice_out,
    outage_out,
)
from api.service import NetworkChangedError
from api.sought import About, Sought, find_page
from api.visit import Visit, Visiting
from outages.events import Outage
from outages.impact import Impact

router = APIRouter(prefix="/api/v1/outages", tags=["outages"], dependencies=[needs("read")])

OutageId = Annotated[str, Path(min_length=1, max_length=40, examples=["20260501-K7QM"])]
Revision = Annotated[int, Path(ge=1, le=1_000_000, examples=[1])]
Limit = Annotated[int, Query(ge=1, le=500, description="Outages in a page at most.")]
After = Annotated[str, Query(max_length=200, description="next of the page before.")]


@dataclass(frozen=True)
class Asked:
    """What is asked of outages."""

    when: Annotated[When | None, Query()] = None
    status: Annotated[tuple[Status, ...], Query()] = ()
    outage_class: Annotated[tuple[OutageClass, ...], Query(alias="class")] = ()
    feeder: Annotated[str, Query(max_length=200, description="Name of a feeder that is affected.")] = ""
    start: Annotated[Moment | None, Query(alias="from", description="Only those that last after this time.")] = None
    end: Annotated[Moment | None, Query(alias="to", description="Only those that begin before this time.")] = None
    text: Annotated[str, Query(max_length=200, description="In the id, the reason, or ids and names of devices.")] = ""

    def value(self) -> Sought:
        """Return what an outage must be."""
        return Sought(self.when or "", self.status, self.outage_class, self.feeder, self.start, self.end, self.text)


@router.get("", summary="List outages", responses=problems())
def list_outages(visit: Visiting, asked: Annotated[Asked, Depends()], *, limit: Limit = 50, after: After = "") -> OutagePageOut:
    """Outages that are all of what is asked for, the one entered last first."""
    about = About(visit.service.device_name, partial(_feeders, visit))
    entered = visit.service.live.list_outages()
    found, following = find_page(entered, asked.value(), about, visit.now, after=after, limit=limit)
    return OutagePageOut(at=visit.now, outages=[told(visit, outage) for outage in found], next=following)


@router.get("/{outage_id}", summary="Get an outage", responses=problems(404))
def get_outage(visit: Visiting, outage_id: OutageId, response: Response) -> OutageDetailOut:
    """One outage as it stands, and what happened to it. Its ETag is its revision."""
    outage = visit.service.get_outage(outage_id)
    history = history_out(tell(outage_id, visit.service.history(outage_id)), personal=visit.actor.may("personal"))
    response.headers["ETag"] = etag(outage)
    return OutageDetailOut(**told(visit, outage).model_dump(), history=history)


@router.get("/{outage_id}/revisions/{revision}", summary="Get an earlier revision", responses=problems(404))
def get_revision(visit: Visiting, outage_id: OutageId, revision: Revision) -> OutageOut:
    """One outage as it stood after so many events; when, overdue and allowed are as if it still did."""
    return told(visit, _stood(visit, outage_id, revision))


@router.get("/{outage_id}/diff", summary="Compare two revisions", responses=problems(404))
def get_differences(
    visit: Visiting,
    outage_id: OutageId,
    one: Annotated[int, Query(alias="from", ge=1, le=1_000_000, examples=[1])],
    other: Annotated[int | None, Query(alias="to", ge=1, le=1_000_000, description="Default: the newest.")] = None,
) -> list[DifferenceOut]:
    """In which facts an outage differs between two of its revisions; an empty list where in none."""
    newest = visit.service.get_outage(outage_id).seq
    found = visit.service.compare(outage_id, one, newest if other is None else other)
    return [difference_out(difference, personal=visit.actor.may("personal")) for difference in found]


@router.get("/{outage_id}/conflicts", summary="List conflicts", responses=problems(404))
def get_conflicts(visit: Visiting, outage_id: OutageId) -> list[ConflictOut]:
    """What is to be looked at before the newest facts are approved: other outages, repeats, short notice, lost feeds."""
    outage = visit.service.get_outage(outage_id)
    found = visit.service.conflicts(outage.facts, visit.now, outage_id)
    return [ConflictOut.model_validate(one, from_attributes=True) for one in found]


@router.get("/{outage_id}/notice", summary="Get the notice", responses=problems(404, 409))
def get_notice(
    visit: Visiting, outage_id: OutageId, language: Annotated[Language | None, Query(description="Default: all.")] = None
) -> list[NoticeOut]:
    """The notice, in every language or in one; an empty list where the outage affects nobody."""
    notices = visit.service.list_notices(visit.service.get_outage(outage_id))
    return [notice_out(notice) for notice in notices if language in (None, notice.language)]


def told(visit: Visit, outage: Outage) -> OutageOut:
    """Return an outage as whoever asks may see it."""
    return outage_out(outage, _find_impact(visit, outage), visit.now, personal=visit.actor.may("personal"))


def etag(outage: Outage) -> str:
    """Return the entity tag of an outage: its revision."""
    return f'"{outage.seq}"'


def _find_impact(visit: Visit, outage: Outage) -> Impact | None:
    """Return the impact; None where a newer network lacks what the outage names, which must not hide the other outages."""
    try:
        return visit.service.impact(outage)
    except NetworkChangedError:
        return None


def _feeders(visit: Visit, outage: Outage) -> tuple[str, ...]:
    impact = _find_impact(visit, outage)
    return () if impact is None else impact.feeders


def _stood(visit: Visit, outage_id: str, revision: int) -> Outage:
    visit.service.get_outage(outage_id)  # so that what is no id at all is told from memory
    return visit.service.outage_at(outage_id, revision)
