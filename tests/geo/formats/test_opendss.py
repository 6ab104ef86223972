"""OpenDSS circuits are read as what they are: branches, switches, windings and loads, each on its phases."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import opendssdirect
import pandas as pd
import pytest
from geopandas import GeoDataFrame

from geo.formats.opendss import raw_opendss, read_opendss
from geo.raw import SourceError
from geo.schema import GridTables
from geo.validate import validate
from tests.circuits import IEEE123


def _master(folder: Path, commands: str, *, after: str = "") -> Path:
    path = folder / "Master.dss"
    bases = "set voltagebases=[12.47 0.4 0.24]\ncalcvoltagebases"
    path.write_text(f"clear\nnew circuit.small basekv=12.47 bus1=src\n{commands}\n{bases}\n{after}\n")
    return path


def _read(folder: Path, commands: str, *, after: str = "") -> GridTables:
    return read_opendss(_master(folder, commands, after=after))


def _rows(frame: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    return list(frame[list(columns)].fillna("").itertuples(index=False, name=None))


@pytest.mark.parametrize(
    ("command", "row"),
    [
        ("new line.L1 bus1=a bus2=b", ("Line.l1", "a", "b", "ABC", "")),
        ("new line.l1 phases=1 bus1=A.2 bus2=b.2", ("Line.l1", "a", "b", "B", "")),
        ("new line.l1 phases=2 bus1=a.3.1 bus2=b.3.1", ("Line.l1", "a", "b", "CA", "")),
        ("new line.l1 phases=2 bus1=a.1.2 bus2=b.2.3", ("Line.l1", "a", "b", "AB", "BC")),
        ("new line.l1 phases=1 bus1=a bus2=b", ("Line.l1", "a", "b", "A", "")),
        ("new line.l1 phases=4 bus1=a.1.2.3.4 bus2=b.1.2.3.4", ("Line.l1", "a", "b", "ABC", "")),
        ("new line.l1 phases=3 bus1=a.1.2.0 bus2=b.1.2.0", ("Line.l1", "a", "b", "AB", "")),
        ("new line.l(r:a-b.1) bus1=a bus2=b", ("Line.l(r:a-b.1)", "a", "b", "ABC", "")),
        ("new reactor.r1 bus1=a bus2=b r=0 x=0.1", ("Reactor.r1", "a", "b", "ABC", "")),
        ("new capacitor.c1 phases=1 bus1=a.3 bus2=b.3 kv=7.2 kvar=100", ("Capacitor.c1", "a", "b", "C", "")),
    ],
)
def test_a_branch_is_a_line_on_the_phases_of_its_nodes(command: str, row: tuple[str, ...], tmp_path: Path) -> None:
    grid = _read(tmp_path, command)
    assert _rows(grid.lines, "id", "from_node", "to_node", "phases", "to_phases") == [row]
    assert len(grid.switches) == 0


@pytest.mark.parametrize(
    "command",
    [
        "new capacitor.c1 bus1=a kv=12.47 kvar=300",
        "new capacitor.c1 bus1=a kv=12.47 kvar=300 conn=delta",
        "new reactor.r1 bus1=a kv=12.47 kvar=300",
        "new reactor.r1 phases=1 bus1=a.4 bus2=a.0 r=1 x=0",
    ],
)
def test_what_stands_between_a_bus_and_earth_is_no_line(command: str, tmp_path: Path) -> None:
    grid = _read(tmp_path, command)
    assert (len(grid.lines), len(grid.switches)) == (0, 0)


@pytest.mark.parametrize(
    ("commands", "rows"),
    [
        ("new line.s switch=y bus1=a bus2=b", [("Line.s", "switch", "ABC", "closed")]),
        ("new line.s bus1=a bus2=b\nnew fuse.f monitoredobj=line.s", [("Line.s", "fuse", "ABC", "closed")]),
        ("new line.s bus1=a bus2=b\nnew recloser.r monitoredobj=line.s", [("Line.s", "recloser", "ABC", "closed")]),
        ("new line.s bus1=a bus2=b\nnew relay.r monitoredobj=line.s monitoredterm=2", [("Line.s", "breaker", "ABC", "closed")]),
        ("new line.s bus1=a bus2=b\nnew swtcontrol.k switchedobj=line.s switchedterm=1", [("Line.s", "switch", "ABC", "closed")]),
        # A protective device says more than the remote control beside it.
        (
            "new line.s bus1=a bus2=b\nnew swtcontrol.k switchedobj=line.s switchedterm=1\nnew fuse.f monitoredobj=line.s",
            [("Line.s", "fuse", "ABC", "closed")],
        ),
        # What is open, in whichever way it is said, is a tie.
        ("new line.s bus1=a bus2=b enabled=no", [("Line.s", "switch", "ABC", "open")]),
        ("new line.s bus1=a bus2=b\nopen line.s term=1", [("Line.s", "switch", "ABC", "open")]),
        ("new line.s bus1=a bus2=b\nopen line.s term=2", [("Line.s", "switch", "ABC", "open")]),
        (
            "new line.s bus1=a bus2=b\nnew swtcontrol.k switchedobj=line.s switchedterm=1 state=open",
            [("Line.s", "switch", "ABC", "open")],
        ),
        ("new reactor.r bus1=a bus2=b r=0 x=0.1 enabled=no", [("Reactor.r", "switch", "ABC", "open")]),
        # Conductors that are open are a row of their own.
        (
            "new line.s switch=y bus1=a bus2=b\nopen line.s 1 2",
            [("Line.s", "switch", "AC", "closed"), ("Line.s.open", "switch", "B", "open")],
        ),
        ("new line.s bus1=a bus2=b\nopen line.s 1 2", [("Line.s.open", "switch", "B", "open")]),
    ],
)
def test_what_can_be_opened_is_a_switch_in_its_state(commands: str, rows: list[tuple[str, ...]], tmp_path: Path) -> None:
    grid = _read(tmp_path, commands)
    assert _rows(grid.switches, "id", "kind", "phases", "normal_state") == rows
    assert set(grid.lines["phases"]) <= {"AC"}, "what stays closed of a line is a line"


@pytest.mark.parametrize(
    ("unit", "row"),
    [
        ("phases=3 buses=[a b] conns=[wye wye]", ("ABC", "ABC", "wye_wye")),
        ("phases=3 buses=[a b] conns=[delta wye]", ("ABC", "ABC", "delta_wye")),
        ("phases=3 buses=[a b] conns=[wye delta]", ("ABC", "ABC", "wye_delta")),
        ("phases=3 buses=[a b] conns=[LL LL]", ("ABC", "ABC", "delta_delta")),
        ("phases=3 buses=[a b.2.3.1] conns=[wye wye]", ("ABC", "BCA", "wye_wye")),
        # Without earth at its neutral a wye has a voltage only between phases.
        ("phases=3 buses=[a.1.2.3.4 b] conns=[wye delta]", ("ABC", "ABC", "delta_delta")),
        ("phases=3 buses=[a.1.2.3.4 b] conns=[wye wye]", ("ABC", "ABC", "wye_wye")),
        ("phases=1 buses=[a.2 b.2]", ("B", "B", "wye_wye")),
        ("phases=1 buses=[a.3 b.1.0]", ("C", "A", "wye_wye")),
        # One phase has the kind of its nodes, whatever it is called.
        ("phases=1 buses=[a.1.2 b.1.2] conns=[wye wye]", ("AB", "AB", "delta_delta")),
        ("phases=1 buses=[a.3.2 b.1] conns=[delta wye]", ("CB", "A", "delta_wye")),
        ("phases=1 buses=[a.2 b.1.2] conns=[wye delta]", ("B", "12", "wye_delta")),
        ("phases=1 buses=[a.2.0 b.3.0] conns=[delta delta]", ("B", "C", "wye_wye")),
        ("phases=2 buses=[a.1.2 b.1.2] conns=[wye wye]", ("AB", "AB", "wye_wye")),
        ("phases=1 windings=3 buses=[a.3 b.1.0 b.0.2]", ("C", "12", "centre_tapped")),
        ("phases=1 windings=3 buses=[a.1.3 b.1.0 b.0.2]", ("AC", "12", "centre_tapped")),
    ],
)
def test_a_transformer_is_connected_as_its_windings_lie(unit: str, row: tuple[str, ...], tmp_path: Path) -> None:
    grid = _read(tmp_path, f"new transformer.T {unit}")
    assert _rows(grid.transformers, "id", "from_node", "to_node", "from_phases", "to_phases", "connection") == [
        ("Transformer.t", "a", "b", *row)
    ]


def test_a_neutral_earthed_through_a_reactor_is_earthed(tmp_path: Path) -> None:
    grid = _read(tmp_path, "new transformer.t buses=[a.1.2.3.4 b] conns=[wye delta]\nnew reactor.n phases=1 bus1=a.4 r=1 x=0")
    assert grid.transformers["connection"].tolist() == ["wye_delta"]


def test_a_regulator_keeps_its_bank_and_units_side_by_side_without_one_get_one(tmp_path: Path) -> None:
    commands = """
    new transformer.ra phases=1 buses=[a.1 b.1] bank=reg kvas=[2000 2000]
    new transformer.rb phases=1 buses=[a.2 b.2] bank=reg kvas=[2000 2000]
    new transformer.u1 phases=1 buses=[b.1 c.1.2] conns=[wye delta]
    new transformer.u2 phases=1 buses=[b.2 c.2.3] conns=[wye delta]
    new transformer.alone phases=1 buses=[b.1 d.1]
    """
    units = _read(tmp_path, commands).transformers
    assert units["bank"].fillna("").tolist() == ["reg", "reg", "Transformer.u1", "Transformer.u1", ""]
    assert units["kva"].tolist()[:2] == [2000.0, 2000.0]


def test_a_transformer_to_several_buses_is_opened_as_one(tmp_path: Path) -> None:
    commands = "new transformer.t phases=3 windings=3 buses=[a b c] conns=[delta wye delta]"
    assert _rows(_read(tmp_path, commands).transformers, "id", "from_node", "to_node", "connection", "bank") == [
        ("Transformer.t", "a", "Transformer.t.core", "wye_wye", "Transformer.t"),
        ("Transformer.t.2", "Transformer.t.core", "b", "delta_delta", "Transformer.t"),
        ("Transformer.t.3", "Transformer.t.core", "c", "delta_delta", "Transformer.t"),
    ]


def test_an_autotransformer_passes_phase_by_phase(tmp_path: Path) -> None:
    units = _read(tmp_path, "new autotrans.at phases=3 buses=[a b] kvs=[12.47 4.16]").transformers
    assert _rows(units, "id", "from_phases", "to_phases", "connection") == [("AutoTrans.at", "ABC", "ABC", "wye_wye")]


@pytest.mark.parametrize(
    ("units", "to_phases"),
    [
        # The unit that joins the third phase to a leg brings the third only; two of them close the delta.
        (["phases=1 buses=[a.3 b.3.1] conns=[wye delta]"], ["AB", "C"]),
        (["phases=1 buses=[a.2 b.2.3] conns=[wye delta]", "phases=1 buses=[a.3 b.3.1] conns=[wye delta]"], ["AB", "BC", "CA"]),
    ],
)
def test_in_a_four_wire_delta_the_centre_tapped_unit_holds_its_phases(
    units: list[str], to_phases: list[str], tmp_path: Path
) -> None:
    rows = ["phases=1 windings=3 buses=[a.1 b.1.0 b.0.2]", *units]
    grid = _read(tmp_path, "\n".join(f"new transformer.t{number} {row}" for number, row in enumerate(rows)))
    assert grid.transformers["to_phases"].tolist() == to_phases


def test_legs_are_legs_wherever_lines_lead_from_the_centre_tap(tmp_path: Path) -> None:
    commands = """
    new transformer.t phases=1 windings=3 buses=[a.2 b.1.0 b.0.2]
    new line.drop phases=2 bus1=b.1.2 bus2=c.1.2
    new line.tie phases=1 bus1=c.2 bus2=d.2 enabled=no
    new load.one phases=1 bus1=c.1 kv=0.12 kw=2
    new load.both phases=1 bus1=d.1.2 kv=0.24 kw=3
    """
    grid = _read(tmp_path, commands)
    assert grid.lines["phases"].tolist() == ["12"]
    assert grid.switches["phases"].tolist() == ["2"]
    assert grid.customers["phases"].tolist() == ["1", "12"]
    assert grid.lines["voltage_kv"].isna().all()


@pytest.mark.parametrize(
    ("commands", "switch", "from_node"),
    [
        (
            "new fuse.cut monitoredobj=transformer.t",
            ("Fuse.cut", "fuse", "a", "Transformer.t.1", "B", "closed"),
            "Transformer.t.1",
        ),
        ("open transformer.t 1", ("Transformer.t.1.switch", "switch", "a", "Transformer.t.1", "B", "open"), "Transformer.t.1"),
    ],
)
def test_what_opens_a_transformer_stands_before_it(
    commands: str, switch: tuple[str, ...], from_node: str, tmp_path: Path
) -> None:
    grid = _read(tmp_path, f"new transformer.t phases=1 buses=[a.2 b.2]\n{commands}")
    assert _rows(grid.switches, "id", "kind", "from_node", "to_node", "phases", "normal_state") == [switch]
    assert grid.transformers["from_node"].tolist() == [from_node]


@pytest.mark.parametrize(
    ("load", "phases"),
    [
        ("phases=3 bus1=a", "ABC"),
        ("phases=3 bus1=a conn=delta", "ABC"),
        ("phases=1 bus1=a.2", "B"),
        ("phases=1 bus1=a.2 conn=delta", "B"),
        ("phases=1 bus1=a.3.1 conn=delta", "CA"),
        ("phases=1 bus1=a.1.4", "A"),
        ("phases=2 bus1=a.2.3 conn=wye", "BC"),
        ("phases=2 bus1=a.1.2.3 conn=delta", "ABC"),
    ],
)
def test_a_load_is_a_customer_on_every_phase_that_it_touches(load: str, phases: str, tmp_path: Path) -> None:
    grid = _read(tmp_path, f"new load.House {load} kv=12.47 kw=3.5")
    assert _rows(grid.customers, "id", "node", "phases", "category", "load_kw") == [("Load.house", "a", phases, "other", 3.5)]


def test_the_name_of_a_load_shape_says_what_a_customer_is(tmp_path: Path) -> None:
    commands = """
    new loadshape.com_kw_7 npts=1 interval=1 mult=[1]
    new load.shop bus1=a kv=12.47 kw=1 yearly=com_kw_7
    new load.off bus1=a kv=12.47 kw=1 enabled=no
    """
    assert _rows(_read(tmp_path, commands).customers, "id", "category") == [("Load.shop", "commercial")]


def test_every_voltage_source_is_a_source_and_generators_are_none(tmp_path: Path) -> None:
    commands = """
    new vsource.second phases=1 bus1=b.2 basekv=7.2
    new vsource.off bus1=c basekv=12.47 enabled=no
    new generator.g bus1=b kv=12.47 kw=100
    """
    assert _rows(_read(tmp_path, commands).sources, "id", "node", "phases") == [
        ("Vsource.source", "src", "ABC"),
        ("Vsource.second", "b", "B"),
    ]


@pytest.mark.parametrize(
    ("units", "length_m"),
    [("kft", 152.4), ("mi", 804.672), ("km", 500.0), ("m", 0.5), ("ft", 0.1524), ("none", None)],
)
def test_lengths_come_in_metres_and_voltages_between_phases(units: str, length_m: float | None, tmp_path: Path) -> None:
    line = _read(tmp_path, f"new line.l bus1=src bus2=b length=0.5 units={units}").lines.iloc[0]
    assert line["length_m"] == pytest.approx(length_m) if length_m else pd.isna(line["length_m"])
    assert line["voltage_kv"] == pytest.approx(12.47, rel=0.001)


LINE = "new line.l bus1=src bus2=b"


def test_coordinates_are_taken_where_they_can_be_longitude_and_latitude(tmp_path: Path) -> None:
    (tmp_path / "xy.csv").write_text("src, 121.40, 31.20\nb, 121.41, 31.21\n")
    raw = raw_opendss(_master(tmp_path, LINE, after="buscoords xy.csv"))
    lines = raw.frames["lines"]
    assert isinstance(lines, GeoDataFrame)
    assert lines.geometry.iloc[0].wkt == "LINESTRING (121.4 31.2, 121.41 31.21)"
    assert raw.problems == ()


def test_coordinates_that_are_a_drawing_are_left_out_and_said_so(tmp_path: Path) -> None:
    (tmp_path / "xy.csv").write_text("src, 700, 1500\nb, 800, 1500\n")
    raw = raw_opendss(_master(tmp_path, LINE, after="buscoords xy.csv"))
    assert [str(problem) for problem in raw.problems] == [
        "nodes.x: has coordinates that are no longitudes and latitudes, and were not read. "
        "Name the CRS that they are in, if they are more than a drawing."
    ]
    assert len(raw.frames["nodes"]) == 0


def test_coordinates_in_a_named_crs_are_turned_to_longitude_and_latitude(tmp_path: Path) -> None:
    (tmp_path / "xy.csv").write_text("src, 353000, 3453000\nb, 353500, 3453500\n")
    nodes = read_opendss(_master(tmp_path, LINE, after="buscoords xy.csv"), crs="EPSG:32651").nodes
    assert nodes[["x", "y"]].iloc[0].tolist() == pytest.approx([121.458, 31.200], abs=0.01)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    commands = """
    new transformer.spare buses=[src b] enabled=no
    new transformer.stub phases=1 buses=[src.1 b.4]
    new load.astray phases=1 bus1=src.4 kv=7.2
    new swtcontrol.lost switchedobj=vsource.source switchedterm=1
    """
    problems = raw_opendss(_master(tmp_path, commands)).problems
    assert [(problem.table, problem.ids, problem.severity) for problem in problems] == [
        ("customers", ("Load.astray",), "error"),
        ("transformers", ("Transformer.stub",), "error"),
        ("transformers", ("Transformer.spare",), "warning"),
        ("switches", ("SwtControl.lost",), "warning"),
    ]


def test_files_that_a_master_redirects_to_are_read_and_the_working_directory_stays(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "lines.dss").write_text("new line.l bus1=src bus2=b\n")
    here = Path.cwd()
    assert len(_read(tmp_path, "redirect parts/lines.dss").lines) == 1
    assert Path.cwd() == here


def test_a_circuit_open_elsewhere_in_the_process_is_left_alone(tmp_path: Path) -> None:
    opendssdirect.Text.Command("clear")
    opendssdirect.Text.Command("new circuit.other")
    _read(tmp_path, LINE)
    assert opendssdirect.Circuit.Name() == "other"


def test_a_circuit_that_opendss_cannot_read_is_refused_with_its_words(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"OpenDSS cannot read the circuit\. Given: .*Master\.dss; it said: .*nothing"):
        _read(tmp_path, "redirect nothing.dss")


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"There is no such file\. Given: .*Master\.dss\. Name the master file"):
        read_opendss(tmp_path / "Master.dss")


def test_without_the_package_the_next_step_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opendssdirect", None)
    with pytest.raises(SourceError, match=r'OpenDSSDirect\.py, which is not installed.*pip install "gridnotice\[opendss\]"'):
        read_opendss(tmp_path / "Master.dss")


@pytest.mark.ieee123
def test_the_ieee_123_bus_circuit_is_whole() -> None:
    raw = raw_opendss(IEEE123)
    checked = validate(raw)
    sizes = {name: len(frame) for name, frame in raw.frames.items() if len(frame)}
    assert sizes == {"sources": 1, "lines": 118, "switches": 8, "transformers": 8, "customers": 91}
    assert checked.quarantined == {}
    assert checked.tables is not None
    assert checked.tables.customers["load_kw"].sum() == pytest.approx(3490.0)
    assert checked.tables.transformers["bank"].fillna("").tolist() == ["", "", "reg2", "reg3", "reg4", "reg3", "reg4", "reg4"]
