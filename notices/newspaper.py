"""The page that a newspaper prints for a week or a month: one heading, a table of all outages, the hotline once.

::

                       Planned power outages, 9 to 15 June 2025
    Date                  Time             Line         Area and customers    Why           Reference
    Tue 10 Jun            08:30 to 17:00   10 kV Hill   Hill Street 12–48     Maintenance   20250610-00042.1
    [New time] Thu 12 Jun 08:30 to 12:00   …            …                     …             …
    All times are China Standard Time. …                                  Questions? Call 95598 …

A window is a row, by date. What is the same every day (日停夜送) is one row. What is called off stands with the times that were
told, what is moved with both. All words stand in ``templates/<language>/page.toml``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date

from notices.dates import LOCALES, zone_name
from notices.facts import COMING, NoticeError, NoticeFacts, check_facts
from outages.facts import FactProblem, Window, is_day_off_night_on

_TEMPLATES = Path(__file__).parent / "templates"
_CALLED_OFF = ("cancellation", "unaffected")
_SHARED = {
    "issuer": "Put the notices of one issuer on a page.",
    "hotline": "The hotline is printed once: give all notices the same.",
    "zone": "The zone is named once: give all notices the same.",
}


@dataclass(frozen=True)
class PageRow:
    """A row: ``mark`` says what became of it, "" for nothing; ``days``, ``hours`` and ``area`` may have several lines."""

    mark: str
    days: tuple[str, ...]
    hours: tuple[str, ...]
    line: str
    area: tuple[str, ...]
    reason: str
    reference: str

    @property
    def cells(self) -> tuple[tuple[str, ...], ...]:
        """The lines of each cell, in the order of the columns; a mark is the first line of its row."""
        days = (self.mark, *self.days) if self.mark else self.days
        return days, self.hours, (self.line,), self.area, (self.reason,), (self.reference,)


@dataclass(frozen=True)
class NewspaperPage:
    """A page in words. ``notes`` stand below the table, the hotline last of them; then who says so, and when."""

    language: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[PageRow, ...]
    notes: tuple[str, ...]
    issuer: str
    issued_on: str

    @property
    def text(self) -> str:
        """The page as plain text: a line for each row, its cells between tabs, as typesetting programs take them."""
        inline: str = _words(self.language)["inline"]
        rows = (
            [" ".join(first), *(inline.join(lines) for lines in others)] for first, *others in (row.cells for row in self.rows)
        )
        table = "\n".join("\t".join(cells) for cells in (self.columns, *rows))
        return "\n".join((self.title, "", table, "", *self.notes, "", self.issuer, self.issued_on))


def compose_page(notices: Iterable[NoticeFacts], *, language: str, first: date, last: date, issued_at: datetime) -> NewspaperPage:
    """Write the page for the days from ``first`` to ``last``, on the clock of the utility.

    Of an outage with several notices the newest stands, or all those that were issued at that moment, since they address
    others. A notice stands with all of its windows, those outside the days of the page too.

    Raises
    ------
    NoticeError
        With everything that is wrong: no notice, days that are no span, an unknown language, a notice whose facts are not
        complete or that has nothing to do with these days, kinds that no page is for, different issuers, hotlines or zones.
    """
    told = _newest(notices)
    problems = [*_page_problems(told, language, first, last), *_notice_problems(told)]
    if not problems:
        problems = [*_outside(told, first, last)]
    if problems:
        raise NoticeError(*problems)
    words, zone, zones = _words(language), told[0].zone, _zones(told, language)
    writer = _Rows(language, zone, first.year, zones)
    title: str = words["planned" if {one.outage_class for one in told} == {"planned"} else "mixed"]
    written = sorted((row for one in told for row in writer.rows(one)), key=lambda row: (*row[:2], row[2].cells))
    return NewspaperPage(
        language=language,
        title=title.format(days=_days(first, last, language)),
        columns=tuple(words["columns"]),
        rows=tuple(row for *_, row in written),
        notes=tuple(_notes(told, words["notes"], zones)),
        issuer=told[0].issuer.strip(),
        issued_on=format_date(issued_at.astimezone(ZoneInfo(zone)), words["days"]["full"], locale=LOCALES[language]),
    )


def is_on_page(facts: NoticeFacts, first: date, last: date) -> bool:
    """Say whether a notice belongs on the page of these days: it tells of one of them, or told of one before."""
    zone = ZoneInfo(facts.zone)
    windows = (*facts.windows, *(facts.earlier.windows if facts.earlier else ()))
    return facts.kind != "restoration" and any(
        window.start.astimezone(zone).date() <= last and (window.end is None or window.end.astimezone(zone).date() >= first)
        for window in windows
    )


@lru_cache
def _words(language: str) -> dict[str, Any]:
    return tomllib.loads((_TEMPLATES / language / "page.toml").read_text(encoding="utf-8"))


def _newest(notices: Iterable[NoticeFacts]) -> list[NoticeFacts]:
    given = list(notices)
    latest: dict[str, datetime] = {}
    for one in given:
        latest[one.reference] = max(one.issued_at, latest.get(one.reference, one.issued_at))
    return [one for one in given if one.issued_at == latest[one.reference]]


def _page_problems(told: Sequence[NoticeFacts], language: str, first: date, last: date) -> Iterator[FactProblem]:
    if language not in LOCALES:
        says = f"No page can be written in the language {language!r}. Take one of: {', '.join(LOCALES)}."
        yield FactProblem("language", "language_unknown", says, language)
    if last < first:
        says = f"From {first} to {last} is no span of days. Give a last day that is not before the first."
        yield FactProblem("last", "days_order", says, last.isoformat())
    if not told:
        yield FactProblem("notices", "page_empty", "There is no notice for this page. Choose those that it is to hold.")
    for field, step in _SHARED.items():
        values = sorted({getattr(one, field).strip() for one in told})
        if len(values) > 1:
            says = f"The notices of the page differ in the {field}: {', '.join(values)}. {step}"
            yield FactProblem(field, f"{field}_differs", says, ", ".join(values))


def _notice_problems(told: Sequence[NoticeFacts]) -> Iterator[FactProblem]:
    for one in told:
        try:
            check_facts(one)
        except NoticeError as error:
            yield from (replace(problem, field=f"{one.reference}.{problem.field}") for problem in error.problems)
        if one.kind == "restoration":
            says = f"That power is back ({one.reference}) is no news by the time a paper is printed. Leave it out."
            yield FactProblem(f"{one.reference}.kind", "kind_not_printed", says, one.kind)


def _outside(told: Sequence[NoticeFacts], first: date, last: date) -> Iterator[FactProblem]:
    for one in told:
        if not is_on_page(one, first, last):
            says = f"Notice {one.reference} tells of no day from {first} to {last}. Put it on the page of its days."
            yield FactProblem(f"{one.reference}.windows", "outside_page", says)


def _days(first: date, last: date, language: str) -> str:
    """Return the days of the page, nothing said twice: 9 to 15 June 2025."""
    patterns, locale = _words(language)["days"], LOCALES[language]
    if first.day == 1 and (last + timedelta(days=1)).day == 1 and (first.year, first.month) == (last.year, last.month):
        return format_date(first, patterns["month"], locale=locale)
    if first == last:
        return format_date(first, patterns["full"], locale=locale)
    apart = 2 if first.year != last.year else int(first.month != last.month)
    ends = {
        name: format_date(day, patterns[f"{name}s"][apart], locale=locale) for name, day in (("first", first), ("last", last))
    }
    said: str = patterns["span"].format(**ends)
    return said


def _shown(facts: NoticeFacts) -> tuple[Window, ...]:
    """Return the windows that a row is about: those that were told, of what is called off; the last until power is back."""
    if facts.kind in _CALLED_OFF and facts.earlier:
        return _until(facts.earlier.windows, facts.earlier.end)
    return _until(facts.windows, facts.end)


def _until(windows: tuple[Window, ...], end: datetime | None) -> tuple[Window, ...]:
    return (*windows[:-1], Window(windows[-1].start, end))


def _zones(told: Sequence[NoticeFacts], language: str) -> tuple[str, ...]:
    """Return the names of the zone at all times of the page: two where clocks are changed."""
    moments = (moment for one in told for window in _shown(one) for moment in (window.start, window.end) if moment)
    return tuple(dict.fromkeys(zone_name(moment.astimezone(ZoneInfo(told[0].zone)), LOCALES[language]) for moment in moments))


def _notes(told: Sequence[NoticeFacts], words: dict[str, str], zones: Sequence[str]) -> Iterator[str]:
    if len(zones) == 1:
        yield words["zone"].format(zone=zones[0])
    if any(one.kind in COMING for one in told):
        yield words["early"]
        yield words["safety"]
    yield words["hotline"].format(hotline=told[0].hotline.strip())


@dataclass(frozen=True)
class _Rows:
    """Writes the rows of a notice. Years other than ``year`` are named, and so is the zone where ``zones`` are several."""

    language: str
    zone: str
    year: int
    zones: tuple[str, ...]

    def rows(self, facts: NoticeFacts) -> Iterator[tuple[datetime, str, PageRow]]:
        """Yield each row after what it is ordered by."""
        words, windows = self._words, _shown(facts)
        mark = " ".join(words["marks"][name] for name in (facts.kind, facts.outage_class) if name in words["marks"])
        line = words["apart"].join(name.strip() for name in facts.lines if name.strip()) or words["unknown"]
        reason = facts.reason.strip().rstrip("。.")
        if why := facts.why.strip().rstrip("。."):
            reason = words["reasons"]["why"].format(reason=reason, why=why)
        area = tuple(place.strip() for place in facts.scope.strip().splitlines())
        for window, days, hours in self._times(windows):
            row = PageRow(mark, days, (hours, *self._moved(facts)), line, area, reason, facts.reference.strip())
            yield window.start, facts.reference, row

    @property
    def _words(self) -> dict[str, Any]:
        return _words(self.language)

    def _times(self, windows: Sequence[Window]) -> Iterator[tuple[Window, tuple[str, ...], str]]:
        """Yield the days and the hours of each row, after its first window."""
        if is_day_off_night_on(windows, self.zone):
            first, last = self._local(windows[0].start), self._local(windows[-1].start)
            patterns = self._words["times"]["daily_days"]
            days = tuple(pattern.format(first=self._day(first), last=self._day(last)) for pattern in patterns)
            yield windows[0], days, self._words["times"]["daily"].format(hours=self._hours(windows[0]))
        else:
            for window in windows:
                yield window, (self._day(self._local(window.start)),), self._hours(window)

    def _moved(self, facts: NoticeFacts) -> Iterator[str]:
        """Yield what was told before, where other times are told now."""
        if facts.kind in ("reschedule", "extension") and facts.earlier:
            windows = _until(facts.earlier.windows, facts.earlier.end)
            when = self._words["inline"].join(" ".join((*days, hours)) for _, days, hours in self._times(windows))
            yield self._words["times"]["moved"].format(when=when)

    def _hours(self, window: Window) -> str:
        times, off = self._words["times"], self._local(window.start)
        if window.end is None:
            return self._in_zone(times["open"].format(off=f"{off:%H:%M}"), off)
        on = self._local(window.end, up=True)
        days = (on.date() - off.date()).days
        until = f"{on:%H:%M}"
        if days:
            until = times["next_day" if days == 1 else "other_day"].format(on=until, day=self._day(on))
        return self._in_zone(times["span"].format(off=f"{off:%H:%M}", on=until), off, on)

    def _in_zone(self, hours: str, *moments: datetime) -> str:
        """Return ``hours`` with the names of their zone where a note below the table could not say which is meant."""
        if len(self.zones) == 1:
            return hours
        names = dict.fromkeys(zone_name(moment, LOCALES[self.language]) for moment in moments)
        said: str = self._words["times"]["zone"].format(hours=hours, zone=" / ".join(names))
        return said

    def _day(self, local: datetime) -> str:
        pattern = self._words["days"]["cell" if local.year == self.year else "cell_with_year"]
        return format_date(local, pattern, locale=LOCALES[self.language])

    def _local(self, at: datetime, *, up: bool = False) -> datetime:
        """Return ``at`` in whole minutes that never make a window shorter than it is."""
        whole = at.astimezone(UTC).replace(second=0, microsecond=0)
        return (whole + timedelta(minutes=1) if up and whole < at else whole).astimezone(ZoneInfo(self.zone))
