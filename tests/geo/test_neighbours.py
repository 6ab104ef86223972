"""Addresses follow the network: whoever loses supply together lives together, so that few words name them."""

from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.gazetteer import lay_places
from geo.places import PlaceTree, rows_of_places
from geo.schema import GridTables
from tests.geo.plans import METRE, customer, node, wired
from tests.grids import tables


def addresses(laid: GridTables) -> pd.DataFrame:
    """The customers with their community, the part of the street or the building and entrance, and a number to sort by."""
    tree = PlaceTree.of(laid.places)
    rows = rows_of_places(tree, laid.customers["place_id"])
    found = laid.customers[["node", "place_id", "building", "house_number"]].copy()
    found["number"] = found["house_number"].astype(int)
    found["community"] = [next(up for up in tree.ancestors(row) if tree.kind[up] == "community") for row in rows]
    found["spot"] = np.where(found["building"].isna(), rows, tree.parent[rows])
    return found


def behind_each_line(grid: GridTables) -> dict[str, set[str]]:
    """Nodes that each line alone supplies."""
    graph = nx.from_pandas_edgelist(grid.lines, "from_node", "to_node", edge_attr="id")
    found = {}
    for root in grid.transformers["to_node"]:
        tree = nx.bfs_tree(graph, root) if root in graph else nx.DiGraph()
        found |= {graph.edges[edge]["id"]: nx.descendants(tree, edge[1]) | {edge[1]} for edge in tree.edges}
    return found


def gaps(numbers: pd.Series, others: pd.Series) -> int:
    """How often a number of somebody else stands between ``numbers``, on either side of the street."""
    found = 0
    for side in (0, 1):
        mine, strange = sorted(n for n in numbers if n % 2 == side), sorted(n for n in others if n % 2 == side)
        found += len(set(np.searchsorted(strange, mine).tolist())) - 1 if mine else 0
    return found


NETWORKS = {"networks": st.integers(1, 12), "seed": st.integers(0, 1000), "beside": st.booleans()}


@settings(max_examples=25, deadline=None)
@given(**NETWORKS)
def test_what_a_transformer_supplies_is_in_one_community_and_in_runs_without_gaps(networks: int, seed: int, beside: bool) -> None:
    grid = wired(networks, 60 * networks, seed, beside=beside)
    found = addresses(lay_places(grid, seed=1))
    network = found["node"].str.extract(r"n(\d+)-", expand=False)
    assert (found["community"].groupby(network).nunique() == 1).all()
    assert (found["spot"].groupby(network).nunique() == 1).all()
    for (_, spot), mine in found.groupby([network, found["spot"]]):
        others = found[(found["spot"] == spot) & (network != network[mine.index[0]])]
        if mine["building"].isna().all():
            assert gaps(mine["number"], others["number"]) == 0
        else:
            assert not set(mine["place_id"]) & set(others["place_id"])


@settings(max_examples=25, deadline=None)
@given(**NETWORKS)
def test_what_lies_behind_a_line_is_a_run_on_each_side_of_its_street_or_a_run_of_buildings(
    networks: int, seed: int, beside: bool
) -> None:
    grid = wired(networks, 60 * networks, seed, beside=beside)
    found = addresses(lay_places(grid, seed=1))
    for nodes in behind_each_line(grid).values():
        is_behind = found["node"].isin(nodes)
        mine, others = found[is_behind], found[~is_behind]
        for spot, here in mine[mine["building"].isna()].groupby("spot"):
            assert gaps(here["number"], others.loc[others["spot"] == spot, "number"]) == 0
        partly = set(mine.loc[mine["building"].notna(), "place_id"]) & set(others["place_id"])
        assert len(partly) <= 2  # where the run begins and ends


@settings(max_examples=20, deadline=None)
@given(**NETWORKS)
def test_customers_at_one_node_are_neighbours(networks: int, seed: int, beside: bool) -> None:
    found = addresses(lay_places(wired(networks, 60 * networks, seed, beside=beside), seed=1))
    for name, here in found.groupby("node"):
        assert here["spot"].nunique() == 1, name
        assert here["place_id"].nunique() == 1, name
        if len(here) <= 8 and here["building"].notna().all():
            assert here["building"].nunique() == 1, name


def test_a_building_is_on_one_cable_but_for_what_is_left_of_very_short_ones() -> None:
    grid = wired(40, 2400, 5)
    found = addresses(lay_places(grid, seed=1))
    cable = {}
    for line, nodes in behind_each_line(grid).items():
        if grid.lines.set_index("id").loc[line, "from_node"].endswith("-0"):
            cable |= dict.fromkeys(nodes, line)
    flats = found[found["building"].notna()]
    on = flats["node"].map(cable).fillna("station")
    size = on.groupby([flats["spot"], on]).transform("size")
    assert (on[size >= 4].groupby(flats["place_id"]).nunique() == 1).all()
    assert flats.groupby("place_id").size().max() <= 18 + 16


def test_a_customer_at_medium_voltage_lives_on_the_nearest_street() -> None:
    # A village of ten nodes in a row, and a factory on the line that leads there.
    row = [node(f"v{k}", (20.0 * k, 0)) for k in range(10)]
    lines = [{"id": f"L{k}", "from_node": f"v{k}", "to_node": f"v{k + 1}"} for k in range(9)]
    lines.append({"id": "M", "from_node": "source", "to_node": "mv"})
    unit = {"id": "T", "from_node": "mv", "to_node": "v0", "ownership": "public"}
    served = [*(customer(k, f"v{k % 10}") for k in range(30)), customer(30, "mv", (-40, 10))]
    source = {"id": "S", "node": "source"}
    laid = lay_places(tables(sources=[source], nodes=row, lines=lines, transformers=[unit], customers=served), seed=1)
    assert laid.customers["street"].nunique() == 1
    assert laid.customers["house_number"].tolist()[30] == "1"
    assert set(laid.customers["house_number"][:30].astype(int)) == set(range(3, 33))


def test_where_nothing_but_the_nodes_is_known_two_cables_have_a_side_each() -> None:
    # Two cables eastwards from one station, with six and three customers.
    nodes = [node("s", (0, 0)), *(node(f"{name}{k}", (20.0 * k, y)) for name, y in (("a", 10), ("b", -10)) for k in range(1, 4))]
    pairs = [("s", "a1"), ("a1", "a2"), ("a2", "a3"), ("s", "b1"), ("b1", "b2"), ("b2", "b3")]
    lines = [{"id": f"L{k}", "from_node": start, "to_node": end} for k, (start, end) in enumerate(pairs)]
    served = [customer(k, name) for k, name in enumerate(["b1", "b2", "b3", "a1", "a1", "a2", "a2", "a3", "a3"])]
    unit = {"id": "T", "from_node": "mv", "to_node": "s", "ownership": "public"}
    laid = lay_places(tables(nodes=nodes, lines=lines, transformers=[unit], customers=served), seed=1)
    assert laid.customers["house_number"].tolist() == ["2", "4", "6", "1", "3", "5", "7", "9", "11"]


def test_streets_are_drawn_along_the_cables() -> None:
    grid = wired(30, 1800, 8)
    laid = lay_places(grid, seed=1)
    street = laid.places.set_index("id").geometry.reindex(laid.customers["place_id"]).to_numpy()
    at = grid.nodes.set_index("id").loc[grid.customers["node"], ["x", "y"]].to_numpy()
    on_street = laid.customers["building"].isna().to_numpy()
    off = shapely.distance(street[on_street], shapely.points(at[on_street]))
    assert off.max() < 1.1 * METRE
    length_m = shapely.length(laid.places.geometry[laid.places["kind"] == "street"].to_numpy()).sum() / METRE
    assert length_m < 1.05 * shapely.length(_straight_lines(grid)).sum() / METRE


def _straight_lines(grid: GridTables) -> Any:
    at = grid.nodes.set_index("id")[["x", "y"]]
    ends = [at.loc[grid.lines[end]].to_numpy() for end in ("from_node", "to_node")]
    return shapely.linestrings(np.stack(ends, axis=1))
