"""What everybody may see: the public map with its list, and the data that it is drawn from. Nothing here names a device.

It is answered from memory: whatever happens to the store, what was known last stays up, and says since when nothing was heard.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, JSONResponse

from api.described import public_problems
from api.people.access import anyone
from api.public import list_public, public_geojson
from api.visit import VARY, Visit, Visiting
from maps.geojson import Geo
from outages.facts import time_to_json

router = APIRouter()

GEOJSON = "application/geo+json"


def _layer_of(says: str, properties: dict[str, Any], **beside: Any) -> dict[str, Any]:
    """Return how a layer is described, by examples of the properties of a feature and of what stands ``beside`` the features."""
    corners = [[114.3, 30.5], [114.32, 30.5], [114.32, 30.52], [114.3, 30.5]]
    shape = {"type": ["object", "null"], "examples": [{"type": "Polygon", "coordinates": [corners]}]}
    feature = _object(type={"const": "Feature"}, properties=_shown(properties), geometry=shape)
    layer = _shown(beside, type={"const": "FeatureCollection"}, features={"type": "array", "items": feature})
    answer = {"content": {GEOJSON: {"schema": layer}}, "description": says}
    return {"response_class": Response, "responses": {200: answer, **public_problems(421, 429)}}


def _shown(examples: dict[str, Any], **members: Any) -> dict[str, Any]:
    return _object(**members, **{name: {"examples": [value]} for name, value in examples.items()})


def _object(**members: Any) -> dict[str, Any]:
    return {"type": "object", "required": [*members], "properties": members}


_OUTAGES = _layer_of(
    "A feature for each outage and place.",
    {
        "reference": "20260501-K7QM",
        "status": "planned",
        "outage_class": "planned",
        "start": "2026-05-02T00:30:00Z",
        "end": "2026-05-02T08:30:00Z",
        "reason": "线路检修",
        "outage_customers": 40,
        "place": "柳岸社区",
        "place_en": "Willow Bank",
        "customers": 10,
        "fewer_than": None,
        "earliest": None,
        "next_update": None,
        "later": [],
        "partly_restored": False,
    },
    threshold=5,
    stale_since=None,
)
_PLACES = _layer_of("A feature for each place.", {"kind": "community", "name": "柳岸社区", "name_en": "Willow Bank"})


@router.get("/map", dependencies=[anyone], include_in_schema=False)
def show_public_map(visit: Visiting) -> HTMLResponse:
    """Show the public map, and beside it the list with the same content."""
    listed = list_public(_layer(visit), now=visit.now, language=visit.language)
    return visit.page(
        "public.html",
        current=[outage for outage in listed if outage.when == "current"],
        planned=[outage for outage in listed if outage.when == "planned"],
        stale_since=visit.service.live.stale_since,
    )


@router.get("/api/v1/public/outages.geojson", dependencies=[anyone], tags=["public"], summary="Outages for everybody", **_OUTAGES)
def get_public_outages(visit: Visiting) -> JSONResponse:
    """Outages that go on or are to come, by place. Counts are "at least"; fewer_than marks groups too small to be counted.

    stale_since: since when nothing new was heard, null while everything is known.
    """
    stale_since = visit.service.live.stale_since
    told = {**_layer(visit), "stale_since": stale_since and time_to_json(stale_since)}
    return JSONResponse(told, media_type=GEOJSON, headers={"Cache-Control": "public, max-age=15", "Vary": VARY})


@router.get("/api/v1/public/places.geojson", dependencies=[anyone], tags=["public"], summary="Places for the map", **_PLACES)
def get_public_places(visit: Visiting) -> JSONResponse:
    """Shapes and names of the places that everybody knows: the background of the public map."""
    return JSONResponse(visit.service.backdrop, media_type=GEOJSON, headers={"Cache-Control": "public, max-age=3600"})


def _layer(visit: Visit) -> Geo:
    board = visit.service.live.board(visit.now, fresh=False)
    threshold = visit.settings.public_threshold
    return public_geojson(visit.service, board, now=visit.now, threshold=threshold, language=visit.language)
