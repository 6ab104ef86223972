"""Facts, events and histories of outages: one of each for tables of cases, random ones for promises."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from outages.events import (
    EVENT_KINDS,
    Approved,
    Cancelled,
    Closed,
    Entered,
    Event,
    Outage,
    Rejected,
    Restored,
    Revised,
    Staged,
    Submitted,
    SwitchedOff,
    Undone,
)
from outages.facts import (
    ACTIONS,
    ANNOUNCED_CLASSES,
    CONFIDENCES,
    OUTAGE_CLASSES,
    SOURCES,
    Estimate,
    Operation,
    OutageFacts,
    Selection,
    Switching,
    Timed,
    Window,
)
from outages.lifecycle import TransitionError, allowed, begin, step

START = datetime(2026, 5, 1, tzinfo=UTC)
AUTHOR, APPROVER = "control", "approver"


def hours(count: float) -> datetime:
    """Return the time so many hours after `START`."""
    return START + timedelta(hours=count)


def some_facts(**changes: Any) -> OutageFacts:
    """Return the facts of a planned outage of 4 hours from `START`, with ``changes``."""
    given = {
        "outage_class": "planned",
        "switching": Switching(open=(Operation("S1"),)),
        "windows": (Window(START, hours(4)),),
        "reason": "line work",
    }
    return OutageFacts(**{**given, **changes})


def some_event(kind: str, *, undoes: int = 0, facts: OutageFacts | None = None, at: datetime | None = None) -> Event:
    """Return an event of ``kind`` that the table of transitions alone decides on, as people tell it 5 hours after `START`."""
    facts, at = facts or some_facts(), at or hours(5)
    events: tuple[Event, ...] = (
        Entered(facts, at, AUTHOR),
        Revised(facts, at, AUTHOR, "longer"),
        Submitted(at, AUTHOR),
        Approved(at, APPROVER),
        Rejected(at, APPROVER, "too long"),
        SwitchedOff(START, at, AUTHOR),
        Staged((Timed(hours(3), "close", "T1"),), at, AUTHOR),
        Restored(hours(4), at, AUTHOR),
        Closed(at, AUTHOR),
        Cancelled(at, AUTHOR, "rain"),
        Undone(undoes, at, AUTHOR, "mistyped"),
    )
    return next(event for event in events if event.kind == kind)


def history(kinds: str, **changes: Any) -> tuple[Event, ...]:
    """Return events of these kinds, a minute apart until 5 hours after `START`; the facts are `some_facts` with ``changes``.

    >>> [event.kind for event in history("entered submitted")]
    ['entered', 'submitted']
    """
    names = kinds.split()
    times = [hours(5) - timedelta(minutes=len(names) - number) for number in range(len(names))]
    return tuple(some_event(kind, facts=some_facts(**changes), at=at) for kind, at in zip(names, times, strict=True))


HISTORIES = {
    "draft": "entered",
    "submitted": "entered submitted",
    "approved": "entered submitted approved",
    "rejected": "entered submitted rejected",
    "revision": "entered submitted approved revised",
    "in_progress": "entered submitted approved switched_off",
    "partially_restored": "entered submitted approved switched_off staged",
    "restored": "entered submitted approved switched_off staged restored",
    "closed": "entered submitted approved switched_off staged restored closed",
    "cancelled": "entered cancelled",
}
"""One way to each status; a ``revision`` is submitted, of what is in force."""


moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
words = st.text(min_size=1).filter(str.strip)
phases = st.sampled_from(["", "A", "BC", "CA", "12"])
minutes = st.integers(1, 3000).map(lambda count: timedelta(minutes=count))
operations = st.builds(Operation, device=words, phases=phases)


def switchings() -> st.SearchStrategy[Switching]:
    """Devices opened, others closed, and faults; at least one is opened or faulty."""
    devices = st.lists(operations, min_size=1, max_size=4, unique_by=lambda one: one.device)
    split = st.tuples(devices, st.integers(0, 4), st.lists(words, min_size=1, max_size=2))
    return split.map(lambda drawn: Switching(tuple(drawn[0][: drawn[1]]), tuple(drawn[0][drawn[1] :]), tuple(drawn[2])))


@st.composite
def windows(draw: st.DrawFn, starts: st.SearchStrategy[datetime] = moments, *, may_last: bool = True) -> tuple[Window, ...]:
    """One to three windows in order; the last may have no end where it ``may_last``."""
    found, start = [], draw(starts)
    for gap, length in draw(st.lists(st.tuples(st.just(timedelta()) | minutes, minutes), min_size=1, max_size=3)):
        found.append(Window(start + gap, start + gap + length))
        start += gap + length
    if may_last and draw(st.booleans()):
        found[-1] = Window(found[-1].start, None)
    return tuple(found)


@st.composite
def estimates(draw: st.DrawFn, after: datetime = datetime(2000, 1, 1, tzinfo=UTC)) -> Estimate:
    """An estimate of times later than ``after``."""
    earliest = after + draw(minutes)
    latest, update = earliest + draw(st.just(timedelta()) | minutes), draw(st.none() | moments)
    return Estimate(earliest, latest, draw(st.sampled_from(SOURCES)), draw(st.sampled_from(CONFIDENCES)), update)


points = st.tuples(st.floats(-180, 180), st.floats(-90, 90))
selections = st.builds(Selection, feeder=st.text(), polygon=st.lists(points, max_size=4).map(tuple))


@st.composite
def facts_values(draw: st.DrawFn, starts: st.SearchStrategy[datetime] = moments) -> OutageFacts:
    """Facts that can be true, of any class."""
    outage_class = draw(st.sampled_from(OUTAGE_CLASSES))
    when = draw(windows(starts, may_last=outage_class not in ANNOUNCED_CLASSES))
    return OutageFacts(
        outage_class,
        draw(switchings()),
        when,
        reason=draw(words),
        contact=draw(st.text()),
        estimate=draw(st.none() | estimates(when[-1].start)),
        selection=draw(st.none() | selections),
    )


timed = st.builds(Timed, at=moments, action=st.sampled_from(ACTIONS), device=words, phases=phases)


def events_values() -> st.SearchStrategy[Event]:
    """Events of every kind, by anybody at any time, whether they may follow something or not."""
    parts = {
        "facts": facts_values(),
        "approved": st.booleans(),
        "off_at": moments,
        "restored_at": moments,
        "operations": st.lists(timed, max_size=3).map(tuple),
        "undoes": st.integers(1, 100),
        "at": moments,
        "by": words,
        "why": st.text(),
    }
    return st.one_of(st.builds(event, **{one.name: parts[one.name] for one in fields(event)}) for event in EVENT_KINDS.values())


people = st.sampled_from([AUTHOR, APPROVER, "desk"])
near = st.integers(-300, 3000).map(lambda count: START + timedelta(minutes=count))


@st.composite
def _commands(draw: st.DrawFn, outage: Outage, now: datetime) -> Event:
    """What somebody may try to tell of ``outage``: mostly what is allowed, with times mostly not later than now."""
    kind = draw(st.sampled_from(allowed(outage)) | st.sampled_from(tuple(EVENT_KINDS)))
    told = now - timedelta(minutes=draw(st.integers(-5, 100)))
    given: dict[str, Any] = {"at": now, "by": draw(people), "why": draw(st.sampled_from(["", "rain"]))}
    own = {
        "entered": lambda: {"facts": draw(facts_values(near))},
        "revised": lambda: {"facts": draw(facts_values(near)), "approved": draw(st.integers(0, 4)) == 0},
        "switched_off": lambda: {"off_at": told},
        "restored": lambda: {"restored_at": told},
        "staged": lambda: {"operations": (Timed(told, draw(st.sampled_from(ACTIONS)), "S1"),) * draw(st.integers(0, 2))},
        "undone": lambda: {"undoes": draw(st.just(outage.last_seq) | st.integers(1, 9))},
    }
    return EVENT_KINDS[kind](**given, **own.get(kind, dict)())


@st.composite
def command_sequences(draw: st.DrawFn, *, most: int = 12) -> tuple[Event, ...]:
    """What people try to tell of one outage, in the order of time: entered first, then anything, allowed or not."""
    now = START
    entered = Entered(draw(facts_values(near)), now, draw(people), approved=draw(st.booleans()))
    outage, events = begin("7", entered), [entered]
    for _ in range(draw(st.integers(0, most))):
        now += timedelta(minutes=draw(st.integers(0, 300)))
        event = draw(_commands(outage, now))
        events.append(event)
        with suppress(TransitionError):
            outage = step(outage, event)
    return tuple(events)


def accepted(commands: Sequence[Event]) -> tuple[Event, ...]:
    """Return those of ``commands`` that are not refused; they fold."""
    outage, taken = begin("7", commands[0]), [commands[0]]
    for event in commands[1:]:
        with suppress(TransitionError):
            outage = step(outage, event)
            taken.append(event)
    return tuple(taken)


def histories(*, most: int = 12) -> st.SearchStrategy[tuple[Event, ...]]:
    """What did happen to one outage: events that fold."""
    return command_sequences(most=most).map(accepted)
