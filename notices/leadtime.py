"""How long before an outage a notice has to be out: hours, days or business days, counted back on the clock of a zone.

::

    four business days before Wednesday 8 April 2026, over Easter

    Mon 30  Tue 31  Wed 1   Thu 2   Fri 3        Sat 4   Sun 5   Mon 6          Tue 7   Wed 8
            │1      │2      │3      Good Friday                  Easter Monday  │4      off
            └─ limit: the midnight at which the first of four whole business days begins
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from holidays import country_holidays

Unit = Literal["hours", "days", "business_days"]
UNITS: tuple[Unit, ...] = get_args(Unit)

LONGEST_LEAD = 366
"""In any unit; more is a mistake of typing, and would have to look for holidays in years that nobody has decided on."""


@dataclass(frozen=True)
class Lead:
    """So many hours, days or business days."""

    count: int
    unit: Unit


@dataclass(frozen=True)
class Calendar:
    """On whose clock and by whose holidays time is counted.

    ``holidays`` are codes of countries, or of their parts, as the library ``holidays`` knows them: ``CN``, ``AU-VIC``. A day on
    which any of them rests is no business day; a Saturday on which all of them work, as in China to make up for a bridge, is one.
    """

    zone: str
    holidays: tuple[str, ...]


def limit(moment: datetime, lead: Lead, calendar: Calendar) -> datetime:
    """Return the last moment that is ``lead`` before ``moment``, in UTC.

    Hours have passed by any clock. Days are those of the calendar: the same time of day as ``moment``, whatever the clocks were
    set to in between. Business days are whole ones: neither the day of ``moment`` nor that of the notice is counted. A later
    ``moment`` never has an earlier limit, also in the night in which an hour comes twice or not at all: it is then at most that
    hour earlier, never later.

    >>> before = Calendar("Europe/Berlin", ("DE",))
    >>> limit(datetime(2026, 3, 30, 6, tzinfo=UTC), Lead(2, "days"), before).isoformat()  # 8:00; clocks are changed on the 29th
    '2026-03-28T07:00:00+00:00'
    """
    if lead.unit == "hours":
        return moment.astimezone(UTC) - timedelta(hours=lead.count)
    zone = ZoneInfo(calendar.zone)
    shown = _shown(moment, zone)
    if lead.unit == "days":
        return _first_at(shown - timedelta(days=lead.count), zone)
    day = next(islice(_business_days_before(shown.date(), calendar.holidays), lead.count - 1, None))
    return _first_at(datetime.combine(day, time()), zone)


def is_business_day(day: date, holidays: tuple[str, ...]) -> bool:
    """Return whether people work on ``day`` in all the countries, or parts of countries, of ``holidays``."""
    return all(day in _working_days(code, day.year) for code in holidays)


def are_holidays_known(code: str) -> bool:
    """Return whether the holidays of a country or a part of one are known."""
    country, _, part = code.partition("-")
    try:
        country_holidays(country, subdiv=part or None)
    except NotImplementedError:
        return False
    return True


def _business_days_before(day: date, holidays: tuple[str, ...]) -> Iterator[date]:
    while True:
        day -= timedelta(days=1)
        if is_business_day(day, holidays):
            yield day


@lru_cache(maxsize=512)
def _working_days(code: str, year: int) -> frozenset[date]:
    """A set of our own: the library's fills itself when it is asked, which several threads must not do at once."""
    country, _, part = code.partition("-")
    known = country_holidays(country, subdiv=part or None, years=year)
    days = (date(year, 1, 1) + timedelta(days=count) for count in range(366))
    return frozenset(day for day in days if known.is_working_day(day))


def _shown(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return what clocks show at ``moment``; in an hour that comes twice, the first time, the beginning of that hour.

    Otherwise a start in the second hour would show an earlier time than one in the first.
    """
    local = moment.astimezone(zone)
    again = local.replace(fold=1)
    if local.fold == 0 and again.utcoffset() != local.utcoffset():
        local = _turn(moment, again, zone).astimezone(zone)
    return local.replace(tzinfo=None)


def _first_at(shown: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant at which clocks show ``shown`` or, where they skip it, anything later."""
    earlier, later = (shown.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return earlier if earlier <= later else _turn(later, earlier, zone)


def _turn(after: datetime, until: datetime, zone: ZoneInfo) -> datetime:
    """Return the second at which the clocks of ``zone`` are changed between two instants, in UTC."""
    first = after.astimezone(UTC).replace(microsecond=0)
    seconds = int((until.astimezone(UTC) - first).total_seconds())
    offset = first.astimezone(zone).utcoffset()

    def is_changed(second: int) -> bool:
        return (first + timedelta(seconds=second)).astimezone(zone).utcoffset() != offset

    return first + timedelta(seconds=bisect_left(range(seconds), True, key=is_changed))
