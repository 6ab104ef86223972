"""The form in which control enters and changes an outage: what was typed, and what it means."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time
from functools import partial
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

from outages.facts import (
    Action,
    Confidence,
    Estimate,
    FactProblem,
    FactsError,
    Operation,
    OutageFacts,
    Selection,
    Source,
    Switching,
    Timed,
    Window,
    daily_windows,
    is_day_off_night_on,
)

_T = TypeVar("_T")

DAILY = "daily"
"""The pattern of windows in which power is off by day and on by night; any other is one window a row."""

FEWEST_LINES = 3
"""Rows for windows that the page has at least: enough for most without a script that adds more."""

_ANY_SWITCHING = Switching(open=(Operation("?"),))
_ANY_WINDOW = Window(datetime(1900, 1, 1, tzinfo=UTC), datetime(2900, 1, 1, tzinfo=UTC))
_ANY_WINDOWS: tuple[Window, ...] = (_ANY_WINDOW,)
_BETWEEN = re.compile(r"[,，、;；\n]")
_PHASED = re.compile(r"(.*\S)\s*\[\s*([ABC12]+)\s*\]")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_BETWEEN_NUMBERS = re.compile(r"[\s,，;；、()\[\]（）]*")

Resolve = Callable[[Switching, Selection], Switching]
"""Turns a feeder or a polygon into the devices that are opened."""


@dataclass(frozen=True)
class OutageForm:
    """The fields as they were typed. Times are on the utility's clock, lists of devices are parted by commas.

    ``start`` and ``end`` are rows: a window each. ``pattern`` says whether they count, or the days and times of `DAILY`.
    ``seen`` is the revision that was looked at, "" for a new outage.
    """

    outage_class: str = ""
    pattern: str = "windows"
    start: tuple[str, ...] = ("",)
    end: tuple[str, ...] = ("",)
    first_day: str = ""
    last_day: str = ""
    off_time: str = ""
    on_time: str = ""
    reason: str = ""
    contact: str = ""
    open: str = ""
    close: str = ""
    fault: str = ""
    feeder: str = ""
    polygon: str = ""
    earliest: str = ""
    latest: str = ""
    source: str = "control"
    confidence: str = "medium"
    next_update: str = ""
    why: str = ""
    key: str = ""
    seen: str = ""

    @classmethod
    def of(cls, typed: Iterable[tuple[str, str]]) -> OutageForm:
        """Return the form with what was typed; fields that the form does not have are passed over."""
        given: dict[str, list[str]] = {}
        for name, value in typed:
            given.setdefault(name, []).append(value)
        rows = ("start", "end")
        known = {one.name for one in fields(cls)}
        values: Mapping[str, Any] = {name: tuple(all_) if name in rows else all_[-1] for name, all_ in given.items()}
        return cls(**{name: value for name, value in values.items() if name in known})

    @property
    def rows(self) -> list[tuple[int, str, str]]:
        """The windows that were typed, each with its number from 1; an empty row is passed over, but for the first."""
        filled = [*self.end, *[""] * len(self.start)]
        numbered = [(number, start, end) for number, (start, end) in enumerate(zip(self.start, filled, strict=False), start=1)]
        return [row for row in numbered if row[0] == 1 or row[1].strip() or row[2].strip()]

    @property
    def lines(self) -> list[tuple[int, str, str]]:
        """All rows for windows as they stand on the page, `FEWEST_LINES` at least."""
        count = max(len(self.start), len(self.end), FEWEST_LINES)
        starts, ends = ([*given, *[""] * (count - len(given))] for given in (self.start, self.end))
        return list(zip(range(1, count + 1), starts, ends, strict=True))

    def has(self, field: str) -> bool:
        """Return whether a problem with ``field`` can stand beside a field of the form."""
        name = field.partition("-")[0]
        return name in ("windows", *self.__dataclass_fields__)


def write_form(facts: OutageFacts, zone: str) -> OutageForm:
    """Return the form as it stands when ``facts`` are to be changed; `read_facts` reads the same facts back.

    Days and times of day stand for windows that are the same every day.
    """
    estimate, selection, windows = facts.estimate, facts.selection, facts.windows
    form = OutageForm(
        outage_class=facts.outage_class,
        start=tuple(write_time(window.start, zone) for window in windows),
        end=tuple(_or_empty(window.end, zone) for window in windows),
        reason=facts.reason,
        contact=facts.contact,
        open=_listing(facts.switching.open),
        close=_listing(facts.switching.close),
        fault=", ".join(facts.switching.fault),
        feeder=selection.feeder if selection else "",
        polygon="\n".join(f"{x},{y}" for x, y in selection.polygon) if selection else "",
    )
    if estimate is not None:
        form = replace(
            form,
            earliest=write_time(estimate.earliest, zone),
            latest=write_time(estimate.latest, zone),
            source=estimate.source,
            confidence=estimate.confidence,
            next_update=_or_empty(estimate.next_update, zone),
        )
    return _daily(form, facts, zone)


def _daily(form: OutageForm, facts: OutageFacts, zone: str) -> OutageForm:
    """Return the form by days and times of day where that says the same as its rows."""
    first, last = facts.windows[0], facts.windows[-1]
    if not is_day_off_night_on(facts.windows, zone) or first.end is None:
        return form
    clock = ZoneInfo(zone)
    begins, ends, last_begins = (at.astimezone(clock) for at in (first.start, first.end, last.start))
    if daily_windows(begins.date(), last_begins.date(), off=begins.time(), on=ends.time(), zone=zone) != facts.windows:
        return form
    return replace(
        form,
        pattern=DAILY,
        start=("",),
        end=("",),
        first_day=begins.date().isoformat(),
        last_day=last_begins.date().isoformat(),
        off_time=_time_of_day(begins.time()),
        on_time=_time_of_day(ends.time()),
    )


def read_switching(form: OutageForm, resolve: Resolve | None = None) -> Switching:
    """Return the devices that are opened and closed, and where the fault is; raises FactsError.

    A feeder or a polygon counts only while neither a device to open nor a fault is named.
    """
    switching = Switching(
        open=tuple(_operation(one) for one in _listed(form.open)),
        close=tuple(_operation(one) for one in _listed(form.close)),
        fault=_listed(form.fault),
    )
    selection = read_selection(form)
    if selection is None or resolve is None or switching.open or switching.fault:
        return switching
    return resolve(switching, selection)


def read_selection(form: OutageForm) -> Selection | None:
    """Return the feeder and the polygon that were chosen, None for neither; raises FactsError."""
    if not (form.feeder.strip() or form.polygon.strip()):
        return None
    return Selection(form.feeder.strip(), read_polygon(form.polygon))


def read_polygon(typed: str) -> tuple[tuple[float, float], ...]:
    """Return the corners (longitude, latitude in degrees) that were typed as pairs of numbers, none for nothing typed.

    Raises FactsError where it is anything else, has fewer than three corners, or lies off the globe.

    >>> read_polygon("114.30,30.50; 114.32,30.50 114.32 30.52")
    ((114.3, 30.5), (114.32, 30.5), (114.32, 30.52))
    """
    numbers = [float(one) for one in _NUMBER.findall(typed)]
    corners = tuple(zip(numbers[::2], numbers[1::2], strict=False))
    rest = _NUMBER.sub(" ", typed)
    whole = _BETWEEN_NUMBERS.fullmatch(rest) and len(numbers) % 2 == 0
    on_globe = all(abs(x) <= 180 and abs(y) <= 90 for x, y in corners)
    if typed.strip() and not (whole and on_globe and len(set(corners)) >= 3):
        says = "These are not the corners of an area. Give three or more, each as longitude,latitude: 114.30,30.50."
        raise FactsError(FactProblem("polygon", "polygon_malformed", says, typed))
    return corners


def read_facts(form: OutageForm, zone: str, *, resolve: Resolve | None = None) -> OutageFacts:
    """Return the facts that were typed, with times on the clock of ``zone``; raises FactsError with every problem at once."""
    problems: list[FactProblem] = []
    switching = _read(lambda: read_switching(form, resolve), _ANY_SWITCHING, problems)
    windows = _read(lambda: read_windows(form, zone), _ANY_WINDOWS, problems)
    estimate = _read(lambda: read_estimate(form, zone), None, problems)
    selection = _read(lambda: read_selection(form), None, problems)
    made = _read(
        lambda: OutageFacts(form.outage_class, switching, windows, form.reason, form.contact, estimate, selection), None, problems
    )
    if made is None or problems:
        raise FactsError(*dict.fromkeys(_beside(problem, form) for problem in problems))
    return made


def read_windows(form: OutageForm, zone: str) -> tuple[Window, ...]:
    """Return the windows that were typed: rows, or days and times of day; raises FactsError with every problem at once."""
    problems: list[FactProblem] = []
    if form.pattern == DAILY:
        days = [_read(partial(_read_day, form, name), date.min, problems) for name in ("first_day", "last_day")]
        hours = [_read(partial(_read_hour, form, name), time(), problems) for name in ("off_time", "on_time")]
        if problems:
            raise FactsError(*problems)
        return daily_windows(days[0], days[1], off=hours[0], on=hours[1], zone=zone)
    windows = [_read(partial(_read_window, row, zone), _ANY_WINDOW, problems) for row in form.rows]
    if problems:
        raise FactsError(*problems)
    return tuple(windows)


def read_estimate(form: OutageForm, zone: str) -> Estimate | None:
    """Return when power is expected back; None where no time was typed. Raises FactsError with every problem at once."""
    if not (form.earliest.strip() or form.latest.strip() or form.next_update.strip()):
        return None
    problems: list[FactProblem] = []
    long_ago, far_ahead = _ANY_WINDOW.start, cast(datetime, _ANY_WINDOW.end)
    earliest = _read(lambda: read_time(form.earliest, "earliest", zone), long_ago, problems)
    latest = _read(lambda: read_time(form.latest, "latest", zone), far_ahead, problems)
    soon = form.next_update.strip()
    next_update = _read(lambda: read_time(soon, "next_update", zone), None, problems) if soon else None
    source, confidence = cast(Source, form.source), cast(Confidence, form.confidence)
    made = _read(lambda: Estimate(earliest, latest, source, confidence, next_update), None, problems)
    if problems:
        raise FactsError(*problems)
    return made


@dataclass(frozen=True)
class OperationRow:
    """One operation as it was typed."""

    at: str = ""
    action: str = "close"
    device: str = ""


def rows_of(at: Sequence[str], action: Sequence[str], device: Sequence[str]) -> tuple[OperationRow, ...]:
    """Return the operations that were typed, row by row."""
    return tuple(OperationRow(*row) for row in zip(at, action, device, strict=False))


def read_operations(rows: Sequence[OperationRow], zone: str) -> tuple[Timed, ...]:
    """Return the operations of the rows that name a device, in the order of time; raises FactsError with every problem."""
    problems: list[FactProblem] = []
    found = [_read(partial(_read_operation, row, zone), None, problems) for row in rows if row.device.strip()]
    if not found:
        problems.append(FactProblem("operations", "operations_missing", "No operation is given. Name a device, and when."))
    if problems:
        raise FactsError(*problems)
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.at))


def _read_operation(row: OperationRow, zone: str) -> Timed:
    one = _operation(row.device.strip())
    return Timed(read_time(row.at, "at", zone), cast(Action, row.action), one.device, one.phases)


def read_time(typed: str, field: str, zone: str) -> datetime:
    """Return the moment that ``typed`` (``2026-05-01T08:30``) names on the clock of ``zone``, in UTC; raises FactsError.

    Of an hour that the clock shows twice (summer time ends) the first is meant.
    """
    if not typed.strip():
        code = f"{field.partition('-')[0]}_missing"
        raise FactsError(FactProblem(field, code, f"No {field} is given. Write it as 2026-05-01T08:30."))
    try:
        local = datetime.fromisoformat(typed.strip()).replace(tzinfo=None)
    except ValueError:
        says = f"{typed!r} is not a date and a time. Write it as 2026-05-01T08:30."
        raise FactsError(FactProblem(field, "time_malformed", says, typed)) from None
    try:
        at = local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        skipped = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != local
    except OverflowError:
        raise FactsError(FactProblem(field, "time_malformed", f"{typed} is beyond the calendar. Correct it.", typed)) from None
    if skipped:
        raise FactsError(FactProblem(field, "time_skipped", f"The clock of {zone} skips {typed}. Choose another time.", typed))
    return at


def write_time(at: datetime, zone: str) -> str:
    """Return ``at`` as a field for date and time shows it: on the clock of ``zone``, with seconds only where there are any.

    >>> write_time(datetime(2026, 5, 1, 0, 30, tzinfo=UTC), "Asia/Shanghai")
    '2026-05-01T08:30'
    """
    local = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return local.isoformat(timespec="auto" if local.second or local.microsecond else "minutes")


def write_minute(at: datetime, zone: str) -> str:
    """Return the minute of ``at``, as `write_time` does: what stands in a field for the time that it is now."""
    return write_time(at.replace(second=0, microsecond=0), zone)


def _read_window(row: tuple[int, str, str], zone: str) -> Window:
    number, start, end = row
    beside = "" if number == 1 else f"-{number}"
    problems: list[FactProblem] = []
    begins = _read(lambda: read_time(start, f"start{beside}", zone), _ANY_WINDOW.start, problems)
    ends = _read(lambda: read_time(end, f"end{beside}", zone), _ANY_WINDOW.end, problems) if end.strip() else None
    if problems:
        raise FactsError(*problems)
    try:
        return Window(begins, ends)
    except FactsError as error:
        raise FactsError(*(replace(problem, field=f"{problem.field}{beside}") for problem in error.problems)) from None


def _read_day(form: OutageForm, field: str) -> date:
    typed = str(getattr(form, field)).strip()
    if not typed:
        raise FactsError(FactProblem(field, f"{field}_missing", f"No {field} is given. Write it as 2026-05-01."))
    try:
        return date.fromisoformat(typed)
    except ValueError:
        raise FactsError(FactProblem(field, "day_malformed", f"{typed!r} is not a day. Write it as 2026-05-01.", typed)) from None


def _read_hour(form: OutageForm, field: str) -> time:
    typed = str(getattr(form, field)).strip()
    if not typed:
        raise FactsError(FactProblem(field, f"{field}_missing", f"No {field} is given. Write it as 08:30."))
    try:
        return time.fromisoformat(typed).replace(tzinfo=None)
    except ValueError:
        raise FactsError(FactProblem(field, "hour_malformed", f"{typed!r} is not a time. Write it as 08:30.", typed)) from None


def _beside(problem: FactProblem, form: OutageForm) -> FactProblem:
    """Return the problem beside the field where it can be corrected: an end that is missing, beside the last window."""
    last = form.rows[-1][0]
    if form.pattern != DAILY and problem.code == "end_missing" and last > 1:
        return replace(problem, field=f"end-{last}")
    return problem


def _operation(typed: str) -> Operation:
    """Return the device, with the phases that stand in brackets behind it: ``F2 [B]``."""
    phased = _PHASED.fullmatch(typed)
    return Operation(phased[1], phased[2]) if phased else Operation(typed)


def _listing(operations: Sequence[Operation]) -> str:
    return ", ".join(f"{one.device} [{one.phases}]" if one.phases else one.device for one in operations)


def _listed(typed: str) -> tuple[str, ...]:
    parts = (part.strip() for part in _BETWEEN.split(typed))
    return tuple(dict.fromkeys(part for part in parts if part))


def _or_empty(at: datetime | None, zone: str) -> str:
    return "" if at is None else write_time(at, zone)


def _time_of_day(at: time) -> str:
    return at.isoformat(timespec="auto" if at.second or at.microsecond else "minutes")


def _read(read: Callable[[], _T], stand_in: _T, problems: list[FactProblem]) -> _T:
    """Return what ``read`` returns; where it cannot, note the problems and return the stand-in, which causes no others."""
    try:
        return read()
    except FactsError as error:
        problems += error.problems
        return stand_in
