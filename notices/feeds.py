"""Many bulletins as one document: a feed to follow, a calendar to subscribe to, records for other programs.

::

    bulletins ──newest of each outage──▶ write_atom       Atom 1.0 with GeoRSS Simple
                                     ├─▶ write_calendar   iCalendar: the windows of what is announced
                                     └─▶ write_outages    JSON with the names of IEC 61968-3 (as ODIN has them)
    one bulletin ──▶ write_calendar_message               iCalendar: METHOD:CANCEL for what is called off

Ids come from the sender and the reference of the outage, never from the order of a list: an outage keeps its entry, its events
and its record through all its bulletins. Nothing disappears: what is restored or cancelled stays with that status for as long as
it is given. There are no tombstones (RFC 6721), which would take away the very words that say so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from icalendar import Calendar, Event, vCalAddress
from lxml import etree
from lxml.builder import ElementMaker

from notices.bulletin import Bulletin, Publisher, Words, from_second, identifier, plain, stable_id, to_second
from notices.cap import MEDIA_TYPE
from notices.rings import DIGITS, Ring, closed_rings
from outages.facts import ANNOUNCED_CLASSES, Window

ATOM = "http://www.w3.org/2005/Atom"
GEORSS = "http://www.georss.org/georss"

ATOM_TYPE = "application/atom+xml"
CALENDAR_TYPE = "text/calendar; charset=utf-8"

DISCLAIMER = "metersAffected is a lower bound, rounded down for privacy; areas are places, not the extent of the outage."

_Element = etree._Element
_atom = ElementMaker(namespace=ATOM, nsmap={None: ATOM, "georss": GEORSS})
_georss = ElementMaker(namespace=GEORSS)
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

_STATUS_KINDS = {"current": "confirmed", "restored": "restored"}
"""Ours → OutageStatusKind of IEC 61968-3, which has no word for what is still to come or called off: those give none."""


@dataclass(frozen=True)
class Feed:
    """What a feed says of itself: who publishes it, its title, its own address, and the page that shows the same to people.

    ``alerts`` is the address under which each bulletin is found as an alert, ``<identifier>.xml``; "" for nowhere.
    """

    publisher: Publisher
    title: str
    address: str
    page: str
    alerts: str = ""


def newest(bulletins: Iterable[Bulletin]) -> list[Bulletin]:
    """Return the newest bulletin of each outage, newest first.

    Raises ValueError where two different ones have the same reference and revision: one of them was never sent.
    """
    latest: dict[str, Bulletin] = {}
    for bulletin in bulletins:
        other = latest.get(bulletin.reference, bulletin)
        if other.revision == bulletin.revision and other != bulletin:
            raise ValueError(
                f"outage {bulletin.reference} has two different bulletins of revision {bulletin.revision}. "
                "Give the one that was sent."
            )
        if other.revision <= bulletin.revision:
            latest[bulletin.reference] = bulletin
    by_reference = sorted(latest.values(), key=lambda one: one.reference)
    return sorted(by_reference, key=lambda one: one.sent, reverse=True)


def write_atom(bulletins: Iterable[Bulletin], feed: Feed, *, language: str, empty_since: datetime) -> bytes:
    """Return an Atom 1.0 feed in one language, an entry for each outage, the newest first.

    The feed was updated when its newest bulletin was sent; ``empty_since`` is told of a feed without any. Several polygons of an
    outage are several ``georss:polygon``. Raises NoticeError where a bulletin is not told in ``language``.
    """
    entries = newest(bulletins)
    updated = entries[0].sent if entries else empty_since
    root = _atom(
        "feed",
        {_XML_LANG: language},
        _atom("id", stable_id(feed.publisher, "feed", language).urn),
        _atom("title", feed.title),
        _atom("updated", _rfc3339(updated)),
        _atom("link", rel="self", type=ATOM_TYPE, href=feed.address),
        _atom("link", rel="alternate", type="text/html", hreflang=language, href=feed.page),
    )
    root.extend(_entry(bulletin, feed, language) for bulletin in entries)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _entry(bulletin: Bulletin, feed: Feed, language: str) -> _Element:
    words = bulletin.in_language(language)
    first = bulletin.earlier[0].sent if bulletin.earlier else bulletin.sent
    entry = _atom(
        "entry",
        _atom("id", stable_id(bulletin.publisher, "entry", bulletin.reference, language).urn),
        _atom("title", words.headline, type="text"),
        _atom("updated", _rfc3339(bulletin.sent)),
        _atom("published", _rfc3339(first)),
        _atom("author", _atom("name", words.issuer)),
        _atom("link", rel="alternate", type="text/html", hreflang=language, href=bulletin.web),
    )
    if feed.alerts:
        address = f"{feed.alerts.rstrip('/')}/{identifier(bulletin.reference, bulletin.revision)}.xml"
        entry.append(_atom("link", rel="related", type=MEDIA_TYPE, href=address))
    entry.append(_atom("category", scheme="urn:gridnotice:outage_class", term=bulletin.outage_class, label=words.event))
    entry.append(_atom("category", scheme="urn:gridnotice:status", term=bulletin.status))
    entry.append(_atom("content", _body(words, bulletin.publisher), type="text"))
    entry.extend(_georss("polygon", _latitude_first(ring)) for ring in _rings(bulletin))
    return entry


def _body(words: Words, publisher: Publisher) -> str:
    return "\n\n".join(filter(None, (words.description, words.instruction, publisher.hotline)))


def _rings(bulletin: Bulletin) -> list[Ring]:
    return [ring for area in bulletin.areas for ring in closed_rings(area.polygons)]


def _latitude_first(ring: Ring) -> str:
    return " ".join(f"{lat:.{DIGITS}f} {lon:.{DIGITS}f}" for lon, lat in ring)


def _rfc3339(moment: datetime) -> str:
    return from_second(moment).isoformat().replace("+00:00", "Z")


def write_calendar(bulletins: Iterable[Bulletin], *, language: str, name: str) -> bytes:
    """Return a calendar to subscribe to (METHOD:PUBLISH) with the windows of all announced outages; raises as `write_atom`.

    Each window is an event of its own, since few calendars read a list of periods (RDATE). The windows of an outage are numbered;
    with each bulletin their SEQUENCE rises by one. A number that earlier bulletins had and this one has no more is there as
    cancelled, so that a calendar that kept it drops it. Times are in UTC, which needs no table of zones and is exact, since no
    event recurs. Nobody plans a fault: only `ANNOUNCED_CLASSES` are in.
    """
    events = [event for bulletin in newest(bulletins) if _is_announced(bulletin) for event in _events(bulletin, language)]
    return _calendar("PUBLISH", events, name)


def write_calendar_message(bulletin: Bulletin, *, language: str) -> bytes | None:
    """Return one bulletin as a message to put into calendars, METHOD:CANCEL where it cancels; None for what nobody announces."""
    if not _is_announced(bulletin):
        return None
    return _calendar("CANCEL" if bulletin.kind == "cancel" else "PUBLISH", _events(bulletin, language))


def _is_announced(bulletin: Bulletin) -> bool:
    return bulletin.outage_class in ANNOUNCED_CLASSES


def _calendar(method: str, events: Iterable[Event], name: str = "") -> bytes:
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", "-//gridnotice//gridnotice//EN")
    calendar.add("method", method)
    if name:
        calendar.add("name", name)
        calendar.add("x-wr-calname", name)  # what calendars read that are older than RFC 7986
    for event in events:
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def _events(bulletin: Bulletin, language: str) -> Iterator[Event]:
    words, called_off = bulletin.in_language(language), bulletin.status == "cancelled"
    told = [*bulletin.windows[:-1], Window(bulletin.windows[-1].start, bulletin.end)]
    for number, window in enumerate(told, 1):
        yield _event(bulletin, words, number, window, cancelled=called_off)
    for number, window in _dropped(bulletin):
        yield _event(bulletin, words, number, window, cancelled=True)


def _dropped(bulletin: Bulletin) -> Iterator[tuple[int, Window]]:
    """Yield the numbers that no window has any more, each with the last window that had it."""
    told = {number: window for issue in bulletin.earlier for number, window in enumerate(issue.windows, 1)}
    yield from sorted((number, window) for number, window in told.items() if number > len(bulletin.windows))


def _event(bulletin: Bulletin, words: Words, number: int, window: Window, *, cancelled: bool) -> Event:
    publisher, language = bulletin.publisher, words.language
    organizer = vCalAddress(f"mailto:{publisher.sender}")
    organizer.params["CN"] = words.issuer
    event = Event()
    event.add("uid", f"{plain(bulletin.reference)}-{number}@{publisher.sender.partition('@')[2]}")
    event.add("dtstamp", from_second(bulletin.sent))
    event.add("dtstart", from_second(window.start))
    event.add("dtend", to_second(window.end or window.start))
    event.add("sequence", len(bulletin.earlier))
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT")  # nobody is busy because the power is off
    event.add("organizer", organizer)
    event.add("url", bulletin.web)
    for field, text in (
        ("summary", words.headline),
        ("description", _body(words, publisher)),
        ("location", "; ".join(area.name(language) for area in bulletin.areas)),
        ("contact", publisher.hotline),
    ):
        event.add(field, text, parameters={"LANGUAGE": language})
    event.add("categories", [words.event])
    return event


def write_outages(bulletins: Iterable[Bulletin], *, language: str) -> bytes:
    """Return JSON in the shape of PubOutages (IEC 61968-3), as the Outage Data Initiative has it; raises as `write_atom`.

    What the standard leaves out is absent, not null. Beyond it, an OutageArea has ``geometry`` (GeoJSON), and
    ``estimatedPeriod`` is a list where there are several windows.
    """
    outages = [_outage(bulletin, bulletin.in_language(language)) for bulletin in newest(bulletins)]
    text = json.dumps({"PubOutages": {"Outage": outages}}, ensure_ascii=False, allow_nan=False, indent=1)
    return text.encode()


def _outage(bulletin: Bulletin, words: Words) -> Mapping[str, Any]:
    called_off = bulletin.status == "cancelled"
    return _known(
        mRID=str(stable_id(bulletin.publisher, "outage", bulletin.reference)),
        Names=[{"name": bulletin.reference, "NameType": {"name": "reference"}}],
        revisionNumber=str(bulletin.revision),
        lastModifiedDateTime=_rfc3339(bulletin.sent),
        cancelledDateTime=_rfc3339(bulletin.sent) if called_off else None,
        cause=words.cause,
        communityDescriptor="; ".join(area.name(words.language) for area in bulletin.areas),
        isPlanned=bulletin.outage_class in ANNOUNCED_CLASSES,
        outageKind=bulletin.outage_class,
        statusKind=_STATUS_KINDS.get(bulletin.status),
        metersAffected=bulletin.at_least,
        reportedStartTime=_rfc3339(bulletin.windows[0].start),
        estimatedPeriod=[_period(window) for window in bulletin.windows],
        EstimatedRestorationTime=None if bulletin.status in ("restored", "cancelled") else _restoration(bulletin),
        OutageArea=[
            _known(
                communityDescriptor=area.name(words.language),
                earliestReportedTime=_rfc3339(bulletin.windows[0].start),
                geometry=_geometry(closed_rings(area.polygons)),
            )
            for area in bulletin.areas
        ],
        utilityDisclaimer=DISCLAIMER,
    )


def _known(**fields: Any) -> Mapping[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _period(window: Window) -> Mapping[str, Any]:
    return _known(start=_rfc3339(window.start), end=_rfc3339(to_second(window.end)) if window.end else None)


def _restoration(bulletin: Bulletin) -> Mapping[str, Any] | None:
    """Return the one time that the standard has room for: the latest, since late is not forgiven. It knows high and low only."""
    if bulletin.end is None:
        return None
    estimate = bulletin.estimate
    sure = estimate.confidence if estimate is not None and estimate.confidence != "medium" else None
    return _known(
        ert=_rfc3339(to_second(bulletin.end)), confidenceKind=sure, ertSource=None if estimate is None else estimate.source
    )


def _geometry(rings: tuple[Ring, ...]) -> Mapping[str, Any] | None:
    return {"type": "MultiPolygon", "coordinates": [[list(ring)] for ring in rings]} if rings else None
