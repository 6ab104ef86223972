"""Every switch and every line of published networks, opened one by one: our supply against pandapower's `unsupplied_buses`.

A line opens by going out of service, a switch by being open. On the small networks `unsupplied_buses` itself is asked. On the
urban one that would take half an hour, so its rule (parts of pandapower's own graph without an external grid) is applied to that
graph once for all openings: what hangs behind each bridge. A sample shows that this is what `unsupplied_buses` says.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import networkx as nx
import numpy as np
import pytest
from pandapower.topology import create_nxgraph, unsupplied_buses

from tests.published import published_net, published_tables, urban_net, urban_tables
from topology.network import Network, build_network
from topology.supply import lost, normal_state, operate, supplied

Opening = tuple[str, int]
"""Table of pandapower and number in it: ("switch", 3)."""

ELEMENTS = {"l": "line", "t": "trafo", "b": "switch"}


def _openings(net: Any) -> list[Opening]:
    return [(table, number) for table in ("switch", "line") for number in net[table].index]


@contextmanager
def _opened(net: Any, opening: Opening) -> Iterator[None]:
    table, number = opening
    column = "closed" if table == "switch" else "in_service"
    before = net[table].at[number, column]
    net[table].at[number, column] = False
    yield
    net[table].at[number, column] = before


def _bridges_and_what_hangs_behind(net: Any) -> tuple[nx.MultiGraph, dict[Opening, set[int]]]:
    """Return pandapower's graph, and for each edge whose loss cuts something off, the buses that it cuts off."""
    graph = create_nxgraph(net)
    fed = nx.Graph(graph)
    fed.add_edges_from(("source", bus) for bus in net.ext_grid["bus"])
    away = nx.bfs_tree(fed, "source")
    behind: dict[Opening, set[int]] = {}
    for pair in nx.bridges(fed, "source"):
        near, far = pair if away.has_edge(*pair) else pair[::-1]
        if near != "source" and graph.number_of_edges(near, far) == 1:
            (key,) = graph[near][far]
            behind[key] = {far} | nx.descendants(away, far)
    return graph, behind


def _edge_of(net: Any, opening: Opening) -> Opening:
    """Return the edge of pandapower's graph that goes with an opening: a switch takes its line or transformer with it."""
    table, number = opening
    if table == "line" or net.switch.at[number, "et"] == "b":
        return opening
    return ELEMENTS[net.switch.at[number, "et"]], int(net.switch.at[number, "element"])


class Ours:
    """Our answers, as numbers of pandapower's buses and loads."""

    def __init__(self, network: Network, node_of_bus: dict[int, str], row_of_load: dict[int, str]) -> None:
        self.network = network
        self.buses = np.array(list(node_of_bus))
        self.nodes = np.array([network.node(node) for node in node_of_bus.values()])
        self.load_of_row = np.full(len(network.customer_node), -1)
        self.load_of_row[[network.customer(id_) for id_ in row_of_load.values()]] = list(row_of_load)

    def without_supply(self, device: str) -> tuple[set[int], set[int]]:
        """Return the buses and the loads without supply once ``device`` is open."""
        alive = supplied(self.network, operate(self.network, normal_state(self.network), open=[(device, "")]))
        out, partial = lost(self.network, self.network.healthy.alive, alive)
        assert not len(partial)
        return set(self.buses[alive[self.nodes] == 0].tolist()), set(self.load_of_row[out].tolist())


@pytest.fixture(scope="module")
def urban() -> Ours:
    net = urban_net()
    return Ours(build_network(urban_tables()), net.bus["name"].to_dict(), net.load["name"].to_dict())


def test_every_switch_and_line_of_the_urban_network_cuts_off_what_pandapower_says(urban: Ours) -> None:
    net = urban_net()
    _, behind = _bridges_and_what_hangs_behind(net)
    loads_at = net.load.groupby("bus").groups
    openings = _openings(net)
    assert len(openings) == 20_933 + 10_328
    with ThreadPoolExecutor() as pool:
        answers = pool.map(urban.without_supply, [net[table].at[number, "name"] for table, number in openings])
        differences = []
        for opening, answer in zip(openings, answers, strict=True):
            buses = behind.get(_edge_of(net, opening), set())
            loads = {load for bus in buses for load in loads_at.get(bus, ())}
            if answer != (buses, loads):
                differences.append(opening)
    assert differences == []


def test_what_hangs_behind_a_bridge_is_what_unsupplied_buses_says() -> None:
    net = urban_net()
    _, behind = _bridges_and_what_hangs_behind(net)
    assert unsupplied_buses(net) == set()
    openings = _openings(net)
    sample = np.random.default_rng(1).choice(len(openings), size=80, replace=False)
    medium_voltage = np.flatnonzero((net.switch["voltLvl"] == 5).to_numpy())[::22]
    for opening in [openings[place] for place in [*sample, *medium_voltage]]:
        with _opened(net, opening):
            assert unsupplied_buses(net) == behind.get(_edge_of(net, opening), set())


@pytest.mark.parametrize(
    "name",
    [
        "mv_oberrhein",
        "create_cigre_network_mv",
        "create_cigre_network_lv",
        "simple_mv_open_ring_net",
        "example_simple",
        "example_multivoltage",
        "case33bw",
        "case57",
        "create_kerber_dorfnetz",
    ],
)
def test_every_switch_and_line_of_a_published_network_cuts_off_what_unsupplied_buses_says(name: str) -> None:
    net = published_net(name)
    ours = Ours(
        build_network(published_tables(name)),
        {bus: f"bus_{bus}" for bus in net.bus.index},
        {load: f"load_{load}" for load in net.load.index},
    )
    for opening in _openings(net):
        with _opened(net, opening):
            buses = unsupplied_buses(net)
        loads = set(net.load.index[net.load["bus"].isin(buses)])
        assert ours.without_supply("{}_{}".format(*opening)) == (buses, loads), opening
