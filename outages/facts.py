"""What is known about an outage: class, switching, times, reason; checked when made, as JSON and back.

Facts are checked once, here, so nothing below or above needs to check them again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

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
"""Classes that are announced before they begin: their notice must say until when, so they need an end."""


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
class OutageFacts:
    """What is known about an outage: class, switching, from when, until when (planned or expected), and why.

    ``start`` and ``end`` may come in any zone and are kept in UTC; the interval is half-open, ``[start, end)``. ``end`` is
    None only for a class that nobody announces beforehand (a fault, for one). Raises FactsError with every problem at once.
    """

    outage_class: str
    switching: Switching
    start: datetime
    end: datetime | None
    reason: str

    def __post_init__(self) -> None:
        problems = [*self._class_problems(), *self._time_problems()]
        if problems:
            raise FactsError(*problems)
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        object.__setattr__(self, "end", self.end and self.end.astimezone(UTC))
        object.__setattr__(self, "reason", self.reason.strip())

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

    def _time_problems(self) -> list[FactProblem]:
        naive = [name for name in ("start", "end") if _is_naive(getattr(self, name))]
        if naive:
            return [FactProblem(name, "time_naive", f"{getattr(self, name)} has no zone. Add one: +08:00.") for name in naive]
        if self.end is None and self.outage_class in ANNOUNCED_CLASSES:
            return [FactProblem("end", "end_missing", f"A {self.outage_class} outage has no end. Say until when.")]
        if self.end is not None and self.end <= self.start:
            says = f"The end, {self.end.isoformat()}, is not after the start, {self.start.isoformat()}. Give a later end."
            return [FactProblem("end", "end_not_after_start", says)]
        return []


def _is_naive(moment: datetime | None) -> bool:
    return moment is not None and moment.utcoffset() is None


def facts_to_json(facts: OutageFacts) -> dict[str, Any]:
    """Return ``facts`` as JSON; `facts_from_json` takes it back unchanged."""
    return {
        "outage_class": facts.outage_class,
        "switching": switching_to_json(facts.switching),
        "start": time_to_json(facts.start),
        "end": None if facts.end is None else time_to_json(facts.end),
        "reason": facts.reason,
    }


def facts_from_json(given: Mapping[str, Any]) -> OutageFacts:
    """Return the facts that `facts_to_json` wrote; raises FactsError as `OutageFacts` does."""
    return OutageFacts(
        outage_class=given["outage_class"],
        switching=switching_from_json(given["switching"]),
        start=time_from_json(given["start"]),
        end=None if given.get("end") is None else time_from_json(given["end"]),
        reason=given["reason"],
    )


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
