"""What happened to an outage, as people read it: each event with its change code, what it changed, and whether it counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from outages.events import Event, Outage, Revised, Undone
from outages.lifecycle import Difference, begin, change_code, differences, step


@dataclass(frozen=True)
class Told:
    """An event in its place.

    ``code`` is its change type; ``differences`` are what a revision changed in the facts; ``undone`` says that a later event took
    it back; ``undoes`` is the event that it took back itself, None where it is no undoing.
    """

    seq: int
    event: Event
    status: str
    code: str
    differences: tuple[Difference, ...] = ()
    undone: bool = False
    undoes: Event | None = None


def tell(outage_id: str, events: Sequence[Event]) -> list[Told]:
    """Return the history of an outage in order; raises TransitionError where ``events`` are not the events of an outage.

    ::

        1 entered 00 ─ 2 submitted 02 ─ 3 rejected 01 (undone) ─ 4 undone 02, undoes 3
    """
    taken_back = {event.undoes for event in events if isinstance(event, Undone)}
    outage: Outage | None = None
    told = []
    for seq, event in enumerate(events, start=1):
        before, outage = outage, begin(outage_id, event) if outage is None else step(outage, event)
        changed = differences(before.facts, event.facts) if before is not None and isinstance(event, Revised) else []
        told.append(
            Told(
                seq,
                event,
                outage.status,
                change_code(event.kind, before),
                tuple(changed),
                undone=seq in taken_back,
                undoes=events[event.undoes - 1] if isinstance(event, Undone) else None,
            )
        )
    return told
