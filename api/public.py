"""The public side: what everybody may know of the outages in force, and the map that it is drawn on.

What counts and what is drawn comes out of `maps.layers.public_layer`, which keeps the privacy rule; times are added to it here.
A page and its map say the same. Drafts, changes that wait for approval, contacts, switching and why something was changed are
not public.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.language import Language
from api.live import Board
from api.reasons import reason_in
from api.service import NetworkChangedError, Service
from maps.geojson import Geo
from maps.layers import PublicEntry, public_layer
from outages.events import Outage
from outages.facts import OutageFacts, Window, time_from_json, time_to_json
from outages.impact import Impact
from outages.lifecycle import active_spans
from outages.store import StoreError


@dataclass(frozen=True)
class PublicPlace:
    """Part of an outage: a place, and at least how many customers there; None for fewer than the threshold."""

    name: str | None
    at_least: int | None


@dataclass(frozen=True)
class PublicOutage:
    """An outage as the public reads of it. ``at_least`` customers are affected, None for fewer than the threshold.

    ``start`` and ``end`` are of the window that goes on or comes next, ``later`` the windows after it. ``earliest`` is when power
    may be back first, and ``next_update`` when there is more to say; None where nobody said so.
    """

    reference: str
    outage_class: str
    when: str
    start: datetime
    end: datetime | None
    overdue: bool
    reason: str
    at_least: int | None
    places: tuple[PublicPlace, ...]
    earliest: datetime | None
    next_update: datetime | None
    later: tuple[Window, ...]
    partly_restored: bool


@dataclass(frozen=True)
class _Times:
    """The window of an outage that goes on at a moment or comes next, and what is known beyond it."""

    start: datetime
    end: datetime | None
    is_on: bool
    later: tuple[Window, ...]
    earliest: datetime | None
    next_update: datetime | None


@dataclass(frozen=True)
class _Told:
    outage: Outage
    facts: OutageFacts
    times: _Times
    impact: Impact


def public_geojson(service: Service, board: Board, *, now: datetime, threshold: int, language: Language) -> Geo:
    """Return the outages that go on and are to come, as the public map shows them: a feature for each outage and place.

    Beyond what `public_layer` says there are the properties earliest, next_update, later (windows), partly_restored. Between two
    windows power is on: the next one is told as planned.
    """
    told = {
        outage.id: _Told(outage, facts, _times(outage, facts, now), impact)
        for outage in (*board.current, *board.planned)
        if (facts := outage.in_force) is not None and (impact := _impact(service, outage, facts)) is not None
    }
    layer = public_layer((_entry(one, language) for one in told.values()), threshold=threshold)
    for item in layer["features"]:
        one = told[item["properties"]["reference"]]
        times = one.times
        item["properties"] |= {
            "earliest": times.earliest and _iso(times.earliest),
            "next_update": times.next_update and _iso(times.next_update),
            "later": [[_iso(window.start), window.end and _iso(window.end)] for window in times.later],
            "partly_restored": times.is_on and one.outage.status == "partially_restored",
        }
    return layer


def list_public(layer: Geo, *, now: datetime, language: Language) -> list[PublicOutage]:
    """Return the same content as ``layer``, an entry for each outage, in the order of the layer."""
    grouped: dict[str, list[dict[str, Any]]] = {}
    for item in layer["features"]:
        grouped.setdefault(item["properties"]["reference"], []).append(item["properties"])
    return [_public_outage(parts, now, language) for parts in grouped.values()]


def _entry(one: _Told, language: Language) -> PublicEntry:
    outage, facts, times = one.outage, one.facts, one.times
    return PublicEntry(
        reference=outage.id,
        outage_class=facts.outage_class,
        start=times.start,
        end=times.end,
        reason=reason_in(facts.reason, language),
        status="current" if times.is_on else "planned",
        impact=one.impact,
    )


def _impact(service: Service, outage: Outage, facts: OutageFacts) -> Impact | None:
    """Return whom an outage affects; None where it names what this network has not: nobody can say where that is."""
    try:
        return service.impact_in_force(outage)
    except NetworkChangedError:
        return None
    except StoreError:
        # What else was in force then is not to be had now. Without it nobody is left out.
        return service.preview(facts.switching)


def _times(outage: Outage, facts: OutageFacts, now: datetime) -> _Times:
    """Return the first window that is not over at ``now``: nothing but a person ends the last one."""
    spans = active_spans(outage)
    number = next((number for number, (_, end) in enumerate(spans) if end is None or now < end), len(spans) - 1)
    start, end = spans[number]
    is_last = number == len(spans) - 1
    estimate = facts.estimate
    is_on = start <= now
    return _Times(
        start=start,
        end=facts.end if is_last else end,
        is_on=is_on,
        later=facts.windows[number + 1 :],
        earliest=estimate.earliest if estimate and is_last and estimate.earliest < estimate.latest else None,
        next_update=estimate.next_update if estimate and estimate.next_update and estimate.next_update > now else None,
    )


def _public_outage(parts: Sequence[dict[str, Any]], now: datetime, language: Language) -> PublicOutage:
    first = parts[0]
    end = _time(first["end"])
    return PublicOutage(
        reference=first["reference"],
        outage_class=first["outage_class"],
        when=first["status"],
        start=time_from_json(first["start"]),
        end=end,
        overdue=first["status"] == "current" and end is not None and end <= now,
        reason=first["reason"],
        at_least=first["outage_customers"],
        places=tuple(PublicPlace(part["place"] if language == "zh" else part["place_en"], part["customers"]) for part in parts),
        earliest=_time(first["earliest"]),
        next_update=_time(first["next_update"]),
        later=tuple(Window(time_from_json(one), _time(other)) for one, other in first["later"]),
        partly_restored=first["partly_restored"],
    )


def _iso(at: datetime) -> str:
    """Return a time as `public_layer` writes its own."""
    return time_to_json(at).replace("+00:00", "Z")


def _time(text: str | None) -> datetime | None:
    return None if text is None else time_from_json(text)
