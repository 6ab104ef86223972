"""Bulletins as alerts of the Common Alerting Protocol (CAP 1.2, OASIS): what sirens, apps and agencies read.

::

    first   → Alert
    update  → Update  ─ references ─▶  sender,identifier,sent   of every bulletin before it
    cancel  → Cancel  ─ references ─▶  …

An alert has one info block for each language. What the four scales say, and why:

- **urgency** is time alone: a window that is open is Immediate, one that opens within the hour Expected, a later one Future;
  what is over or called off is Past.
- **severity** is the class: cut by surprise or for want of supply is Moderate, announced work Minor; more than 24 hours, which
  makes an outage a major one, is a step more.
- **certainty** is Observed for what people confirmed, Likely for what is announced, Possible for what depends on demand or may
  not be felt, Unlikely for what is called off.
- **responseType** is Prepare, Monitor, and AllClear once power is back or stays on.

``expires`` is when the bulletin stops being useful, not a promise that power is back: see `_expires`. Restored is an Update with
AllClear, since a Cancel would say that there never was an outage.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from lxml import etree
from lxml.builder import ElementMaker

from notices.bulletin import Area, Bulletin, Words, from_second, identifier, plain, to_second
from notices.rings import DIGITS, Ring, closed_rings
from outages.facts import Window

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
MEDIA_TYPE = "application/cap+xml"

MESSAGE_TYPES = {"first": "Alert", "update": "Update", "cancel": "Cancel"}
RESPONSES = {"planned": "Prepare", "current": "Monitor", "restored": "AllClear", "cancelled": "AllClear"}

SEVERITIES = ("Minor", "Moderate", "Severe")
SEVERE_CLASSES = ("fault", "over_capacity", "orderly_use")
"""Classes that begin one step higher: nobody could prepare, or many are off at once."""
UNSURE_CLASSES = ("over_capacity", "load_transfer")
"""Classes that may turn out as nothing: demand may fall, and a transfer may go without a break."""

LONG = timedelta(hours=24)
SOON = timedelta(hours=1)
UNTIL_TOLD_MORE = timedelta(hours=24)
"""How long an alert stands for an outage whose end nobody knows, or whose end has passed without word that power is back."""
ALL_CLEAR = timedelta(hours=6)
"""How long it stands that power is back, or that an outage is called off whose time has passed."""

_Element = etree._Element
_make = ElementMaker(namespace=NAMESPACE, nsmap={None: NAMESPACE})


def write_cap(bulletin: Bulletin, *, test: bool = False) -> bytes:
    """Return ``bulletin`` as a CAP 1.2 alert in UTF-8: the same bytes for the same bulletin.

    A ``test`` has the status Test, which receivers do not pass on; what comes from a network for demonstrations is one.
    """
    zone = ZoneInfo(bulletin.publisher.zone)
    alert = _make(
        "alert",
        _make("identifier", identifier(bulletin.reference, bulletin.revision)),
        _make("sender", bulletin.publisher.sender),
        _make("sent", cap_time(bulletin.sent, zone)),
        _make("status", "Test" if test else "Actual"),
        _make("msgType", MESSAGE_TYPES[bulletin.kind]),
        _make("scope", "Public"),
    )
    if bulletin.earlier:
        alert.append(_make("references", " ".join(_references(bulletin, zone))))
    alert.append(_make("incidents", plain(bulletin.reference)))
    rings = [(area, closed_rings(area.polygons)) for area in bulletin.areas]
    alert.extend(_info(bulletin, words, rings, zone) for words in bulletin.words)
    return etree.tostring(alert, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def cap_time(moment: datetime, zone: ZoneInfo) -> str:
    """Return ``moment`` as CAP wants it: a numeric offset, no fraction, and UTC as ``-00:00``.

    >>> moment = datetime.fromisoformat("2026-05-01T00:00:00.5+00:00")
    >>> cap_time(moment, ZoneInfo("Asia/Shanghai")), cap_time(moment, ZoneInfo("UTC"))
    ('2026-05-01T08:00:00+08:00', '2026-05-01T00:00:00-00:00')
    """
    text = from_second(moment).astimezone(zone).isoformat()
    return text[:-6] + "-00:00" if text.endswith("+00:00") else text


def _references(bulletin: Bulletin, zone: ZoneInfo) -> Iterator[str]:
    for one in bulletin.earlier:
        yield f"{bulletin.publisher.sender},{identifier(bulletin.reference, one.revision)},{cap_time(one.sent, zone)}"


def _info(bulletin: Bulletin, words: Words, rings: Iterable[tuple[Area, tuple[Ring, ...]]], zone: ZoneInfo) -> _Element:
    """Return the info block of one language; the order of its elements is the standard's."""
    window = _next_window(bulletin)
    told: list[tuple[str, str]] = [
        ("language", words.language),
        ("category", "Infra"),
        ("event", words.event),
        ("responseType", RESPONSES[bulletin.status]),
        ("urgency", _urgency(bulletin, window)),
        ("severity", _severity(bulletin)),
        ("certainty", _certainty(bulletin, window)),
    ]
    info = _make("info", *(_make(name, text) for name, text in told))
    info.append(_named("eventCode", "gridnotice:outage_class", bulletin.outage_class))
    told = [
        ("effective", cap_time(bulletin.sent, zone)),
        ("onset", cap_time(window.start, zone)),
        ("expires", cap_time(_expires(bulletin, window), zone)),
        ("senderName", words.issuer),
        ("headline", words.headline),
        ("description", words.description),
        ("instruction", words.instruction),
        ("web", bulletin.web),
        ("contact", bulletin.publisher.hotline),
    ]
    info.extend(_make(name, text) for name, text in told if text)
    info.extend(_named("parameter", f"gridnotice:{name}", text) for name, text in _parameters(bulletin, words, zone))
    info.extend(_area(area, drawn, words.language) for area, drawn in rings)
    return info


def _named(tag: str, name: str, value: str) -> _Element:
    return _make(tag, _make("valueName", name), _make("value", value))


def _parameters(bulletin: Bulletin, words: Words, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    """Yield what programs ask for and CAP has no element for. An interval is ``start/end``, its end ``..`` where nobody knows."""
    yield "reference", bulletin.reference
    yield "revision", str(bulletin.revision)
    yield "status", bulletin.status
    yield "cause", words.cause
    for window in bulletin.windows:
        end = cap_time(to_second(window.end), zone) if window.end else ".."
        yield "window", f"{cap_time(window.start, zone)}/{end}"
    if (estimate := bulletin.estimate) is not None:
        yield "restoration", f"{cap_time(estimate.earliest, zone)}/{cap_time(to_second(estimate.latest), zone)}"
        yield "restoration_confidence", estimate.confidence
        if estimate.next_update is not None:
            yield "next_update", cap_time(estimate.next_update, zone)
    if bulletin.at_least is not None:
        yield "customers_at_least", str(bulletin.at_least)


def _area(area: Area, rings: tuple[Ring, ...], language: str) -> _Element:
    """Return an area; one that is too small to draw, or may not be drawn, has a name only."""
    return _make("area", _make("areaDesc", area.name(language)), *(_make("polygon", _latitude_first(ring)) for ring in rings))


def _latitude_first(ring: Ring) -> str:
    return " ".join(f"{lat:.{DIGITS}f},{lon:.{DIGITS}f}" for lon, lat in ring)


def _next_window(bulletin: Bulletin) -> Window:
    """Return the window that is open when the bulletin is sent, or opens next; after all of them the last."""
    for window in bulletin.windows:
        if window.end is None or window.end > bulletin.sent:
            return window
    return bulletin.windows[-1]


def _urgency(bulletin: Bulletin, window: Window) -> str:
    if bulletin.status in ("restored", "cancelled"):
        return "Past"
    ahead = window.start - bulletin.sent
    if ahead <= timedelta(0):
        return "Immediate"
    return "Expected" if ahead <= SOON else "Future"


def _severity(bulletin: Bulletin) -> str:
    if bulletin.status in ("restored", "cancelled"):
        return SEVERITIES[0]
    long = any(window.end is not None and window.end - window.start > LONG for window in bulletin.windows)
    if bulletin.estimate is not None:
        long = long or bulletin.estimate.latest - bulletin.windows[-1].start > LONG
    return SEVERITIES[(bulletin.outage_class in SEVERE_CLASSES) + long]


def _certainty(bulletin: Bulletin, window: Window) -> str:
    if bulletin.status == "cancelled":
        return "Unlikely"
    if bulletin.status == "restored" or window.start <= bulletin.sent:
        return "Observed"
    return "Possible" if bulletin.outage_class in UNSURE_CLASSES else "Likely"


def _expires(bulletin: Bulletin, window: Window) -> datetime:
    """Return until when the alert stands: the end, or the promised update where it comes later; never before its own onset.

    An outage whose end has passed, or is not known, goes on until somebody says otherwise: its alert stands for
    `UNTIL_TOLD_MORE`, and is to be followed by an update before that.
    """
    if bulletin.status == "restored":
        return bulletin.sent + ALL_CLEAR
    if bulletin.status == "cancelled":
        return to_second(max(bulletin.end or window.start, bulletin.sent + ALL_CLEAR, window.start + SOON))
    known = [bulletin.end, bulletin.estimate.next_update if bulletin.estimate else None]
    ahead = [moment for moment in known if moment is not None and moment > max(bulletin.sent, window.start)]
    return to_second(max(ahead)) if ahead else max(bulletin.sent, window.start) + UNTIL_TOLD_MORE
