"""Alerts: valid by the schema of OASIS and by a stricter check, the same bytes for the same bulletin, and true."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from notices.bulletin import Bulletin
from notices.cap import write_cap
from outages.facts import Estimate, Window
from tests.notices.standards.alerts import CAP, checked, parameters, polygons_of, time_of, told, triple_of
from tests.notices.standards.sample import CALLED_OFF, FAULT, HOUR, MOVED, PLANNED, RESTORED, START, bulletins, following

GOLDEN = Path(__file__).parent / "standards" / "golden"
STORY = {"planned": PLANNED, "moved": MOVED, "called-off": CALLED_OFF, "fault": FAULT, "restored": RESTORED}


def regenerate() -> None:
    """Write every golden file anew: ``python -c "from tests.notices.test_cap import regenerate; regenerate()"``, and read it."""
    for name, bulletin in STORY.items():
        (GOLDEN / f"{name}.cap.xml").write_bytes(write_cap(bulletin))


@pytest.mark.parametrize("name", STORY)
def test_an_alert_is_byte_for_byte_its_golden_file(name: str) -> None:
    golden = GOLDEN / f"{name}.cap.xml"
    message = write_cap(STORY[name])
    checked(message)
    assert message == golden.read_bytes(), "if this is meant, regenerate the golden files and read them"


@settings(max_examples=30, deadline=None)
@given(bulletins())
def test_every_bulletin_makes_a_valid_alert_that_reads_back_word_for_word(bulletin: Bulletin) -> None:
    message = write_cap(bulletin)
    alert = checked(message)
    infos = alert.findall("cap:info", CAP)
    assert [told(info, "language") for info in infos] == list(bulletin.languages)
    for info, words in zip(infos, bulletin.words, strict=True):
        assert told(info, "event") == words.event
        assert told(info, "headline") == words.headline
        assert told(info, "description") == words.description
        assert told(info, "senderName") == words.issuer
        assert ("gridnotice:cause", words.cause) in parameters(info)
        areas = info.findall("cap:area", CAP)
        assert [told(area, "areaDesc") for area in areas] == [area.name(words.language) for area in bulletin.areas]
    assert write_cap(replace(bulletin)) == message


def test_a_change_and_a_cancellation_refer_to_all_that_were_sent_before() -> None:
    story = [PLANNED, MOVED, CALLED_OFF]
    alerts = [checked(write_cap(bulletin)) for bulletin in story]
    assert [told(alert, "msgType") for alert in alerts] == ["Alert", "Update", "Cancel"]
    for number, alert in enumerate(alerts[1:], 1):
        assert told(alert, "references") == " ".join(triple_of(earlier) for earlier in alerts[:number])
    assert len({told(alert, "incidents") for alert in alerts}) == 1


def test_identifiers_differ_whatever_a_reference_looks_like() -> None:
    references = ["a b", "a_20b", "a,b", "a<b", "a&b", "青停 2025-17", "a.1", "a", "A", "a%20b"]
    issued = [replace(PLANNED, reference=name, revision=number) for name in references for number in (1, 11)]
    names = [told(checked(write_cap(bulletin)), "identifier") for bulletin in issued]
    assert len(set(names)) == len(names)


BEFORE = timedelta(minutes=59)
DAY = (Window(START, START + 24 * HOUR),)
LONG = (Window(START, START + 25 * HOUR),)
BY_THEN = Estimate(START + 31 * HOUR, START + 32 * HOUR, "control", "high")
SPLIT_SECOND = (Window(START, START + HOUR + timedelta(milliseconds=1)),)
SCALES: list[tuple[str, Bulletin, dict[str, Any], str]] = [
    ("planned, a week ahead", PLANNED, {}, "Prepare Future Minor Likely"),
    ("planned, within the hour", PLANNED, {"sent": START - BEFORE}, "Prepare Expected Minor Likely"),
    ("planned, in an hour", PLANNED, {"sent": START - HOUR}, "Prepare Expected Minor Likely"),
    ("planned, a day and no more", PLANNED, {"windows": DAY}, "Prepare Future Minor Likely"),
    (
        "planned, more than a day before a short one",
        PLANNED,
        {"windows": (*LONG, Window(START + 30 * HOUR, START + 31 * HOUR)), "estimate": BY_THEN},
        "Prepare Future Moderate Likely",
    ),
    ("planned, more than a day", PLANNED, {"windows": LONG}, "Prepare Future Moderate Likely"),
    ("planned, the power is off", PLANNED, {"sent": START, "status": "current"}, "Monitor Immediate Minor Observed"),
    ("a transfer ahead", PLANNED, {"outage_class": "load_transfer"}, "Prepare Future Minor Possible"),
    ("orderly use ahead", PLANNED, {"outage_class": "orderly_use"}, "Prepare Future Moderate Likely"),
    ("too little supply ahead", PLANNED, {"outage_class": "over_capacity"}, "Prepare Future Moderate Possible"),
    ("a fault", FAULT, {}, "Monitor Immediate Moderate Observed"),
    (
        "a fault of more than a day",
        FAULT,
        {"estimate": Estimate(START + 20 * HOUR, START + 30 * HOUR, "crew", "low")},
        "Monitor Immediate Severe Observed",
    ),
    (
        "by day, and it is night",
        PLANNED,
        {
            "status": "current",
            "sent": START + 12 * HOUR,
            "windows": (*PLANNED.windows, Window(START + 24 * HOUR, START + 32 * HOUR)),
        },
        "Monitor Future Minor Likely",
    ),
    ("power is back", RESTORED, {}, "AllClear Past Minor Observed"),
    ("called off", CALLED_OFF, {}, "AllClear Past Minor Unlikely"),
]


@pytest.mark.parametrize(("bulletin", "changes", "scales"), [case[1:] for case in SCALES], ids=[case[0] for case in SCALES])
def test_the_scales_follow_the_class_and_the_time(bulletin: Bulletin, changes: dict[str, Any], scales: str) -> None:
    info = checked(write_cap(replace(bulletin, **changes))).find("cap:info", CAP)
    assert info is not None
    assert [told(info, name) for name in ("responseType", "urgency", "severity", "certainty")] == scales.split()


LATE = START + 10 * HOUR
EXPIRES: list[tuple[str, Bulletin, dict[str, Any], Any]] = [
    ("the planned end", PLANNED, {}, START + 8.5 * HOUR),
    ("the expected end", FAULT, {}, START + 3 * HOUR),
    (
        "a promised update after it",
        FAULT,
        {"estimate": Estimate(START + HOUR, START + 2 * HOUR, "crew", "low", START + 4 * HOUR)},
        START + 4 * HOUR,
    ),
    ("no end is known", FAULT, {"estimate": None, "sent": START}, START + 24 * HOUR),
    ("the end has passed", PLANNED, {"status": "current", "sent": LATE}, LATE + 24 * HOUR),
    ("ahead, with no end", PLANNED, {"outage_class": "other", "windows": (Window(START, None),)}, START + 24 * HOUR),
    ("power is back", RESTORED, {"sent": LATE}, LATE + 6 * HOUR),
    ("called off", CALLED_OFF, {}, START + 30 * HOUR),
    ("called off, with no end", CALLED_OFF, {"outage_class": "other", "windows": (Window(START, None),)}, START + HOUR),
    ("a split second more", PLANNED, {"windows": SPLIT_SECOND}, START + HOUR + timedelta(seconds=1)),
]


@pytest.mark.parametrize(("bulletin", "changes", "expires"), [case[1:] for case in EXPIRES], ids=[case[0] for case in EXPIRES])
def test_an_alert_stands_as_long_as_it_is_of_use(bulletin: Bulletin, changes: dict[str, Any], expires: Any) -> None:
    info = checked(write_cap(replace(bulletin, **changes))).find("cap:info", CAP)
    assert info is not None
    assert time_of(told(info, "expires")) == expires


def test_parameters_tell_programs_what_has_no_element_of_its_own() -> None:
    info = checked(write_cap(FAULT)).find("cap:info", CAP)
    assert info is not None
    assert parameters(info) == [
        ("gridnotice:reference", "GN-2025-0612-07"),
        ("gridnotice:revision", "1"),
        ("gridnotice:status", "current"),
        ("gridnotice:cause", "更换导线"),
        ("gridnotice:window", "2025-06-12T08:30:00+08:00/.."),
        ("gridnotice:restoration", "2025-06-12T10:30:00+08:00/2025-06-12T11:30:00+08:00"),
        ("gridnotice:restoration_confidence", "medium"),
        ("gridnotice:next_update", "2025-06-12T09:30:00+08:00"),
        ("gridnotice:customers_at_least", "310"),
    ]


def test_no_number_is_told_where_the_privacy_rule_gives_none() -> None:
    assert b"customers_at_least" not in write_cap(replace(PLANNED, at_least=None))


def test_a_place_that_may_not_be_drawn_is_named_all_the_same() -> None:
    info = checked(write_cap(PLANNED)).find("cap:info", CAP)
    assert info is not None
    assert [len(polygons) for polygons in polygons_of(info)] == [1, 0]


def test_a_test_says_that_it_is_one() -> None:
    assert told(checked(write_cap(PLANNED, test=True)), "status") == "Test"
    assert told(checked(write_cap(PLANNED)), "status") == "Actual"


def test_fractions_of_a_second_are_lost_without_losing_the_thread() -> None:
    later = following(FAULT, after=timedelta(microseconds=1))
    assert told(checked(write_cap(later)), "references") == triple_of(checked(write_cap(FAULT)))
