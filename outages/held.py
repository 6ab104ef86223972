"""What one outage holds at a time: devices opened, ties closed, faults.

::

    windows      ├─────── opens L1 ───────┤ night ├─────── opens L1 ───────┤
    operations            close L1 at noon
    held         L1        nothing          nothing  L1                       each window begins anew

The order in which outages began is the order in which they count.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from outages.board import Holding, Move, move_of
from outages.events import Outage
from outages.facts import ANNOUNCED_CLASSES, Switching, Timed
from outages.lifecycle import Span, active_spans
from topology.network import Network

UNSAID = timedelta(days=1)
"""How long an outage that states no end is taken to hold against a plan to come: ours, so that no forgotten fault hides one."""


@dataclass(frozen=True)
class Held:
    """What one outage holds, by itself: what protection opens besides is in `outages.board.World`.

    ``since`` is the start of the window; ``opened`` and ``closed`` are masks of phases by number of the device, ``faults`` ids
    of sections or nodes.
    """

    since: datetime
    opened: dict[int, int]
    closed: dict[int, int]
    faults: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Active:
    """An outage that is active, and what it has done since its window began."""

    outage_id: str
    since: datetime
    moves: tuple[Move, ...]

    @property
    def rank(self) -> tuple[datetime, str]:
        """Its place in the order in which outages began; the id decides between those that began together."""
        return self.since, self.outage_id


def held(network: Network, outage: Outage, at: datetime) -> Held | None:
    """Return what the outage holds at ``at``, None where it is not active.

    Raises UnknownIdError and UnknownPhaseError where it names what the network has not.
    """
    active = find_active(network, outage, at)
    if active is None:
        return None
    holding = Holding()
    for move in active.moves:
        holding.move(move, int(network.normal[move.device]) if move.device >= 0 else 0)
    opened, closed = ({device: mask for device, mask in masks.items() if mask} for masks in (holding.opened, holding.closed))
    return Held(active.since, opened, closed, tuple(sorted(holding.faults)))


def find_active(network: Network, outage: Outage, at: datetime) -> Active | None:
    """Return the outage as it is active at ``at``, or None; raises UnknownIdError and UnknownPhaseError."""
    span = span_at(outage, at)
    return None if span is None else Active(outage.id, span[0], tuple(moves_in(network, outage, span, at)))


def span_at(outage: Outage, at: datetime) -> Span | None:
    """Return the span in which the outage is active at ``at``, or None."""
    return next(((start, end) for start, end in active_spans(outage) if start <= at and (end is None or at < end)), None)


def moves_in(network: Network, outage: Outage, span: Span, until: datetime | None = None) -> list[Move]:
    """Return what the outage does in ``span``, up to and with ``until``, in order; each window begins anew.

    Raises UnknownIdError and UnknownPhaseError.
    """
    facts = outage.in_force or outage.facts
    start, end = span
    inside = (one for one in outage.operations if start <= one.at and (end is None or one.at < end))
    later = [one for one in inside if until is None or one.at <= until]
    return [move_of(network, outage.id, one) for one in (*operations_of(facts.switching, start), *later)]


def operations_of(switching: Switching, at: datetime) -> list[Timed]:
    """Return what is done when a window begins: devices opened, ties closed, faults."""
    return [
        *(Timed(at, "open", one.device, one.phases) for one in switching.open),
        *(Timed(at, "close", one.device, one.phases) for one in switching.close),
        *(Timed(at, "fault", fault) for fault in switching.fault),
    ]


def as_planned(outage: Outage) -> Outage:
    """Return the outage as it is to be: a draft with its facts in force, any other unchanged."""
    return outage if outage.in_force is not None else replace(outage, in_force=outage.facts)


def as_written(outage: Outage) -> Outage:
    """Return the outage as its newest facts have it, also where a change of it waits for approval."""
    return replace(outage, in_force=outage.facts)


def before_it(outage: Outage, others: Iterable[Outage]) -> tuple[Outage, ...]:
    """Return those of ``others`` that bear on its impact, by id: see `began_before`."""
    starts = [start for start, _ in active_spans(as_planned(outage))] or [outage.facts.start]
    found = (other for other in others if any(began_before(other, outage, start) for start in starts))
    return tuple(sorted(found, key=lambda other: other.id))


def began_before(other: Outage, outage: Outage, start: datetime) -> bool:
    """Return whether ``other`` is taken to be active at ``start``, when a window of the outage begins, and began before it.

    Of two that begin together the one with the lesser id comes first, so that no customer of both is lost. What is to come is
    reckoned with as it is planned, and only what has gone off, against what nobody planned, with what is known::

        other           ├── planned, or off by now ──┤ its stated end
        a fault                        ├─            other counts
        a fault                                ├─    other counts if it has gone off: nobody has said that power is back
        a plan                                 ├─    other does not count: by then, as stated, power is back

    Otherwise whoever is off today would hide the people of every plan to come at the same place, and nobody would tell them.
    """
    span = span_at(other, start)
    if other.id == outage.id or span is None or (span[0], other.id) >= (start, outage.id):
        return False
    if span[1] is not None or (other.off_at is not None and outage.facts.outage_class not in ANNOUNCED_CLASSES):
        return True
    stated = other.in_force.end if other.in_force is not None else None
    return start < (stated or span[0] + UNSAID)
