"""Whom an outage affects, as lists for programs: a page at a time as JSON, or whole as CSV, GeoJSON and GeoPackage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, BinaryIO

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse

from api.described import problems
from api.lists import AffectedList, list_of_course, write_csv, write_geojson, write_geopackage
from api.people.access import needs, require
from api.routes.outages import OutageId
from api.schemas import AffectedPageOut, ContactOut, CustomerOut, Group, State, StatusNow
from api.visit import Visit, Visiting
from outages.audit import AuditEntry, write_audit
from outages.events import Outage

router = APIRouter(prefix="/api/v1/outages/{outage_id}", tags=["lists"], dependencies=[needs("lists")])

_PIECE_BYTES = 65_536


@dataclass(frozen=True)
class Chosen:
    """Which customers are asked for, and whether with names and telephone numbers."""

    group: Annotated[Group | None, Query(description="Only customers at dedicated transformers, or of one priority.")] = None
    state: Annotated[State | None, Query(description="Only those that lose all phases, or some.")] = None
    status: Annotated[StatusNow | None, Query(description="Only those that are so now.")] = None
    contact: Annotated[bool, Query(description="With names and telephone numbers; needs the permission personal.")] = False

    def of(self, visit: Visit, outage: Outage) -> AffectedList:
        """Return the customers; raises ForbiddenError where whoever asks may not see contacts."""
        if self.contact:
            require(visit.actor, "personal")
        listed = list_of_course(visit.service.course(outage, visit.now), visit.now, off_now=visit.service.rows_out(visit.now))
        return listed.only(group=self.group, state=self.state, status=self.status)


Choosing = Annotated[Chosen, Depends()]


@router.get("/affected", summary="List affected customers", responses=problems(404, 409))
def get_affected(
    visit: Visiting,
    outage_id: OutageId,
    chosen: Choosing,
    *,
    limit: Annotated[int, Query(ge=1, le=5000, description="Customers in a page at most.")] = 100,
    after: Annotated[str, Query(max_length=200, description="next of the page before.")] = "",
) -> AffectedPageOut:
    """The affected customers, a page at a time; in force, or of a draft as it is planned."""
    outage = visit.service.get_outage(outage_id)
    listed = chosen.of(visit, outage)
    page, following = listed.page(after, limit)
    _note(visit, outage, chosen, form="json", customers=len(page))
    customers = customers_out(page, visit.settings.zone, contact=chosen.contact)
    return AffectedPageOut(outage=outage.id, revision=outage.seq, total=len(listed), customers=customers, next=following)


def _file(media_type: str, says: str, schema: dict[str, Any], example: Any = None) -> dict[str, Any]:
    content = {"schema": schema} if example is None else {"schema": schema, "example": example}
    return {
        "response_class": Response,
        "responses": {200: {"content": {media_type: content}, "description": says}, **problems(404, 409)},
    }


_BYTES = {"type": "string", "format": "binary"}
_CSV = _file(
    "text/csv", "UTF-8 with a byte order mark, lines ended by CR LF.", _BYTES, "id,state,status,…\r\nC1042,out,planned,…\r\n"
)
_GEOJSON = _file(
    "application/geo+json",
    "A feature a customer.",
    {"type": "object"},
    {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"id": "C1042", "state": "out", "status": "planned"},
                "geometry": {"type": "Point", "coordinates": [114.32, 30.51]},
            }
        ],
    },
)
_GEOPACKAGE = _file("application/geopackage+sqlite3", "One layer, affected.", _BYTES)


@router.get("/affected.csv", summary="Affected customers as CSV", **_CSV)
def get_affected_csv(visit: Visiting, outage_id: OutageId, chosen: Choosing) -> Response:
    """The affected customers, as CSV that Excel opens as it is meant."""
    outage = visit.service.get_outage(outage_id)
    listed = chosen.of(visit, outage)
    _note(visit, outage, chosen, form="csv", customers=len(listed))
    pieces = write_csv(listed, visit.settings.zone, contact=chosen.contact)
    return StreamingResponse(pieces, media_type="text/csv; charset=utf-8", headers=_download(outage, "csv"))


@router.get("/affected.geojson", summary="Affected customers as GeoJSON", **_GEOJSON)
def get_affected_geojson(visit: Visiting, outage_id: OutageId, chosen: Choosing) -> Response:
    """The affected customers, as GeoJSON; null geometry where nobody knows where a customer is."""
    outage = visit.service.get_outage(outage_id)
    listed = chosen.of(visit, outage)
    _note(visit, outage, chosen, form="geojson", customers=len(listed))
    pieces = write_geojson(listed, visit.settings.zone, contact=chosen.contact)
    return StreamingResponse(pieces, media_type="application/geo+json", headers=_download(outage, "geojson"))


@router.get("/affected.gpkg", summary="Affected customers as GeoPackage", **_GEOPACKAGE)
def get_affected_geopackage(visit: Visiting, outage_id: OutageId, chosen: Choosing) -> Response:
    """The affected customers, as a GeoPackage with one layer."""
    outage = visit.service.get_outage(outage_id)
    listed = chosen.of(visit, outage)
    _note(visit, outage, chosen, form="gpkg", customers=len(listed))
    with TemporaryDirectory(prefix="gridnotice-") as folder:
        path = Path(folder) / "affected.gpkg"
        write_geopackage(listed, path, visit.settings.zone, contact=chosen.contact)
        # Open, it is still read after its folder is gone: nothing is left behind, whoever hangs up.
        file = path.open("rb")
        size = path.stat().st_size
    headers = {**_download(outage, "gpkg"), "Content-Length": str(size)}
    return StreamingResponse(_pieces(file), media_type="application/geopackage+sqlite3", headers=headers)


def customers_out(listed: AffectedList, zone: str, *, contact: bool = False) -> list[CustomerOut]:
    """Return affected customers as JSON says them."""
    model = ContactOut if contact else CustomerOut
    rows = listed.table(zone, contact=contact).to_dict("records")
    return [model.model_validate({**row, **{name: row[name] or None for name in ("off", "on", "status")}}) for row in rows]


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE_BYTES):
            yield piece


def _download(outage: Outage, suffix: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="affected-{outage.id}.{suffix}"', "Cache-Control": "no-store"}


def _note(visit: Visit, outage: Outage, chosen: Chosen, *, form: str, customers: int) -> None:
    """Write to the audit log who took which list away, before any of it is sent."""
    detail = {"revision": outage.seq, "form": form, "customers": customers, "contact": chosen.contact}
    with visit.database.writing() as connection:
        write_audit(connection, [AuditEntry(visit.now, visit.actor.name, "list exported", outage.id, detail)])
