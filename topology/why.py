"""Why a node has a supply or lost it: the path from its source, and the device on it that no longer passes.

::

    *s -B1:breaker- a -L1- b -L2- c            path of c: B1, L1, L2
                                               open L1: b and c are cut by L1
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from topology.flood import Supply, across, other_end
from topology.network import Network
from topology.supply import State
from topology.transfer import Masks

_Place = tuple[int, int]
"""A node and one of its phases, by position in ``ABC12``."""


def find_path(network: Network, before: Supply, node: int) -> list[int]:
    """Return the devices through which ``node`` is supplied, from the source on; empty at a source, or where it is not.

    Of several phases the first in ``ABC12`` is followed, and through a transformer one that helps to bring it.
    """
    path: list[int] = []
    if not before.alive[node]:
        return path
    place = (node, _lowest(int(before.alive[node])))
    while (link := int(before.parent[place])) >= 0:
        path.append(link >> 1)
        place = _towards(network, before, place, _brought(network, before, place))
    return path[::-1]


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
            if link < 0 or not (dead := self._dead_above(place, link)):
                break
            place = _towards(self.network, self.before, place, dead)
        else:
            device = self._known[place]
        self._known.update(dict.fromkeys(walked, device))
        return device

    def _dead_above(self, place: _Place, link: int) -> int:
        """Return the phases upstream that are dead now; 0 where the device of ``link`` is what cuts."""
        wiring = self.network.wiring
        brought = _brought(self.network, self.before, place)
        passes = across(wiring, self.after.closed, link, brought) >> place[1] & 1
        return brought & self._lost(other_end(wiring, link ^ 1)) if passes else 0

    def _lost(self, node: int) -> int:
        return int(self.before.alive[node] & ~self.alive[node])


def _brought(network: Network, before: Supply, place: _Place) -> int:
    """Return the phases that were live upstream when the phase of ``place`` came: what brought it is among them."""
    upstream = other_end(network.wiring, int(before.parent[place]) ^ 1)
    there, now = int(before.alive[upstream]), int(before.since[place])
    return sum(1 << phase for phase in _phases(there) if before.since[upstream, phase] < now)


def _towards(network: Network, before: Supply, place: _Place, among: int) -> _Place:
    """Return the place upstream from which the phase of ``place`` came, one of the phases ``among``.

    Through a line one phase upstream stands for each downstream; through a transformer that needs several, any will do.
    """
    wiring, link = network.wiring, int(before.parent[place])
    alone = sum(1 << phase for phase in _phases(among) if across(wiring, wiring.phases, link, 1 << phase) >> place[1] & 1)
    return other_end(wiring, link ^ 1), _lowest(alone or among)


def _phases(mask: int) -> Iterator[int]:
    return (phase for phase in range(5) if mask >> phase & 1)


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1
