"""Moments and windows as each language writes them, on the clock of the utility.

::

            English                                                        Chinese
    full    Thursday, 12 June 2025, 08:30 to 17:00 (China Standard Time)   2025年6月12日（星期四）08:30 至 17:00（北京时间）
    short   12 Jun 08:30 to 17:00                                          6月12日08:30至17:00

The short manner is for channels where every character counts: it names the year only where it is not the year of issue, and
the zone only where clocks are changed within a window. How times are spoken is another matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, get_timezone_name

from outages.facts import Estimate, Window, is_day_off_night_on

Manner = Literal["full", "short"]


@dataclass(frozen=True)
class DateStyle:
    """How a language writes dates in a manner: Babel's patterns of a day, and the words between and around them.

    ``near`` is a day of the year of issue; ``moment`` and ``daily`` hold a day or days, and an hour or hours.
    """

    day: str
    near: str
    moment: str
    daily: str
    between: str
    aside: str
    apart: str


LOCALES = {"zh": "zh_Hans_CN", "en": "en"}
_STYLES: dict[tuple[str, Manner], DateStyle] = {
    ("zh", "full"): DateStyle("y年M月d日（EEEE）", "y年M月d日（EEEE）", "{}{}", "{}，每天 {}", " 至 ", "（{}）", "；"),
    ("zh", "short"): DateStyle("y年M月d日", "M月d日", "{}{}", "{}每天{}", "至", "（{}）", "；"),
    ("en", "full"): DateStyle("EEEE, d MMMM y", "EEEE, d MMMM y", "{}, {}", "{}, each day {}", " to ", " ({})", "; "),
    ("en", "short"): DateStyle("d MMM y", "d MMM", "{} {}", "{}, each day {}", " to ", " ({})", "; "),
}
_ISSUED = {"zh": "y年M月d日", "en": "d MMMM y"}
_AS_PRINTED = {"中国标准时间": "北京时间"}
"""Names of zones that the press writes otherwise than Babel's data do."""


@dataclass(frozen=True)
class Dates:
    """Writes times in ``language`` and ``manner``, in ``zone`` (an IANA name); ``issued_at`` is aware.

    >>> dates = Dates("en", "short", "Asia/Shanghai", issued_at=datetime(2025, 6, 4, tzinfo=UTC))
    >>> off = datetime(2025, 6, 12, 0, 30, tzinfo=UTC)
    >>> dates.window(Window(off, off + timedelta(hours=9)))
    '12 Jun 08:30 to 17:30'
    """

    language: str
    manner: Manner
    zone: str
    issued_at: datetime

    def moment(self, at: datetime, *, up: bool = False) -> str:
        """Return ``at`` to the minute, rounded down, or ``up``."""
        local = self._local(at, up=up)
        return self._plain(local) + self._in_zone(local)

    def window(self, window: Window) -> str:
        """Return ``window`` in whole minutes, never shorter than it is; without an end it is the moment of its start."""
        return self.moment(window.start) if window.end is None else self.span(window.start, window.end)

    def span(self, start: datetime, end: datetime) -> str:
        """Return from when to when: the date twice over midnight, the zone twice where clocks are changed in between."""
        style, off, on = self._style, self._local(start), self._local(end, up=True)
        until = f"{on:%H:%M}" if off.date() == on.date() else self._plain(on)
        if off.utcoffset() == on.utcoffset():
            return f"{self._plain(off)}{style.between}{until}{self._in_zone(on)}"
        return f"{self._plain(off)}{self._aside(off)}{style.between}{until}{self._aside(on)}"

    def each(self, windows: Sequence[Window]) -> list[str]:
        """Return the lines that say ``windows``: one each, and one for all where they are the same every day (日停夜送)."""
        if windows and is_day_off_night_on(windows, self.zone):
            return [self._daily(windows)]
        return [self.window(window) for window in windows]

    def together(self, windows: Sequence[Window]) -> str:
        """Return `each` on one line."""
        return self._style.apart.join(self.each(windows))

    def estimate(self, estimate: Estimate) -> str:
        """Return between when power is expected back, or when where that is one moment."""
        if estimate.earliest == estimate.latest:
            return self.moment(estimate.latest, up=True)
        return self.span(estimate.earliest, estimate.latest)

    def day_of_issue(self) -> str:
        """Return the day under which a notice stands."""
        return format_date(self._local(self.issued_at), _ISSUED[self.language], locale=LOCALES[self.language])

    @property
    def _style(self) -> DateStyle:
        return _STYLES[self.language, self.manner]

    def _daily(self, windows: Sequence[Window]) -> str:
        """Return the first day to the last, and the hours; the last day names the zone."""
        style, first, last = self._style, windows[0], windows[-1]
        off, on = self._local(first.start), self._local(last.end or last.start, up=True)
        hours = f"{off:%H:%M}{style.between}{on:%H:%M}"
        return style.daily.format(f"{self._day(off)}{style.between}{self._day(self._local(last.start))}", hours) + self._in_zone(
            on
        )

    def _local(self, at: datetime, *, up: bool = False) -> datetime:
        exact = at.astimezone(UTC)
        whole = exact.replace(second=0, microsecond=0)
        return (whole + timedelta(minutes=1) if up and whole < exact else whole).astimezone(ZoneInfo(self.zone))

    def _plain(self, local: datetime) -> str:
        return self._style.moment.format(self._day(local), f"{local:%H:%M}")

    def _day(self, local: datetime) -> str:
        near = local.year == self._local(self.issued_at).year
        pattern = self._style.near if near else self._style.day
        return format_datetime(local, pattern, tzinfo=local.tzinfo, locale=LOCALES[self.language])

    def _in_zone(self, local: datetime) -> str:
        return self._aside(local) if self.manner == "full" else ""

    def _aside(self, local: datetime) -> str:
        return self._style.aside.format(zone_name(local, LOCALES[self.language]))


def zone_name(moment: datetime, locale: str) -> str:
    """Return the name of the zone of ``moment``, as newspapers write it.

    >>> zone_name(datetime(2026, 5, 1, tzinfo=ZoneInfo("Asia/Shanghai")), "zh_CN")
    '北京时间'
    """
    name: str = get_timezone_name(moment, locale=locale)
    return _AS_PRINTED.get(name, name)
