"""The synthetic utilities that are measured, held as lean as possible."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.schema import GridTables
from geo.synth import synthesize
from topology.index import SliceIndex
from topology.network import Network, build_network

SEED = 1
SAMPLE = 2000
SWITCHES = 100
_GOALS_FROM = 1_000_000

Say = Callable[[str], None]
Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Town:
    """One synthetic utility.

    Attributes
    ----------
    customers
        How many it has.
    network
        Its network, with empty tables: nothing that is measured looks at them, and they are most of the memory.
    network_bytes
        What the arrays of the network take beyond its tables.
    switches
        Closed breakers and sectionalisers drawn at random.
    """

    customers: int
    network: Network
    network_bytes: int
    switches: list[int]

    def goal(self, bound: float) -> float | None:
        """Return a goal where it holds: from a million customers on."""
        return bound if self.customers >= _GOALS_FROM else None

    @property
    def size(self) -> str:
        """How many customers, in words."""
        return f"{self.customers:,}"

    @cached_property
    def index(self) -> SliceIndex:
        """Its index, in the normal state; whoever operates a switch puts it back."""
        return SliceIndex(self.network)

    @cached_property
    def devices(self) -> list[int]:
        """Devices drawn at random among those that somebody hangs on; all of them cut a part off (they are bridges)."""
        costly = [device for device in range(len(self.network.device_ids)) if self.index.count(device)]
        drawn: list[int] = np.random.default_rng(SEED).choice(costly, size=SAMPLE).tolist()
        return drawn

    @cached_property
    def supplied_at(self) -> Ints:
        """How many supplied customers each node has, shape (n,)."""
        served = self.network.customer_node[self.network.supplied_phases != 0]
        counts: Ints = np.bincount(served, minlength=len(self.network.node_ids))
        return counts


def make_town(customers: int, say: Say) -> Town:
    """Return the utility of ``customers``; at ten million this takes over a minute and six gigabytes for a while."""
    say(f"{customers:,} customers: making tables")
    tables = synthesize(customers, SEED)
    say(f"{customers:,} customers: making the network")
    network = build_network(tables)
    columns = [column.to_numpy() for _, table in tables.items() for _, column in table.items() if column.dtype == np.float64]
    empty = GridTables(**{name: table.iloc[:0].copy() for name, table in tables.items()})
    held = sum(array.nbytes for array in held_arrays(network) if not any(np.shares_memory(array, it) for it in columns))
    say(f"{customers:,} customers: {len(network.node_ids):,} nodes, {len(network.device_ids):,} devices")
    return Town(customers, replace(network, tables=empty), held, _draw_switches(tables, network))


def held_arrays(*holders: Any) -> list[NDArray[Any]]:
    """Return all arrays that ``holders`` hold, tables aside, each once; of a view, the array that it is a view of."""
    return list({id(array): array for array in map(_whole, _arrays(holders))}.values())


def _whole(array: NDArray[Any]) -> NDArray[Any]:
    return _whole(array.base) if isinstance(array.base, np.ndarray) else array


def _arrays(holder: Any) -> Iterator[NDArray[Any]]:
    if isinstance(holder, np.ndarray):
        yield holder
    for part in _parts(holder):
        yield from _arrays(part)


def _parts(holder: Any) -> Iterable[Any]:
    if isinstance(holder, (tuple, list)):
        return holder
    if isinstance(holder, dict):
        return list(holder.values())
    if isinstance(holder, SliceIndex):
        return [part for name, part in vars(holder).items() if name != "network"]
    if is_dataclass(holder) and not isinstance(holder, GridTables):
        return [getattr(holder, field.name) for field in fields(holder)]
    return ()


def _draw_switches(tables: GridTables, network: Network) -> list[int]:
    kinds = tables.switches["kind"].isin(("breaker", "load_break", "recloser")).to_numpy()
    devices = len(tables.lines) + np.flatnonzero(kinds)
    closed = devices[network.normal[devices] != 0]
    drawn: list[int] = np.random.default_rng(SEED).permutation(closed)[:SWITCHES].tolist()
    return drawn
