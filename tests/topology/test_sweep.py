"""What every device costs, in one table."""

from __future__ import annotations

from hypothesis import given, settings

from geo.schema import GridTables
from tests.grids import grids
from topology.index import SliceIndex
from topology.network import build_network
from topology.sketch import tables_from_text
from topology.supply import lost, normal_state, operate, supplied
from topology.sweep import sweep


def test_each_device_is_a_row_with_what_hangs_on_it() -> None:
    text = "*s -B1:breaker- a -L1- b : one!important, two!life_support\na -L2.A- b\na =T1= c : three"
    told: list[float] = []
    table = sweep(SliceIndex(build_network(tables_from_text(text))), progress=told.append)
    assert table.to_dict("records") == [
        {"id": "L1", "table": "lines", "customers": 0, "partial": 2, "load_kw": 0.0, "important": 0, "life_support": 0},
        {"id": "L2", "table": "lines", "customers": 0, "partial": 0, "load_kw": 0.0, "important": 0, "life_support": 0},
        {"id": "B1", "table": "switches", "customers": 3, "partial": 0, "load_kw": 3.0, "important": 1, "life_support": 1},
        {"id": "T1", "table": "transformers", "customers": 1, "partial": 0, "load_kw": 1.0, "important": 0, "life_support": 0},
    ]
    assert told == [0.0]


@settings(max_examples=60, deadline=None)
@given(grids())
def test_the_table_agrees_with_a_trace_for_every_device(grid: GridTables) -> None:
    network = build_network(grid)
    table = sweep(SliceIndex(network)).set_index("id")
    for id_ in network.device_ids:
        alive = supplied(network, operate(network, normal_state(network), open=[(id_, "")]))
        out, partial = lost(network, network.healthy.alive, alive)
        assert (table.loc[id_, "customers"], table.loc[id_, "partial"]) == (len(out), len(partial))
