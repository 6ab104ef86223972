"""The nodes of OpenDSS buses → phase letters.

Nodes 1, 2 and 3 are the phases A, B and C; behind a centre-tapped transformer nodes 1 and 2 are its legs. 0 is earth, and what
is above 3 is a neutral::

    x.1 ──Transformer.t── y.1.0, y.0.2 ──Line.drop── z.1.2          x: A     y, z: 1 and 2

Legs are legs wherever lines lead from the transformer, unless some bus there has a third phase, as in a four-wire delta.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import networkx as nx

from geo.formats.opendss.circuit import Circuit, Element

ABC = {1: "A", 2: "B", 3: "C"}
LEGS = {1: "1", 2: "2"}

Letters = Mapping[str, Mapping[int, str]]
"""The letter of each node that is a phase, by bus."""


def letters_of_buses(circuit: Circuit) -> Letters:
    """Return the letters of the nodes of every bus in ``circuit``."""
    graph: nx.Graph[str] = nx.Graph()
    used: dict[str, set[int]] = {}
    for element in _all(circuit):
        for terminal in element.terminals:
            graph.add_node(terminal.bus)
            used.setdefault(terminal.bus, set()).update(terminal.nodes)
    for kind in ("Line", "Reactor", "Capacitor"):
        graph.add_edges_from((element.terminals[0].bus, element.terminals[-1].bus) for element in circuit.elements[kind])
    split = {terminal.bus for unit in circuit.elements["Transformer"] for terminal in unit.terminals[1:] if _has_legs(unit)}
    letters: dict[str, Mapping[int, str]] = {}
    for buses in nx.connected_components(graph):
        nodes = set().union(*(used[bus] for bus in buses))
        letters |= dict.fromkeys(buses, LEGS if buses & split and 3 not in nodes else ABC)
    return letters


def is_centre_tapped(unit: Element) -> bool:
    """Return whether a transformer has one phase and two secondary windings in series at one bus."""
    secondary = unit.terminals[1:]
    return unit.phases == 1 and len(secondary) > 1 and len({terminal.bus for terminal in secondary}) == 1


def _has_legs(unit: Element) -> bool:
    """Return whether a single-phase transformer makes two legs: secondaries x.1.0 and x.0.2, or x.1.2 behind one phase."""
    primary, *secondary = unit.terminals
    nodes = {node for terminal in secondary for node in terminal.nodes}
    behind_one = len(secondary) == 1 and len(ABC.keys() & set(primary.nodes)) == 1
    return unit.phases == 1 and LEGS.keys() <= nodes and (is_centre_tapped(unit) or behind_one)


def _all(circuit: Circuit) -> Iterator[Element]:
    for elements in circuit.elements.values():
        yield from elements
