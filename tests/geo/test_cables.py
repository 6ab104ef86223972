"""Which low-voltage network and which cable a node is on; networkx judges."""

from dataclasses import replace
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.gazetteer.cables import Cables, trace_cables
from geo.gazetteer.ground import ground_of
from geo.schema import GridTables
from tests.grids import grids, tables


def lines(*pairs: str) -> list[dict[str, Any]]:
    """Lines such as "a-b"; lines a-b and b-c from "a-b-c"."""
    ends = [(a, b) for pair in pairs for a, b in zip(pair.split("-"), pair.split("-")[1:], strict=False)]
    return [{"id": f"L{number}", "from_node": a, "to_node": b} for number, (a, b) in enumerate(ends)]


def served(nodes: str) -> list[dict[str, Any]]:
    """A customer at each node, one metre or so from the one before."""
    return [{"id": f"C{k}", "node": node, "category": "residential", "x": 1e-5 * k, "y": 0.0} for k, node in enumerate(nodes)]


def traced(grid: GridTables) -> tuple[Cables, dict[str, int]]:
    """The cables, and the number of each stop by node."""
    ground = ground_of(grid)
    return trace_cables(grid, ground), {node: number for number, node in enumerate(ground.stop_node)}


def in_order(grid: GridTables) -> list[str]:
    """Nodes with customers cable by cable, from the station outwards, such as ["ab", "c"]."""
    cables, number = traced(grid)
    nodes = sorted(number, key=lambda node: cables.way[number[node]])
    found: dict[int, str] = {}
    for node in nodes:
        found[int(cables.cable[number[node]])] = found.get(int(cables.cable[number[node]]), "") + node
    return list(found.values())


STATION = [{"id": "T", "from_node": "mv", "to_node": "s", "ownership": "public"}]


def test_nodes_are_on_the_cable_by_which_they_leave_the_station_in_the_order_of_a_walk() -> None:
    # The network that the module draws.
    grid = tables(lines=lines("s-a-b-c", "b-d-e", "s-f-g"), transformers=STATION, customers=served("gfedcba"))
    assert sorted("".join(sorted(cable)) for cable in in_order(grid)) == ["abcde", "fg"]
    first = next(cable for cable in in_order(grid) if "a" in cable)
    assert first in ("abcde", "abdec")
    assert "fg" in in_order(grid)


def test_customers_at_the_station_are_on_no_cable_but_their_own() -> None:
    grid = tables(lines=lines("s-a"), transformers=STATION, customers=served("as"))
    assert in_order(grid) == ["s", "a"]


@pytest.mark.parametrize(("state", "supplies"), [("closed", 1), ("open", 2)])
def test_closed_switches_join_and_open_ones_part(state: str, supplies: int) -> None:
    switch = {"id": "X", "kind": "switch", "from_node": "a", "to_node": "b", "normal_state": state}
    grid = tables(lines=lines("s-a", "b-c"), switches=[switch], transformers=STATION, customers=served("abc"))
    cables, number = traced(grid)
    assert len(set(cables.supply.tolist())) == supplies
    assert (cables.cable[number["a"]] == cables.cable[number["b"]]) == (state == "closed")


def test_transformers_part_networks_and_nobody_on_the_upper_one_is_a_neighbour() -> None:
    units = [{"id": f"T{low}", "from_node": "n", "to_node": low, "ownership": "public"} for low in "st"]
    grid = tables(
        sources=[{"id": "S", "node": "m"}],
        lines=lines("m-n-o", "s-a-b", "t-c"),
        transformers=units,
        customers=served("noabct"),
    )
    cables, number = traced(grid)
    supply = {node: int(cables.supply[row]) for node, row in number.items()}
    assert supply["a"] == supply["b"] != supply["c"] == supply["t"]
    assert len(set(supply.values())) == 4
    assert np.isnan(cables.reach[[number["n"], number["o"]], 0]).all()


def test_a_cable_reaches_from_the_stop_before_past_nodes_without_customers() -> None:
    grid = tables(
        nodes=[{"id": node, "x": 1e-5 * k, "y": 1e-5} for k, node in enumerate("sajb")],
        lines=lines("s-a-j-b"),
        transformers=STATION,
        customers=served("ab"),
    )
    cables, number = traced(grid)
    starts, ends = cables.reach[[number["a"], number["b"]], 0], cables.reach[[number["a"], number["b"]], 1]
    step = np.linalg.norm(ends - starts, axis=1)
    assert np.allclose(starts[1], ends[0])
    assert step == pytest.approx([1.11, 2.23], abs=0.02)


def test_a_network_without_a_station_begins_somewhere() -> None:
    grid = tables(lines=lines("a-b-c"), customers=served("cab"))
    assert sorted("".join(in_order(grid))) == ["a", "b", "c"]


@st.composite
def trees(draw: st.DrawFn) -> GridTables:
    """A tree of lines behind one transformer, customers at some nodes."""
    size = draw(st.integers(1, 25))
    parents = [draw(st.integers(0, number)) for number in range(size)]
    names = draw(st.permutations([chr(97 + number) for number in range(size)]))
    known = ["s", *names]
    at = draw(st.lists(st.sampled_from(known), min_size=1, max_size=30))
    pairs = [f"{known[parent]}-{name}" for parent, name in zip(parents, names, strict=True)]
    return tables(lines=lines(*pairs), transformers=[STATION[0] | {"from_node": "MV"}], customers=served("".join(at)))


@settings(max_examples=60, deadline=None)
@given(grid=trees())
def test_what_lies_behind_a_line_is_a_run_on_one_cable(grid: GridTables) -> None:
    cables, number = traced(grid)
    tree = nx.bfs_tree(nx.from_pandas_edgelist(grid.lines, "from_node", "to_node"), "s")
    order = np.argsort(np.argsort(cables.way, kind="stable"))
    for node in set(tree) - {"s"}:
        behind = [number[below] for below in nx.descendants(tree, node) | {node} if below in number]
        if behind:
            places = order[behind]
            assert np.ptp(places) == len(behind) - 1
            assert len(set(cables.cable[behind].tolist())) == 1
    gaps = np.diff(cables.way[np.argsort(cables.way)])
    changes = np.diff(cables.cable[np.argsort(cables.way)]) != 0
    assert gaps[changes].min(initial=np.inf) > gaps[~changes].max(initial=0)


@settings(max_examples=60, deadline=None)
@given(grid=grids())
def test_supplies_are_the_parts_of_the_graph_but_where_transformers_are_fed(grid: GridTables) -> None:
    graph = nx.Graph()
    closed = grid.switches[grid.switches["normal_state"] == "closed"]
    for frame in (grid.lines, closed):
        graph.add_edges_from(zip(frame["from_node"], frame["to_node"], strict=True))
    graph.add_nodes_from([*grid.customers["node"], *grid.transformers["from_node"], *grid.transformers["to_node"]])
    part = {node: number for number, nodes in enumerate(nx.connected_components(graph)) for node in nodes}
    ends = zip(grid.transformers["from_node"], grid.transformers["to_node"], strict=True)
    feeding = {part[high] for high, low in ends if part[high] != part[low]}
    placed = grid.customers.assign(x=np.arange(len(grid.customers)) * 1e-4, y=0.0)
    if not len(placed):
        return
    cables, number = traced(replace(grid, customers=placed))
    for a in number:
        for b in number:
            together = a == b or (part[a] == part[b] and part[a] not in feeding)
            assert (cables.supply[number[a]] == cables.supply[number[b]]) == together
