"""The public side: what everybody may know of the outages, and the map that it is drawn on.

Everything here comes out of `maps.layers.public_layer`, which keeps the privacy rule; a page and its map say the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.language import Language
from api.live import Board
from api.reasons import reason_in
from api.service import Service
from maps.geojson import Geo
from maps.layers import PublicEntry, public_layer
from outages.events import Outage


@dataclass(frozen=True)
class PublicPlace:
    """Part of an outage: a place, and at least how many customers there; None for fewer than the threshold."""

    name: str | None
    at_least: int | None


@dataclass(frozen=True)
class PublicOutage:
    """An outage as the public reads of it. ``at_least`` customers are affected, None for fewer than the threshold."""

    reference: str
    outage_class: str
    when: str
    start: datetime
    end: datetime | None
    overdue: bool
    reason: str
    at_least: int | None
    places: tuple[PublicPlace, ...]


def public_geojson(service: Service, board: Board, *, threshold: int, language: Language) -> Geo:
    """Return the outages that go on and are to come, as the public map shows them: a feature for each outage and place."""
    entries = [
        *(_entry(service, outage, "current", language) for outage in board.current),
        *(_entry(service, outage, "planned", language) for outage in board.planned),
    ]
    return public_layer(entries, threshold=threshold)


def _entry(service: Service, outage: Outage, status: str, language: Language) -> PublicEntry:
    facts = outage.facts
    return PublicEntry(
        reference=outage.id,
        outage_class=facts.outage_class,
        start=facts.start,
        end=facts.end,
        reason=reason_in(facts.reason, language),
        status=status,
        impact=service.preview(facts.switching),
    )


def list_public(layer: Geo, *, now: datetime, language: Language) -> list[PublicOutage]:
    """Return the same content as ``layer``, an entry for each outage, in the order of the layer."""
    grouped: dict[str, list[dict[str, Any]]] = {}
    for item in layer["features"]:
        grouped.setdefault(item["properties"]["reference"], []).append(item["properties"])
    return [_public_outage(parts, now, language) for parts in grouped.values()]


def _public_outage(parts: Sequence[dict[str, Any]], now: datetime, language: Language) -> PublicOutage:
    first = parts[0]
    end = first["end"] and datetime.fromisoformat(first["end"])
    return PublicOutage(
        reference=first["reference"],
        outage_class=first["outage_class"],
        when=first["status"],
        start=datetime.fromisoformat(first["start"]),
        end=end,
        overdue=first["status"] == "current" and end is not None and end <= now,
        reason=first["reason"],
        at_least=first["outage_customers"],
        places=tuple(PublicPlace(part["place"] if language == "zh" else part["place_en"], part["customers"]) for part in parts),
    )
