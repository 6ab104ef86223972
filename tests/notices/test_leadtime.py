"""Lead times: hand-worked dates over holidays and changes of clocks, and what holds of all dates."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notices.leadtime import UNITS, Calendar, Lead, are_holidays_known, is_business_day, limit

ZONES = ("Asia/Shanghai", "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago", "Africa/Cairo", "America/New_York", "UTC")
MELBOURNE, SHANGHAI, LONDON, BERLIN = "Australia/Melbourne", "Asia/Shanghai", "Europe/London", "Europe/Berlin"

# Public holidays of Victoria in 2026 and to Easter 2027 as the state publishes them, typed by hand.
VICTORIA = (
    *("2026-01-01", "2026-01-26", "2026-03-09", "2026-04-03", "2026-04-04", "2026-04-05", "2026-04-06", "2026-04-25"),
    *("2026-06-08", "2026-09-25", "2026-11-03", "2026-12-25", "2026-12-26", "2026-12-28", "2027-01-01", "2027-01-26"),
)

FIRST = datetime(2026, 2, 1, tzinfo=UTC)


def moments(days: int) -> st.SearchStrategy[datetime]:
    return st.timedeltas(timedelta(), timedelta(days=days)).map(lambda later: FIRST + later)


starts = moments(1000)
leads = st.builds(Lead, st.integers(1, 12), st.sampled_from(UNITS))
calendars = st.builds(Calendar, st.sampled_from(ZONES), st.sampled_from([("CN",), ("AU-VIC",), ("GB-ENG", "GB-SCT")]))


def local(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("zone", "holidays", "start", "lead", "expected"),
    [
        # Hours have passed by any clock, days are those of the calendar: clocks go forward on 29 March, back on 25 October.
        (BERLIN, "DE", "2026-03-29T08:00", Lead(24, "hours"), "2026-03-28T07:00"),
        (BERLIN, "DE", "2026-03-29T08:00", Lead(1, "days"), "2026-03-28T08:00"),
        (BERLIN, "DE", "2026-10-25T08:00", Lead(24, "hours"), "2026-10-24T09:00"),
        (BERLIN, "DE", "2026-10-25T08:00", Lead(1, "days"), "2026-10-24T08:00"),
        # Seven days before are seven days before, on New Year's Day too.
        (SHANGHAI, "CN", "2026-06-12T08:30", Lead(7, "days"), "2026-06-05T08:30"),
        (SHANGHAI, "CN", "2026-02-24T08:00", Lead(7, "days"), "2026-02-17T08:00"),
        # Chinese New Year 2026: off from Sunday the 15th to Monday the 23rd; Saturdays the 14th and the 28th are worked.
        # Back from Thursday 26: Wed 25, Tue 24, Sat 14, Fri 13.
        (SHANGHAI, "CN", "2026-02-26T08:00", Lead(4, "business_days"), "2026-02-13T00:00"),
        # Back from Monday 2 March: Sat 28, Fri 27, Thu 26, Wed 25.
        (SHANGHAI, "CN", "2026-03-02T08:00", Lead(4, "business_days"), "2026-02-25T00:00"),
        # National Day 2026: off from 1 to 7 October, Saturday the 10th is worked. Back from Monday 12: 10, 9, 8, 30 September.
        (SHANGHAI, "CN", "2026-10-12T08:00", Lead(4, "business_days"), "2026-09-30T00:00"),
        # Easter 2026: Friday 3 to Monday 6 April. Back from Wednesday 8: Tue 7, Thu 2, Wed 1, Tue 31; clocks go back on the 5th.
        (MELBOURNE, "AU-VIC", "2026-04-08T09:00", Lead(4, "business_days"), "2026-03-31T00:00"),
        # Melbourne Cup, Tuesday 3 November 2026. Back from Wednesday 4: Mon 2, Fri 30, Thu 29, Wed 28.
        (MELBOURNE, "AU-VIC", "2026-11-04T09:00", Lead(4, "business_days"), "2026-10-28T00:00"),
        # Power is off on a Sunday: Fri 8, Thu 7, Wed 6, Tue 5.
        (MELBOURNE, "AU-VIC", "2026-05-10T09:00", Lead(4, "business_days"), "2026-05-05T00:00"),
        # Easter 2027: Friday 26 to Monday 29 March. Back from Tuesday 30: Thu 25, Wed 24.
        (LONDON, "GB-ENG", "2027-03-30T09:00", Lead(2, "business_days"), "2027-03-24T00:00"),
        # Scotland works on Easter Monday.
        (LONDON, "GB-SCT", "2027-03-30T09:00", Lead(2, "business_days"), "2027-03-25T00:00"),
        # Boxing Day 2026 is a Saturday, and Monday 28 is off for it. Back from Tuesday 29: Thu 24.
        (LONDON, "GB-ENG", "2026-12-29T09:00", Lead(1, "business_days"), "2026-12-24T00:00"),
        ("Europe/Oslo", "NO", "2026-04-07T09:00", Lead(1, "business_days"), "2026-04-01T00:00"),  # from Maundy Thursday on
        ("America/New_York", "US-ME", "2026-04-21T09:00", Lead(1, "business_days"), "2026-04-17T00:00"),  # Patriots' Day
        ("Asia/Ho_Chi_Minh", "VN", "2026-02-23T09:00", Lead(1, "business_days"), "2026-02-13T00:00"),  # Tết, 16 to 20
        # New Year's Day 2028 is a Saturday, and Friday 31 December off for it.
        ("America/New_York", "US-ME", "2028-01-03T09:00", Lead(1, "business_days"), "2027-12-30T00:00"),
        ("America/Toronto", "CA-ON", "2026-02-17T09:00", Lead(1, "business_days"), "2026-02-13T00:00"),  # Family Day
        ("Europe/Madrid", "ES", "2026-12-09T09:00", Lead(1, "business_days"), "2026-12-07T00:00"),  # the Immaculate Conception
    ],
)
def test_limits_are_those_worked_out_by_hand(zone: str, holidays: str, start: str, lead: Lead, expected: str) -> None:
    assert limit(local(start, zone), lead, Calendar(zone, (holidays,))) == local(expected, zone)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("2026-03-30T00:30", "2026-03-29T01:00"),  # 2:30 on the 29th never was: when clocks went from 2:00 to 3:00
        ("2026-10-25T00:30", "2026-10-24T00:00"),  # 2:30 comes twice on the 25th; the first time: an hour that began at 2:00
        ("2026-10-25T01:30", "2026-10-24T00:30"),  # the second time
        ("2026-10-26T01:30", "2026-10-25T00:30"),  # and 2:30 the day after: the first of the two
    ],
)
def test_the_night_in_which_clocks_are_changed_has_limits_too(start: str, expected: str) -> None:
    assert limit(local(start, "UTC"), Lead(1, "days"), Calendar(BERLIN, ("DE",))) == local(expected, "UTC")


@given(starts, st.timedeltas(timedelta(), timedelta(days=3)), leads, calendars)
def test_a_later_start_never_has_an_earlier_limit(start: datetime, later: timedelta, lead: Lead, calendar: Calendar) -> None:
    assert limit(start, lead, calendar) <= limit(start + later, lead, calendar) < start + later


@given(
    st.sampled_from(["2026-10-24T22:00", "2026-03-28T22:00", "2026-04-04T12:00", "2026-09-06T02:00"]),
    st.tuples(st.integers(0, 400), st.integers(0, 400)),
    st.integers(0, 2),
    leads,
    calendars,
)
def test_nor_does_it_in_a_night_in_which_clocks_are_changed(
    night: str, minutes: tuple[int, int], days: int, lead: Lead, calendar: Calendar
) -> None:
    first, second = (local(night, "UTC") + timedelta(days=days, minutes=minute) for minute in sorted(minutes))
    assert limit(first, lead, calendar) <= limit(second, lead, calendar)


@given(starts, st.integers(1, 12), calendars)
def test_business_days_are_never_fewer_than_days_and_more_are_never_later(
    start: datetime, count: int, calendar: Calendar
) -> None:
    in_business, in_days = (limit(start, Lead(count, unit), calendar) for unit in ("business_days", "days"))
    assert limit(start, Lead(count + 1, "business_days"), calendar) < in_business <= in_days


@given(moments(330), st.integers(1, 10))
def test_business_days_are_those_that_numpy_counts(start: datetime, count: int) -> None:
    day = start.astimezone(ZoneInfo(MELBOURNE)).date()
    found = limit(start, Lead(count, "business_days"), Calendar(MELBOURNE, ("AU-VIC",))).astimezone(ZoneInfo(MELBOURNE))
    expected = np.busday_offset(day, -count, roll="forward", holidays=VICTORIA).astype(date)
    assert (found.date(), found.hour, found.minute) == (expected, 0, 0)


def test_a_day_counts_only_where_all_of_them_work() -> None:
    easter_monday = date(2026, 4, 6)
    assert is_business_day(easter_monday, ("GB-SCT",))
    assert not is_business_day(easter_monday, ("GB-SCT", "GB-ENG"))


@pytest.mark.parametrize(
    ("code", "known"), [("CN", True), ("AU-VIC", True), ("AU-ZZ", False), ("XX", False), ("", False), ("cn", False)]
)
def test_holidays_that_are_not_known_are_said_not_to_be(code: str, known: bool) -> None:
    assert are_holidays_known(code) == known
