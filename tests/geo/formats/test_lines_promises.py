"""Promises about snapping, on random drawings: the same graph comes back, order says nothing, an independent search agrees."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from typing import Any

import networkx as nx
import numpy as np
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from geo.formats.lines import Snapped, snap_lines
from geo.raw import RawTables
from geo.schema import DEVICE_TABLES
from geo.validate import validate
from tests.geo.formats.linework import drawn, findings, snapped
from tests.geo.valid import assert_every_row_is_accounted_for

TOLERANCE_M = 0.5

# Offsets of less than half the tolerance in any direction: two ends of one node are never farther apart than it.
_JITTER = st.tuples(st.floats(0.0, 0.249), st.floats(0.0, 2.0 * math.pi))
_SPOTS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=2, max_size=9, unique=True)


@st.composite
def trees(draw: st.DrawFn) -> tuple[nx.Graph[int], list[str]]:
    """A tree, and its drawing: nodes on a grid of 50 m, every end of every line a little off its node."""
    spots = draw(_SPOTS)
    tree: nx.Graph[int] = nx.Graph()
    lines = []
    for node in range(1, len(spots)):
        parent = draw(st.integers(0, node - 1))
        ends = [
            (50.0 * x + math.cos(turn) * off, 50.0 * y + math.sin(turn) * off)
            for (x, y), (off, turn) in ((spots[end], draw(_JITTER)) for end in (parent, node))
        ]
        ends = ends[::-1] if draw(st.booleans()) else ends
        tree.add_edge(parent, node, id=f"L{node}")
        lines.append(f"L{node} " + " ".join(f"{x!r},{y!r}" for x, y in ends))
    return tree, lines


def _graph(found: Snapped) -> nx.MultiGraph[str]:
    graph: nx.MultiGraph[str] = nx.MultiGraph()
    for table in DEVICE_TABLES:
        for row in found.raw.frames[table].itertuples() if table in found.raw.frames else ():
            graph.add_edge(row.from_node, row.to_node, id=row.id)
    return graph


@settings(max_examples=25, deadline=None)
@given(trees())
def test_a_tree_drawn_with_a_shaky_hand_comes_back_as_the_same_tree(drawing: tuple[nx.Graph[int], list[str]]) -> None:
    tree, lines = drawing
    back = nx.Graph(_graph(snapped("\n".join(lines))))
    assert nx.is_isomorphic(tree, back, edge_match=lambda one, two: one["id"] == two["id"])


@st.composite
def drawings(draw: st.DrawFn) -> list[str]:
    """Things on a small grid of tenths of a metre, so that everything that can happen to them happens."""
    near = st.integers(0, 60).map(lambda tenths: tenths / 10)
    place = st.tuples(near, near).map(lambda xy: f"{xy[0]},{xy[1]}")
    things = [
        f"L{number} " + " ".join(draw(st.lists(place, min_size=2, max_size=3))) for number in range(draw(st.integers(1, 5)))
    ]
    for letter, most in (("Q", 2), ("T", 2), ("S", 1), ("C", 2)):
        things += [f"{letter}{number} {draw(place)}" for number in range(draw(st.integers(0, most)))]
    return things


@settings(max_examples=40, deadline=None)
@given(drawings(), st.booleans(), st.sampled_from([0.1, 0.35, 1.0]))
def test_any_drawing_is_read_and_every_row_is_in_the_tables_or_set_aside(
    things: list[str], t_joins: bool, tolerance_m: float
) -> None:
    work = drawn("\n".join(things))
    if not any(shapely.length(shape) for shape in work.frames["lines"].geometry):
        return
    found = snap_lines(work, tolerance_m=tolerance_m, t_joins=t_joins)
    for table in ("switches", "transformers", "sources", "customers"):
        if table in work.frames:
            ids = [*found.raw.frames[table]["id"], *found.raw.damaged.get(table, {"id": []})["id"]]
            assert sorted(ids) == sorted(work.frames[table]["id"])
    lines = [*found.raw.frames["lines"]["id"], *found.raw.damaged.get("lines", {"id": []})["id"]]
    assert {name.partition("#")[0] for name in lines} == set(work.frames["lines"]["id"])
    assert len(lines) == len(set(lines))
    checked = validate(found.raw, limit=1.0)
    assert_every_row_is_accounted_for(found.raw, checked)
    # What snapping lets through, the rules find nothing wrong with.
    aside = {table: len(rows) for table, rows in checked.quarantined.items()}
    assert aside == {table: len(rows) for table, rows in found.raw.damaged.items()}


def _shape_of(found: Snapped) -> Counter[Any]:
    """What is joined to what, without the names of nodes and the numbers of pieces: a node is what is at it."""
    at: dict[str, list[str]] = {}
    edges = []
    for table in DEVICE_TABLES:
        for row in found.raw.frames[table].itertuples() if table in found.raw.frames else ():
            name = row.id.partition("#")[0]
            edges.append((name, row.from_node, row.to_node))
            at.setdefault(row.from_node, []).append(name)
            at.setdefault(row.to_node, []).append(name)
    for table in ("sources", "customers"):
        for row in found.raw.frames[table].itertuples() if table in found.raw.frames else ():
            at.setdefault(row.node, []).append(row.id)
    node = {name: tuple(sorted(things)) for name, things in at.items()}
    return Counter((name, *sorted((node[start], node[end]))) for name, start, end in edges)


# A line that touches two others at the same distance: which of them is named must not be which is read first.
RINGS = [
    "L0 0.5,0.0 0.0,0.0 0.5,0.0",
    "L1 0.5,0.0 0.0,0.0 0.5,0.0",
    "L2 0.0,0.0 0.0,0.0",
    "L3 0.0,0.0 0.0,0.0",
    "L4 0.0,0.0 0.5,0.0",
]


@settings(max_examples=40, deadline=None)
@given(drawings(), st.booleans(), st.integers(0, 999))
@example(RINGS, False, 0)  # which mixes L1 to before L0
def test_the_order_and_the_direction_of_what_was_drawn_say_nothing(things: list[str], t_joins: bool, seed: int) -> None:
    chance = random.Random(seed)

    def turned(thing: str) -> str:
        name, *places = thing.split()
        return " ".join([name, *(places[::-1] if name[0] == "L" and chance.random() < 0.5 else places)])

    if not any(len(set(thing.split()[1:])) > 1 for thing in things if thing[0] == "L"):
        return
    one = snapped("\n".join(things), t_joins=t_joins, tolerance_m=0.45)
    mixed = sorted((turned(thing) for thing in things), key=lambda _: chance.random())
    two = snapped("\n".join(mixed), t_joins=t_joins, tolerance_m=0.45)
    assert _shape_of(one) == _shape_of(two)
    same_order = sorted(things, key=lambda _: chance.random())
    again = snapped("\n".join(same_order), t_joins=t_joins, tolerance_m=0.45)
    assert {row.id: row.from_node for row in again.raw.frames["lines"].itertuples()} == {
        row.id: row.from_node for row in one.raw.frames["lines"].itertuples()
    }
    assert findings(again) == findings(one)


@settings(max_examples=40, deadline=None)
@given(drawings(), st.booleans(), st.sampled_from([0.25, 0.45, 1.15]))
def test_a_search_of_all_pairs_joins_the_same_lines(things: list[str], t_joins: bool, tolerance_m: float) -> None:
    lines = {thing.split()[0]: _line(thing) for thing in things if thing[0] == "L" and len(set(thing.split()[1:])) > 1}
    if not lines:
        return
    text = "\n".join(thing for thing in things if thing.split()[0] in lines)
    found = snapped(text, tolerance_m=tolerance_m, t_joins=t_joins)
    expected: nx.Graph[str] = nx.Graph()
    expected.add_nodes_from(lines)
    for (one, first), (two, second) in itertools.permutations(lines.items(), 2):
        for end in (shapely.Point(first.coords[0]), shapely.Point(first.coords[-1])):
            others = [second] if t_joins else [shapely.Point(second.coords[0]), shapely.Point(second.coords[-1])]
            if min(end.distance(other) for other in others) <= tolerance_m:
                expected.add_edge(one, two)
    assert _parts(_lines_of(found)) == _parts(expected)


def _line(thing: str) -> Any:
    return shapely.LineString([[float(axis) for axis in place.split(",")] for place in thing.split()[1:]])


def _lines_of(found: Snapped) -> nx.Graph[str]:
    """Lines, joined where they have a node in common; a line that was set aside still joins what its nodes join."""
    graph: nx.Graph[str] = nx.Graph()
    rows = (
        [*found.raw.frames["lines"].itertuples(), *found.raw.damaged["lines"].itertuples()]
        if "lines" in found.raw.damaged
        else [*found.raw.frames["lines"].itertuples()]
    )
    for row in rows:
        name = row.id.partition("#")[0]
        graph.add_edge(name, ("node", row.from_node))
        graph.add_edge(name, ("node", row.to_node))
    return graph


def _parts(graph: nx.Graph[Any]) -> set[frozenset[str]]:
    return {frozenset(name for name in part if isinstance(name, str)) for part in nx.connected_components(graph)}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_search_of_all_pairs_finds_the_same_loose_ends(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Lines of 20 m and more in a field of 60 m, so that none is short for the reach of 5 m.
    starts, turns = rng.uniform(0, 60, (8, 2)), rng.uniform(0, 2 * math.pi, 8)
    stops = starts + 20 * np.column_stack([np.cos(turns), np.sin(turns)])
    text = [
        f"L{n} {a[0]!r},{a[1]!r} {b[0]!r},{b[1]!r}" for n, (a, b) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True))
    ]
    # A source on every line: then none is adrift, and only loose ends are looked at. It takes the end where it stands.
    text += [f"S{n} {a[0]!r},{a[1]!r}" for n, a in enumerate(starts.tolist())]
    found = snapped("\n".join(text))
    near = {feature: metres for kind, feature, _, metres in findings(found) if kind in ("near_miss", "undershoot")}
    loose = {f"L{n}": shapely.Point(stops[n]) for n in range(8)}
    lines = {f"L{n}": shapely.LineString([starts[n], stops[n]]) for n in range(8)}
    for name, end in loose.items():
        others = [line for other, line in lines.items() if other != name]
        least = min(end.distance(line) for line in others)
        crosses = any(lines[name].crosses(line) and end.distance(line.intersection(lines[name])) <= 10.0 for line in others)
        if least > 5.0 or least <= 0.5 or crosses:
            assert name not in near or crosses
        elif name in near:
            assert least - 0.02 <= near[name] <= least + 0.52
        else:  # said of the end that it is near to instead
            assert any(feature_other == (other, name) for feature_other in _pairs(found) for other in lines)


def _pairs(found: Snapped) -> set[tuple[str, str]]:
    return {(feature, other) for kind, feature, other, _ in findings(found) if kind == "near_miss"}


def test_the_same_input_gives_the_same_ids() -> None:
    text = "\n".join(f"L{n} {n}0,0 {n + 1}0,0" for n in range(50))
    frames = [snapped(text).raw.frames["lines"][["id", "from_node", "to_node"]] for _ in range(2)]
    assert frames[0].equals(frames[1])


def test_tables_that_are_none_of_its_own_are_left_as_they_are() -> None:
    work = drawn("L1 0,0 100,0")
    places = drawn("C1 0,0").frames["customers"]
    found = snap_lines(RawTables({**work.frames, "places": places}, crs=work.crs))
    assert found.raw.frames["places"] is places
