"""Feeds, calendars and records: read back by others, the same bytes for the same bulletins, and nothing but what is public."""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import feedparser
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar, Event
from lxml import etree
from shapely.geometry import shape

from notices.bulletin import Area, Bulletin
from notices.facts import NoticeError
from notices.feeds import ATOM, GEORSS, Feed, newest, write_atom, write_calendar, write_calendar_message, write_outages
from outages.facts import ANNOUNCED_CLASSES, Window
from tests.notices.standards.alerts import check_polygon
from tests.notices.standards.sample import (
    CALLED_OFF,
    FAULT,
    HOUR,
    MOVED,
    PLANNED,
    PUBLISHER,
    QINGHE,
    RESTORED,
    START,
    bulletins,
    following,
    windows_from,
)

GOLDEN = Path(__file__).parent / "standards" / "golden"
FEED = Feed(
    PUBLISHER, "停电信息", "https://qinghe.example/outages.atom", "https://qinghe.example/", "https://qinghe.example/cap/"
)
EMPTY_SINCE = datetime(2025, 1, 1, tzinfo=UTC)
NAMES = {"atom": ATOM, "georss": GEORSS}
STORY = [FAULT, PLANNED, MOVED]

GOLDENS = {
    "outages.zh.atom.xml": lambda: atom(STORY, "zh-CN"),
    "outages.en.atom.xml": lambda: atom(STORY, "en"),
    "outages.zh.ics": lambda: write_calendar(STORY, language="zh-CN", name="停电信息"),
    "called-off.en.ics": lambda: write_calendar_message(CALLED_OFF, language="en"),
    "outages.en.json": lambda: write_outages(STORY, language="en"),
}


def atom(given: list[Bulletin], language: str = "en") -> bytes:
    return write_atom(given, FEED, language=language, empty_since=EMPTY_SINCE)


def calendar(message: bytes | None) -> dict[str, Event]:
    assert message is not None
    _check_lines(message)
    return {str(event["uid"]): event for event in Calendar.from_ical(message).walk("VEVENT")}


def records(given: list[Bulletin]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(write_outages(given, language="en"))["PubOutages"]["Outage"]
    return found


def regenerate() -> None:
    """Write all golden files anew: ``python -c "from tests.notices.test_feeds import regenerate; regenerate()"``. Read them."""
    for name, write in GOLDENS.items():
        (GOLDEN / name).write_bytes(write() or b"")


@pytest.mark.parametrize("name", GOLDENS)
def test_each_document_is_byte_for_byte_its_golden_file(name: str) -> None:
    assert GOLDENS[name]() == (GOLDEN / name).read_bytes(), "if this is meant, regenerate the golden files and read them"


# One outage or many


def test_each_outage_is_in_once_with_its_newest_bulletin_the_newest_first() -> None:
    assert newest([PLANNED, FAULT, MOVED]) == newest([MOVED, FAULT, PLANNED]) == [FAULT, MOVED]


def test_outages_told_at_the_same_time_are_in_the_order_of_their_references() -> None:
    first, second = (replace(PLANNED, reference=name) for name in ("A", "B"))
    assert newest([second, first]) == newest([first, second]) == [first, second]


def test_two_different_bulletins_of_one_revision_are_refused() -> None:
    with pytest.raises(ValueError, match="two different bulletins of revision 1"):
        newest([PLANNED, replace(PLANNED, at_least=5)])


@settings(max_examples=10, deadline=None)
@given(
    st.lists(bulletins().filter(lambda one: "en" in one.languages), max_size=2, unique_by=lambda one: one.reference), st.randoms()
)
def test_the_order_in_which_bulletins_are_given_changes_nothing(given: list[Bulletin], chance: random.Random) -> None:
    shuffled = chance.sample(given, len(given))
    assert atom(given) == atom(shuffled)
    assert write_calendar(given, language="en", name="x") == write_calendar(shuffled, language="en", name="x")
    assert write_outages(given, language="en") == write_outages(shuffled, language="en")


@pytest.mark.parametrize(
    "write",
    [
        lambda: atom([PLANNED], "fr"),
        lambda: write_calendar([PLANNED], language="fr", name=""),
        lambda: write_outages([PLANNED], language="fr"),
    ],
)
def test_a_language_that_is_not_told_is_refused(write: Any) -> None:
    with pytest.raises(NoticeError, match="not told in 'fr'"):
        write()


# Atom


@settings(max_examples=25, deadline=None)
@given(bulletins())
def test_a_feed_is_read_back_word_for_word(bulletin: Bulletin) -> None:
    feed = atom([bulletin])
    _check_atom(feed)
    read = feedparser.parse(feed, sanitize_html=False)
    assert not read.bozo
    (entry,) = read.entries
    words = bulletin.in_language("en")
    assert entry.title == words.headline
    assert entry.author == words.issuer
    assert entry.content[0].type == "text/plain"
    assert entry.content[0].value.startswith(words.description)
    assert entry.content[0].language == "en"
    assert [(tag.term, tag.label) for tag in entry.tags] == [(bulletin.outage_class, words.event), (bulletin.status, None)]
    assert datetime(*entry.updated_parsed[:6], tzinfo=UTC) == bulletin.sent.replace(microsecond=0)


def test_an_entry_keeps_its_id_and_its_first_date_through_all_bulletins() -> None:
    entries = [feedparser.parse(atom([bulletin])).entries[0] for bulletin in (PLANNED, MOVED, CALLED_OFF)]
    assert len({entry.id for entry in entries}) == 1
    assert {entry.published for entry in entries} == {"2025-06-04T01:00:00Z"}
    assert [entry.updated[:10] for entry in entries] == ["2025-06-04", "2025-06-05", "2025-06-06"]
    assert entries[-1].tags[1].term == "cancelled", "what is called off stays, and says so"


def test_the_two_languages_are_two_feeds() -> None:
    chinese, english = (feedparser.parse(atom(STORY, language)) for language in ("zh-CN", "en"))
    assert (chinese.feed.language, english.feed.language) == ("zh-CN", "en")
    assert not {entry.id for entry in chinese.entries} & {entry.id for entry in english.entries}
    assert chinese.feed.id != english.feed.id
    assert chinese.entries[0].title.startswith("青河镇")


def test_an_entry_leads_to_its_page_and_to_its_alert() -> None:
    links = {link.rel: link for link in feedparser.parse(atom([MOVED])).entries[0].links}
    assert links["alternate"].href == MOVED.web
    assert (links["related"].type, links["related"].href) == (
        "application/cap+xml",
        "https://qinghe.example/cap/GN-2025-0612-01.2.xml",
    )
    bare = write_atom([MOVED], replace(FEED, alerts=""), language="en", empty_since=EMPTY_SINCE)
    assert [link.rel for link in feedparser.parse(bare).entries[0].links] == ["alternate"]


def test_what_is_drawn_is_read_back_in_its_place() -> None:
    where = feedparser.parse(atom([PLANNED])).entries[0].where
    assert shape(where).equals(QINGHE.polygons[0])


def test_an_empty_feed_says_since_when() -> None:
    feed = atom([])
    _check_atom(feed)
    assert feedparser.parse(feed).feed.updated == "2025-01-01T00:00:00Z"


def _check_atom(feed: bytes) -> None:
    """What RFC 4287 and GeoRSS ask for, in words."""
    root = etree.fromstring(feed)
    assert root.tag == f"{{{ATOM}}}feed"
    times = [element.text or "" for element in root.iter(f"{{{ATOM}}}updated", f"{{{ATOM}}}published")]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", time) for time in times)
    ids = [element.text or "" for element in root.iter(f"{{{ATOM}}}id")]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"urn:uuid:[0-9a-f-]{14}5[0-9a-f-]{21}", name) for name in ids)
    for element in [root, *root.findall("atom:entry", NAMES)]:
        for required in ("id", "title", "updated"):
            assert len(element.findall(f"atom:{required}", NAMES)) == 1
        assert element is root or element.findall("atom:author/atom:name", NAMES)
        alternates = [(link.get("type"), link.get("hreflang")) for link in element.findall("atom:link[@rel='alternate']", NAMES)]
        assert len(set(alternates)) == len(alternates) == 1
    updated = [entry.findtext("atom:updated", namespaces=NAMES) or "" for entry in root.findall("atom:entry", NAMES)]
    assert updated == sorted(updated, reverse=True)
    for polygon in root.iter(f"{{{GEORSS}}}polygon"):
        numbers = [float(number) for number in (polygon.text or "").split(" ")]
        check_polygon(list(zip(numbers[::2], numbers[1::2], strict=True)))


# Calendars


@settings(max_examples=25, deadline=None)
@given(bulletins().filter(lambda one: one.outage_class in ANNOUNCED_CLASSES))
def test_a_calendar_is_read_back_window_by_window(bulletin: Bulletin) -> None:
    events = calendar(write_calendar([bulletin], language="en", name="Outages"))
    words = bulletin.in_language("en")
    assert len(events) >= len(bulletin.windows)
    for event in events.values():
        assert set(event) >= {"UID", "DTSTAMP", "DTSTART", "DTEND", "SEQUENCE", "STATUS", "ORGANIZER", "SUMMARY", "URL"}
        assert event["summary"] == words.headline
        assert event["description"].startswith(words.description)
        assert event["organizer"].params["CN"].replace("'", '"') == words.issuer.replace("'", '"')
        assert event.decoded("dtend") > event.decoded("dtstart")
        assert event.to_ical().count(b"Z\r\n") >= 3, "all times are in UTC"


def test_a_change_moves_the_event_and_a_cancellation_takes_it_away() -> None:
    told = [write_calendar_message(bulletin, language="en") for bulletin in (PLANNED, MOVED, CALLED_OFF)]
    methods = [str(Calendar.from_ical(message or b"")["method"]) for message in told]
    assert methods == ["PUBLISH", "PUBLISH", "CANCEL"]
    events = [calendar(message) for message in told]
    assert [list(one) for one in events] == [["GN-2025-0612-01-1@qinghe.example"]] * 3
    flat = [next(iter(one.values())) for one in events]
    assert [event["sequence"] for event in flat] == [0, 1, 2]
    assert [event["status"] for event in flat] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert [event.decoded("dtstart") for event in flat] == [START, START + 24 * HOUR, START + 24 * HOUR]


@settings(max_examples=30, deadline=None)
@given(st.lists(windows_from(START, ends=True), min_size=1, max_size=5), st.booleans())
def test_whoever_follows_the_calendar_has_the_windows_that_hold(plans: list[tuple[Window, ...]], called_off: bool) -> None:
    bulletin = replace(PLANNED, windows=plans[0])
    chain = [bulletin]
    for windows in plans[1:]:
        chain.append(following(chain[-1], after=HOUR, windows=windows))
    if called_off:
        chain.append(following(chain[-1], after=HOUR, status="cancelled"))
    kept: dict[str, Event] = {}
    for bulletin in chain:
        for name, event in calendar(write_calendar([bulletin], language="en", name="")).items():
            assert name not in kept or event["sequence"] == kept[name]["sequence"] + 1
            kept[name] = event
    shown = sorted(event.decoded("dtstart") for event in kept.values() if event["status"] == "CONFIRMED")
    wanted = [] if called_off else [window.start.replace(microsecond=0) for window in chain[-1].windows]
    assert shown == wanted


def test_a_plan_that_takes_longer_ends_later_in_the_calendar() -> None:
    late = replace(PLANNED, sent=START + 8 * HOUR, status="current", estimate=replace(FAULT.estimate, latest=START + 10 * HOUR))
    (event,) = calendar(write_calendar([late], language="en", name="")).values()
    assert event.decoded("dtend") == START + 10 * HOUR


def test_no_event_is_shorter_than_its_window() -> None:
    split = replace(PLANNED, windows=(Window(START, START + HOUR + timedelta(milliseconds=1)),))
    (event,) = calendar(write_calendar([split], language="en", name="")).values()
    assert event.decoded("dtend") == START + HOUR + timedelta(seconds=1)


def test_nobody_plans_a_fault() -> None:
    assert calendar(write_calendar([FAULT, RESTORED], language="en", name="Outages")) == {}
    assert write_calendar_message(FAULT, language="en") is None


def _check_lines(message: bytes) -> None:
    """RFC 5545: lines end with CR LF and have 75 octets at most, folded between characters."""
    assert message.endswith(b"\r\n")
    lines = message[:-2].split(b"\r\n")
    assert all(len(line) <= 75 and b"\n" not in line and line.decode() for line in lines)
    assert lines[0] == b"BEGIN:VCALENDAR"
    assert lines.count(b"BEGIN:VEVENT") == lines.count(b"END:VEVENT")


# Records

PUB_OUTAGES = {
    "mRID",
    "Names",
    "revisionNumber",
    "lastModifiedDateTime",
    "cancelledDateTime",
    "cause",
    "communityDescriptor",
    "isPlanned",
    "outageKind",
    "statusKind",
    "metersAffected",
    "reportedStartTime",
    "estimatedPeriod",
    "EstimatedRestorationTime",
    "OutageArea",
    "utilityDisclaimer",
}


@settings(max_examples=25, deadline=None)
@given(bulletins())
def test_a_record_has_the_names_of_the_standard_and_tells_the_same(bulletin: Bulletin) -> None:
    (record,) = records([bulletin])
    assert set(record) <= PUB_OUTAGES
    assert None not in record.values()
    assert record["cause"] == bulletin.in_language("en").cause
    assert record.get("metersAffected") == bulletin.at_least
    assert record.get("statusKind", "none") in ("confirmed", "restored", "none")
    assert len(record["estimatedPeriod"]) == len(bulletin.windows)
    assert len(record["OutageArea"]) == len(bulletin.areas)
    for area in record["OutageArea"]:
        if "geometry" in area:
            for polygon in shape(area["geometry"]).geoms:
                assert polygon.is_valid
                assert shapely.is_ccw(polygon.exterior)


STATUSES = [
    (PLANNED, None, "2025-06-12T09:00:00Z", True),
    (CALLED_OFF, None, None, True),
    (FAULT, "confirmed", "2025-06-12T03:30:00Z", False),
    (replace(FAULT, estimate=None), "confirmed", None, False),
    (RESTORED, "restored", None, False),
]


@pytest.mark.parametrize(("bulletin", "status", "restored", "planned"), STATUSES)
def test_the_status_and_the_restoration_time_are_the_standards(
    bulletin: Bulletin, status: str | None, restored: str | None, planned: bool
) -> None:
    (record,) = records([bulletin])
    assert record.get("statusKind") == status
    assert record.get("EstimatedRestorationTime", {}).get("ert") == restored
    assert record["isPlanned"] is planned
    assert ("cancelledDateTime" in record) is (bulletin.status == "cancelled")


def test_a_record_keeps_its_id_and_says_that_its_number_is_a_lower_bound() -> None:
    (before,), (after,) = records([PLANNED]), records([MOVED])
    assert before["mRID"] == after["mRID"]
    assert "lower bound" in after["utilityDisclaimer"]
    assert after["metersAffected"] == 310


def test_several_pieces_of_a_place_are_all_drawn() -> None:
    pieces = (shapely.box(113, 23, 113.1, 23.1), shapely.box(114, 23, 114.1, 23.1))
    bulletin = replace(PLANNED, areas=(Area(QINGHE.names, pieces),))
    assert len(etree.fromstring(atom([bulletin])).findall(".//georss:polygon", NAMES)) == 2
    assert len(records([bulletin])[0]["OutageArea"][0]["geometry"]["coordinates"]) == 2


def test_a_calendar_in_chinese_says_so() -> None:
    (event,) = calendar(write_calendar([PLANNED], language="zh-CN", name="停电信息")).values()
    assert event["summary"].params["LANGUAGE"] == "zh-CN"
    assert event["location"] == "青河镇; 河西镇"
    assert event.decoded("dtstamp") == PLANNED.sent
