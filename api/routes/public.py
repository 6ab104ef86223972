"""What everybody may see: the public map with its list, and the data that it is drawn from. Nothing here names a device."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, JSONResponse

from api.public import list_public, public_geojson
from api.visit import VARY, Visit, Visiting
from maps.geojson import Geo

router = APIRouter()

GEOJSON = "application/geo+json"


@router.get("/map", include_in_schema=False)
def show_public_map(visit: Visiting) -> HTMLResponse:
    """Show the public map, and beside it the list with the same content."""
    listed = list_public(_layer(visit), now=visit.now, language=visit.language)
    return visit.page(
        "public.html",
        current=[outage for outage in listed if outage.when == "current"],
        planned=[outage for outage in listed if outage.when == "planned"],
    )


@router.get("/api/v1/public/outages.geojson", tags=["public"])
def get_public_outages(visit: Visiting) -> JSONResponse:
    """Outages that go on or are to come, by place. Counts are "at least"; fewer_than marks groups too small to be counted."""
    return JSONResponse(_layer(visit), media_type=GEOJSON, headers={"Cache-Control": "public, max-age=15", "Vary": VARY})


@router.get("/api/v1/public/places.geojson", tags=["public"])
def get_public_places(visit: Visiting) -> JSONResponse:
    """Shapes and names of the places that everybody knows: the background of the public map."""
    return JSONResponse(visit.service.backdrop, media_type=GEOJSON, headers={"Cache-Control": "public, max-age=3600"})


def _layer(visit: Visit) -> Geo:
    board = visit.service.board(visit.now)
    return public_geojson(visit.service, board, threshold=visit.settings.public_threshold, language=visit.language)
