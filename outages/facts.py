"""What is known about an outage: class, switching, windows, reason, estimate; checked when made, as JSON and back.

Facts are checked once, here, so nothing below or above needs to check them again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from geo.schema import PHASE_LETTERS

OUTAGE_CLASSES = (
    "planned",  # 计划停电
    "temporary",  # 临时停电: planned at short notice
    "fault",  # 故障停电
    "over_capacity",  # 超电网供电能力停限电
    "orderly_use",  # 有序用电
    "meter_box",  # 表箱
    "load_transfer",  # 转电: supply moved to another feeder
    "other",  # 其他
)

ANNOUNCED_CLASSES = ("planned", "temporary", "orderly_use", "load_transfer")
"""Classes that are announced before they begin: they are approved first, and need an end, since notices say until when."""

Action = Literal["open", "close", "fault", "repaired"]
Source = Literal["control", "crew", "telemetry", "statistics"]
Confidence = Literal["low", "medium", "high"]
ACTIONS: tuple[Action, ...] = get_args(Action)
SOURCES: tuple[Source, ...] = get_args(Source)
CONFIDENCES: tuple[Confidence, ...] = get_args(Confidence)

MOST_WINDOWS = 400
"""More windows than days in a year are a mistake."""


@dataclass(frozen=True)
class FactProblem:
    """One thing that is wrong with the facts of an outage.

    ``field`` is where, ``code`` never changes (programs and translations go by it), ``says`` is a sentence with the next
    step, ``given`` what was given instead of something right.
    """

    field: str
    code: str
    says: str
    given: str = ""


class FactsError(ValueError):
    """The facts of an outage cannot be true; `problems` holds everything that is wrong, all at once."""

    def __init__(self, *problems: FactProblem) -> None:
        self.problems = problems
        super().__init__(" ".join(f"{problem.field}: {problem.says}" for problem in problems))


@dataclass(frozen=True)
class Operation:
    """A device that is opened or closed, on all its phases (``phases == ""``) or on some (``"B"``, ``"AC"``).

    Raises FactsError where the device has no id or a phase is not one of ``ABC12``, each at most once.
    """

    device: str
    phases: str = ""

    def __post_init__(self) -> None:
        if not self.device:
            raise FactsError(FactProblem("device", "device_missing", "No device is named. Give the id of a device."))
        if set(self.phases) - set(PHASE_LETTERS) or len(set(self.phases)) < len(self.phases):
            says = f"{self.phases!r} are not phases of {self.device}. Give letters of {PHASE_LETTERS}, or none for all phases."
            raise FactsError(FactProblem("phases", "phases_unknown", says, self.phases))


@dataclass(frozen=True)
class Switching:
    """What is done to the network: devices opened, ties closed, and where a fault sits (ids of sections or nodes).

    Raises FactsError where the same device is opened and closed on a common phase.
    """

    open: tuple[Operation, ...]
    close: tuple[Operation, ...] = ()
    fault: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        both = sorted({one.device for one in self.open for other in self.close if _overlap(one, other)})
        if both:
            says = f"{', '.join(both)}: opened and closed at once. Keep it in one of the two lists."
            raise FactsError(FactProblem("close", "opened_and_closed", says, ", ".join(both)))


def _overlap(one: Operation, other: Operation) -> bool:
    common = set(one.phases or PHASE_LETTERS) & set(other.phases or PHASE_LETTERS)
    return one.device == other.device and bool(common)


@dataclass(frozen=True)
class Timed:
    """One operation at one time: a device opens or closes, on all phases or some; a fault begins or is repaired.

    Raises FactsError where the action is not known, or as `Operation` does. ``at`` is aware; whoever orders operations checks it.
    """

    at: datetime
    action: Action
    device: str
    phases: str = ""

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            says = f"{self.action!r} is not what is done to a device. Choose one of {', '.join(ACTIONS)}."
            raise FactsError(FactProblem("action", "action_unknown", says, str(self.action)))
        Operation(self.device, self.phases)


@dataclass(frozen=True)
class Window:
    """Power is off in ``[start, end)``; ``end`` is None where nobody knows. Any zone comes in, UTC is kept.

    Raises FactsError where a time has no zone or the end is not after the start.
    """

    start: datetime
    end: datetime | None

    def __post_init__(self) -> None:
        _check_aware(("start", self.start), ("end", self.end))
        # Compared in UTC: two times of one zone compare as clocks show them, and clocks repeat an hour and skip another.
        _keep_in_utc(self, "start", "end")
        if self.end is not None and self.end <= self.start:
            says = f"The end, {self.end.isoformat()}, is not after the start, {self.start.isoformat()}. Give a later end."
            raise FactsError(FactProblem("end", "end_not_after_start", says))


@dataclass(frozen=True)
class Estimate:
    """When power is expected back: between two times, not at a false minute; by whose word, how sure, and when more is known.

    Any zone comes in, UTC is kept. Raises FactsError where a time has no zone, the times are not in order, or a word is not
    known.
    """

    earliest: datetime
    latest: datetime
    source: Source
    confidence: Confidence
    next_update: datetime | None = None

    def __post_init__(self) -> None:
        _check_aware(("earliest", self.earliest), ("latest", self.latest), ("next_update", self.next_update))
        _keep_in_utc(self, "earliest", "latest", "next_update")
        if self.latest < self.earliest:
            says = f"The latest time, {self.latest.isoformat()}, is before the earliest, {self.earliest.isoformat()}. Turn them."
            raise FactsError(FactProblem("latest", "estimate_order", says))
        for field, given, known in (("source", self.source, SOURCES), ("confidence", self.confidence, CONFIDENCES)):
            if given not in known:
                says = f"{given!r} is not a {field} of an estimate. Choose one of {', '.join(known)}."
                raise FactsError(FactProblem(field, f"{field}_unknown", says, str(given)))


@dataclass(frozen=True)
class Selection:
    """How a scope was chosen on a map or a list: a feeder, or a polygon (longitude, latitude). The switching is what counts."""

    feeder: str = ""
    polygon: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class OutageFacts:
    """What is known about an outage: class, switching, when power is off, why, whom the crew is reached by, when it is back.

    Windows are in the order of time and do not overlap. Only the last may have no end, and only in a class that nobody
    announces beforehand (a fault, for one). Nobody expects power back for good before it goes off last. Raises FactsError with
    every problem at once.
    """

    outage_class: str
    switching: Switching
    windows: tuple[Window, ...]
    reason: str
    contact: str = ""
    """Who answers at the site, and how to reach them. Personal data: never public."""
    estimate: Estimate | None = None
    selection: Selection | None = None

    def __post_init__(self) -> None:
        problems = [*self._class_problems(), *self._window_problems()]
        if problems:
            raise FactsError(*problems)
        object.__setattr__(self, "reason", self.reason.strip())
        object.__setattr__(self, "contact", self.contact.strip())

    @property
    def start(self) -> datetime:
        """When power goes off first."""
        return self.windows[0].start

    @property
    def end(self) -> datetime | None:
        """When power is expected back for good: by the estimate where there is one, else the end of the last window."""
        return self.windows[-1].end if self.estimate is None else self.estimate.latest

    def _class_problems(self) -> list[FactProblem]:
        problems = []
        if self.outage_class not in OUTAGE_CLASSES:
            says = f"{self.outage_class!r} is not a class of outage. Choose one of {', '.join(OUTAGE_CLASSES)}."
            problems.append(FactProblem("outage_class", "class_unknown", says))
        if not (self.switching.open or self.switching.fault):
            says = "Nothing is opened and no fault is given. Name a device to open, or where the fault is."
            problems.append(FactProblem("open", "nothing_opened", says))
        if not self.reason.strip():
            problems.append(FactProblem("reason", "reason_missing", "No reason is given. Say why, in words for the public."))
        return problems

    def _window_problems(self) -> list[FactProblem]:
        if not self.windows:
            return [FactProblem("start", "start_missing", "No time is given. Say from when power is off.")]
        if len(self.windows) > MOST_WINDOWS:
            says = f"{len(self.windows)} windows are more than {MOST_WINDOWS}. Enter several outages."
            return [FactProblem("windows", "too_many_windows", says)]
        for earlier, later in pairwise(self.windows):
            if earlier.end is None or later.start < earlier.end:
                says = f"The window from {later.start.isoformat()} begins before the last one ends. Give them in order."
                return [FactProblem("windows", "windows_overlap", says)]
        if self.windows[-1].end is None and self.outage_class in ANNOUNCED_CLASSES:
            return [FactProblem("end", "end_missing", f"A {self.outage_class} outage has no end. Say until when.")]
        if self.estimate is not None and self.estimate.latest <= self.windows[-1].start:
            back, off = self.estimate.latest.isoformat(), self.windows[-1].start.isoformat()
            says = (
                f"Power is expected back for good by {back}, before it goes off at {off}. Give a later time, or earlier windows."
            )
            return [FactProblem("latest", "estimate_before_window", says)]
        return []


def daily_windows(first: date, last: date, *, off: time, on: time, zone: str) -> tuple[Window, ...]:
    """Return a window a day from ``first`` to ``last``, off by day and on by night (日停夜送), on the clock of ``zone``.

    Where ``on`` is not later than ``off`` power is back on the next day. Raises FactsError where ``last`` is before ``first``,
    where the days are more than `MOST_WINDOWS`, and where the clock skips from before ``off`` to after ``on``.

    >>> [w.start.isoformat() for w in daily_windows(date(2026, 5, 1), date(2026, 5, 2), off=time(8), on=time(18), zone="UTC")]
    ['2026-05-01T08:00:00+00:00', '2026-05-02T08:00:00+00:00']
    """
    if not 0 <= (last - first).days < MOST_WINDOWS:
        says = f"From {first} to {last} is not a span of 1 to {MOST_WINDOWS} days. Give the first day and a last day after it."
        raise FactsError(FactProblem("windows", "days_order", says))
    over_night = timedelta(days=on <= off)
    days = [first + timedelta(days=count) for count in range((last - first).days + 1)]
    return tuple(Window(_on_clock(day, off, zone), _on_clock(day + over_night, on, zone)) for day in days)


def is_day_off_night_on(windows: Sequence[Window], zone: str) -> bool:
    """Return whether "each day from the first to the last, from this hour to that" (日停夜送) says all of ``windows``.

    It does where several days follow each other without a gap, and power goes off and is back on each of them at the same
    times, on the clock of ``zone``. Nights without power are another matter.
    """
    first, clock = windows[0], ZoneInfo(zone)
    if len(windows) == 1 or first.end is None:
        return False
    off, on = first.start.astimezone(clock), first.end.astimezone(clock)
    days = [off.date() + timedelta(days=count) for count in range(len(windows))]
    daily = [(_on_clock(day, off.time(), zone), _on_clock(day, on.time(), zone)) for day in days]
    return [(window.start, window.end) for window in windows] == daily


def _on_clock(day: date, hour: time, zone: str) -> datetime:
    return datetime.combine(day, hour, ZoneInfo(zone)).astimezone(UTC)


def _keep_in_utc(value: Window | Estimate, *names: str) -> None:
    for name in names:
        moment = getattr(value, name)
        object.__setattr__(value, name, moment and moment.astimezone(UTC))


def _check_aware(*named: tuple[str, datetime | None]) -> None:
    problems = [
        FactProblem(name, "time_naive", f"{moment} has no zone. Add one: +08:00.")
        for name, moment in named
        if moment is not None and moment.utcoffset() is None
    ]
    if problems:
        raise FactsError(*problems)


def facts_to_json(facts: OutageFacts) -> dict[str, Any]:
    """Return ``facts`` as JSON; `facts_from_json` takes it back unchanged."""
    return {
        "outage_class": facts.outage_class,
        "switching": switching_to_json(facts.switching),
        "windows": [{"start": time_to_json(window.start), "end": _time_or_none_to_json(window.end)} for window in facts.windows],
        "reason": facts.reason,
        "contact": facts.contact,
        "estimate": None if facts.estimate is None else _estimate_to_json(facts.estimate),
        "selection": None if facts.selection is None else _selection_to_json(facts.selection),
    }


def facts_from_json(given: Mapping[str, Any]) -> OutageFacts:
    """Return the facts that `facts_to_json` wrote, in this release or an earlier one; raises FactsError as `OutageFacts` does."""
    # Release 0.1.0 knew one window, and wrote it as start and end.
    windows = given["windows"] if "windows" in given else [{"start": given["start"], "end": given.get("end")}]
    estimate, selection = given.get("estimate"), given.get("selection")
    return OutageFacts(
        outage_class=given["outage_class"],
        switching=switching_from_json(given["switching"]),
        windows=tuple(Window(time_from_json(one["start"]), _time_or_none_from_json(one["end"])) for one in windows),
        reason=given["reason"],
        contact=given.get("contact", ""),
        estimate=None if estimate is None else _estimate_from_json(estimate),
        selection=None if selection is None else _selection_from_json(selection),
    )


def _estimate_to_json(estimate: Estimate) -> dict[str, Any]:
    return {
        "earliest": time_to_json(estimate.earliest),
        "latest": time_to_json(estimate.latest),
        "source": estimate.source,
        "confidence": estimate.confidence,
        "next_update": _time_or_none_to_json(estimate.next_update),
    }


def _estimate_from_json(given: Mapping[str, Any]) -> Estimate:
    return Estimate(
        time_from_json(given["earliest"]),
        time_from_json(given["latest"]),
        given["source"],
        given["confidence"],
        _time_or_none_from_json(given["next_update"]),
    )


def _selection_to_json(selection: Selection) -> dict[str, Any]:
    return {"feeder": selection.feeder, "polygon": [list(point) for point in selection.polygon]}


def _selection_from_json(given: Mapping[str, Any]) -> Selection:
    return Selection(given["feeder"], tuple((float(x), float(y)) for x, y in given["polygon"]))


def switching_to_json(switching: Switching) -> dict[str, Any]:
    """Return ``switching`` as JSON: a device is its id, or a pair of id and phases.

    >>> switching_to_json(Switching(open=(Operation("S1"), Operation("F2", "B"))))
    {'open': ['S1', ['F2', 'B']], 'close': [], 'fault': []}
    """
    return {
        "open": [_operation_to_json(operation) for operation in switching.open],
        "close": [_operation_to_json(operation) for operation in switching.close],
        "fault": list(switching.fault),
    }


def switching_from_json(given: Mapping[str, Any]) -> Switching:
    """Return the switching of ``{"open": ["S1", ["F2", "B"]], "close": […], "fault": […]}``; absent lists are empty.

    >>> switching_from_json({"open": [["F2", "B"]]})
    Switching(open=(Operation(device='F2', phases='B'),), close=(), fault=())
    """
    return Switching(
        open=tuple(_operation_from_json(item) for item in given.get("open", ())),
        close=tuple(_operation_from_json(item) for item in given.get("close", ())),
        fault=tuple(given.get("fault", ())),
    )


def _operation_to_json(operation: Operation) -> str | list[str]:
    return [operation.device, operation.phases] if operation.phases else operation.device


def _operation_from_json(item: str | Sequence[str]) -> Operation:
    return Operation(item) if isinstance(item, str) else Operation(*item)


def time_to_json(moment: datetime) -> str:
    """Return ``moment`` in UTC as ISO 8601.

    >>> time_to_json(datetime.fromisoformat("2026-05-01T08:00:00+08:00"))
    '2026-05-01T00:00:00+00:00'
    """
    return moment.astimezone(UTC).isoformat()


def time_from_json(text: str) -> datetime:
    """Return the moment that ``text`` (ISO 8601 with an offset) names, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def operations_to_json(operations: Sequence[Timed]) -> list[list[str]]:
    """Return timed operations as JSON: a list of time, action, device and phases each."""
    return [[time_to_json(one.at), one.action, one.device, one.phases] for one in operations]


def operations_from_json(given: Sequence[Sequence[Any]]) -> tuple[Timed, ...]:
    """Return the operations that `operations_to_json` wrote."""
    return tuple(Timed(time_from_json(at), action, device, phases) for at, action, device, phases in given)


def _time_or_none_to_json(moment: datetime | None) -> str | None:
    return None if moment is None else time_to_json(moment)


def _time_or_none_from_json(text: str | None) -> datetime | None:
    return None if text is None else time_from_json(text)
