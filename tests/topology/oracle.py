"""Supply by networkx: every phase of every node a graph node of its own. Slow, plain, and independent of our arrays."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import networkx as nx
import numpy as np

from geo.schema import GridTables

Place = tuple[str, str]
Opened = dict[str, set[str]]

_SWAPPED = {"delta_wye": "wye_delta", "wye_delta": "delta_wye", "centre_tapped": "wye_delta"}


def _pairs(row: object, phases: str) -> list[tuple[str, str]]:
    to_phases = row.to_phases if isinstance(row.to_phases, str) else phases
    return list(zip(phases, to_phases, strict=True))


def _graph(grid: GridTables, open_: Opened, closed: Opened) -> nx.Graph:
    graph = nx.Graph()
    for table in (grid.lines, grid.switches):
        for row in table.itertuples():
            normally = set() if getattr(row, "normal_state", "closed") == "open" else set(row.phases)
            now = (normally - open_.get(row.id, set())) | closed.get(row.id, set())
            graph.add_edges_from(((row.from_node, a), (row.to_node, b)) for a, b in _pairs(row, row.phases) if a in now)
    for row in grid.transformers.itertuples():
        if row.connection == "wye_wye":
            now = (set(row.from_phases) - open_.get(row.id, set())) | closed.get(row.id, set())
            graph.add_edges_from(((row.from_node, a), (row.to_node, b)) for a, b in _pairs(row, row.from_phases) if a in now)
    return graph


def _spread(graph: nx.Graph, live: set[Place]) -> set[Place]:
    return live.union(*(nx.node_connected_component(graph, place) for place in live if place in graph))


def _pairs_of(connection: str, phases: str) -> list[tuple[str, str]]:
    """The pairs of phases that the windings at this side lie between; none where they lie between a phase and earth."""
    winding = connection.partition("_")[0]
    return [] if winding == "wye" or len(phases) == 1 else list(combinations(phases, 2))


def _is_energised(connection: str, phases: str, live: set[str], bank: set[tuple[str, str]]) -> bool:
    """Whether 0.4 of its voltage is left across some winding: dead ends float, and the windings of a bank are alike."""
    own = _pairs_of(connection, phases)
    if not own:
        return bool(live & set(phases))
    if connection == "centre_tapped":
        return any(set(pair) <= live for pair in own)
    potential = {letter: np.exp(-2j * np.pi * "ABC".index(letter) / 3) for letter in live & set("ABC")}
    windings = {tuple(sorted(pair)) for pair in [*own, *bank]}
    dead = sorted({letter for pair in windings for letter in pair} - live)
    admittance, current = np.eye(len(dead)) * 1e-9, np.zeros(len(dead), dtype=complex)
    for pair in windings:
        for here, there in (pair, pair[::-1]):
            if here in dead:
                admittance[dead.index(here), dead.index(here)] += 1
                if there in dead:
                    admittance[dead.index(here), dead.index(there)] -= 1
                else:
                    current[dead.index(here)] += potential[there]
    potential |= dict(zip(dead, np.linalg.solve(admittance, current), strict=True))
    return any(abs(potential[a] - potential[b]) > 0.4 * 3**0.5 for a, b in own)


def _bank(units: list, row: object, side: str) -> set[tuple[str, str]]:
    """The pairs of phases between which ``row`` and the single-phase units beside it have windings at one side."""
    found = set()
    for unit in units:
        phases = unit.from_phases if side == "from" or not isinstance(unit.to_phases, str) else unit.to_phases
        connection = unit.connection if side == "from" else _SWAPPED.get(unit.connection, unit.connection)
        if (unit.from_node, unit.to_node) == (row.from_node, row.to_node) and len(phases) == 2:
            found.update(_pairs_of(connection, phases))
    return found


def supply(
    grid: GridTables, *, open_: Opened | None = None, closed: Opened | None = None, fed_from: dict[str, str] | None = None
) -> set[Place]:
    """Return the live (node, phase) places. ``fed_from``: "from" or "to" for each transformer that is not wye–wye."""
    open_, closed = open_ or {}, closed or {}
    graph = _graph(grid, open_, closed)
    live = _spread(graph, {(row.node, letter) for row in grid.sources.itertuples() for letter in row.phases})
    rows = [row for row in grid.transformers.itertuples() if row.connection != "wye_wye"]
    units = [_Unit.of(row, rows, open_, closed, (fed_from or {}).get(row.id, "from")) for row in rows]
    while True:
        before = live
        for unit in units:
            if unit.is_energised(live):
                live = live | unit.behind
        live = _spread(graph, live)
        if live == before:
            fed_back = set().union(*(unit.before for unit in units if unit.feeds_back(live)))
            if not fed_back:
                return live
            live = _spread(graph, live | fed_back)


@dataclass(frozen=True)
class _Unit:
    """One transformer: the places before and behind it, seen from where it is fed."""

    node: str
    phases: str
    connection: str
    seen: set[str]
    bank: set[tuple[str, str]]
    before: set[Place]
    behind: set[Place]
    is_whole: bool

    @classmethod
    def of(cls, row: object, rows: list, open_: Opened, closed: Opened, side: str) -> _Unit:
        to_phases = row.to_phases if isinstance(row.to_phases, str) else row.from_phases
        now = (set(row.from_phases) - open_.get(row.id, set())) | closed.get(row.id, set())
        whole = now == set(row.from_phases)
        start, end = {(row.from_node, letter) for letter in now}, {(row.to_node, letter) for letter in to_phases}
        if side == "from":
            bank = _bank(rows, row, "from") if len(row.from_phases) == 2 else set()
            seen = set("ABC12") if whole else now
            return cls(row.from_node, row.from_phases, row.connection, seen, bank, start, end, whole)
        connection = _SWAPPED.get(row.connection, row.connection)
        bank = _bank(rows, row, "to") if len(to_phases) == 2 else set()
        return cls(row.to_node, to_phases, connection, set("ABC12"), bank, end, start, whole)

    def is_energised(self, live: set[Place]) -> bool:
        there = {letter for letter in self.seen if (self.node, letter) in live}
        return _is_energised(self.connection, self.phases, there, self.bank)

    def feeds_back(self, live: set[Place]) -> bool:
        """Whether the other side is wholly alive, though nothing passes from the feeding side, which is not."""
        return self.is_whole and self.behind <= live and not self.before <= live and not self.is_energised(live)
