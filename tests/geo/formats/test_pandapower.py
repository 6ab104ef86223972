"""pandapower nets: the published ones, and small ones that show one part each."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pandapower as pp
import pytest
import shapely

from geo.formats.pandapower import read_pandapower
from geo.formats.pandapower.net import tables_from_net
from geo.raw import SourceError
from geo.schema import DEVICE_TABLES, GridTables
from tests.published import live_phases, published_net, published_tables

LINE = "NAYY 4x50 SE"


def _net(buses: int = 3, *, lines: list[tuple[int, int]] = ((0, 1), (1, 2))) -> Any:
    """A net of low-voltage buses in a row, fed at bus 0, with a load of 10 kW at each other bus."""
    net = pp.create_empty_network()
    for _ in range(buses):
        pp.create_bus(net, vn_kv=0.4)
    pp.create_ext_grid(net, 0, name="Substation")
    for start, end in lines:
        pp.create_line(net, start, end, length_km=0.1, std_type=LINE)
    for bus in range(1, buses):
        pp.create_load(net, bus, p_mw=0.01)
    return net


def _tables(net: Any) -> GridTables:
    return tables_from_net(net, geographic=False)


def _edges(tables: GridTables) -> set[tuple[str, str, str]]:
    """Every device as (from node, id, to node)."""
    frames = [getattr(tables, name)[["from_node", "id", "to_node"]] for name in DEVICE_TABLES]
    return {tuple(row) for frame in frames for row in frame.itertuples(index=False)}


def _supplied(net: Any) -> set[str]:
    tables = _tables(net)
    return set(tables.customers["id"][live_phases(tables) != 0])


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("mv_oberrhein", {"sources": 2, "lines": 181, "switches": 322, "transformers": 2, "customers": 147}),
        ("lv_schutterwald", {"sources": 14, "lines": 3000, "switches": 378, "transformers": 14, "customers": 1506}),
        ("create_cigre_network_mv", {"sources": 1, "lines": 15, "switches": 8, "transformers": 2, "customers": 18}),
        ("create_cigre_network_lv", {"sources": 1, "lines": 37, "switches": 3, "transformers": 3, "customers": 15}),
        ("case33bw", {"sources": 1, "lines": 37, "switches": 5, "transformers": 0, "customers": 32}),
        ("ieee_european_lv_asymmetric", {"sources": 1, "lines": 905, "switches": 0, "transformers": 1, "customers": 55}),
        ("example_multivoltage", {"sources": 1, "lines": 26, "switches": 88, "transformers": 4, "customers": 25}),
        ("create_kerber_dorfnetz", {"sources": 1, "lines": 114, "switches": 0, "transformers": 1, "customers": 57}),
    ],
)
def test_a_published_network_is_read_whole_and_everyone_is_supplied(name: str, rows: dict[str, int]) -> None:
    tables = published_tables(name)
    assert {table: len(getattr(tables, table)) for table in rows} == rows
    assert (live_phases(tables) != 0).all()
    ids = [id_ for table in DEVICE_TABLES for id_ in getattr(tables, table)["id"]]
    assert len(set(ids)) == len(ids)


def test_an_id_is_the_table_and_the_number_of_pandapower_and_the_name_is_kept() -> None:
    tables, net = published_tables("mv_oberrhein"), published_net("mv_oberrhein")
    for table, element in (("lines", "line"), ("switches", "switch"), ("transformers", "trafo"), ("customers", "load")):
        frame = getattr(tables, table)
        assert dict(zip(frame["id"], frame["name"], strict=True)) == {
            f"{element}_{i}": n for i, n in net[element]["name"].items()
        }


def test_loads_of_oberrhein_count_with_their_scaling() -> None:
    net = published_net("mv_oberrhein")
    customers = published_tables("mv_oberrhein").customers.set_index("id")
    expected = net.load["p_mw"] * net.load["scaling"] * 1000
    np.testing.assert_allclose(customers.loc["load_" + expected.index.astype(str), "load_kw"], expected)
    assert set(customers["category"]) == {"MV/LV Station", "MV Load"}


def test_oberrhein_lies_in_the_upper_rhine_valley_and_its_lines_have_their_course() -> None:
    tables, net = published_tables("mv_oberrhein"), published_net("mv_oberrhein")
    assert tables.lines.total_bounds == pytest.approx([7.744, 48.328, 7.938, 48.475], abs=0.001)
    lines = tables.lines.set_index("id")
    assert all(lines.geometry[f"line_{i}"].equals(shapely.from_geojson(course)) for i, course in net.line["geo"].items())
    nodes = tables.nodes.set_index("id")
    assert nodes.notna().all(axis=None)
    assert nodes.loc["bus_109/line_0"].tolist() == nodes.loc["bus_109"].tolist()
    assert tables.switches.geometry.notna().all()


def test_oberrhein_has_the_four_feeders_that_leave_its_two_substations() -> None:
    tables = published_tables("mv_oberrhein")
    assert tables.lines["feeder"].value_counts().to_dict() == {"Feeder 4": 65, "Feeder 1": 47, "Feeder 2": 36, "Feeder 3": 33}
    assert tables.transformers["connection"].tolist() == ["wye_delta", "wye_delta"], "YNd5, as its type says"


def test_the_coordinates_of_a_drawing_are_not_read() -> None:
    tables = published_tables("create_cigre_network_mv")
    assert published_net("create_cigre_network_mv").bus["geo"].notna().all()
    assert tables.nodes.empty
    assert tables.lines.geometry.isna().all()
    assert tables.customers["x"].isna().all()


def test_the_ties_of_case33bw_are_lines_behind_open_switches() -> None:
    tables = published_tables("case33bw")
    assert tables.switches["id"].tolist() == [f"line_{number}_isolator" for number in range(32, 37)]
    assert (tables.switches["normal_state"] == "open").all()


def test_asymmetric_loads_have_the_phases_that_they_draw_from() -> None:
    customers, net = published_tables("ieee_european_lv_asymmetric").customers, published_net("ieee_european_lv_asymmetric")
    assert customers["phases"].value_counts().to_dict() == {"A": 21, "B": 19, "C": 15}
    drawn = net.asymmetric_load[["p_a_mw", "p_b_mw", "p_c_mw"]].to_numpy().sum() * 1000
    assert customers["load_kw"].sum() == pytest.approx(drawn)


def test_a_switch_at_a_line_gets_a_node_between_bus_and_line() -> None:
    net = _net()
    pp.create_switch(net, 1, 1, et="l", type="LBS")
    tables = _tables(net)
    assert _edges(tables) == {
        ("bus_0", "line_0", "bus_1"),
        ("bus_1", "switch_0", "bus_1/line_1"),
        ("bus_1/line_1", "line_1", "bus_2"),
    }
    assert tables.switches.loc[0, ["kind", "normal_state"]].tolist() == ["load_break", "closed"]


def test_a_switch_between_buses_joins_them() -> None:
    net = _net()
    pp.create_switch(net, 0, 2, et="b", type="CB", closed=False)
    tables = _tables(net)
    assert ("bus_0", "switch_0", "bus_2") in _edges(tables)
    assert tables.switches.loc[0, ["kind", "normal_state"]].tolist() == ["breaker", "open"]


def test_switches_at_both_ends_and_two_at_one_end_each_open_the_line() -> None:
    net = _net()
    for bus in (0, 1, 1):
        pp.create_switch(net, bus, 0, et="l")
    assert {edge for edge in _edges(_tables(net)) if "_0" in edge[1] or "switch" in edge[1]} == {
        ("bus_0", "switch_0", "bus_0/line_0"),
        ("bus_0/line_0", "line_0", "bus_1/switch_2"),
        ("bus_1", "switch_1", "bus_1/line_0"),
        ("bus_1/line_0", "switch_2", "bus_1/switch_2"),
    }
    for switch in range(3):
        net.switch["closed"] = [number != switch for number in range(3)]
        assert _supplied(net) == set()


@pytest.mark.parametrize(
    ("type_", "kind"),
    [("CB", "breaker"), ("LBS", "load_break"), ("DS", "disconnector"), ("fuse", "fuse"), ("LS", "switch"), (None, "switch")],
)
def test_the_type_of_a_switch_gives_its_kind(type_: str | None, kind: str) -> None:
    net = _net()
    pp.create_switch(net, 1, 1, et="l")
    net.switch["type"] = type_
    assert _tables(net).switches["kind"].tolist() == [kind]


def test_a_line_out_of_service_stands_behind_an_open_switch_and_behind_its_own_switches() -> None:
    net = _net()
    pp.create_switch(net, 1, 1, et="l")
    net.line.loc[1, "in_service"] = False
    assert _edges(_tables(net)) == {
        ("bus_0", "line_0", "bus_1"),
        ("bus_1", "switch_0", "bus_1/line_1"),
        ("bus_1/line_1", "line_1_isolator", "bus_1/line_1_isolator"),
        ("bus_1/line_1_isolator", "line_1", "bus_2"),
    }
    assert _supplied(net) == {"load_0"}


def test_nothing_at_a_bus_out_of_service_is_there() -> None:
    net = _net()
    pp.create_switch(net, 1, 1, et="l")
    pp.create_switch(net, 0, 2, et="b")
    net.bus.loc[2, "in_service"] = False
    tables = _tables(net)
    assert _edges(tables) == {("bus_0", "line_0", "bus_1")}
    assert tables.customers["id"].tolist() == ["load_0"]


def test_loads_and_generators_out_of_service_are_not_there() -> None:
    net = _net()
    pp.create_gen(net, 2, p_mw=0.01, slack=True, in_service=False)
    net.load.loc[0, "in_service"] = False
    tables = _tables(net)
    assert tables.sources["id"].tolist() == ["ext_grid_0"]
    assert tables.customers["id"].tolist() == ["load_1"]


def test_a_slack_generator_is_a_source_and_any_other_is_not() -> None:
    net = _net(lines=[(0, 1)])
    pp.create_gen(net, 2, p_mw=0.01, slack=True)
    pp.create_gen(net, 1, p_mw=0.01)
    pp.create_sgen(net, 1, p_mw=0.01)
    tables = _tables(net)
    assert list(zip(tables.sources["id"], tables.sources["node"], strict=True)) == [("ext_grid_0", "bus_0"), ("gen_0", "bus_2")]
    assert tables.sources["name"].tolist()[0] == "Substation"


def test_impedances_and_dc_lines_pass_power() -> None:
    net = _net(5, lines=[(0, 1)])
    pp.create_impedance(net, 1, 2, rft_pu=0.1, xft_pu=0.1, sn_mva=1)
    pp.create_dcline(net, 2, 3, p_mw=0.01, loss_percent=0, loss_mw=0, vm_from_pu=1, vm_to_pu=1)
    pp.create_impedance(net, 3, 4, rft_pu=0.1, xft_pu=0.1, sn_mva=1, in_service=False)
    assert ("bus_1", "impedance_0", "bus_2") in _edges(_tables(net))
    assert ("bus_2", "dcline_0", "bus_3") in _edges(_tables(net))
    assert _supplied(net) == {"load_0", "load_1", "load_2"}


def _with_transformers() -> Any:
    net = pp.create_empty_network()
    for voltage in (110, 20, 10, 0.4):
        pp.create_bus(net, vn_kv=voltage)
    pp.create_ext_grid(net, 0)
    pp.create_transformer3w(net, 0, 1, 2, std_type="63/25/38 MVA 110/20/10 kV")
    pp.create_transformer(net, 2, 3, std_type="0.4 MVA 10/0.4 kV", parallel=2)
    for bus in (1, 3, 3):
        pp.create_load(net, bus, p_mw=0.01)
    return net


def test_a_three_winding_transformer_is_a_bank_of_two() -> None:
    tables = _tables(_with_transformers())
    assert _edges(tables) == {
        ("bus_0", "trafo3w_0_mv", "bus_1"),
        ("bus_0", "trafo3w_0_lv", "bus_2"),
        ("bus_2", "trafo_0", "bus_3"),
    }
    units = tables.transformers.set_index("id")
    assert units["kva"].to_dict() == {"trafo_0": 800.0, "trafo3w_0_mv": 25_000.0, "trafo3w_0_lv": 38_000.0}
    assert units["connection"].to_dict() == {"trafo_0": "delta_wye", "trafo3w_0_mv": "wye_wye", "trafo3w_0_lv": "wye_wye"}
    assert units["bank"].dropna().to_dict() == {"trafo3w_0_mv": "trafo3w_0", "trafo3w_0_lv": "trafo3w_0"}
    assert units["ownership"].to_dict() == {"trafo_0": "public", "trafo3w_0_mv": "dedicated", "trafo3w_0_lv": "public"}


@pytest.mark.parametrize(
    ("bus", "supplied"),
    [(0, set()), (1, {"load_1", "load_2"}), (2, {"load_0"})],
    ids=["high voltage", "medium voltage", "low voltage"],
)
def test_a_switch_at_a_three_winding_transformer_opens_its_side(bus: int, supplied: set[str]) -> None:
    net = _with_transformers()
    for side in (0, 1, 2):
        pp.create_switch(net, side, 0, et="t3", closed=side != bus)
    assert _supplied(net) == supplied


def test_a_transformer_out_of_service_passes_nothing() -> None:
    net = _with_transformers()
    net.trafo["in_service"] = False
    assert _supplied(net) == {"load_0"}
    assert "trafo_0_isolator" in set(_tables(net).switches["id"])


def test_the_transformers_own_vector_group_counts_before_that_of_its_type() -> None:
    net = _with_transformers()
    net.trafo["vector_group"] = "Yy0"
    assert _tables(net).transformers.set_index("id").loc["trafo_0", "connection"] == "wye_wye"


def test_a_net_without_a_source_is_refused() -> None:
    net = _net()
    net.ext_grid["in_service"] = False
    with pytest.raises(SourceError, match=r"no external grid and no slack generator in service\. Add one"):
        _tables(net)


def test_a_net_behind_converters_is_refused() -> None:
    net = _net()
    dc = [pp.create_bus_dc(net, vn_kv=1.0) for _ in range(2)]
    pp.create_line_dc(net, *dc, length_km=1, std_type="2400-CU")
    with pytest.raises(SourceError, match=r"Given: rows in line_dc\."):
        _tables(net)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("mv_oberhein", "mv_oberrhein"),
        ("create_bus", "create_kerber_dorfnetz"),
        ("runpp", "mv_oberrhein"),
        ("", "The nearest of its"),
    ],
)
def test_a_name_that_is_no_network_is_refused_with_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(SourceError, match="pandapower has no such network") as refusal:
        read_pandapower(name)
    assert f"Given: {name!r}." in str(refusal.value)
    assert nearest in str(refusal.value)


def test_without_the_package_the_refusal_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandapower", None)
    with pytest.raises(SourceError, match=r'make test.*pip install "gridnotice\[simbench\]"'):
        read_pandapower("mv_oberrhein")
