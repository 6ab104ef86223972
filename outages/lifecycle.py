"""What is allowed when, and what an outage is after its events: one table, one fold.

::

    new ──entered──▶ approved ──restored──▶ restored
                       │    ↺ revised
                       └──cancelled──▶ cancelled
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Literal

from outages.events import Cancelled, Entered, Event, Outage, Restored, Revised

NEW = "new"
"""The state before the first event; no outage ever shows it."""

TRANSITIONS: dict[str, dict[str, str]] = {
    NEW: {"entered": "approved"},
    "approved": {"revised": "approved", "restored": "restored", "cancelled": "cancelled"},
    "restored": {},
    "cancelled": {},
}
"""Status → the kinds of event that may follow → the status after each."""

When = Literal["current", "planned", "past"]


class TransitionError(ValueError):
    """An event that may not follow what has happened to the outage before."""


def step(outage: Outage, event: Event) -> Outage:
    """Return the outage after ``event``; the input is not changed.

    Raises TransitionError where the event may not follow the status of the outage.
    """
    status = _status_after(outage.id, outage.status, event)
    after = replace(outage, seq=outage.seq + 1, status=status, changed_at=event.at)
    match event:
        case Revised(facts=facts):
            return replace(after, facts=facts, facts_at=event.at)
        case Restored():
            _check_restored(outage, event)
            return replace(after, restored_at=event.restored_at)
        case Cancelled() | Entered():
            return after


def begin(outage_id: str, event: Event) -> Outage:
    """Return the outage that its first event makes; raises TransitionError where that is not `Entered`."""
    status = _status_after(outage_id, NEW, event)
    assert isinstance(event, Entered)  # the table lets nothing else follow NEW
    return Outage(outage_id, 1, status, event.facts, event.at, event.by, facts_at=event.at, changed_at=event.at)


def fold(outage_id: str, events: Iterable[Event]) -> Outage:
    """Return the outage after ``events``, in order; raises TransitionError, and ValueError where there is no event."""
    rest = iter(events)
    first = next(rest, None)
    if first is None:
        raise ValueError(f"outage {outage_id} has no event, so there is nothing to fold. Was it ever entered?")
    outage = begin(outage_id, first)
    for event in rest:
        outage = step(outage, event)
    return outage


def when(outage: Outage, now: datetime) -> When:
    """Return whether the outage is going on at ``now``, still to come, or over.

    Only a person ends an outage: past its expected end it stays current until it is confirmed restored, since nobody has
    said that power is back.
    """
    if outage.status in ("restored", "cancelled"):
        return "past"
    return "planned" if now < outage.facts.start else "current"


def is_overdue(outage: Outage, now: datetime) -> bool:
    """Return whether the expected end has passed with no confirmation that power is back."""
    end = outage.facts.end
    return when(outage, now) == "current" and end is not None and end <= now


def _status_after(outage_id: str, status: str, event: Event) -> str:
    allowed = TRANSITIONS[status]
    if event.kind not in allowed:
        names = ", ".join(sorted(allowed)) or "nothing: it is over. Enter a new outage"
        raise TransitionError(f"outage {outage_id} is {status} and cannot be {event.kind} (allowed: {names})")
    return allowed[event.kind]


def _check_restored(outage: Outage, event: Restored) -> None:
    """Power came back after it went off, and nobody confirms what has not happened yet."""
    start, back = outage.facts.start, event.restored_at
    if back < start:
        raise TransitionError(
            f"outage {outage.id} begins at {start.isoformat()} and cannot be restored before that, at {back.isoformat()}. "
            "Cancel it if it does not take place."
        )
    if back > event.at:
        raise TransitionError(
            f"outage {outage.id} cannot be confirmed restored at {back.isoformat()}: it is only {event.at.isoformat()} now. "
            "Confirm it when power is back."
        )
