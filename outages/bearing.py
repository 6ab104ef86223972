"""Which outages can bear on another, at worst: so that in a storm each is worked out with its neighbours and not with all.

Outages in parts of the network that have nothing to do with each other do not bear on each other (`topology.parts`). A tie joins
the parts at its ends, and a fault that nothing clears kills its source, and with it whatever hangs on it. Here every fault is
taken for one that does: a neighbour too many costs time, one too few would cost the truth.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from networkx.utils import UnionFind

from outages.events import Outage
from outages.held import as_planned, operations_of
from topology.isolate import nodes_of_fault
from topology.network import Network, UnknownIdError


@dataclass(frozen=True)
class Reach:
    """The parts of the network that the devices and faults of an outage lie in, and whether there is a fault."""

    parts: frozenset[int]
    has_fault: bool


NOWHERE = Reach(frozenset(), has_fault=False)


def reach_of(network: Network, outage: Outage) -> Reach:
    """Return how far an outage reaches, by what is planned and what was operated; `NOWHERE` where it names what is not there."""
    planned = as_planned(outage)
    facts = planned.in_force or planned.facts
    operations = (*operations_of(facts.switching, facts.start), *outage.operations)
    parts: set[int] = set()
    try:
        for one in operations:
            if one.action in ("open", "close"):
                parts |= network.parts.touched(network.device(one.device))
            else:
                parts |= {int(network.parts.of_node[node]) for node in nodes_of_fault(network, one.device)}
    except UnknownIdError:
        return NOWHERE
    return Reach(frozenset(parts), any(one.action == "fault" for one in operations))


def bearing_on(network: Network, reach: Reach, others: Sequence[tuple[Outage, Reach]]) -> list[Outage]:
    """Return those of ``others`` that can bear on an outage with ``reach``, directly or through one another, in their order."""
    joined: UnionFind[int] = UnionFind()
    reaches = {reach, *(other for _, other in others)}  # in a storm, many are alike
    for one in reaches:
        joined.union(*one.parts)
    faulted = {part for one in reaches if one.has_fault for part in one.parts}
    spread: set[int] = set()
    # What hangs on a source that a fault may kill belongs together; and so does, then, what hangs on the sources of that.
    while ahead := _joined_to(faulted, joined) - spread:
        spread |= ahead
        for source in set[int]().union(*map(network.parts.sources_of, ahead)):
            joined.union(*network.parts.beside(source))
    mine = _joined_to(reach.parts, joined)
    return [outage for outage, other in others if not mine.isdisjoint(other.parts)]


def _joined_to(some: Iterable[int], joined: UnionFind[int]) -> set[int]:
    tops = {joined[part] for part in some}
    return {part for part in list(joined) if joined[part] in tops}
