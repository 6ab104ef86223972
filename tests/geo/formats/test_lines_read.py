"""Bare line work out of real files, written by GDAL: which layer is taken, what lines are called, and any CRS."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from geo.formats.lines import read_lines
from geo.raw import SourceError
from geo.read import read_tables
from geo.validate import validate
from geo.write import write_tables
from tests.geo.formats.linework import METRES, drawn, findings, said, snapped, write_layers

DRAWING = """
S1 0,0
Q1 0,0
L1 0,0 500,0 1000,20 kv=10
L2 1000.3,20 1500,0 kv=10
Q2 1000,20
T1 1500,0
L3 1500,0 1550,0 kv=0.4
C1 1550,0.3
L4 1503,0 1503,90 kv=0.4
"""

UTM = "EPSG:32651"
FEET = "+proj=tmerc +lat_0=29 +lon_0=120 +x_0=500000 +datum=WGS84 +units=us-ft +type=crs"


@pytest.mark.parametrize("crs", ["EPSG:4326", UTM, "EPSG:3857", "EPSG:4490", FEET])
@pytest.mark.parametrize("kind", ["net.gpkg", "shp", "geojson"])
def test_a_drawing_is_the_same_network_from_any_file_in_any_crs(tmp_path: Path, kind: str, crs: str) -> None:
    target = write_layers(drawn(DRAWING), tmp_path / kind, crs="EPSG:4326" if kind == "geojson" else crs)
    found, expected = read_lines(target), snapped(DRAWING)
    assert said(found) == said(expected)
    # Distances are those on the ground, however far the CRS of the file stretches them.
    assert [row[:3] for row in findings(found)] == [row[:3] for row in findings(expected)]
    assert found.findings["distance_m"].tolist() == pytest.approx(expected.findings["distance_m"].tolist(), abs=0.01)
    lengths = [frame.raw.frames["lines"]["length_m"].tolist() for frame in (found, expected)]
    assert lengths[0] == pytest.approx(lengths[1], abs=0.05)


def test_what_was_written_keeps_the_nodes_that_were_made(tmp_path: Path) -> None:
    checked = validate(snapped(DRAWING).raw)
    assert checked.tables is not None
    write_tables(checked.tables, tmp_path / "net.gpkg")
    again = validate(read_tables(tmp_path / "net.gpkg"))
    assert again.tables is not None
    for table in ("lines", "switches", "transformers"):
        ends = [getattr(tables, table)[["id", "from_node", "to_node"]] for tables in (checked.tables, again.tables)]
        pd.testing.assert_frame_equal(ends[0], ends[1], check_dtype=False)


def test_the_only_layer_of_lines_is_taken_whatever_it_is_called(tmp_path: Path) -> None:
    raw = drawn("L1 0,0 100,0 \n Q1 40,0 \n Q2 60,0")
    target = tmp_path / "net.gpkg"
    raw.frames["lines"].to_file(target, layer="10 kV 线路")
    raw.frames["switches"].to_file(target, layer="switches")
    gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(0, 0)], crs=METRES).to_file(target, layer="poles")
    found = read_lines(target)
    assert found.raw.frames["lines"]["id"].tolist() == ["L1#1", "L1#2", "L1#3"]
    assert [problem.table for problem in found.problems if "was not read" in problem.rule] == ["poles"]


@pytest.mark.parametrize("suffix", ["shp", "geojson", "parquet"])
def test_one_file_of_lines_is_enough_to_see_what_is_wrong_with_it(tmp_path: Path, suffix: str) -> None:
    lines = drawn("L1 0,0 100,0 \n L2 102,0 200,0", crs="EPSG:4326").frames["lines"]
    path = tmp_path / f"cables.{suffix}"
    lines.to_parquet(path) if suffix == "parquet" else lines.to_file(path)
    assert findings(read_lines(path)) == [("near_miss", "L1", "L2", 2.0)]


def test_a_zip_and_a_folder_with_points_in_csv_are_read(tmp_path: Path) -> None:
    raw = drawn("S1 0,0 \n L1 0,0 100,0 \n C1 100,0", crs="EPSG:4326")
    folder = tmp_path / "net"
    folder.mkdir()
    raw.frames["lines"].to_file(folder / "lines.shp")
    for table in ("sources", "customers"):
        raw.frames[table].to_csv(folder / f"{table}.csv", index=False)
    import shutil  # noqa: PLC0415

    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", folder)
    for path in (folder, Path(packed)):
        found = read_lines(path)
        assert said(found) == "L1:from -L1- L1:to\nL1:from *S1\nL1:to C1"
        assert found.raw.origin == str(path)


# The columns of lines without an id → the ids that are made, and what they are made from.
MADE = {
    "nothing": ({}, ["line_1", "line_2"], "the feature ids of the layer"),
    "an empty id": ({"id": [None, None]}, ["line_1", "line_2"], "the feature ids of the layer"),
    "a key of another system": ({"OBJECTID": [70, 71]}, ["line_70", "line_71"], "the column OBJECTID"),
    "the better of two keys": ({"gid": [5, 6], "GlobalID": ["{a}", "{b}"]}, ["line_{a}", "line_{b}"], "the column GlobalID"),
    "a key that repeats": ({"OBJECTID": [70, 70]}, ["line_1", "line_2"], "the feature ids of the layer"),
    "a key with gaps": ({"mrid": ["x", None]}, ["line_1", "line_2"], "the feature ids of the layer"),
}


@pytest.mark.parametrize("name", MADE)
def test_lines_without_ids_get_them_from_what_their_layer_stores(tmp_path: Path, name: str) -> None:
    columns, ids, source = MADE[name]
    shapes = drawn("L1 0,0 100,0 \n L2 100,0 200,0").frames["lines"].geometry
    gpd.GeoDataFrame(columns, geometry=shapes, crs=METRES).to_file(tmp_path / "net.gpkg", layer="lines")
    found = read_lines(tmp_path / "net.gpkg")
    assert found.raw.frames["lines"]["id"].tolist() == ids
    assert f"is not there: ids were made from {source}" in [problem.rule for problem in found.problems]


def test_feature_ids_stay_when_a_line_is_deleted(tmp_path: Path) -> None:
    shapes = drawn("L1 0,0 100,0 \n L2 100,0 200,0 \n L3 200,0 300,0").frames["lines"].geometry
    gpd.GeoDataFrame(geometry=shapes, crs=METRES).to_file(tmp_path / "net.gpkg", layer="lines")
    import sqlite3  # noqa: PLC0415

    connection = sqlite3.connect(tmp_path / "net.gpkg")
    connection.execute("DROP TRIGGER IF EXISTS rtree_lines_geom_delete")
    connection.execute("DROP TRIGGER IF EXISTS trigger_delete_feature_count_lines")
    connection.execute("DELETE FROM lines WHERE fid = 1")
    connection.commit()
    connection.close()
    assert read_lines(tmp_path / "net.gpkg").raw.frames["lines"]["id"].tolist() == ["line_2", "line_3"]


def test_lines_in_csv_are_named_by_their_rows(tmp_path: Path) -> None:
    (tmp_path / "lines.csv").write_text('geometry\n"LINESTRING (120 30, 120.001 30)"\n', encoding="utf-8")
    found = read_lines(tmp_path)
    assert said(found) == "line_1:from -line_1- line_1:to"
    assert found.raw.frames["lines"]["length_m"].tolist() == pytest.approx([96.49], abs=0.01)


def test_mandatory_columns_that_something_can_stand_in_for_may_be_absent(tmp_path: Path) -> None:
    raw = drawn("S1 0,0 \n L1 0,0 100,0 \n L2 100,0 200,0 \n Q1 50,0 \n T1 100,0 \n C1 200,0", crs="EPSG:4326")
    target = tmp_path / "net.gpkg"
    for table, frame in raw.frames.items():
        bare = frame.drop(columns=["kind", "ownership", "category"], errors="ignore")
        if table in ("sources", "customers"):
            bare = gpd.GeoDataFrame(bare[["id"]], geometry=gpd.points_from_xy(frame["x"], frame["y"]), crs="EPSG:4326")
        bare.to_file(target, layer=table)
    found = read_lines(target)
    stood_in = {f"{problem.table}.{problem.column}" for problem in found.problems if "was taken for every row" in problem.rule}
    assert stood_in == {"switches.kind", "transformers.ownership", "customers.category"}
    checked = validate(found.raw)
    assert checked.tables is not None
    assert not checked.quarantined


def test_heights_are_left_out_and_arcs_are_set_aside(tmp_path: Path) -> None:
    (tmp_path / "lines.csv").write_text(
        'id,geometry\nL1,"LINESTRING Z (120 30 5, 120.001 30 7)"\nL2,"CIRCULARSTRING (120 30, 120.001 30.001, 120.002 30)"\n',
        encoding="utf-8",
    )
    found = read_lines(tmp_path)
    assert found.raw.frames["lines"]["id"].tolist() == ["L1"]
    assert found.raw.damaged["lines"]["why"].tolist() == ["geometry is empty"]


def test_a_stretch_that_is_straight_in_degrees_is_measured_as_it_is_drawn(tmp_path: Path) -> None:
    # Along a parallel, 20 km: a straight stretch between its ends in metres would pass 4 m north of the end in its middle.
    work = {
        "id": ["L1", "L2"],
        "geometry": [shapely.LineString([(120, 40), (120.24, 40)]), shapely.LineString([(120.12, 40), (120.12, 40.01)])],
    }
    gpd.GeoDataFrame(work, crs="EPSG:4326").to_file(tmp_path / "lines.gpkg", layer="lines")
    found = read_lines(tmp_path / "lines.gpkg", t_joins=True)
    assert said(found).splitlines()[2] == "L1#1:to -L2- L2:to"
    middle = found.raw.frames["lines"].geometry.iloc[0].coords[-1]
    assert middle == pytest.approx((120.12, 40.0), abs=1e-9)


REFUSED = {
    "nothing": "There is nothing at .*net.gpkg. Give a Shapefile, a GeoPackage, or a folder of them.",
    "no layer": r"net.gpkg holds no layers that can be read: .* Give a Shapefile, a GeoPackage, GeoJSON, or a folder of them.",
    "points": r"net.gpkg has no layer of lines. It holds poles, trees. Call the layer `lines`.",
    "several": r"net.gpkg has several layers of lines: a, b. Call the one that is meant `lines`.",
    "metres taken for degrees": r"There is no line to work with. .* it was taken as EPSG:4326",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_with_the_next_step(tmp_path: Path, name: str) -> None:
    path = tmp_path / "net.gpkg"
    line, point = shapely.LineString([(5e5, 0), (5e5, 9)]), shapely.Point(0, 0)
    if name == "no layer":
        path.write_text("-", encoding="utf-8")
    elif name in ("points", "several"):
        for layer in ("poles", "trees") if name == "points" else ("a", "b"):
            gpd.GeoDataFrame(geometry=[point if name == "points" else line], crs=UTM).to_file(path, layer=layer)
    elif name == "metres taken for degrees":
        path = tmp_path / "net.shp"
        gpd.GeoDataFrame({"id": ["L1"]}, geometry=[line], crs=UTM).to_file(path)
        (tmp_path / "net.prj").unlink()
        assert read_lines(path, crs=UTM).raw.frames["lines"]["id"].tolist() == ["L1"]
    with pytest.raises(SourceError, match=REFUSED[name]):
        read_lines(path)


def test_a_crs_that_nobody_knows_is_refused() -> None:
    with pytest.raises(SourceError, match="is no known coordinate reference system"):
        read_lines("anything.shp", crs="EPSG:1")
