"""What is allowed when, and what an outage is after its events: one table, one fold.

::

    new ──▶ draft ──▶ submitted ──▶ approved ──▶ in_progress ──▶ partially_restored ──▶ restored ──▶ closed
              │ ▲        │  ▲          │ ↺            ▲
              │ └ rejected  └─revised──┘              │
              └────────── a fault, nobody announces ──┘                          and cancelled, before power is off

A revision of an approved plan is submitted again. Until it is approved the earlier facts stay in force; if it is rejected they
stand. Whatever happened last can be undone by a further event.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any, Literal

from outages.events import Approved, Entered, Event, Outage, Rejected, Restored, Revised, Staged, SwitchedOff, Undone
from outages.facts import ANNOUNCED_CLASSES, OutageFacts, facts_to_json

NEW = "new"
"""The state before the first event; no outage ever shows it."""

TRANSITIONS: dict[str, dict[str, str]] = {
    NEW: {"entered": "draft"},
    "draft": {"revised": "draft", "submitted": "submitted", "switched_off": "in_progress", "cancelled": "cancelled"},
    "submitted": {
        "revised": "submitted",
        "approved": "approved",
        "rejected": "rejected",
        "switched_off": "in_progress",
        "cancelled": "cancelled",
    },
    "rejected": {"revised": "draft", "cancelled": "cancelled"},
    "approved": {"revised": "submitted", "switched_off": "in_progress", "restored": "restored", "cancelled": "cancelled"},
    "in_progress": {"revised": "in_progress", "staged": "partially_restored", "restored": "restored"},
    "partially_restored": {"revised": "partially_restored", "staged": "partially_restored", "restored": "restored"},
    "restored": {"closed": "closed"},
    "closed": {},
    "cancelled": {},
}
"""Status → the kinds of event that may follow → the status after each. `allowed` adds "undone" where there is what to undo."""

ON = ("in_progress", "partially_restored")
OVER = ("restored", "closed", "cancelled")

When = Literal["draft", "current", "planned", "past"]
Span = tuple[datetime, datetime | None]


class TransitionError(ValueError):
    """An event that may not follow what has happened to the outage before."""


@dataclass(frozen=True)
class Difference:
    """One field in which two revisions of the facts differ; values as JSON has them."""

    field: str
    before: Any
    after: Any


def allowed(outage: Outage) -> tuple[str, ...]:
    """Return the kinds of event that may follow, in the order of the table."""
    kinds = [kind for kind in TRANSITIONS[outage.status] if kind != "switched_off" or _may_go_off(outage)]
    return (*kinds, "undone") if outage.before is not None else tuple(kinds)


def step(outage: Outage, event: Event) -> Outage:
    """Return the outage after ``event``; the input is not changed.

    Raises TransitionError where the event may not follow what has happened.
    """
    if event.kind not in allowed(outage):
        names = ", ".join(sorted(allowed(outage)))
        raise TransitionError(f"outage {outage.id} is {outage.status} and cannot be {event.kind} (allowed: {names})")
    if isinstance(event, Undone):
        return _undo(outage, event)
    seq = outage.seq + 1
    after = replace(
        outage, seq=seq, last_seq=seq, before=outage, status=TRANSITIONS[outage.status][event.kind], changed_at=event.at
    )
    return _take_over(outage, after, event)


def begin(outage_id: str, event: Event) -> Outage:
    """Return the outage that its first event makes; raises TransitionError where that is not `Entered`."""
    if not isinstance(event, Entered):
        raise TransitionError(f"outage {outage_id} is {NEW} and cannot be {event.kind} (allowed: entered)")
    outage = Outage(
        outage_id,
        1,
        TRANSITIONS[NEW][event.kind],
        event.facts,
        None,
        entered_at=event.at,
        entered_by=event.by,
        facts_at=event.at,
        facts_by=event.by,
        changed_at=event.at,
    )
    return _approved(outage, event) if event.approved else outage


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
    """Return whether the outage is going on at ``now``, still to come, over, or not in force yet.

    Only a person ends an outage: past its expected end it stays current until it is confirmed restored, since nobody has
    said that power is back.
    """
    if outage.status in OVER:
        return "past"
    if outage.in_force is None:
        return "draft"
    return "current" if outage.off_at is not None or outage.in_force.start <= now else "planned"


def is_overdue(outage: Outage, now: datetime) -> bool:
    """Return whether the expected end has passed with no confirmation that power is back."""
    if outage.in_force is None or when(outage, now) != "current":
        return False
    return outage.in_force.end is not None and outage.in_force.end <= now


def active_spans(outage: Outage) -> list[Span]:
    """Return from when until when the outage holds its devices open: ``[from, to)``, ``to`` None for until further notice.

    The windows in force, with what is confirmed in the place of what was planned::

        windows           ├──────┤     ├──────┤     ├──────┤
        off_at                           │
        restored_at                                              │
        spans                            ├────┤     ├────────────┤

    Its end alone ends no outage: the last span goes on until somebody confirms that power is back. Nothing for a draft, and for
    what was cancelled.
    """
    if outage.in_force is None or outage.status == "cancelled":
        return []
    spans: list[Span] = [(window.start, window.end) for window in outage.in_force.windows]
    spans[-1] = (spans[-1][0], None)
    if (off := outage.off_at) is not None:
        # Power went off in the first window that was not over by then, early or late; before that nothing took place.
        left = [(start, end) for start, end in spans if end is None or end > off]
        spans = [(off, left[0][1]), *left[1:]]
    if (back := outage.restored_at) is not None:
        spans = [(start, back if end is None or end > back else end) for start, end in spans if start < back]
    return spans


def is_active(outage: Outage, at: datetime) -> bool:
    """Return whether the outage holds its devices open at ``at``."""
    return any(start <= at and (end is None or at < end) for start, end in active_spans(outage))


def change_code(kind: str, before: Outage | None) -> str:
    """Return the change type of an event as utilities exchange it (变更类型): 00 new, 01 withdrawn, 02 plan, 03 site change.

    ``before`` is the outage before the event. A change made before power is off changes the plan, one made later is made on
    site. That reading of 02 and 03 is ours; the codes are State Grid's. What was approved once is not withdrawn when a revision
    of it is rejected, but it is where its only approval is undone.
    """
    if before is None:
        return "00"
    if kind == "cancelled" or (kind == "rejected" and before.in_force is None) or (kind == "undone" and _is_told_no_more(before)):
        return "01"
    return "03" if before.status in (*ON, "restored", "closed") or kind in ("switched_off", "staged", "restored") else "02"


def differences(before: OutageFacts, after: OutageFacts) -> list[Difference]:
    """Return every field in which two revisions differ, in the order of the facts."""
    one, other = facts_to_json(before), facts_to_json(after)
    return [Difference(name, one[name], other[name]) for name in one if one[name] != other[name]]


def _is_told_no_more(outage: Outage) -> bool:
    """Undoing the last event leaves nothing in force of what people were told."""
    return outage.in_force is not None and outage.before is not None and outage.before.in_force is None


def _may_go_off(outage: Outage) -> bool:
    """What is announced goes off when it is in force; what nobody announces, at once, whoever is still to approve it."""
    return outage.in_force is not None or outage.facts.outage_class not in ANNOUNCED_CLASSES


def _take_over(outage: Outage, after: Outage, event: Event) -> Outage:
    """Return ``after`` with what ``event`` brings."""
    match event:
        case Revised():
            after = replace(after, facts=event.facts, facts_at=event.at, facts_by=event.by, facts_seq=after.seq)
            if outage.status in ON:
                # Once power is off, what control says counts at once.
                after = _put_in_force(after)
            elif event.approved:
                after = _approved(after, event)
        case Approved():
            _check_approver(outage, event)
            after = _approved(after, event)
        case Rejected() if outage.in_force is not None:
            after = _take_back(replace(after, status="approved"))
        case SwitchedOff():
            _check_past(outage, "have gone off", event.off_at, event.at)
            after = replace(after, off_at=event.off_at)
            # A change that nobody has approved yet does not count: the crew switched what was in force.
            after = _put_in_force(after) if outage.in_force is None else _take_back(after)
        case Staged():
            _check_operations(outage, event)
            operations = (*outage.operations, *event.operations)
            back = any(one.action in ("close", "repaired") for one in operations)
            after = replace(after, operations=operations, status="partially_restored" if back else "in_progress")
        case Restored():
            _check_past(outage, "be restored", event.restored_at, event.at)
            _check_after_start(outage, event)
            after = replace(after, restored_at=event.restored_at)
    return after


def _approved(outage: Outage, event: Event) -> Outage:
    return _put_in_force(replace(outage, status="approved", approved_at=event.at, approved_by=event.by))


def _put_in_force(outage: Outage) -> Outage:
    return replace(outage, in_force=outage.facts, in_force_seq=outage.facts_seq)


def _take_back(outage: Outage) -> Outage:
    """Return the outage without the change that was not approved: with the facts in force, and whose they are, since when."""
    standing = outage
    while standing.facts_seq != outage.in_force_seq:
        assert standing.before is not None  # what is in force was entered or revised by an event that counts
        standing = standing.before
    facts = standing.facts
    return replace(outage, facts=facts, facts_seq=standing.facts_seq, facts_at=standing.facts_at, facts_by=standing.facts_by)


def _check_approver(outage: Outage, event: Approved) -> None:
    if event.by == outage.facts_by:
        raise TransitionError(
            f"outage {outage.id} was written by {event.by}, who cannot approve it. Ask another person to approve it."
        )


def _undo(outage: Outage, event: Undone) -> Outage:
    assert outage.before is not None  # or it would not be allowed
    if event.undoes != outage.last_seq:
        raise TransitionError(
            f"outage {outage.id}: event {event.undoes} is not the last that counts, {outage.last_seq} is. "
            "Look at what happened to it, and undo the last."
        )
    return replace(outage.before, seq=outage.seq + 1, changed_at=event.at)


def _check_past(outage: Outage, what: str, then: datetime, now: datetime) -> None:
    """Nobody confirms what has not happened yet."""
    _check_zones(outage, then)
    if then > now:
        raise TransitionError(
            f"outage {outage.id} cannot {what} at {then.isoformat()}: it is only "
            f"{now.isoformat()} now. Confirm it when it has happened."
        )


def _check_zones(outage: Outage, *moments: datetime) -> None:
    for moment in moments:
        if moment.utcoffset() is None:
            raise TransitionError(f"outage {outage.id}: {moment.isoformat()} has no zone. Add one: +08:00.")


def _check_after_start(outage: Outage, event: Restored) -> None:
    start = outage.off_at or (outage.in_force or outage.facts).start
    if event.restored_at < max([start, *(one.at for one in outage.operations)]):
        advice = "Cancel it if it does not take place." if outage.off_at is None else "Correct the time."
        raise TransitionError(
            f"outage {outage.id} begins at {start.isoformat()} and cannot be restored before that or before its last operation, "
            f"at {event.restored_at.isoformat()}. {advice}"
        )


def _check_operations(outage: Outage, event: Staged) -> None:
    """Operations are told in the order of time, after power went off and before they are told."""
    if not event.operations:
        raise TransitionError(f"outage {outage.id}: no operation is given. Name the device that was opened or closed, and when.")
    _check_zones(outage, *(one.at for one in event.operations))
    start = outage.off_at or outage.facts.start
    last = outage.operations[-1].at if outage.operations else start
    times = [last, *(one.at for one in event.operations), event.at]
    for earlier, later in pairwise(times):
        if later < earlier:
            raise TransitionError(
                f"outage {outage.id}: operations come in the order of time, after {last.isoformat()} and not later than now, "
                f"{event.at.isoformat()}; {later.isoformat()} is before {earlier.isoformat()}. Correct the times."
            )
