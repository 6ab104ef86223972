"""The synthetic utility against networkx, shapely and the ellipsoid."""

from collections import Counter
from functools import lru_cache

import networkx as nx
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from geo.raw import RawTables
from geo.schema import DEVICE_TABLES, TABLES, GridTables, conform
from geo.synth import synthesize
from geo.validate import validate

SIZES = pytest.mark.parametrize("tables", [(10, 1), (100, 4), (3000, 1), (30_000, 2)], ids=str, indirect=True)


@pytest.fixture
def tables(request: pytest.FixtureRequest) -> GridTables:
    return made(*request.param)


@lru_cache
def made(customers: int, seed: int) -> GridTables:
    return synthesize(customers, seed)


def pairs(device: dict[str, str]) -> list[tuple[str, str]]:
    """Which letter at the from end is joined to which at the to end, as the data model says it."""
    start = device.get("from_phases") or device["phases"]
    end = device["to_phases"] if isinstance(device["to_phases"], str) else start
    if device.get("connection") == "centre_tapped":
        return [(start, leg) for leg in end]
    return list(zip(start, end, strict=True))


def devices(tables: GridTables, *, closed_only: bool = True) -> list[dict[str, str]]:
    rows = [row for name in DEVICE_TABLES for row in getattr(tables, name).drop(columns="geometry").to_dict("records")]
    return [row for row in rows if not closed_only or row.get("normal_state") != "open"]


def live_phases(tables: GridTables) -> set[tuple[str, str]]:
    """The oracle: every (node, phase) that a source reaches through closed devices."""
    graph = nx.Graph()
    for source in tables.sources.to_dict("records"):
        graph.add_edges_from(("sources", (source["node"], letter)) for letter in source["phases"])
    for device in devices(tables):
        ends = device["from_node"], device["to_node"]
        graph.add_edges_from(((ends[0], a), (ends[1], b)) for a, b in pairs(device))
    return nx.node_connected_component(graph, "sources")


def closed_graph(tables: GridTables) -> nx.MultiGraph:
    graph = nx.MultiGraph()
    graph.add_edges_from((device["from_node"], device["to_node"], device["id"]) for device in devices(tables))
    return graph


def on_loops(graph: nx.MultiGraph) -> int:
    simple = nx.Graph(graph)
    bridges = [edge for edge in nx.bridges(simple) if graph.number_of_edges(*edge) == 1]
    return graph.number_of_edges() - len(bridges)


def transformer_by_node(tables: GridTables) -> dict[str, str]:
    """Which transformer feeds each low-voltage node, by walking its low-voltage lines."""
    low = nx.Graph(list(tables.lines.loc[tables.lines.voltage_kv < 1, ["from_node", "to_node"]].itertuples(index=False)))
    low.add_nodes_from(tables.transformers.to_node)
    fed = dict(zip(tables.transformers.to_node, tables.transformers.id, strict=True))
    return {node: fed[busbar] for busbar in fed for node in nx.node_connected_component(low, busbar)}


@SIZES
def test_every_customer_is_supplied_and_no_closed_device_has_a_dead_phase(tables: GridTables) -> None:
    live = live_phases(tables)
    customers = zip(tables.customers.node, tables.customers.phases, strict=True)
    assert {(node, letter) for node, phases in customers for letter in phases} <= live
    for device in devices(tables):
        for start, end in pairs(device):
            assert {(device["from_node"], start), (device["to_node"], end)} <= live


@SIZES
def test_ties_join_two_live_ends_of_different_feeders(tables: GridTables) -> None:
    ties = tables.switches[tables.switches.normal_state == "open"]
    live = live_phases(tables)
    assert len(ties) >= 1
    assert {(node, letter) for column in ("from_node", "to_node") for node in ties[column] for letter in "ABC"} <= live
    radial = closed_graph(tables)
    radial.remove_nodes_from(set(tables.sources.node))
    assert not any(nx.has_path(radial, *ends) for ends in ties[["from_node", "to_node"]].itertuples(index=False))


@pytest.mark.parametrize("tables", [(3000, 1), (30_000, 2)], ids=str, indirect=True)
def test_two_percent_of_the_closed_devices_are_on_loops(tables: GridTables) -> None:
    graph = closed_graph(tables)
    assert 0.015 < on_loops(graph) / graph.number_of_edges() < 0.025


def test_the_shape_is_that_of_the_promised_utility() -> None:
    tables = made(30_000, 2)
    kinds = Counter(tables.switches.kind)
    feeders, transformers = kinds["breaker"], len(tables.transformers)
    assert feeders == round(30_000 / 2400)
    assert transformers / feeders == pytest.approx(40, abs=3)
    assert 30_000 / tables.customers.node.nunique() == pytest.approx(16, abs=1.5)
    single = (tables.switches.phases[tables.switches.kind == "fuse"].str.len() == 1).mean()
    assert single == pytest.approx(1 / 3, abs=0.1)
    assert min(kinds["load_break"], kinds["recloser"], kinds["fuse"]) > 0
    assert set(tables.transformers.connection) == {"delta_wye", "wye_wye", "centre_tapped"}
    assert set(tables.customers.phases) == {"A", "B", "C", "ABC", "12"}


@SIZES
def test_a_dedicated_transformer_has_one_customer_and_a_public_one_an_area_around_all_of_its_own(tables: GridTables) -> None:
    fed = tables.customers.node.map(transformer_by_node(tables))
    counts = fed.value_counts()
    assert len(counts) == len(tables.transformers)
    dedicated = tables.transformers.ownership == "dedicated"
    assert (counts[tables.transformers.id[dedicated]] == 1).all()
    areas = tables.service_areas.set_index("transformer_id").geometry
    assert sorted(areas.index) == sorted(tables.transformers.id[~dedicated])
    assert shapely.coverage_is_valid(areas.to_numpy())
    served = fed.isin(areas.index)
    own = areas.reindex(fed[served]).to_numpy()
    assert shapely.contains_xy(own, tables.customers.x[served], tables.customers.y[served]).all()


@SIZES
def test_lengths_are_true_on_the_ellipsoid(tables: GridTables) -> None:
    geod = pyproj.Geod(ellps="WGS84")
    lengths_m = np.array([geod.geometry_length(line) for line in tables.lines.geometry])
    assert np.allclose(lengths_m, tables.lines.length_m, rtol=2e-4, atol=0.06)
    assert tables.lines.length_m.between(1, 6000).all()


@SIZES
def test_lines_end_and_switchgear_stands_where_the_nodes_are(tables: GridTables) -> None:
    nodes = tables.nodes.set_index("id")[["x", "y"]]
    for column, which in (("from_node", 0), ("to_node", -1)):
        ends = shapely.get_coordinates(shapely.get_point(tables.lines.geometry.to_numpy(), which))
        assert np.allclose(ends, nodes.reindex(tables.lines[column]).to_numpy(), atol=1e-9)
    for table in (tables.switches, tables.transformers):
        assert np.allclose(table.geometry.get_coordinates(), nodes.reindex(table.to_node).to_numpy(), atol=1e-9)


@SIZES
def test_the_tables_conform_to_the_schema_and_refer_to_what_is_there(tables: GridTables) -> None:
    for name, table in tables.items():
        assert_frame_equal(pd.DataFrame(table), pd.DataFrame(conform(name, table)), check_dtype=True)
        if "id" in table.columns:
            assert table.id.is_unique
        for column in TABLES[name].columns:
            if column.required:
                assert table[column.name].notna().all(), (name, column.name)
            if column.choices:
                assert table[column.name].isin(column.choices).all(), (name, column.name)
    ids = [device["id"] for device in devices(tables, closed_only=False)]
    assert len(set(ids)) == len(ids)
    nodes = set(tables.nodes.id)
    assert all({device["from_node"], device["to_node"]} <= nodes for device in devices(tables, closed_only=False))
    assert set(tables.customers.place_id) <= set(tables.places.id)


@SIZES
def test_the_checks_for_real_networks_find_nothing_to_say(tables: GridTables) -> None:
    checked = validate(RawTables(frames=dict(tables.items()), problems=(), origin="synthetic"))
    assert checked.problems == ()
    assert not checked.refused


def test_some_customers_are_important_and_some_live_on_powered_equipment() -> None:
    customers = made(30_000, 2).customers
    assert Counter(customers.priority)["important"] == round(0.003 * 30_000)
    assert Counter(customers.priority)["life_support"] == round(0.0005 * 30_000)
    assert set(customers.category[customers.priority == "life_support"]) == {"residential"}
    assert "residential" not in set(customers.category[customers.priority == "important"])
    assert customers.load_kw[customers.category == "residential"].median() == pytest.approx(1.2, rel=0.05)


def test_nobody_has_a_name_or_a_number() -> None:
    customers = made(3000, 1).customers
    assert customers[["name", "phone", "email"]].isna().all(axis=None)


def test_the_same_seed_makes_the_same_network_and_another_seed_another_one() -> None:
    again = synthesize(3000, 1)
    for (name, table), (_, repeated) in zip(made(3000, 1).items(), again.items(), strict=True):
        assert_frame_equal(pd.DataFrame(table), pd.DataFrame(repeated), obj=name)
    other = synthesize(3000, 2)
    assert len(other.customers) == 3000
    assert not other.customers.node.equals(again.customers.node)


@settings(max_examples=50, deadline=None)
@given(customers=st.integers(50, 3000), seed=st.integers(0, 2**32 - 1))
def test_any_size_and_seed_gives_a_network_that_supplies_everybody(customers: int, seed: int) -> None:
    tables = synthesize(customers, seed)
    assert len(tables.customers) == customers
    live = live_phases(tables)
    customers_at = zip(tables.customers.node, tables.customers.phases, strict=True)
    assert all((node, letter) in live for node, phases in customers_at for letter in phases)
    assert shapely.coverage_is_valid(tables.service_areas.geometry.to_numpy())
    for kind in ("community", "town"):
        assert shapely.coverage_is_valid(tables.places.geometry[tables.places.kind == kind].to_numpy())
    assert not tables.customers.duplicated(["place_id", "building", "house_number"]).any()
    assert nx.is_connected(closed_graph(tables)) or len(tables.sources) > 1


def test_progress_rises_from_nothing_to_all() -> None:
    said: list[tuple[float, str]] = []
    synthesize(100, 1, progress=lambda done, what: said.append((done, what)))
    shares = [done for done, _ in said]
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert shares == sorted(shares)


def test_a_utility_of_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a utility of 3 customers was asked for\. Ask for 10 or more"):
        synthesize(3, 1)
