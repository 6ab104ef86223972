"""Broken inputs, each with what is said of it and what becomes of its rows. None crashes, none drops a row in silence."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.raw import RawTables
from geo.read import SourceError, read_tables
from geo.schema import Problem
from geo.validate import Checked, validate
from tests.geo.valid import (
    assert_every_row_is_accounted_for,
    assert_sound,
    drawn,
    spoiled_frames,
    valid_frames,
    with_cell,
    write_folder,
)

Frames = dict[str, pd.DataFrame]

QUARANTINED = object()
ABSENT = object()

# table, row, column, what is written in the cell → column and rule of the problem, and what becomes of the row:
# set aside, or kept with this in the cell. Read from CSV as a utility would write it.
CELLS: list[tuple[str, str, str, str, str, str, Any]] = [
    ("sources", "S", "phases", "ABQ", "phases", "is no list of phases", "ABC"),
    ("sources", "S", "node", "n99", "node", "is a node that no device is joined to", "n99"),
    ("lines", "L3", "id", "", "id", "is empty", QUARANTINED),
    ("lines", "L3", "id", "L2", "id", "is the same as in an earlier row", QUARANTINED),
    ("lines", "L3", "from_node", "", "from_node", "is empty", QUARANTINED),
    ("lines", "L3", "to_node", "m3", "to_node", "is the same node as from_node", QUARANTINED),
    ("lines", "L3", "phases", "AAB", "phases", "is no list of phases", "ABC"),
    ("lines", "L3", "to_phases", "AB", "to_phases", "has another number of phases", ABSENT),
    ("lines", "L3", "length_m", "-5", "length_m", "is negative", ABSENT),
    ("lines", "L3", "length_m", "NaN", "length_m", "is no number", ABSENT),
    ("lines", "L3", "length_m", "1,5", "length_m", "is no number", ABSENT),
    ("lines", "L3", "length_m", "1e999", "length_m", "is no number", ABSENT),
    ("lines", "L3", "voltage_kv", "ten", "voltage_kv", "is no number", ABSENT),
    ("lines", "L3", "name", "Mill\nroad", "name", "has line breaks", "Mill road"),
    ("lines", "L3", "geometry", "LINESTRING (1 1", "geometry", "is no geometry that can be read", ABSENT),
    ("lines", "L3", "geometry", "LINESTRING EMPTY", "geometry", "is a geometry without a point", ABSENT),
    ("lines", "L3", "geometry", "LINESTRING (120 30, 120 30)", "geometry", "is not valid", ABSENT),
    ("lines", "L3", "geometry", "POINT (120 30)", "geometry", "is not a LineString or MultiLineString", ABSENT),
    ("lines", "L3", "geometry", "LINESTRING (30 120, 30 121)", "geometry", "lies outside of the world", ABSENT),
    ("lines", "L3", "geometry", "CIRCULARSTRING (0 0, 1 1, 2 0)", "geometry", "is no geometry that can be read", ABSENT),
    ("switches", "Q3", "kind", "valve", "kind", "is not one of the words allowed", "switch"),
    ("switches", "Q3", "kind", "", "kind", "is empty", "switch"),
    ("switches", "Q3", "normal_state", "ajar", "normal_state", "is not one of the words allowed", QUARANTINED),
    ("switches", "Q3", "normal_state", "", "normal_state", "is empty", QUARANTINED),
    ("switches", "Q3", "id", "L3", "id", "is the id of a row of lines too", QUARANTINED),
    ("transformers", "T3", "connection", "zigzag", "connection", "is not one of the words allowed", "wye_wye"),
    ("transformers", "T3", "to_phases", "A", "to_phases", "has another number of phases", ABSENT),
    ("transformers", "T3", "ownership", "shared", "ownership", "is not one of the words allowed", "public"),
    ("transformers", "T3", "kva", "-400", "kva", "is negative", ABSENT),
    ("transformers", "T3", "to_node", "n4", "to_node", "is the same node as from_node", QUARANTINED),
    ("transformers", "T3", "id", "Q3", "id", "is the id of a row of switches too", QUARANTINED),
    ("transformers", "T3", "geometry", "POINT (0 0)", "geometry", "lies far from the rest", shapely.Point(0, 0)),
    ("customers", "C7", "id", " ", "id", "is empty", QUARANTINED),
    ("customers", "C7", "id", "C6", "id", "is the same as in an earlier row", QUARANTINED),
    ("customers", "C7", "node", "", "node", "is empty", QUARANTINED),
    ("customers", "C7", "node", "nowhere", "node", "refers to no node", QUARANTINED),
    ("customers", "C7", "category", "", "category", "is empty", "unknown"),
    ("customers", "C7", "phases", "N", "phases", "is no list of phases", ABSENT),
    ("customers", "C7", "priority", "urgent", "priority", "is not one of the words allowed", "none"),
    ("customers", "C7", "load_kw", "-1", "load_kw", "is negative", 0.0),
    ("customers", "C7", "load_kw", "much", "load_kw", "is no number", 0.0),
    ("customers", "C7", "place_id", "P77", "place_id", "refers to no place", ABSENT),
    ("customers", "C7", "x", "", "x", "has only one of x and y", ABSENT),
    ("customers", "C7", "x", "east", "x", "is no number", ABSENT),
    ("customers", "C7", "x", "500000", "x", "lies outside of the world", ABSENT),
    ("customers", "C7", "x", "12.5", "x", "lies far from the rest", 12.5),
    ("places", "P3", "parent_id", "P99", "parent_id", "refers to no place", ABSENT),
    ("places", "P3", "parent_id", "P3", "parent_id", "goes round in a circle", ABSENT),
    ("places", "P3", "geometry", "POLYGON ((0 0, 1 1, 1 0, 0 1, 0 0))", "geometry", "is not valid", ABSENT),
    ("places", "P3", "name", "", "name", "is empty", QUARANTINED),
    ("places", "P3", "kind", "hamlet", "kind", "is not one of the words allowed", QUARANTINED),
    ("service_areas", "T3", "transformer_id", "", "transformer_id", "is empty", QUARANTINED),
    ("service_areas", "T3", "transformer_id", "T99", "transformer_id", "refers to no transformer", QUARANTINED),
    ("service_areas", "T3", "transformer_id", "T2", "transformer_id", "is the same as in an earlier row", QUARANTINED),
    ("service_areas", "T3", "geometry", "", "geometry", "is empty", QUARANTINED),
    ("service_areas", "T3", "geometry", "POLYGON ((0 0, 1 1, 1 0, 0 1, 0 0))", "geometry", "is not valid", QUARANTINED),
    ("service_areas", "T3", "geometry", "POINT (120 30)", "geometry", "is not a Polygon or MultiPolygon", QUARANTINED),
    ("nodes", "n3", "id", "n2", "id", "is the same as in an earlier row", QUARANTINED),
    ("nodes", "n3", "y", "", "x", "has only one of x and y", ABSENT),
]


@pytest.mark.parametrize(
    ("table", "row", "column", "cell", "said_of", "rule", "becomes"), CELLS, ids=[f"{c[0]}.{c[2]}={c[3]!r}" for c in CELLS]
)
def test_a_broken_cell_is_said_and_its_row_accounted_for(
    table: str, row: str, column: str, cell: str, said_of: str, rule: str, becomes: Any, tmp_path: Path
) -> None:
    raw = read_tables(write_folder(with_cell(table, row, column, cell), tmp_path / "net"))
    checked = validate(raw)
    assert_every_row_is_accounted_for(raw, checked)
    assert_sound(checked)
    problem = _the_problem(checked, table, said_of, rule)
    assert problem.ids == (_name_of(table, row, column, cell),)
    assert problem.fix.endswith(".")
    position = _position(table, row)
    aside = checked.quarantined.get(table, pd.DataFrame())
    if becomes is QUARANTINED:
        assert problem.severity == "error"
        assert list(aside.index) == [position]
        assert rule in aside.loc[position, "why"]
        assert column == "geometry" or aside.loc[position, column] == cell
        return
    assert aside.empty
    kept = getattr(checked.tables, table).iloc[position][said_of]
    assert pd.isna(kept) if becomes is ABSENT else kept == becomes


def _name_of(table: str, row: str, column: str, cell: str) -> str:
    """The id in the report: the one that is in the row now, or else the number of the row."""
    if column != ("transformer_id" if table == "service_areas" else "id"):
        return row
    return cell.strip() or f"row {_position(table, row) + 1}"


def _position(table: str, row: str) -> int:
    frame = valid_frames()[table]
    return int(np.flatnonzero(frame["transformer_id" if table == "service_areas" else "id"] == row)[0])


def _the_problem(checked: Checked, table: str, column: str, rule: str) -> Problem:
    found = [p for p in checked.problems if (p.table, p.column) == (table, column) and rule in p.rule]
    assert len(found) == 1, "\n".join(map(str, checked.problems))
    return found[0]


def _drop(table: str, column: str) -> Callable[[Frames], None]:
    return lambda frames: frames.update({table: frames[table].drop(columns=column)})


def _put(frames: Frames, table: str, **columns: Any) -> None:
    frames[table] = frames[table].assign(**columns)


def _swap_all(frames: Frames) -> None:
    frames["customers"] = frames["customers"].rename(columns={"x": "y", "y": "x"})


def _swap_some(frames: Frames) -> None:
    """Turn round three customers of a network near Zürich, where both orders are places in the world."""
    for table in ("sources", "customers", "nodes"):
        frames[table]["x"] = (frames[table]["x"].astype(float) - 112.0).map(str)
        frames[table]["y"] = (frames[table]["y"].astype(float) + 17.0).map(str)
    for table in ("lines", "switches", "transformers", "service_areas"):
        del frames[table]["geometry"]
    del frames["service_areas"]
    frames["customers"].loc[4:6, ["x", "y"]] = frames["customers"].loc[4:6, ["y", "x"]].to_numpy()


def _cycle(frames: Frames) -> None:
    frames["places"].loc[1:3, "parent_id"] = ["P2", "P3", "P1"]
    frames["places"].loc[4, "parent_id"] = "P1"


def _overlap(frames: Frames) -> None:
    area = shapely.from_wkt(frames["service_areas"].loc[4, "geometry"])
    shifted = shapely.transform(area, lambda xy: xy - np.array([0.002, 0.0]))
    frames["service_areas"].loc[4, "geometry"] = shapely.to_wkt(shifted)


def _same_area(frames: Frames) -> None:
    frames["service_areas"].loc[4, "geometry"] = frames["service_areas"].loc[5, "geometry"]


def _origin(frames: Frames) -> None:
    frames["customers"].loc[7, ["x", "y"]] = ["0", "0"]


def _many_bad(table: str, column: str, cell: str) -> Callable[[Frames], None]:
    return lambda frames: _put(frames, table, **{column: [cell] * 3 + list(frames[table][column][3:])})


def _ids(prefix: str, numbers: range) -> tuple[str, ...]:
    return tuple(f"{prefix}{i}" for i in numbers)


# What is done to the tables → table, column, rule, ids, severity.
NETWORKS: dict[str, tuple[Callable[[Frames], Any], tuple[str, str, str, tuple[str, ...], str]]] = {
    "no sources": (lambda f: f.pop("sources"), ("sources", "", "is missing", (), "fatal")),
    "no customers": (lambda f: f.pop("customers"), ("customers", "", "is missing", (), "fatal")),
    "no row of customers": (lambda f: f.update(customers=f["customers"][:0]), ("customers", "", "has no row", (), "fatal")),
    "no column node": (_drop("customers", "node"), ("customers", "node", "is missing", (), "fatal")),
    "no column normal_state": (_drop("switches", "normal_state"), ("switches", "normal_state", "is missing", (), "fatal")),
    "no column id": (_drop("places", "id"), ("places", "id", "is missing", (), "fatal")),
    "no geometry of areas": (_drop("service_areas", "geometry"), ("service_areas", "geometry", "is missing", (), "fatal")),
    "no devices": (
        lambda f: [f.pop(table) for table in ("lines", "switches", "transformers")],
        ("customers", "", "has 50 of 50 rows broken (100.0%; the limit is 5.0%)", (), "fatal"),
    ),
    "too many bad states": (
        _many_bad("switches", "normal_state", "?"),
        ("switches", "", "has 3 of 25 rows broken (12.0%; the limit is 5.0%)", (), "fatal"),
    ),
    "too many bad kinds": (
        _many_bad("switches", "kind", "?"),
        ("switches", "", "has 3 of 25 rows broken (12.0%; the limit is 5.0%)", (), "fatal"),
    ),
    "no source left": (
        lambda f: _put(f, "sources", node=""),
        ("sources", "", "has no row left", (), "fatal"),
    ),
    "unknown columns": (
        lambda f: _put(f, "lines", colour="red"),
        ("lines", "", "has columns that are not in the data model and were not read: colour", (), "warning"),
    ),
    "all customers latitude first": (
        _swap_all,
        ("customers", "x", "has longitude and latitude the wrong way round", _ids("C", range(50)), "error"),
    ),
    "some customers latitude first": (
        _swap_some,
        ("customers", "x", "has longitude and latitude the wrong way round", _ids("C", range(4, 7)), "error"),
    ),
    "a customer at 0, 0": (_origin, ("customers", "x", "is at 0, 0, which stands for no place", ("C7",), "error")),
    "a circle of places": (_cycle, ("places", "parent_id", "goes round in a circle", ("P1", "P2", "P3"), "error")),
    "areas overlap": (_overlap, ("service_areas", "geometry", "overlaps another area", ("T3 and T4",), "warning")),
    "areas are the same": (
        _same_area,
        ("service_areas", "geometry", "covers more than half of another area", ("T4 and T5",), "error"),
    ),
    "no areas": (lambda f: f.pop("service_areas"), ("service_areas", "", "is absent", (), "warning")),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_broken_network_is_said_and_its_rows_accounted_for(name: str, tmp_path: Path) -> None:
    change, (table, column, rule, ids, severity) = NETWORKS[name]
    frames = valid_frames()
    change(frames)
    raw = read_tables(write_folder(frames, tmp_path / "net"))
    checked = validate(raw)
    assert_every_row_is_accounted_for(raw, checked)
    problem = _the_problem(checked, table, column, rule)
    assert (problem.ids, problem.severity) == (ids, severity)
    assert checked.refused == (severity == "fatal") == (checked.tables is None)
    if not checked.refused:
        assert_sound(checked)


def _zip_with(*files: tuple[str, bytes]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        with zipfile.ZipFile(folder / "net.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files:
                archive.writestr(name, content)
        return folder / "net.zip"

    return make


def _locked_zip(folder: Path) -> Path:
    path = _zip_with(("lines.csv", b"id"))(folder)
    packed = bytearray(path.read_bytes())
    # The flag that says "encrypted", in the header of the file and in the directory at the end.
    packed[6] |= 1
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(packed)
    return path


def _file(name: str, content: bytes) -> Callable[[Path], Path]:
    """Write one more file into the folder of a valid network; the folder is the source."""

    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder

    return make


def _instead(name: str, content: bytes) -> Callable[[Path], Path]:
    """Write a file in place of the table's CSV."""

    def make(folder: Path) -> Path:
        (folder / name).with_suffix(".csv").unlink()
        return _file(name, content)(folder)

    return make


def _single(name: str, content: bytes) -> Callable[[Path], Path]:
    return lambda folder: _file(name, content)(folder) / name


# What is given as the source → a piece of the refusal.
SOURCES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "nothing there": (lambda folder: folder / "absent.gpkg", "There is nothing at"),
    "an empty GeoPackage": (_single("net.gpkg", b""), "is empty"),
    "no GeoPackage": (_single("net.gpkg", b"id,node\n"), "is no GeoPackage"),
    "a broken GeoPackage": (_single("net.gpkg", b"SQLite format 3\0" + bytes(500)), "no GeoPackage that can be read"),
    "one table alone": (lambda folder: folder / "lines.csv", "is one table, and a network is several"),
    "a folder without tables": (lambda folder: folder.parent, "has no table of a network"),
    "an empty table": (_file("customers.csv", b""), "customers.csv is empty"),
    "a table of blank lines": (_file("customers.csv", b"\n\r\n\n"), "customers.csv is empty"),
    "a picture as a table": (_file("customers.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "is no text: it holds zero bytes"),
    "Latin-1": (_file("customers.csv", "id,node\nMüller,Straße\n".encode("latin-1")), "text neither in UTF-8 nor in GB18030"),
    "a column twice": (_file("customers.csv", b"id,node,id\n1,2,3\n"), "two columns called id"),
    "a table twice": (_file("Lines.geojson", b"{}"), "two tables lines"),
    "a GeoJSON that is none": (_instead("places.geojson", b'{"type": "Featu'), "places.geojson cannot be read"),
    "a Shapefile that is none": (_instead("places.shp", b"x"), "places.shp cannot be read"),
    "a Parquet that is none": (_instead("places.parquet", b"PAR1"), "places.parquet is no Parquet file"),
    "a zip that is none": (_single("net.zip", b"PK\x03\x04 and no more"), "cannot be unpacked"),
    "a zip of nothing": (_zip_with(("readme.txt", b"hello")), "has no table of a network"),
    "a zip with a password": (_locked_zip, "cannot be unpacked: .* without a password"),
    "a zip of too many files": (_zip_with(*((f"{i}.csv", b"") for i in range(1001))), "holds 1,001 files"),
    "a zip with a table twice": (_zip_with(("a/lines.csv", b"id"), ("b/lines.csv", b"id")), "two files called lines.csv"),
    "a zip bomb": (_zip_with(("lines.csv", bytes(32 * 2**20))), "times when unpacked"),
    "a zip that climbs out": (_zip_with(("../lines.csv", b"id")), "leads outside of the folder"),
    "a zip with an absolute name": (_zip_with(("/etc/lines.csv", b"id")), "leads outside of the folder"),
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_that_is_no_network_is_refused_with_the_next_step(name: str, tmp_path: Path) -> None:
    make, said = SOURCES[name]
    source = make(write_folder(valid_frames(), tmp_path / "net"))
    with pytest.raises(SourceError, match=said) as refusal:
        read_tables(source)
    assert str(refusal.value).endswith(".")


def test_the_network_that_is_broken_above_is_whole(tmp_path: Path) -> None:
    raw = read_tables(write_folder(valid_frames(), tmp_path / "net"))
    checked = validate(raw)
    assert (checked.problems, checked.quarantined, checked.refused) == ((), {}, False)
    assert_every_row_is_accounted_for(raw, checked)
    assert_sound(checked)


def test_all_rules_are_reported_at_once(tmp_path: Path) -> None:
    frames = valid_frames()
    frames["lines"].loc[1, "from_node"] = ""
    frames["switches"].loc[2, "normal_state"] = "?"
    frames["customers"].loc[3, ["node", "load_kw", "category"]] = ["?", "?", ""]
    frames["sources"] = frames["sources"].drop(columns="node")
    problems = validate(read_tables(write_folder(frames, tmp_path / "net"))).problems
    said = {(problem.table, problem.column) for problem in problems}
    assert said >= {("sources", "node"), ("lines", "from_node"), ("switches", "normal_state"), ("customers", "load_kw")}


@settings(max_examples=150, deadline=None)
@given(frames=spoiled_frames(), limit=st.sampled_from([0.05, 1.0]))
def test_garbage_in_cells_never_raises_and_never_loses_a_row(frames: Frames, limit: float) -> None:
    raw = RawTables(drawn(frames))
    checked = validate(raw, limit=limit)
    assert_every_row_is_accounted_for(raw, checked)
    if not checked.refused:
        assert_sound(checked)


@settings(max_examples=100, deadline=None)
@given(content=st.one_of(st.binary(max_size=200), st.text(alphabet='id,node"\n\r;x 中', max_size=80).map(str.encode)))
def test_any_bytes_as_a_table_are_read_or_refused(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = write_folder(valid_frames(), tmp_path_factory.mktemp("net"))
    (folder / "places.csv").write_bytes(content)
    try:
        raw = read_tables(folder)
    except SourceError:
        return
    assert_every_row_is_accounted_for(raw, validate(raw))
