"""Supply by networkx: every phase of every node a graph node of its own. Slow, plain, and independent of our arrays."""

from __future__ import annotations

from itertools import combinations

import networkx as nx

from geo.schema import GridTables

Place = tuple[str, str]
Opened = dict[str, set[str]]


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


def _is_energised(connection: str, phases: str, live: set[str]) -> bool:
    """Whether a voltage is left across some winding at this side, worked out winding by winding."""
    winding = connection.partition("_")[0] if connection != "centre_tapped" else ("wye" if len(phases) == 1 else "delta")
    if winding == "wye" or len(phases) == 1:
        return bool(live & set(phases))
    return any({a, b} <= live for a, b in combinations(phases, 2))


def supply(
    grid: GridTables, *, open_: Opened | None = None, closed: Opened | None = None, fed_from: dict[str, str] | None = None
) -> set[Place]:
    """Return the live (node, phase) places. ``fed_from``: "from" or "to" for each transformer that is not wye–wye."""
    open_, closed = open_ or {}, closed or {}
    graph = _graph(grid, open_, closed)
    live = _spread(graph, {(row.node, letter) for row in grid.sources.itertuples() for letter in row.phases})
    units = [row for row in grid.transformers.itertuples() if row.connection != "wye_wye"]
    swapped = {"delta_wye": "wye_delta", "wye_delta": "delta_wye", "centre_tapped": "wye_delta"}
    while True:
        before = live
        for row in units:
            now = (set(row.from_phases) - open_.get(row.id, set())) | closed.get(row.id, set())
            to_phases = row.to_phases if isinstance(row.to_phases, str) else row.from_phases
            if (fed_from or {}).get(row.id, "from") == "from":
                there = {letter for letter in row.from_phases if (row.from_node, letter) in live and letter in now}
                if _is_energised(row.connection, row.from_phases, there):
                    live = live | {(row.to_node, letter) for letter in to_phases}
            else:
                there = {letter for letter in to_phases if (row.to_node, letter) in live}
                if _is_energised(swapped.get(row.connection, row.connection), to_phases, there):
                    live = live | {(row.from_node, letter) for letter in now}
        live = _spread(graph, live)
        if live == before:
            fed_back = _fed_back(units, live, open_, fed_from or {})
            if not fed_back:
                return live
            live = _spread(graph, live | fed_back)


def _fed_back(units: list, live: set[Place], open_: Opened, fed_from: dict[str, str]) -> set[Place]:
    """The dead feeding sides of unopened transformers whose other side is wholly alive."""
    found: set[Place] = set()
    for row in units:
        if open_.get(row.id):
            continue
        to_phases = row.to_phases if isinstance(row.to_phases, str) else row.from_phases
        here, there = (row.from_node, row.from_phases), (row.to_node, to_phases)
        if fed_from.get(row.id, "from") == "to":
            here, there = there, here
        feeding = {(here[0], letter) for letter in here[1]}
        if not feeding & live and all((there[0], letter) in live for letter in there[1]):
            found |= feeding
    return found
