"""SimBench's urban network, against its CSV files and against the pandapower net that simbench makes of them."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
import shapely

from geo.formats.simbench import category_of, read_simbench
from geo.raw import SourceError
from geo.schema import DEVICE_TABLES, SWITCH_KINDS, TABLES, TEXT
from tests.published import URBAN, live_phases, urban_csv, urban_net, urban_tables
from topology.network import build_network


def _indexed(name: str) -> pd.DataFrame:
    return getattr(urban_tables(), name).set_index("id")


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("sources", 1),
        ("lines", 10_328),
        ("switches", 20_933),
        ("transformers", 135),
        ("customers", 11_542),
        ("nodes", 31_382),
        ("places", 0),
        ("service_areas", 0),
    ],
)
def test_the_network_has_as_many_rows_as_are_published(table: str, rows: int) -> None:
    assert len(getattr(urban_tables(), table)) == rows


def test_the_tables_are_those_of_the_schema() -> None:
    for name, table in urban_tables().items():
        columns = [column.name for column in TABLES[name].columns] + ["geometry"] * bool(TABLES[name].geometry)
        assert list(table.columns) == columns
        for column in TABLES[name].columns:
            assert table[column.name].dtype == (np.float64 if column.kind == "number" else TEXT)


def test_every_id_is_unique_over_all_devices_and_is_simbenchs_own() -> None:
    ids = pd.concat([getattr(urban_tables(), name)["id"] for name in DEVICE_TABLES])
    assert ids.is_unique
    for name, own in (("lines", "Line"), ("switches", "Switch"), ("customers", "Load")):
        assert set(getattr(urban_tables(), name)["id"]) <= set(urban_csv()[own]["id"])
    assert urban_tables().customers["id"].is_unique
    assert urban_tables().nodes["id"].is_unique


@pytest.mark.parametrize(
    ("table", "element"),
    [("lines", "line"), ("switches", "switch"), ("transformers", "trafo"), ("customers", "load"), ("sources", "ext_grid")],
)
def test_everything_bears_the_name_that_it_has_in_pandapower(table: str, element: str) -> None:
    assert sorted(getattr(urban_tables(), table)["id"]) == sorted(urban_net()[element]["name"])


def test_every_bus_of_pandapower_is_a_node_with_the_same_place() -> None:
    net, nodes = urban_net(), _indexed("nodes")
    at = nodes.loc[net.bus["name"]]
    points = shapely.from_geojson(net.bus["geo"].to_numpy(dtype=object))
    assert np.array_equal(at[["x", "y"]].to_numpy(), shapely.get_coordinates(points))


def test_lines_join_the_nodes_of_the_csv_with_their_lengths_and_voltages() -> None:
    csv = urban_csv()["Line"].set_index("id").loc[urban_tables().lines["id"]]
    voltage = urban_csv()["Node"].set_index("id")["vmR"]
    lines = _indexed("lines")
    assert (lines[["from_node", "to_node"]].to_numpy() == csv[["nodeA", "nodeB"]].to_numpy()).all()
    np.testing.assert_allclose(lines["length_m"], csv["length"] * 1000)
    assert (lines["voltage_kv"].to_numpy() == voltage.loc[csv["nodeB"]].to_numpy()).all()
    assert lines["length_m"].sum() == pytest.approx(urban_net().line["length_km"].sum() * 1000)


def test_switches_join_the_nodes_of_the_csv_and_fifteen_are_open() -> None:
    csv = urban_csv()["Switch"].set_index("id").loc[urban_tables().switches["id"]]
    switches = _indexed("switches")
    assert (switches[["from_node", "to_node"]].to_numpy() == csv[["nodeA", "nodeB"]].to_numpy()).all()
    assert ((switches["normal_state"] == "closed").to_numpy() == csv["cond"].astype(bool).to_numpy()).all()
    assert (switches["normal_state"] == "open").sum() == 15


def test_switches_are_of_the_kinds_that_their_types_say() -> None:
    net = urban_net()
    kinds = pd.crosstab(_indexed("switches")["kind"], net.switch.set_index("name")["type"].reindex(_indexed("switches").index))
    pairs = {(kind, given): int(kinds.loc[kind, given]) for kind in kinds.index for given in kinds if kinds.loc[kind, given]}
    assert pairs == {("breaker", "CB"): 411, ("load_break", "LBS"): 276, ("disconnector", "DS"): 2, ("switch", "LS"): 20_244}
    assert set(kinds.index) <= set(SWITCH_KINDS)


def test_transformers_have_the_rating_and_connection_of_their_type() -> None:
    found = urban_tables().transformers.groupby(["kva", "connection"]).size().to_dict()
    assert found == {(400.0, "delta_wye"): 51, (630.0, "delta_wye"): 82, (63_000.0, "wye_delta"): 2}
    assert (_indexed("transformers")["kva"] == urban_net().trafo.set_index("name")["sn_mva"] * 1000).all()


def test_no_transformer_of_it_serves_one_customer_alone() -> None:
    network = build_network(urban_tables())
    served = np.bincount(network.transformer_of_customer, minlength=135)
    assert served.min() == 3, "the medium-voltage customers of either high-voltage transformer"
    assert (urban_tables().transformers["ownership"] == "public").all()


def test_every_load_is_one_customer_at_its_node_with_its_power() -> None:
    customers, loads = _indexed("customers"), urban_net().load.set_index("name")
    np.testing.assert_allclose(customers["load_kw"], loads.loc[customers.index, "p_mw"] * 1000)
    csv = urban_csv()["Load"].set_index("id")
    assert (customers["node"] == csv.loc[customers.index, "node"]).all()
    assert customers["load_kw"].sum() == pytest.approx(49_707)


def test_customers_are_of_the_category_of_their_profile() -> None:
    assert urban_tables().customers["category"].value_counts().to_dict() == {
        "residential": 10_225,
        "commercial": 1_315,
        "industrial": 2,
    }


@pytest.mark.parametrize(
    ("profile", "category"),
    [
        ("H0-A", "residential"),
        ("G6-A", "commercial"),
        ("L2-M", "agricultural"),
        ("BL-H", "industrial"),
        ("WB-H", "industrial"),
        ("lv_rural1", "aggregated"),
        ("mv_add1", "aggregated"),
        ("hv_mixed2", "aggregated"),
        ("HS17", "aggregated"),
        ("HLS_A_3.7", "ev_charging"),
        ("APLS_0.033", "ev_charging"),
        ("Air_Semi-Parallel_2", "heat_pump"),
        ("Soil_Alternative_1", "heat_pump"),
        ("Q9", "Q9"),
    ],
)
def test_a_load_profile_says_who_draws_the_power(profile: str, category: str) -> None:
    assert category_of(profile) == category


def test_every_customer_is_supplied_in_the_normal_state() -> None:
    assert (live_phases(urban_tables()) == 0b111).all()
    assert (build_network(urban_tables()).transformer_of_customer >= 0).all()


def test_everything_has_a_place_and_lines_are_drawn_between_their_nodes() -> None:
    tables, nodes = urban_tables(), _indexed("nodes")
    assert nodes.notna().all(axis=None)
    for name in DEVICE_TABLES:
        assert getattr(tables, name).geometry.notna().all()
    ends = shapely.get_coordinates(tables.lines.geometry.to_numpy()).reshape(-1, 4)
    assert np.array_equal(ends[:, :2], nodes.loc[tables.lines["from_node"]].to_numpy())
    assert np.array_equal(ends[:, 2:], nodes.loc[tables.lines["to_node"]].to_numpy())
    west, south, east, north = tables.lines.total_bounds
    assert 11.34 < west < east < 11.40
    assert 53.60 < south < north < 53.67


def test_low_voltage_lines_are_drawn_about_three_times_as_long_as_they_are() -> None:
    lines = urban_tables().lines.to_crs("EPSG:25832")
    drawn = lines.geometry.length.groupby(lines["voltage_kv"]).sum() / lines.groupby("voltage_kv")["length_m"].sum()
    assert drawn[0.4] == pytest.approx(3.1, abs=0.2)
    assert drawn[10.0] == pytest.approx(0.7, abs=0.1)


def test_medium_voltage_lines_are_on_the_feeder_that_simbench_names() -> None:
    """SimBench writes the feeder of a medium-voltage line as its subnet; ours comes from the topology."""
    own = urban_csv()["Line"].set_index("id")["subnet"].str.extract(r"^MV3\.101_(Feeder)(\d+)$").dropna()
    named = own[0] + " " + own[1]
    assert len(named) == 133
    assert (_indexed("lines")["feeder"].reindex(named.index) == named).all()


def test_low_voltage_devices_are_on_the_feeder_of_their_transformer() -> None:
    tables = urban_tables()
    network = build_network(tables)
    behind = network.transformer_of_node[[network.node(node) for node in tables.lines["from_node"]]]
    low = tables.lines["voltage_kv"].to_numpy() < 1
    of_transformer = tables.transformers["feeder"].to_numpy(dtype=object)[behind[low]]
    assert (tables.lines["feeder"].to_numpy(dtype=object)[low] == of_transformer).all()


def test_only_what_belongs_to_the_busbars_is_on_no_feeder() -> None:
    tables = urban_tables()
    assert tables.lines.loc[tables.lines["feeder"].isna(), "id"].tolist() == ["MV3.101 Reserve line"]
    without = tables.transformers.loc[tables.transformers["feeder"].isna(), "id"]
    assert without.tolist() == ["HV1-MV3.101-Trafo1", "HV1-MV3.101-Trafo2"]
    assert sorted(tables.lines["feeder"].dropna().unique(), key=lambda name: int(name.split()[1])) == [
        f"Feeder {number}" for number in range(1, 15)
    ]


def test_a_low_voltage_network_alone_has_numbered_feeders() -> None:
    tables = read_simbench("1-LV-rural1--0-sw")
    assert (len(tables.customers), len(tables.lines), len(tables.transformers), len(tables.sources)) == (13, 13, 1, 1)
    assert set(tables.lines["feeder"]) == {"Feeder 1", "Feeder 2", "Feeder 3", "Feeder 4"}
    assert tables.transformers["connection"].tolist() == ["wye_wye"], "the name of its type says nothing about the windings"
    assert (live_phases(tables) != 0).all()


def test_feeders_of_several_grids_bear_the_name_of_their_grid() -> None:
    tables = read_simbench("1-HVMV-mixed-all-0-sw")
    assert "MV3.101 Feeder 7" in set(tables.lines["feeder"])
    assert len(tables.sources) == 3
    assert (live_phases(tables) != 0).all()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("1-MVLV-urban-all-0", ["'1-MVLV-urban-all-0'", URBAN]),
        ("", ["Given: ''", "nearest of its 246 codes"]),
        ("1-MVLV-urban-all-0-no_sw", ["without its switches", f"Take {URBAN}."]),
    ],
)
def test_a_code_that_cannot_be_read_is_refused_with_the_next_step(code: str, words: list[str]) -> None:
    with pytest.raises(SourceError) as refusal:
        read_simbench(code)
    assert all(word in str(refusal.value) for word in words)


def test_without_the_package_the_refusal_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "simbench", None)
    with pytest.raises(SourceError, match=r'make test.*pip install "gridnotice\[simbench\]"'):
        read_simbench(URBAN)
