"""The form in which control enters an outage: what was typed, and what it means."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from outages.events import FactProblem, FactsError, Operation, OutageFacts, Switching

_T = TypeVar("_T")

_ANY_SWITCHING = Switching(open=(Operation("?"),))
_LONG_AGO = datetime(1900, 1, 1, tzinfo=UTC)
_FAR_AHEAD = datetime(2900, 1, 1, tzinfo=UTC)
_BETWEEN = re.compile(r"[,，、;；\n]")


@dataclass(frozen=True)
class OutageForm:
    """The fields as they were typed. Times are on the utility's clock, lists of devices are parted by commas."""

    outage_class: str = ""
    start: str = ""
    end: str = ""
    reason: str = ""
    open: str = ""
    close: str = ""
    fault: str = ""
    key: str = ""

    @classmethod
    def of(cls, typed: Mapping[str, str]) -> OutageForm:
        """Return the form with what was typed; fields that the form does not have are passed over."""
        return cls(**{field.name: typed[field.name] for field in fields(cls) if field.name in typed})


def read_switching(form: OutageForm) -> Switching:
    """Return the devices that are opened and closed, and where the fault is; raises FactsError."""
    return Switching(
        open=tuple(Operation(device) for device in _listed(form.open)),
        close=tuple(Operation(device) for device in _listed(form.close)),
        fault=_listed(form.fault),
    )


def read_facts(form: OutageForm, zone: str) -> OutageFacts:
    """Return the facts that were typed, with times on the clock of ``zone``; raises FactsError with every problem at once."""
    problems: list[FactProblem] = []
    switching = _read(lambda: read_switching(form), _ANY_SWITCHING, problems)
    start = _read(lambda: read_time(form.start, "start", zone), _LONG_AGO, problems)
    end = _read(lambda: read_time(form.end, "end", zone), _FAR_AHEAD, problems) if form.end.strip() else None
    facts = _read(lambda: OutageFacts(form.outage_class, switching, start, end, form.reason), None, problems)
    if facts is None or problems:
        raise FactsError(*problems)
    return facts


def read_time(typed: str, field: str, zone: str) -> datetime:
    """Return the moment that ``typed`` (``2026-05-01T08:30``) names on the clock of ``zone``, in UTC; raises FactsError.

    Of an hour that the clock shows twice (summer time ends) the first is meant.
    """
    if not typed.strip():
        raise FactsError(FactProblem(field, f"{field}_missing", f"No {field} is given. Write it as 2026-05-01T08:30."))
    try:
        local = datetime.fromisoformat(typed.strip()).replace(tzinfo=None)
    except ValueError:
        says = f"{typed!r} is not a date and a time. Write it as 2026-05-01T08:30."
        raise FactsError(FactProblem(field, "time_malformed", says, typed)) from None
    at = local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    if at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != local:
        raise FactsError(FactProblem(field, "time_skipped", f"The clock of {zone} skips {typed}. Choose another time.", typed))
    return at


def write_time(at: datetime, zone: str) -> str:
    """Return ``at`` as a field for date and time shows it: on the clock of ``zone``, to the minute.

    >>> write_time(datetime(2026, 5, 1, 0, 30, tzinfo=UTC), "Asia/Shanghai")
    '2026-05-01T08:30'
    """
    return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M")


def _listed(typed: str) -> tuple[str, ...]:
    parts = (part.strip() for part in _BETWEEN.split(typed))
    return tuple(dict.fromkeys(part for part in parts if part))


def _read(read: Callable[[], _T], stand_in: _T, problems: list[FactProblem]) -> _T:
    """Return what ``read`` returns; where it cannot, note the problems and return the stand-in, which causes no others."""
    try:
        return read()
    except FactsError as error:
        problems += error.problems
        return stand_in
