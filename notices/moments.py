"""Dates and times in a text, as the moments they mean; as notices print them, and as an editor would type them again.

A text is cut into days, clock times and the marks between them. What stands close together is one phrase, and clock times
belong to the day of their phrase: the one before them, else the one after, else the last one that the text named::

    6月12日（星期四）08:30 至 17:00          12 June 08:30, 12 June 17:00
    6月12日23:00 至 次日6点半                12 June 23:00, 13 June 06:30
    5月1日至3日，每日 8:00–18:00             1, 2 and 3 May: 08:00 and 18:00 each
    08:30 to 17:00 on 12 June               12 June 08:30, 12 June 17:00
    1/5, 25:30, 8 o'clock                   unreadable: nobody can be sure, so nobody guesses

What is compared are times as clocks show them: of the hour that a clock repeats in autumn, both are the first.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from notices.timewords import (
    DAY_MINUTES,
    FILLERS,
    LISTS,
    NOON_MINUTES,
    OFFSET,
    RELATIVE,
    WEEKDAYS,
    Piece,
    minutes_of,
    month_of,
    pieces_of,
)

YEARS = range(1900, 2200)
"""Four digits outside these are no year."""

BESIDE_DAYS = 92
"""A date without a year that is at most so far from the time of issue, in the year before or after, is meant in that year."""

MOST_DAYS = 400
"""A span of more days than this is a slip of the pen, as `outages.facts.MOST_WINDOWS` has it."""


@dataclass(frozen=True)
class Times:
    """The times of a text.

    ``moments`` in its order, on the clock of the zone; ``days`` that are named without a time of day; ``unreadable`` words,
    which mean no time or several; ``rest``: the text in compatible characters, with a hole wherever a time stands.
    """

    moments: tuple[datetime, ...]
    days: tuple[date, ...]
    unreadable: tuple[str, ...]
    rest: str


@dataclass
class _Clock:
    """A time of day in minutes; ``ends``: behind "to" and another time; ``carried``: a day later by its words."""

    minutes: int
    words: str
    ends: bool
    carried: bool
    afternoon: bool


@dataclass
class _Part:
    """Days that share the clock times beside them."""

    days: list[date]
    clocks: list[_Clock] = field(default_factory=list)
    timed: bool = False


def times_in(text: str, *, language: str, zone: str, near: datetime) -> Times:
    """Return the times that ``text`` says. Any text is read; nothing is raised.

    Parameters
    ----------
    language
        ``zh`` or ``en``.
    zone
        IANA name of the zone that the text speaks in.
    near
        Time of issue, aware: a date without a year is the nearest one to it, and "today" is its day.
    """
    text = OFFSET.sub(lambda found: " " * len(found[0]), unicodedata.normalize("NFKC", text))
    reader = _Reader(language, ZoneInfo(zone), near.astimezone(ZoneInfo(zone)).date())
    pieces = [piece for line in re.finditer(r"[^\n]+", text) for piece in pieces_of(text, line.span(), language)]
    for phrase in _phrases(text, pieces, language):
        reader.read(text, phrase)
    days = tuple(day for part in reader.parts if not part.timed for day in part.days)
    return Times(tuple(reader.moments), days, tuple(reader.unreadable), _with_holes(text, pieces))


HOLE = "\ufffc"
"""Stands where something was found already, so that nothing is read across it."""


def _with_holes(text: str, pieces: list[Piece]) -> str:
    for piece in pieces:
        if "range" not in piece.found:
            text = f"{text[: piece.start]}{HOLE * (piece.end - piece.start)}{text[piece.end :]}"
    return text


def _phrases(text: str, pieces: list[Piece], language: str) -> Iterator[list[Piece]]:
    phrase: list[Piece] = []
    for piece in pieces:
        if phrase and not FILLERS[language].fullmatch(text, phrase[-1].end, piece.start):
            yield phrase
            phrase = []
        phrase.append(piece)
    if phrase:
        yield phrase


@dataclass
class _Reader:
    """What was read so far; ``parts`` with the last one named, to which clock times without a day belong."""

    language: str
    zone: ZoneInfo
    today: date
    moments: list[datetime] = field(default_factory=list)
    parts: list[_Part] = field(default_factory=list)
    year_of: date | None = None
    unreadable: list[str] = field(default_factory=list)

    def read(self, text: str, phrase: list[Piece]) -> None:
        """Read what stands close together."""
        dated = (piece for piece in phrase if piece.found.keys() & {"iso", "year", "year_us"})
        self.year_of = next((day for piece in dated for day in self._days(piece)), None)
        before, first = self.parts[-1] if self.parts else None, len(self.parts)
        early: list[_Clock] = []
        last: Piece | None = None
        marks: dict[str, Piece] = {}
        for piece, following in pairwise([*phrase, None]):
            assert piece
            if piece.is_mark:
                marks |= dict.fromkeys(piece.found, piece)
            elif piece.is_day:
                self._day(piece, last, text[last.end : piece.start] if last else "", ranged="range" in marks)
            else:
                clocks = self.parts[-1].clocks if len(self.parts) > first else early
                self._clock(
                    piece, clocks, ends="range" in marks and last is not None and not last.is_day, carried="next" in marks
                )
                marks.pop("next", None)
            if not piece.is_mark:
                last = piece
                marks.pop("range", None)
            if "weekday" in marks and last and last.is_day and not self._stands_before(following, marks):
                self._compare(marks.pop("weekday"))
        if "next" in marks and last and not last.is_day:  # 17:00 the next day
            clocks = self.parts[-1].clocks if len(self.parts) > first else early
            clocks[-1:] = [replace(clock, carried=True) for clock in clocks[-1:]]
        self._settle(early, self.parts[first] if len(self.parts) > first else before)
        for part in self.parts[first:]:
            self._settle(part.clocks, part)

    def _stands_before(self, following: Piece | None, marks: Mapping[str, Piece]) -> bool:
        """Say whether a day of the week belongs to the date behind it, as in English it does."""
        return "range" in marks or (self.language == "en" and following is not None and following.is_day)

    def _compare(self, weekday: Piece) -> None:
        """Compare a weekday with the date beside it: who changes one of them must change the other."""
        said, days = weekday.found["weekday"].lower().replace("天", "日"), self.parts[-1].days if self.parts else []
        if days and WEEKDAYS[self.language].index(said) != days[-1].weekday():
            self.unreadable.append(f"{weekday.text} {days[-1].isoformat()}")

    def _day(self, piece: Piece, last: Piece | None, between: str, *, ranged: bool) -> None:
        """Add the days of a piece: to the days just before them where they are joined, else as days of their own."""
        days = self._days(piece)
        beside = last is not None and last.is_day and len(self.parts) > 0
        if not days:
            self.unreadable.append(piece.text)
        elif beside and ranged:
            self.parts[-1].days += self._span(self.parts[-1].days[-1], days[0], piece)[1:] + days[1:]
        elif beside and LISTS[self.language].fullmatch(between):
            self.parts[-1].days += days
        else:
            self.parts.append(_Part(days))

    def _days(self, piece: Piece) -> list[date]:
        """Return the days of a piece, none where there is no such day or nobody can tell which it is."""
        found = {name.removesuffix("_us"): said for name, said in piece.found.items()}
        if "relative" in found:
            word = found["relative"].lower()
            return [self.today + timedelta(days=RELATIVE["this" if word.startswith("this") else word])]
        if "iso" in found:
            year, month, day = map(int, re.split(r"[-/.]", found["iso"]))
            return _date(year, month, day)
        if "only" in found and self.parts:
            return _date(self.parts[-1].days[-1].year, self.parts[-1].days[-1].month, int(found["only"]))
        return self._dated(found, piece) if "month" in found else []

    def _dated(self, found: dict[str, str], piece: Piece) -> list[date]:
        """Return the days of a month: one, both of a list, or all of a span."""
        month = month_of(found["month"])
        first = self._in_year(found.get("year"), month, int(found["day"]))
        if not first or "last" not in found:
            return first
        last = _date(first[0].year, month, int(found["last"]))
        if not last or found["join"].lower() in ("and", "&", ",", "、"):
            return [*first, *last] if last else []
        return self._span(first[0], last[0], piece)

    def _in_year(self, year: str | None, month: int, day: int) -> list[date]:
        """Return a day; without a year, in that of a day of its phrase, of the last day, or of today, but near the turn of it."""
        if year:
            return _date(int(year), month, day)
        near = self.year_of or (self.parts[-1].days[-1] if self.parts else self.today)
        candidates = [found for years in (0, -1, 1) for found in _date(near.year + years, month, day)]
        beside = [each for each in candidates if abs((each - near).days) <= BESIDE_DAYS]
        return (beside or candidates)[:1]

    def _span(self, first: date, last: date, piece: Piece) -> list[date]:
        if not 0 <= (last - first).days < MOST_DAYS:
            self.unreadable.append(piece.text)
            return [first, last]
        return [first + timedelta(days=count) for count in range((last - first).days + 1)]

    def _clock(self, piece: Piece, clocks: list[_Clock], *, ends: bool, carried: bool) -> None:
        read = minutes_of(piece.found)
        if read is None:
            self.unreadable.append(piece.text)
            return
        minutes, afternoon = read
        start = clocks[-1] if ends and clocks else None
        # 下午2点至5点: nobody means five in the morning.
        if start and start.afternoon and "part" not in piece.found and start.minutes < minutes + NOON_MINUTES < DAY_MINUTES:
            minutes += NOON_MINUTES if minutes < NOON_MINUTES else 0
        clocks.append(_Clock(minutes, piece.text, start is not None, carried, afternoon))

    def _settle(self, clocks: list[_Clock], part: _Part | None) -> None:
        """Add the moments of clock times on each day of a part; times of no day are unreadable."""
        if not part:
            self.unreadable += [clock.words for clock in clocks]
            return
        part.timed |= bool(clocks)
        for day in part.days:
            off = 0
            for clock in clocks:
                off = clock.minutes if not clock.ends else off
                late = clock.carried or (clock.ends and clock.minutes <= off)
                self.moments += self._moment(day, clock.minutes + DAY_MINUTES * late)

    def _moment(self, day: date, minutes: int) -> list[datetime]:
        with suppress(OverflowError):
            return [datetime.combine(day + timedelta(days=minutes // DAY_MINUTES), _time(minutes), self.zone)]
        return []


def _date(year: int, month: int, day: int) -> list[date]:
    with suppress(ValueError):
        return [date(year, month, day)] if year in YEARS else []
    return []


def _time(minutes: int) -> time:
    return time(minutes // 60 % 24, minutes % 60)
