"""Why a node lost its supply: the device on its former path that no longer passes.

::

    *s -B1:breaker- a -L1- b -L2- c            open L1: b and c are cut by L1
"""

from __future__ import annotations

from dataclasses import dataclass, field

from topology.flood import Supply, across, other_end
from topology.network import Network
from topology.supply import State
from topology.transfer import Masks

_Place = tuple[int, int]
"""A node and one of its phases, by position in ``ABC12``."""


@dataclass(frozen=True, eq=False)
class Loss:
    """What was supplied before, and the state now; asked node by node.

    Parameters
    ----------
    before
        What was supplied, and from where.
    after, alive
        The state now, and the live phases in it, shape (n,).
    """

    network: Network
    before: Supply
    after: State
    alive: Masks
    _known: dict[_Place, int] = field(default_factory=dict, repr=False)

    def cutter(self, node: int) -> int:
        """Return the device that cut a phase of ``node``; −1 where its source went dead.

        The former path of the lost phase is followed towards its source as far as it is dead: the device with a live end
        upstream, or that passes no longer, is the one. Of several lost phases the first in ``ABC12`` speaks. Raises ValueError
        for a node that lost nothing.
        """
        lost = self._lost(node)
        if not lost:
            raise ValueError(f"node {self.network.node_ids[node]} lost no phase; ask for a node of an affected customer")
        place, device = (node, _lowest(lost)), -1
        walked: list[_Place] = []
        while place not in self._known:
            walked.append(place)
            link = int(self.before.parent[place])
            device = link >> 1
            above = self._above(place, link) if link >= 0 else None
            if above is None:
                break
            place = above
        else:
            device = self._known[place]
        self._known.update(dict.fromkeys(walked, device))
        return device

    def _above(self, place: _Place, link: int) -> _Place | None:
        """Return the place upstream that is dead too; None where the device of ``link`` is what cuts."""
        wiring, closed = self.network.wiring, self.after.closed
        upstream = other_end(wiring, link ^ 1)
        wanted = 1 << place[1]
        brought = self._phases_before(upstream, int(self.before.since[place]))
        if not across(wiring, closed, link, brought) & wanted:
            return None
        lost = brought & self._lost(upstream)
        # Through a line one phase upstream stands for each downstream; through a transformer any that is lost will do.
        alone = sum(1 << phase for phase in range(5) if lost >> phase & 1 and across(wiring, closed, link, 1 << phase) & wanted)
        return (upstream, _lowest(alone or lost)) if lost else None

    def _phases_before(self, node: int, now: int) -> int:
        """Return the mask of phases that had reached ``node`` when the clock of the trace stood at ``now``."""
        there = int(self.before.alive[node])
        return sum(1 << phase for phase in range(5) if there >> phase & 1 and self.before.since[node, phase] < now)

    def _lost(self, node: int) -> int:
        return int(self.before.alive[node] & ~self.alive[node])


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1
