"""The clocks of notices: limits by the shipped rules, what counts as told, and rule sets that people write."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notices.leadtime import Lead
from notices.rulebook import RulesError, read_rule_set, rule_sets
from notices.rules import (
    Case,
    Due,
    Issued,
    RuleSet,
    approval_of,
    case_of,
    clock,
    count_at_once,
    notice_by,
    order_queue,
    required_contents,
)
from outages.events import Approved, Cancelled, Entered, Revised, Submitted, SwitchedOff
from outages.facts import Window
from outages.lifecycle import fold
from tests.outages.strategies import APPROVER, AUTHOR, START, hours, some_facts

SETS = rule_sets()
ZONES = {
    "cn": "Asia/Shanghai",
    "uk": "Europe/London",
    "au": "Australia/Sydney",
    "au-vic": "Australia/Melbourne",
    "us-me": "America/New_York",
    "es": "Europe/Madrid",
    "vn": "Asia/Ho_Chi_Minh",
    "ca-on": "America/Toronto",
    "no": "Europe/Oslo",
}
EVERYBODY = {"customers": 200, "dedicated": 2, "important": 3, "life_support": 1}


def at(text: str, zone: str = "Asia/Shanghai") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def windows(start: datetime, length: float | None = 4) -> tuple[Window, ...]:
    return (Window(start, None if length is None else start + timedelta(hours=length)),)


def case(start: datetime, length: float | None = 4, outage_class: str = "planned", **reach: int) -> Case:
    return Case(outage_class, windows(start, length), reach or EVERYBODY)


def told(one: Case, when: datetime, audience: str = "public", channel: str = "newspaper", **changes: Any) -> Issued:
    return Issued(audience, channel, when, **{"windows": one.windows, **changes})


def due(name: str, rule: str, one: Case, now: datetime, *issued: Issued) -> Due:
    return {found.rule.id: found for found in clock(one, SETS[name], zone=ZONES[name], now=now, issued=issued)}[rule]


# What each source asks for, with limits worked out by hand: the limit, or why the rule does not apply.
SOURCES: list[tuple[str, str, dict[str, Any], str]] = [
    # Seven days of the calendar, over Chinese New Year (17 February 2026) as at any other time.
    ("cn", "planned-told", {"start": "2026-02-24T08:00"}, "2026-02-17T08:00"),
    ("cn", "planned-announced", {"start": "2026-06-12T08:30"}, "2026-06-05T08:30"),
    ("cn", "planned-announced", {"start": "2026-06-12T08:30", "outage_class": "temporary"}, "class"),
    ("cn", "temporary-announced", {"start": "2026-06-12T08:30", "outage_class": "temporary"}, "2026-06-11T08:30"),
    ("cn", "temporary-important", {"start": "2026-06-12T08:30", "outage_class": "temporary"}, "2026-06-11T08:30"),
    ("cn", "temporary-important", {"start": "2026-06-12T08:30", "outage_class": "temporary", "customers": 9}, "nobody"),
    ("cn", "planned-told", {"start": "2026-06-12T08:30", "outage_class": "fault"}, "class"),
    ("cn", "cancelled", {"start": "2026-06-12T08:30"}, "not_cancelled"),
    ("uk", "planned-notice", {"start": "2026-03-30T09:00"}, "2026-03-28T09:00"),  # clocks go forward in between
    ("uk", "planned-notice", {"start": "2026-04-07T09:00", "outage_class": "temporary"}, "2026-04-05T09:00"),  # Easter Sunday
    ("au", "life-support", {"start": "2026-05-20T09:00"}, "2026-05-14T00:00"),  # Tue 19, Mon 18, Fri 15, Thu 14
    ("au", "life-support", {"start": "2026-05-20T09:00", "customers": 50}, "nobody"),
    ("au-vic", "in-writing", {"start": "2026-04-08T09:00"}, "2026-03-31T00:00"),  # over Easter: Tue 7, Thu 2, Wed 1, Tue 31
    ("us-me", "if-feasible", {"start": "2026-04-20T09:00", "customers": 11}, "2026-04-17T09:00"),
    ("us-me", "at-least", {"start": "2026-04-20T09:00", "customers": 11}, "2026-04-19T09:00"),
    ("us-me", "at-least", {"start": "2026-04-20T09:00", "customers": 10, "length": 5}, "under_limit"),
    ("us-me", "at-least", {"start": "2026-04-20T09:00", "customers": 1, "length": 5.1}, "2026-04-19T09:00"),
    ("us-me", "at-least", {"start": "2026-11-01T12:00"}, "2026-10-31T13:00"),  # 24 hours; clocks go back that night
    ("es", "posters", {"start": "2026-04-06T09:00"}, "2026-04-05T09:00"),
    ("es", "newspapers", {"start": "2026-04-06T09:00"}, "2026-04-05T09:00"),
    ("vn", "buyer", {"start": "2026-02-20T08:00"}, "2026-02-15T08:00"),
    ("vn", "media", {"start": "2026-02-20T08:00"}, "2026-02-17T08:00"),
    ("ca-on", "over-an-hour", {"start": "2026-07-01T09:00", "length": 1}, "under_limit"),
    ("ca-on", "over-an-hour", {"start": "2026-07-01T09:00", "length": 1.1}, "2026-06-29T09:00"),
    ("no", "normally-a-week", {"start": "2026-04-07T09:00"}, "2026-03-31T09:00"),
]


@pytest.mark.parametrize(("name", "rule", "given_case", "expected"), SOURCES)
def test_each_shipped_rule_has_the_limit_of_its_source(name: str, rule: str, given_case: dict[str, Any], expected: str) -> None:
    start = at(given_case["start"], ZONES[name])
    one = case(start, **{key: value for key, value in given_case.items() if key != "start"})
    found = due(name, rule, one, start - timedelta(days=60))
    if expected[0].isdigit():
        assert (found.status, found.due_at, found.why_not) == ("open", at(expected, ZONES[name]), None)
    else:
        assert (found.status, found.due_at, found.why_not) == ("not_applicable", None, expected)


def test_every_shipped_rule_is_among_those_cases_and_every_set_has_a_zone() -> None:
    of_the_table = {(name, rule) for name, rule, _, _ in SOURCES} | {("au-vic", "cancelled")}  # which has cases of its own
    assert of_the_table == {(name, rule.id) for name, rule_set in SETS.items() for rule in rule_set.rules}
    assert set(SETS) == set(ZONES)


def test_what_is_only_heard_of_is_marked_so() -> None:
    heard = {(name, rule.id) for name, found in SETS.items() for rule in found.rules if rule.source.mark == "second_hand"}
    assert heard == {("cn", "planned-announced"), ("cn", "temporary-announced"), ("uk", "planned-notice")}
    assert {rule.source.read for found in SETS.values() for rule in found.rules} == {"2026"}


FRIDAY = at("2026-06-12T08:30")
PLANNED = case(FRIDAY)
LIMIT = at("2026-06-05T08:30")
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@pytest.mark.parametrize(
    ("now", "issued", "expected"),
    [
        (LIMIT - DAY - MINUTE, None, "open"),
        (LIMIT - DAY, None, "at_risk"),  # from the reminder on
        (LIMIT, None, "at_risk"),  # there is still this moment
        (LIMIT + MINUTE, None, "missed"),
        (LIMIT, LIMIT, "met"),
        (LIMIT + MINUTE, LIMIT, "met"),
        (LIMIT + DAY, LIMIT + MINUTE, "missed"),
        (LIMIT - DAY, LIMIT, "at_risk"),  # nobody has been told yet
    ],
)
def test_a_clock_goes_from_open_to_at_risk_to_missed_unless_notice_is_given(
    now: datetime, issued: datetime | None, expected: str
) -> None:
    found = due("cn", "planned-announced", PLANNED, now, *([told(PLANNED, issued)] if issued else []))
    assert (found.status, found.reminder_at) == (expected, LIMIT - DAY)
    assert found.late_needs_reason == (expected == "missed")


@pytest.mark.parametrize(
    ("name", "rule", "audience", "channel", "counts"),
    [
        ("cn", "planned-told", "customers", "sms", True),
        ("cn", "planned-told", "public", "web", True),  # told, or announced
        ("cn", "planned-told", "important", "call", False),
        ("cn", "planned-announced", "customers", "sms", False),
        ("au-vic", "in-writing", "customers", "letter", True),
        ("au-vic", "in-writing", "customers", "sms", False),
        ("es", "posters", "public", "newspaper", False),
        ("es", "newspapers", "public", "newspaper", True),
        ("vn", "media", "public", "tv", True),
        ("us-me", "at-least", "public", "newspaper", True),
        ("no", "normally-a-week", "customers", "call", False),
    ],
)
def test_notice_counts_to_whom_and_by_the_channels_of_the_rule(
    name: str, rule: str, audience: str, channel: str, counts: bool
) -> None:
    sent = FRIDAY - timedelta(days=30)
    found = due(name, rule, PLANNED, sent + DAY, told(PLANNED, sent, audience, channel))
    assert (found.status == "met", found.told_at) == (counts, sent if counts else None)


@pytest.mark.parametrize(
    ("later", "length", "status"),
    [
        (0, 4, "met"),
        (1, 2, "met"),  # within what was told
        (0, 5, "at_risk"),  # longer than that: a clock of its own
        (-1, 4, "missed"),  # earlier, and now it is too late
        (48, 4, "open"),
    ],
)
def test_an_outage_that_leaves_what_was_told_has_a_new_clock(later: float, length: float, status: str) -> None:
    moved = case(FRIDAY + timedelta(hours=later), length)
    assert due("cn", "planned-announced", moved, LIMIT, told(PLANNED, LIMIT - 3 * DAY)).status == status


def test_who_was_told_otherwise_since_has_to_be_told_again() -> None:
    elsewhen = case(FRIDAY + 2 * DAY)
    first, second, third = (LIMIT - timedelta(days=days) for days in (9, 6, 3))
    history = [told(PLANNED, first), told(elsewhen, second, channel="web")]
    assert due("cn", "planned-announced", PLANNED, LIMIT - 2 * DAY, *history).status == "open"
    again = due("cn", "planned-announced", PLANNED, LIMIT - 2 * DAY, *history, told(PLANNED, third))
    assert (again.status, again.told_at) == ("met", third)


def test_what_is_told_while_power_is_off_does_not_undo_notice_given_in_time() -> None:
    sooner = told(case(FRIDAY, 2), FRIDAY + timedelta(hours=1))
    assert due("cn", "planned-announced", PLANNED, FRIDAY + DAY, told(PLANNED, LIMIT), sooner).status == "met"


def test_a_rule_that_counts_from_receipt_needs_to_know_of_it() -> None:
    rules = replace(SETS["cn"], rules=tuple(replace(rule, counted_from="receipt") for rule in SETS["cn"].rules[:1]))

    def status(received_at: datetime | None) -> str:
        sent = told(PLANNED, LIMIT - 2 * DAY, "customers", "letter", received_at=received_at)
        return clock(PLANNED, rules, zone="Asia/Shanghai", now=LIMIT + DAY, issued=[sent])[0].status

    assert [status(received) for received in (None, LIMIT, LIMIT + MINUTE, LIMIT + 2 * DAY)] == [
        "missed",
        "met",
        "missed",
        "missed",
    ]


CANCELLED = replace(PLANNED, cancelled_at=LIMIT)


@pytest.mark.parametrize(
    ("now", "again_at", "expected"),
    [
        (LIMIT, None, "at_risk"),
        (FRIDAY, None, "at_risk"),
        (FRIDAY + MINUTE, None, "missed"),
        (FRIDAY + MINUTE, LIMIT, "met"),
        (FRIDAY + DAY, FRIDAY + MINUTE, "missed"),
    ],
)
def test_who_was_told_hears_of_the_cancellation_before_power_would_have_gone_off(
    now: datetime, again_at: datetime | None, expected: str
) -> None:
    first = told(PLANNED, LIMIT - DAY)
    again = [told(PLANNED, again_at, about="cancellation")] if again_at else []
    assert due("cn", "cancelled", CANCELLED, now, first, *again).status == expected
    assert due("cn", "planned-announced", CANCELLED, now, first, *again).why_not == "cancelled"


def test_a_cancellation_that_was_told_of_an_earlier_one_does_not_count() -> None:
    history = [told(PLANNED, LIMIT - 3 * DAY), told(PLANNED, LIMIT - DAY, about="cancellation")]
    assert due("cn", "cancelled", CANCELLED, LIMIT, *history).status == "at_risk"


def test_what_is_sent_or_received_later_than_now_does_not_count_yet() -> None:
    otherwise = told(case(FRIDAY + 2 * DAY), LIMIT + DAY)
    assert due("cn", "planned-announced", PLANNED, LIMIT, told(PLANNED, LIMIT - DAY), otherwise).status == "met"
    rules = replace(SETS["cn"], rules=tuple(replace(rule, counted_from="receipt") for rule in SETS["cn"].rules[:1]))
    letter = told(PLANNED, LIMIT - 3 * DAY, "customers", "letter", received_at=LIMIT - MINUTE)
    assert clock(PLANNED, rules, zone="Asia/Shanghai", now=LIMIT - DAY, issued=[letter])[0].status == "at_risk"


def test_where_nobody_was_told_a_cancellation_is_told_to_nobody() -> None:
    assert due("au-vic", "cancelled", CANCELLED, LIMIT).why_not == "nobody_told"


def test_an_outage_without_an_end_may_be_longer_than_any_limit() -> None:
    assert due("ca-on", "over-an-hour", case(FRIDAY, None), LIMIT).status == "open"


def test_windows_of_several_days_have_one_limit_before_the_first_and_each_has_to_be_told() -> None:
    days = Case("planned", (*windows(FRIDAY), *windows(FRIDAY + DAY)), EVERYBODY)
    assert due("cn", "planned-announced", days, LIMIT, told(days, LIMIT)).status == "met"
    found = due("cn", "planned-announced", days, LIMIT, told(PLANNED, LIMIT))
    assert (found.status, found.due_at) == ("at_risk", LIMIT)


@pytest.mark.parametrize(
    ("name", "outage_class", "days_before"),
    [("cn", "planned", 7), ("cn", "temporary", 1), ("cn", "fault", None), ("us-me", "planned", 1)],
)
def test_the_first_limit_is_of_what_must_be_told(name: str, outage_class: str, days_before: int | None) -> None:
    found = notice_by(case(FRIDAY, outage_class=outage_class), SETS[name], zone=ZONES[name])
    assert found == (None if days_before is None else FRIDAY - timedelta(days=days_before))


@pytest.mark.parametrize(
    ("name", "audience", "channel", "expected"),
    [
        ("cn", "public", "newspaper", ("place", "line", "off_time", "on_time")),
        ("cn", "customers", "sms", ()),
        ("vn", "customers", "sms", ("place", "reason", "off_time", "on_time")),
        ("es", "public", "poster", ("off_time", "on_time")),
        ("es", "public", "tv", ()),
        ("ca-on", "customers", "letter", ("alternative_date",)),
        ("au-vic", "customers", "letter", ("reason",)),
    ],
)
def test_a_text_has_to_say_what_the_rules_that_it_serves_ask_for(
    name: str, audience: str, channel: str, expected: tuple[str, ...]
) -> None:
    assert required_contents(PLANNED, SETS[name], audience=audience, channel=channel) == expected


def test_a_text_under_the_limits_of_a_rule_need_not_say_it() -> None:
    assert required_contents(case(FRIDAY, 1), SETS["ca-on"], audience="customers", channel="letter") == ()


def test_the_text_of_a_cancellation_has_to_say_what_rules_of_cancellations_ask_for() -> None:
    rules = replace(
        SETS["cn"], rules=tuple(replace(rule, contains=("reason",)) for rule in SETS["cn"].rules if rule.id == "cancelled")
    )
    asked = [required_contents(one, rules, audience="public", channel="tv") for one in (PLANNED, CANCELLED)]
    assert asked == [(), ("reason",)]


# What holds of every case.

rule_sets_of_all = st.sampled_from(sorted(SETS))
starts = st.timedeltas(timedelta(), timedelta(days=500)).map(lambda later: datetime(2026, 1, 15, tzinfo=UTC) + later)
spans = st.timedeltas(timedelta(), timedelta(days=20))
classes = st.sampled_from(["planned", "temporary"])
tellings = st.tuples(
    st.sampled_from(["public", "customers", "important", "life_support"]),
    st.sampled_from(["newspaper", "poster", "letter", "sms"]),
)


@given(rule_sets_of_all, starts, spans, classes)
def test_a_later_start_never_has_an_earlier_limit(name: str, start: datetime, later: timedelta, outage_class: str) -> None:
    first, second = (
        clock(case(begin, outage_class=outage_class), SETS[name], zone=ZONES[name], now=start) for begin in (start, start + later)
    )
    for one, other in zip(first, second, strict=True):
        assert (one.due_at is None) == (other.due_at is None)
        assert one.due_at is None or (one.reminder_at < one.due_at <= other.due_at and one.due_at <= start)  # type: ignore[operator]


@given(rule_sets_of_all, starts, classes, st.lists(st.tuples(tellings, spans, spans), max_size=5), spans)
def test_to_tell_earlier_never_makes_a_rule_missed_that_is_met(
    name: str, start: datetime, outage_class: str, notices: list[Any], later: timedelta
) -> None:
    one = case(start, outage_class=outage_class)
    usual = [told(one, start - before, *how) for how, before, _ in notices]
    sooner = [replace(notice, at=notice.at - earlier) for notice, (_, _, earlier) in zip(usual, notices, strict=True)]
    now = start - timedelta(days=10) + later
    for before, after in zip(
        *(clock(one, SETS[name], zone=ZONES[name], now=now, issued=each) for each in (usual, sooner)), strict=True
    ):
        assert before.status != "met" or after.status == "met"
        assert before.told_at is None or (after.told_at is not None and after.told_at <= before.told_at)


@given(
    rule_sets_of_all, starts, classes, st.lists(st.tuples(tellings, spans), max_size=4), st.lists(spans, min_size=2, max_size=6)
)
def test_as_time_goes_by_met_stays_met_and_missed_stays_missed(
    name: str, start: datetime, outage_class: str, notices: list[Any], times: list[timedelta]
) -> None:
    one = case(start, outage_class=outage_class)
    issued = [told(one, start - before, *how) for how, before in notices]
    moments = sorted(start - timedelta(days=12) + time for time in times)
    courses = zip(*(clock(one, SETS[name], zone=ZONES[name], now=now, issued=issued) for now in moments), strict=True)
    order = {"not_applicable": 0, "open": 1, "at_risk": 2, "missed": 3, "met": 3}
    for course in courses:
        ranks = [order[found.status] for found in course]
        assert ranks == sorted(ranks)
        assert len({found.status for found in course if found.status in ("missed", "met")}) < 2


# The queue, and who approves.


def test_the_queue_begins_with_whoever_should_have_been_told_long_ago() -> None:
    def one(days: float, **changes: Any) -> list[Due]:
        of_case = replace(case(FRIDAY + timedelta(days=days)), **changes)
        issued = [told(of_case, FRIDAY - 20 * DAY)] if changes.get("reach") else []
        return clock(of_case, SETS["cn"], zone="Asia/Shanghai", now=FRIDAY, issued=issued)

    clocks = {
        "nothing asked": one(3, outage_class="fault"),
        "all told": one(3, reach={"customers": 5}),
        "open, later": one(30),
        "open": one(20),
        "at risk": one(7.5),
        "just missed": one(6),
        "long missed": one(2),
        "also open": one(20),
    }
    expected = ["long missed", "just missed", "at risk", "also open", "open", "open, later", "all told", "nothing asked"]
    assert order_queue(clocks) == expected


@pytest.mark.parametrize(
    ("name", "lengths", "at_once", "as_told", "because"),
    [
        ("cn", [24], 10, False, ()),
        ("cn", [24], 11, False, ("outages",)),
        ("cn", [24.1], 1, False, ("hours",)),
        ("cn", [10, 10, 10], 1, False, ("hours",)),  # three days without power by day
        ("cn", [None], 1, False, ()),
        ("cn", [4], 1, True, ("as_told",)),
        ("cn", [25], 11, True, ("as_told", "outages", "hours")),
        ("uk", [100], 100, False, ()),
    ],
)
def test_major_outages_need_a_higher_approver(
    name: str, lengths: list[float | None], at_once: int, as_told: bool, because: tuple[str, ...]
) -> None:
    several = tuple(window for day, length in enumerate(lengths) for window in windows(FRIDAY + day * DAY, length))
    found = approval_of(Case("planned", several, EVERYBODY), SETS[name], at_once=at_once, as_told=as_told)
    assert (found.because, found.higher) == (because, bool(because))


@given(st.lists(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 8)), min_size=1, max_size=2), min_size=1, max_size=6))
def test_outages_at_once_are_those_that_are_off_in_the_same_hour(hours_of: list[list[tuple[int, int]]]) -> None:
    outages = [
        [Window(START + timedelta(hours=start), START + timedelta(hours=start + length)) for start, length in each]
        for each in hours_of
    ]
    off = [{hour for start, length in each for hour in range(start, start + length)} for each in hours_of]
    assert count_at_once(outages[0], outages[1:]) == max(sum(hour in each for each in off) for hour in off[0])


def test_a_case_goes_by_what_is_in_force_and_once_power_is_off_by_what_was_then() -> None:
    entered, later = some_facts(), some_facts(windows=(Window(hours(1), hours(5)),))
    events: list[Any] = [Entered(entered, hours(-9), AUTHOR), Submitted(hours(-8), AUTHOR), Approved(hours(-7), APPROVER)]
    revised = Revised(later, hours(-6), AUTHOR, "later")
    longer = Revised(some_facts(windows=(Window(START, hours(9)),)), hours(2), AUTHOR, "longer")

    def found(*more: Any) -> Case:
        return case_of(fold("A", [*events, *more]), {"customers": 1})

    assert found() == Case("planned", entered.windows, {"customers": 1})
    assert found(revised).windows == entered.windows  # until it is approved
    assert found(revised, Approved(hours(-5), APPROVER)).windows == later.windows
    assert found(SwitchedOff(START, hours(1), AUTHOR), longer).windows == entered.windows
    assert found(Cancelled(hours(-1), AUTHOR, "rain")).cancelled_at == hours(-1)


# Rule sets that people write.

GOOD = """
title = "Example"
holidays = ["GB-ENG"]
business_day = "Monday to Friday"

[major]
outages = 5
hours = 12.5
source = "House rules"
read = "2026-03-01"
mark = "second_hand"

[[rules]]
id = "in-person"
classes = ["planned"]
audience = "customers"
met_by = ["public"]
channels = ["letter"]
lead = { business_days = 4 }
remind = { hours = 30 }
contains = ["reason", "interpreter"]
over = { customers = 10, hours = 0.5 }
strength = "should"
counted_from = "receipt"
note = "As agreed."
source = "Code, 5.2"
read = "2026-03"
mark = "confirmed"
"""


def read(text: str, name: str = "own") -> RuleSet:
    return read_rule_set(name, text.encode())


def test_a_rule_set_says_all_that_rules_go_by() -> None:
    found = read(GOOD)
    (rule,) = found.rules
    assert (found.id, found.title, found.holidays) == ("own", "Example", ("GB-ENG",))
    assert found.major is not None
    assert (found.major.outages, found.major.hours, found.major.source.mark) == (5, 12.5, "second_hand")
    assert (rule.lead, rule.remind, rule.told) == (Lead(4, "business_days"), Lead(30, "hours"), ("customers", "public"))
    assert (rule.contains, rule.strength, rule.counted_from) == (("reason", "interpreter"), "should", "receipt")
    assert (rule.source.text, rule.source.read, rule.source.mark) == ("Code, 5.2", "2026-03", "confirmed")


@pytest.mark.parametrize(
    ("old", "new", "field", "code"),
    [
        ('title = "Example"', "", "title", "rules_missing"),
        ('title = "Example"', "title = 7", "title", "rules_no_text"),
        ('["GB-ENG"]', '["GB-ENGLAND"]', "holidays", "rules_holidays_unknown"),
        ('["GB-ENG"]', "[]", "holidays", "rules_no_list"),
        ('business_day = "', 'businessday = "', "businessday", "rules_key_unknown"),
        ("outages = 5", "outages = 5.5", "major.outages", "rules_number"),
        ("hours = 12.5", "hours = true", "major.hours", "rules_number"),
        ('"2026-03-01"', '"March"', "major.read", "rules_read"),
        ('"2026-03-01"', '"2026-13"', "major.read", "rules_read"),
        ("[[rules]]", "[[rule]]", "rules", "rules_missing"),
        ('id = "in-person"', "", "rules[1].id", "rules_missing"),
        ('["planned"]', '["plannned"]', "rules[1].classes", "rules_unknown"),
        ('["planned"]', '"planned"', "rules[1].classes", "rules_no_list"),
        ('audience = "customers"', 'audience = "everyone"', "rules[1].audience", "rules_unknown"),
        ('audience = "customers"', "", "rules[1].audience", "rules_unknown"),
        ('["letter"]', '["pigeon"]', "rules[1].channels", "rules_unknown"),
        ("{ business_days = 4 }", "{ business_days = 4, days = 6 }", "rules[1].lead", "rules_lead"),
        ("{ business_days = 4 }", "{ weeks = 4 }", "rules[1].lead", "rules_lead"),
        ("{ business_days = 4 }", "{ business_days = 0 }", "rules[1].lead", "rules_lead"),
        ("lead = {", "lead_time = {", "rules[1].lead", "rules_lead"),
        ("{ hours = 30 }", "{ hours = 1.5 }", "rules[1].remind", "rules_lead"),
        ('"interpreter"]', '"weather"]', "rules[1].contains", "rules_unknown"),
        ("{ customers = 10, hours = 0.5 }", "{}", "rules[1].over", "rules_over"),
        ("customers = 10", "customers = -1", "rules[1].over.customers", "rules_number"),
        ("customers = 10", "meters = 10", "rules[1].over.meters", "rules_key_unknown"),
        ('"should"', '"may"', "rules[1].strength", "rules_unknown"),
        ('"receipt"', '"reading"', "rules[1].counted_from", "rules_unknown"),
        ('strength = "should"', 'about = "cancellation"', "rules[1].lead", "rules_lead_of_cancellation"),
        ('mark = "confirmed"', "", "rules[1].mark", "rules_unknown"),
        ('source = "Code, 5.2"', 'source = " "', "rules[1].source", "rules_missing"),
    ],
)
def test_what_is_wrong_is_said_where_it_is(old: str, new: str, field: str, code: str) -> None:
    with pytest.raises(RulesError) as raised:
        read(GOOD.replace(old, new, 1))
    assert (field, code) in [(problem.field, problem.code) for problem in raised.value.problems]
    assert all(problem.says.endswith(".") for problem in raised.value.problems)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(RulesError) as raised:
        read('holidays = ["XX"]\nfoo = 1\n[major]\n[[rules]]\nid = "a"\n[[rules]]\nid = "a"\nlead = { days = 7 }')
    named = {problem.field for problem in raised.value.problems}
    both = {f"rules[{place}].{key}" for place, key in product((1, 2), ("classes", "audience", "source", "read", "mark"))}
    of_major = {f"major.{key}" for key in ("outages", "hours", "source", "read", "mark")}
    assert named == {"foo", "title", "holidays", "rules", "rules[1].lead"} | both | of_major
    assert "rules: Two rules have the id 'a'. Give each its own." in str(raised.value)


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("own", b"title = ", "no_toml"),
        ("own", b"\xff", "no_toml"),
        ("own", b"", "rules_missing"),
        ("Own Rules", GOOD.encode(), "rules_name"),
    ],
)
def test_a_file_that_is_none_is_said_to_be(name: str, text: bytes, code: str) -> None:
    with pytest.raises(RulesError) as raised:
        read_rule_set(name, text)
    assert code in [problem.code for problem in raised.value.problems]


ODD = (
    "1",
    "-1",
    "1.5",
    "nan",
    "inf",
    "true",
    '""',
    '"x"',
    "[]",
    "[1]",
    '["x"]',
    "[[]]",
    "{}",
    "{a = 1}",
    "{days = 1e9}",
    "2026-03-01",
)


@pytest.mark.parametrize("key", sorted({line.partition(" =")[0] for line in GOOD.splitlines() if " = " in line}))
def test_whatever_stands_for_a_value_is_read_or_named(key: str) -> None:
    lines = GOOD.splitlines()
    for place, odd in product([at for at, line in enumerate(lines) if line.startswith(f"{key} = ")], ODD):
        try:
            read("\n".join([*lines[:place], f"{key} = {odd}", *lines[place + 1 :]]))
        except RulesError as error:
            assert all(key in problem.field for problem in error.problems)  # noqa: PT017


def test_a_utility_replaces_a_set_and_adds_another(tmp_path: Path) -> None:
    for name in ("uk", "own-town"):
        (tmp_path / f"{name}.toml").write_text(GOOD, encoding="utf-8")
    found = rule_sets([tmp_path / "uk.toml", tmp_path / "own-town.toml"])
    assert set(found) == {*SETS, "own-town"}
    assert (found["uk"].title, found["own-town"].title, rule_sets()["uk"].title) == ("Example", "Example", "Great Britain")


def test_what_is_wrong_in_several_files_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(GOOD.replace("planned", "x"), encoding="utf-8")
    (tmp_path / "b.toml").write_text("= 1", encoding="utf-8")
    with pytest.raises(RulesError) as raised:
        rule_sets([tmp_path / name for name in ("a.toml", "b.toml", "gone.toml")])
    assert [problem.field for problem in raised.value.problems] == ["a.toml: rules[1].classes", "b.toml: file", "gone.toml"]
