"""Reading: cells stay what they were, places become x and y, and whatever is unusual is said."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.files.delimited import read_delimited
from geo.files.points import points_of_wkb, wkb_of_points
from geo.read import SourceError, read_tables
from geo.validate import validate
from tests.geo.valid import valid_frames, write_folder

LV95 = "EPSG:2056"


def customers_csv(folder: Path, content: str | bytes) -> Path:
    (folder / "customers.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def said(problems: Any) -> list[str]:
    return [str(problem) for problem in problems]


def geo_frame(rows: dict[str, list[Any]], places: list[Any], crs: str | None = "EPSG:4326") -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(rows, geometry=places, crs=crs)


@pytest.mark.parametrize("name", ["007", "NA", "null", "nan", "None", "1e5", "TRUE", "1.0", "2020-01-02", "编号7"])
def test_an_id_in_csv_stays_the_text_it_is(name: str, tmp_path: Path) -> None:
    frame = read_tables(customers_csv(tmp_path, f"id,node,category\n{name},{name},{name}\n")).frames["customers"]
    assert frame.loc[0].tolist() == [name] * 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_utf8_is_read_with_and_without_a_mark(encoding: str, tmp_path: Path) -> None:
    raw = read_tables(customers_csv(tmp_path, "id,node,category\n一号,n,居民\n".encode(encoding)))
    assert raw.frames["customers"].loc[0].tolist() == ["一号", "n", "居民"]
    assert raw.problems == ()


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16"])
def test_another_encoding_is_found_out_and_said(encoding: str, tmp_path: Path) -> None:
    raw = read_tables(customers_csv(tmp_path, "id,node,category\n一号,n,居民\n镕,n,居民区杨柳\n".encode(encoding)))
    assert raw.frames["customers"]["id"].tolist() == ["一号", "镕"]
    assert [problem.rule for problem in raw.problems] == [f"is not in UTF-8: it was read as {encoding.upper()}"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_any_usual_delimiter_and_line_end_is_read(delimiter: str, end: str, tmp_path: Path) -> None:
    rows = [["ID", " node ", "category"], ["1", '"a ""b"""', "x"]]
    lines = ["", *map(delimiter.join, rows), ""]
    frame = read_tables(customers_csv(tmp_path, end.join(lines))).frames["customers"]
    assert frame.to_dict("records") == [{"id": "1", "node": 'a "b"', "category": "x"}]


def test_a_header_without_rows_is_an_empty_table(tmp_path: Path) -> None:
    for content in ("id,node,category", "id,node,category\n", "id,node,category\r\n\r\n"):
        frame = read_tables(customers_csv(tmp_path, content)).frames["customers"]
        assert (len(frame), list(frame)) == (0, ["id", "node", "category"])


def test_lines_that_do_not_fit_the_header_are_set_aside_and_named(tmp_path: Path) -> None:
    raw = read_tables(customers_csv(tmp_path, "id,node,category\n1,n,x\n2,n\n3,n,x,y\n4,n,x\n"))
    assert raw.frames["customers"]["id"].tolist() == ["1", "4"]
    assert raw.damaged["customers"].to_dict("records") == [
        {"id": "2", "node": "n", "category": "", "why": "row 3 has 2 cells and the header 3"},
        {"id": "3", "node": "n", "category": "x", "why": "row 4 has 4 cells and the header 3"},
    ]
    assert said(raw.problems) == [
        "customers: has lines whose cells do not fit the header for 2 rows (2, 3). "
        "Mend the delimiters or quotation marks; the lines were set aside."
    ]


@pytest.mark.parametrize(
    "body",
    [
        '1,n,x\n2,"n,x\n3,n,x\n4,n,x\n',
        '1,n,x\n2,"n,x\n3,n",x\n4,n,x\n',
        '1,n,x\n2,"n,x\n3,"n,x\n4,n,x\n',
        '1,n,x\n2,n,"x\n3,n,"x\n4,n,x\n',
    ],
    ids=["never closed", "closed a row later", "opened twice", "at the end of rows"],
)
def test_rows_swallowed_by_a_stray_quotation_mark_are_set_aside_one_by_one(body: str, tmp_path: Path) -> None:
    raw = read_tables(customers_csv(tmp_path, "id,node,category\n" + body))
    damaged = raw.damaged["customers"]
    assert damaged["why"].str.contains("quotation mark").all()
    assert sorted([*raw.frames["customers"]["id"], *damaged["id"].str.strip('"')]) == ["1", "2", "3", "4"]


def test_a_cell_with_a_line_break_is_one_cell(tmp_path: Path) -> None:
    raw = read_tables(customers_csv(tmp_path, 'id,node,category,street\n1,n,x,"Mill road,\n2nd floor"\n'))
    assert raw.frames["customers"].loc[0, "street"] == "Mill road,\n2nd floor"


_cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0,"), max_size=6)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(_cells, _cells, _cells), max_size=8))
def test_what_a_csv_writer_writes_is_read_cell_by_cell(rows: list[tuple[str, str, str]], tmp_path_factory: Any) -> None:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([("id", "node", "category"), *rows])
    path = tmp_path_factory.mktemp("csv") / "customers.csv"
    path.write_bytes(text.getvalue().encode())
    found = read_delimited(path)
    assert [tuple(row.values()) for row in found.cells.to_pylist()] == rows
    assert found.damaged.empty


def test_a_polygon_longer_than_a_block_is_read(tmp_path: Path) -> None:
    turn = np.linspace(0.0, 2.0 * np.pi, 120_000)
    ring = shapely.polygons(np.column_stack([np.cos(turn), np.sin(turn)]))
    path = tmp_path / "service_areas.csv"
    path.write_text(f'transformer_id,geometry\nT1,"{shapely.to_wkt(ring, rounding_precision=-1)}"\n')
    assert path.stat().st_size > 2**22
    assert read_tables(tmp_path).frames["service_areas"].geometry.iloc[0].equals_exact(ring, 1e-12)


def test_points_in_csv_become_x_and_y_in_the_crs_that_was_named(tmp_path: Path) -> None:
    customers_csv(tmp_path, "id,node,category,geometry\n1,n,x,POINT (2600000 1200000)\n2,n,x,\n")
    raw = read_tables(tmp_path, crs=LV95)
    frame = raw.frames["customers"]
    assert frame["x"].tolist()[0] == 2600000.0
    assert np.isnan(frame["x"].tolist()[1])
    assert raw.crs["customers"] == LV95


def test_numbers_as_ids_of_a_geopackage_become_text(tmp_path: Path) -> None:
    rows = {"id": [7.0, 8.0, None], "node": [1, 2, 3], "category": ["x"] * 3}
    geo_frame(rows, [None] * 3).to_file(tmp_path / "net.gpkg", layer="customers")
    sources = geo_frame({"id": [1], "node": [2]}, [shapely.Point(8, 47)])
    sources.to_file(tmp_path / "net.gpkg", layer="sources", mode="a")
    checked = validate(read_tables(tmp_path / "net.gpkg"), limit=1.0)
    assert checked.rows_kept["customers"] == 1
    assert checked.tables is not None
    assert checked.tables.customers["node"].tolist() == ["2"]
    assert checked.tables.customers["id"].tolist() == ["8"]


def test_whole_numbers_beyond_the_exact_floats_stay_what_they_are(tmp_path: Path) -> None:
    rows = pd.DataFrame({"id": pd.array([9007199254740993, None], dtype="Int64"), "node": "n", "category": "x"})
    pq.write_table(pa.Table.from_pandas(rows), tmp_path / "customers.parquet")
    assert str(read_tables(tmp_path).frames["customers"].loc[0, "id"]) == "9007199254740993"


def test_an_id_that_is_the_key_of_its_layer_is_read(tmp_path: Path) -> None:
    frame = geo_frame({"node": ["a", "b"]}, [shapely.Point(8, 47)] * 2)
    pyogrio.write_dataframe(frame, tmp_path / "net.gpkg", layer="sources", layer_options={"FID": "id"})
    assert read_tables(tmp_path / "net.gpkg").frames["sources"]["id"].tolist() == [1, 2]


@pytest.mark.parametrize(
    "place", [shapely.Point(8, 47), shapely.Point(8, 47, 500), shapely.MultiPoint([(8, 47)])], ids=["point", "height", "multi"]
)
@pytest.mark.parametrize("suffix", ["gpkg", "geojson", "parquet"])
def test_points_become_x_and_y(place: Any, suffix: str, tmp_path: Path) -> None:
    frame = geo_frame({"id": ["a", "b"], "node": ["n", "m"]}, [place, None])
    path = tmp_path / f"sources.{suffix}"
    frame.to_parquet(path) if suffix == "parquet" else frame.to_file(path, layer="sources")
    read = read_tables(path if suffix == "gpkg" else tmp_path)
    assert read.frames["sources"].loc[0, ["x", "y"]].tolist() == [8.0, 47.0]
    assert read.frames["sources"].loc[1, ["x", "y"]].isna().all()
    assert not isinstance(read.frames["sources"], gpd.GeoDataFrame)


def test_a_line_where_a_point_should_be_is_said(tmp_path: Path) -> None:
    places = [shapely.Point(8, 47), shapely.LineString([(8, 47), (9, 47)])]
    geo_frame({"id": ["a", "b"], "node": ["n", "m"]}, places).to_file(tmp_path / "net.gpkg", layer="sources")
    raw = read_tables(tmp_path / "net.gpkg")
    assert said(raw.problems) == [
        "sources.geometry: is no point for 1 row (b). Give a point, or x and y. The cell was taken as empty."
    ]
    assert raw.frames["sources"]["x"].tolist()[0] == 8.0


@pytest.mark.parametrize("suffix", ["gpkg", "geojson", "parquet", "shp"])
def test_geometries_of_any_crs_come_out_of_the_check_in_wgs84(suffix: str, tmp_path: Path) -> None:
    line = shapely.LineString([(2600000, 1200000), (2600100, 1200050)])
    frames = valid_frames()
    for name in ("lines", "switches", "transformers", "nodes", "service_areas"):
        del frames[name]
    frames["customers"] = frames["customers"].assign(node="n0").drop(columns=["x", "y"])
    folder = write_folder(frames, tmp_path / "net")
    rows: dict[str, list[Any]] = {"id": ["L"], "from_node": ["n0"], "to_node": ["n1"], "length_m": [111.8]}
    frame = geo_frame(rows, [line], LV95)
    frame.to_parquet(folder / "lines.parquet") if suffix == "parquet" else frame.to_file(
        folder / f"lines.{suffix}", layer="lines"
    )
    if suffix == "gpkg":
        (folder / "lines.gpkg").rename(tmp_path / "net.gpkg")
        raw = read_tables(tmp_path / "net.gpkg")
        assert raw.frames["lines"].geometry.iloc[0].equals(line)
        return
    raw = read_tables(folder)
    tables = validate(raw).tables
    assert tables is not None
    expected = pyproj.Transformer.from_crs(LV95, 4326, always_xy=True).transform(2600000, 1200000)
    np.testing.assert_allclose(tables.lines.geometry.iloc[0].coords[0], expected, atol=1e-7)
    assert tables.lines.loc[0, "length_m"] == 111.8


def test_a_layer_without_a_crs_is_said(tmp_path: Path) -> None:
    frame = geo_frame({"id": ["a"], "node": ["n"]}, [shapely.Point(2600000, 1200000)], None)
    frame.to_parquet(tmp_path / "sources.parquet")
    raw = read_tables(tmp_path, crs=LV95)
    assert said(raw.problems) == [
        "sources: does not say its CRS: EPSG:2056 was taken. Set the CRS of the layer, or name it when reading."
    ]
    assert raw.crs["sources"] == LV95


def test_dates_and_numbers_in_geojson_stay_as_written(tmp_path: Path) -> None:
    feature = '{"type":"Feature","properties":{"id":"2020-01-02","node":"007","name":[1,2]},"geometry":null}'
    (tmp_path / "sources.geojson").write_text(f'{{"type":"FeatureCollection","features":[{feature}]}}')
    row = read_tables(tmp_path).frames["sources"].loc[0]
    assert (row["id"], row["node"]) == ("2020-01-02", "007")


def test_plain_parquet_is_read_with_words_that_are_numbered(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": ["a", "b"],
            "node": pa.array(["n", "n"]).dictionary_encode(),
            "category": ["x", "y"],
            "geometry": ["POINT (8 47)", None],
            "load_kw": pa.array([1, 2]).cast(pa.decimal128(20, 0)),
        }
    )
    pq.write_table(table, tmp_path / "customers.parquet")
    frame = read_tables(tmp_path).frames["customers"]
    assert frame["node"].tolist() == ["n", "n"]
    assert frame["x"].tolist()[0] == 8.0
    assert frame["load_kw"].tolist() == [1.0, 2.0]


def test_a_shapefile_cuts_names_and_hides_its_encoding(tmp_path: Path) -> None:
    rows = {"id": ["杨柳一"], "kind": ["fuse"], "from_node": ["a"], "to_node": ["b"], "normal_sta": ["open"]}
    pyogrio.write_dataframe(geo_frame(rows, [shapely.Point(8, 47)]), tmp_path / "switches.shp", encoding="GB18030")
    (tmp_path / "switches.cpg").unlink()
    raw = read_tables(tmp_path)
    assert raw.frames["switches"].loc[0, ["id", "normal_state"]].tolist() == ["杨柳一", "open"]
    assert "no .cpg says its encoding, GB18030 was taken" in str(raw.problems[0])


def test_a_zip_of_a_folder_is_the_folder(tmp_path: Path) -> None:
    write_folder(valid_frames(), tmp_path / "net")
    (tmp_path / "net" / ".DS_Store").write_bytes(b"\0")
    shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, "net")
    plain, packed = read_tables(tmp_path / "net"), read_tables(tmp_path / "packed.zip")
    assert packed.origin == str(tmp_path / "packed.zip")
    assert list(packed.frames) == list(plain.frames)
    for name, frame in plain.frames.items():
        pd.testing.assert_frame_equal(packed.frames[name], frame)


def test_layers_files_and_columns_that_are_not_ours_are_named(tmp_path: Path) -> None:
    customers_csv(tmp_path, "id,node,category,colour,ID\n1,n,x,red,2\n")
    (tmp_path / "notes.csv").write_text("a,b\n")
    (tmp_path / "readme.txt").write_text("ignored")
    raw = read_tables(tmp_path)
    assert [problem.severity for problem in raw.problems] == ["warning", "warning"]
    assert "not read: colour, ID" in str(raw.problems[0])
    assert str(raw.problems[1]).startswith("notes.csv: is no table of a network")
    assert raw.frames["customers"].loc[0, "id"] == "1"


def test_points_are_taken_before_columns_x_and_y(tmp_path: Path) -> None:
    customers_csv(tmp_path, "id,node,category,x,y,geometry\n1,n,x,5,6,POINT (8 47)\n")
    raw = read_tables(tmp_path)
    assert raw.frames["customers"].loc[0, ["x", "y"]].tolist() == [8.0, 47.0]
    assert "the points were taken" in str(raw.problems[0])


def test_a_crs_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no known coordinate reference system"):
        read_tables(customers_csv(tmp_path, "id\n1\n"), crs="EPSG:nowhere")


def test_a_geopackage_without_our_layers_is_refused_with_theirs(tmp_path: Path) -> None:
    geo_frame({"a": [1]}, [shapely.Point(8, 47)]).to_file(tmp_path / "net.gpkg", layer="trees")
    with pytest.raises(SourceError, match=r"Its layers are trees\. Tables are called sources, lines"):
        read_tables(tmp_path / "net.gpkg")


def test_a_geopackage_that_was_cut_off_is_refused_or_read(tmp_path: Path) -> None:
    frame = geo_frame({"id": [str(i) for i in range(5000)], "node": ["n"] * 5000}, [shapely.Point(8, 47)] * 5000)
    frame.to_file(tmp_path / "net.gpkg", layer="sources")
    whole = (tmp_path / "net.gpkg").read_bytes()
    for share in (0.1, 0.5, 0.9):
        (tmp_path / "cut.gpkg").write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(SourceError):
            read_tables(tmp_path / "cut.gpkg")


@given(st.lists(st.one_of(st.none(), st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 2)), max_size=20))
def test_points_survive_the_bytes_of_a_file_to_the_last_bit(places: list[tuple[float, float] | None]) -> None:
    xy = np.array([place or (np.nan, np.nan) for place in places]).reshape(-1, 2)
    wkb = wkb_of_points(xy[:, 0], xy[:, 1])
    wkb.validate(full=True)
    x, y, bad = points_of_wkb(wkb)
    np.testing.assert_array_equal(np.column_stack([x, y]), xy)
    assert not bad.any()
    theirs = shapely.from_wkb(wkb.to_numpy(zero_copy_only=False))
    np.testing.assert_array_equal(shapely.get_x(theirs), x)
