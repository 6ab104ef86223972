"""The arrays, the version, and who hangs on which transformer and feeder."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.schema import GridTables
from tests.grids import grids, tables
from topology.network import UnknownIdError, build_network, content_hash
from topology.sketch import SketchError, tables_from_text, text_from_tables
from topology.transfer import is_monotone


@settings(max_examples=100, deadline=None)
@given(grids())
def test_a_network_written_as_text_reads_back_as_the_same_grid(grid: GridTables) -> None:
    again = build_network(tables_from_text(text_from_tables(grid)))
    network = build_network(grid)
    kept = dict(zip(network.node_ids, network.healthy.alive.tolist(), strict=True))
    found = dict(zip(again.node_ids, again.healthy.alive.tolist(), strict=True))
    assert again.device_ids.tolist() == network.device_ids.tolist()
    assert {node: kept[node] for node in found} == found
    assert again.customer_phases.tolist() == network.customer_phases.tolist()


@settings(max_examples=50, deadline=None)
@given(grids())
def test_every_way_of_passing_phases_is_monotone(grid: GridTables) -> None:
    assert all(is_monotone(table) for table in build_network(grid).wiring.transfer)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_the_version_changes_with_any_cell_and_with_nothing_else(data: st.DataObject) -> None:
    grid = data.draw(grids())
    assert content_hash(grid) == content_hash(replace(grid, lines=grid.lines.copy(deep=True)))
    if len(grid.customers):
        changed = grid.customers.copy()
        column = data.draw(st.sampled_from(["id", "name", "street", "load_kw", "x"]))
        changed.loc[data.draw(st.integers(0, len(changed) - 1)), column] = 77.5 if column in ("load_kw", "x") else "changed"
        assert content_hash(replace(grid, customers=changed)) != content_hash(grid)


def test_cells_that_join_to_the_same_text_are_told_apart() -> None:
    one = tables(nodes=[{"id": "ab"}, {"id": "c"}])
    other = tables(nodes=[{"id": "a"}, {"id": "bc"}])
    none = tables(places=[{"id": "p", "kind": "town", "name": "a", "name_en": None}])
    empty = tables(places=[{"id": "p", "kind": "town", "name": "a", "name_en": ""}])
    assert content_hash(one) != content_hash(other)
    assert content_hash(none) != content_hash(empty)


def test_a_slice_of_a_table_has_the_version_of_its_own_rows() -> None:
    nodes = tables(nodes=[{"id": "a", "x": 1.0}, {"id": "b", "x": 2.0}, {"id": "c", "x": 3.0}]).nodes
    whole = tables(nodes=[{"id": "b", "x": 2.0}, {"id": "c", "x": 3.0}])
    assert content_hash(replace(whole, nodes=nodes.iloc[1:].reset_index(drop=True))) == content_hash(whole)


def test_customers_hang_on_the_nearest_transformer_and_feeder_upstream() -> None:
    grid = tables_from_text("*s =T0= a -L1- b =T1= c : one, two\nb : three\na -L2- d =T2= e : four")
    grid.lines["feeder"] = ["North", "South"]
    network = build_network(grid)
    names = network.tables.transformers["id"].to_numpy()
    assert names[network.transformer_of_customer].tolist() == ["T1", "T1", "T0", "T2"]
    feeders = network.feeder_names[network.feeder_of_node[network.customer_node]].tolist()
    assert feeders == ["North", "North", "North", "South"]


def test_a_customer_with_no_supply_hangs_on_nothing() -> None:
    network = build_network(tables_from_text("*s -L1- a\nx =T1= y : lonely"))
    assert network.transformer_of_customer.tolist() == [-1]
    assert network.supplied_phases.tolist() == [0]


def test_a_device_is_found_in_its_table_by_number_and_by_id() -> None:
    network = build_network(tables_from_text("*s -B1:fuse- a -L1- b =T1= c : one"))
    assert [network.table_of(network.device(id_)) for id_ in ("L1", "B1", "T1")] == [
        ("lines", 0),
        ("switches", 0),
        ("transformers", 0),
    ]
    assert network.device_row(network.device("B1"))["kind"] == "fuse"
    assert network.customer("one") == 0
    with pytest.raises(IndexError, match="the network has 3"):
        network.table_of(3)


def test_capitals_do_not_matter_where_only_one_device_is_meant() -> None:
    network = build_network(tables_from_text("*s -Line_A- a -x- b -X- c"))
    assert network.device("LINE_a") == network.device("Line_A")
    assert network.device("x") != network.device("X")
    network = build_network(tables_from_text("*s -xY- a -Xy- b"))
    with pytest.raises(UnknownIdError, match="no device has the id 'XY'; the nearest are xY, Xy"):
        network.device("XY")


@pytest.mark.parametrize("ask", ["device", "node", "customer"])
def test_an_unknown_id_says_so_even_in_an_empty_network(ask: str) -> None:
    with pytest.raises(UnknownIdError, match=f"no {ask} has the id 'Q'; the network has no {ask}"):
        getattr(build_network(tables()), ask)("Q")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("*s -L1-", "line 1: a chain goes node, device, node"),
        ("\n*s ~L1~ a", r"line 2: '~L1~' is no device"),
        ("*s -L1:welder- a", "'welder' is no kind of switch; there are breaker"),
    ],
)
def test_text_that_is_no_network_is_refused_with_its_line(text: str, says: str) -> None:
    with pytest.raises(SketchError, match=says):
        tables_from_text(text)
