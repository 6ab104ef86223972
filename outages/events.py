"""What can happen to an outage, as values that go to JSON and back.

An outage is never stored as such. What is stored are its events, in order; `outages.lifecycle.fold` makes the outage::

    Entered ─▶ Submitted ─▶ Approved ─▶ SwitchedOff ─▶ Staged ─▶ Restored ─▶ Closed
      seq 1          2           3            4            5          6          7    ── fold ──▶  Outage(seq=7, status="closed")

Every event says when it was recorded, by whom, and why where there is a reason to give.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, ClassVar, get_args

from outages.facts import (
    OutageFacts,
    Timed,
    facts_from_json,
    facts_to_json,
    operations_from_json,
    operations_to_json,
    time_from_json,
    time_to_json,
)


class _Recorded:
    """What all events share."""

    kind: ClassVar[str]

    def body(self) -> dict[str, Any]:
        """Return what is particular to this event, as JSON: everything but when it was recorded and by whom."""
        return {name: _CODECS[name][0](getattr(self, name)) for name in _OWN[self.kind]}


@dataclass(frozen=True)
class _Bare(_Recorded):
    """An event with nothing of its own to tell."""

    at: datetime
    by: str
    why: str = ""


@dataclass(frozen=True)
class Entered(_Recorded):
    """Control enters an outage, as a draft; or as ``approved`` where another system approved it, as release 0.1.0 took all."""

    kind: ClassVar[str] = "entered"
    facts: OutageFacts
    at: datetime
    by: str
    why: str = ""
    approved: bool = False


@dataclass(frozen=True)
class Revised(_Recorded):
    """The facts are replaced: other times, another scope, another estimate.

    An approved plan has to be approved again, except where the change comes ``approved`` from another system, as `Entered` may.
    """

    kind: ClassVar[str] = "revised"
    facts: OutageFacts
    at: datetime
    by: str
    why: str = ""
    approved: bool = False


@dataclass(frozen=True)
class Submitted(_Bare):
    """A draft is handed to another person to be approved."""

    kind: ClassVar[str] = "submitted"


@dataclass(frozen=True)
class Approved(_Bare):
    """Another person than the author of the facts approves them: from now on they are in force."""

    kind: ClassVar[str] = "approved"


@dataclass(frozen=True)
class Rejected(_Bare):
    """The facts are not approved; ``why`` says what is wrong. What was in force before stays in force."""

    kind: ClassVar[str] = "rejected"


@dataclass(frozen=True)
class SwitchedOff(_Recorded):
    """Power went off at ``off_at``: no longer a plan."""

    kind: ClassVar[str] = "switched_off"
    off_at: datetime
    at: datetime
    by: str
    why: str = ""


@dataclass(frozen=True)
class Staged(_Recorded):
    """Devices were operated while the outage lasts: parts of it come back, or more goes off."""

    kind: ClassVar[str] = "staged"
    operations: tuple[Timed, ...]
    at: datetime
    by: str
    why: str = ""


@dataclass(frozen=True)
class Restored(_Recorded):
    """A person confirms that everybody has power again since ``restored_at``."""

    kind: ClassVar[str] = "restored"
    restored_at: datetime
    at: datetime
    by: str
    why: str = ""


@dataclass(frozen=True)
class Closed(_Bare):
    """The record is complete: nothing will be added to it."""

    kind: ClassVar[str] = "closed"


@dataclass(frozen=True)
class Cancelled(_Bare):
    """The outage will not take place, or was entered by mistake; ``why`` says which."""

    kind: ClassVar[str] = "cancelled"


@dataclass(frozen=True)
class Undone(_Recorded):
    """The last event that counts, number ``undoes``, was a mistake: the outage is as it was before it."""

    kind: ClassVar[str] = "undone"
    undoes: int
    at: datetime
    by: str
    why: str = ""


Event = Entered | Revised | Submitted | Approved | Rejected | SwitchedOff | Staged | Restored | Closed | Cancelled | Undone

EVENT_KINDS: dict[str, type[Event]] = {event.kind: event for event in get_args(Event)}
_OWN = {kind: tuple(one.name for one in fields(event) if one.name not in ("at", "by")) for kind, event in EVENT_KINDS.items()}


@dataclass(frozen=True)
class Outage:
    """An outage as it stands after ``seq`` events.

    Attributes
    ----------
    facts
        As they were last entered or revised, by ``facts_by`` at ``facts_at``, in the event with the number ``facts_seq``.
    in_force
        The facts that count and that people are told: those last approved, or, of an outage that needs no approval, those it
        went off with; once power is off, as they were last revised. None while nothing is approved and power is on. They came
        with the event ``in_force_seq``.
    changed_at
        When anything was last recorded.
    off_at, operations, restored_at
        What a person has confirmed: when power went off, what was operated since, when power was back; None, nothing, None
        before that.
    last_seq
        The number of the last event that counts: what undoing would undo.
    before
        The outage before that event; None where nothing can be undone.
    """

    id: str
    seq: int
    status: str
    facts: OutageFacts
    in_force: OutageFacts | None
    entered_at: datetime
    entered_by: str
    facts_at: datetime
    facts_by: str
    changed_at: datetime
    facts_seq: int = 1
    in_force_seq: int | None = None
    approved_at: datetime | None = None
    approved_by: str = ""
    off_at: datetime | None = None
    operations: tuple[Timed, ...] = ()
    restored_at: datetime | None = None
    last_seq: int = 1
    before: Outage | None = field(default=None, repr=False, compare=False)


def event_from_json(kind: str, body: Mapping[str, Any], *, at: datetime, by: str) -> Event:
    """Return the event of ``kind`` with ``body``, as `body` gave it in this release or an earlier one.

    Raises ValueError with the kinds there are.
    """
    if kind not in EVENT_KINDS:
        raise ValueError(f"event {kind!r} is not known (known: {', '.join(EVENT_KINDS)}). Was it written by a newer release?")
    event = EVENT_KINDS[kind]
    given = _modern(body)
    return event(at=at, by=by, **{name: _CODECS[name][1](given[name]) for name in _OWN[kind] if name in given})


def _modern(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the body as this release writes it. 0.1.0 said "reason" for why, and approved whatever was entered or revised."""
    if "why" in body:
        return body
    return {**body, "why": body.get("reason", ""), "approved": "facts" in body}


def _same(value: Any) -> Any:
    return value


_CODECS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "facts": (facts_to_json, facts_from_json),
    "off_at": (time_to_json, time_from_json),
    "restored_at": (time_to_json, time_from_json),
    "operations": (operations_to_json, operations_from_json),
    "undoes": (_same, _same),
    "approved": (_same, _same),
    "why": (_same, _same),
}
