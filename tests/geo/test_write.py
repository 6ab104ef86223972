"""Writing: what is read back is what was written, the file is whole or absent, and GDAL understands it."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import given, settings

from geo.raw import RawTables
from geo.read import SourceError, read_tables
from geo.schema import CRS, TABLES, GridTables, conform
from geo.synth import synthesize
from geo.validate import validate
from geo.write import write_tables
from tests.geo.valid import drawn, spoiled_frames, valid_frames


def valid_tables() -> GridTables:
    tables = validate(RawTables(drawn(valid_frames()))).tables
    assert tables is not None
    return tables


def read_back(path: Path) -> GridTables:
    tables = validate(read_tables(path)).tables
    assert tables is not None
    return tables


def assert_same(left: GridTables, right: GridTables) -> None:
    """Fail unless every cell, dtype, geometry and the order of rows are the same, to the last bit."""
    for (name, mine), (_, theirs) in zip(left.items(), right.items(), strict=True):
        pd.testing.assert_frame_equal(pd.DataFrame(mine), pd.DataFrame(theirs), check_exact=True, obj=name)
        if TABLES[name].geometry:
            assert (shapely.to_wkb(mine.geometry.array) == shapely.to_wkb(theirs.geometry.array)).all()
            assert theirs.crs == CRS


def test_what_is_read_back_is_what_was_written(tmp_path: Path) -> None:
    tables = synthesize(600, 1)
    write_tables(tables, tmp_path / "net.gpkg")
    raw = read_tables(tmp_path / "net.gpkg")
    assert raw.problems == ()
    assert_same(read_back(tmp_path / "net.gpkg"), tables)


@settings(max_examples=25, deadline=None)
@given(frames=spoiled_frames())
def test_whatever_passes_the_check_comes_back_as_it_was(
    frames: dict[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory
) -> None:
    tables = validate(RawTables(drawn(frames)), limit=1.0).tables
    if tables is None:
        return
    path = tmp_path_factory.mktemp("written") / "net.gpkg"
    write_tables(tables, path)
    again = validate(read_tables(path))
    assert [problem for problem in again.problems if problem.severity != "warning"] == []
    assert again.tables is not None
    assert_same(again.tables, tables)


def test_the_same_tables_give_the_same_file(tmp_path: Path) -> None:
    write_tables(valid_tables(), tmp_path / "a.gpkg")
    write_tables(valid_tables(), tmp_path / "b.gpkg")
    assert (tmp_path / "a.gpkg").read_bytes() == (tmp_path / "b.gpkg").read_bytes()


def test_gdal_sees_every_table_as_a_layer_in_wgs84(tmp_path: Path) -> None:
    tables = valid_tables()
    write_tables(tables, tmp_path / "net.gpkg")
    layers = {str(name): str(kind) for name, kind in pyogrio.list_layers(tmp_path / "net.gpkg")}
    assert list(layers) == list(TABLES)
    assert {name for name, kind in layers.items() if kind == "Point"} == {"sources", "customers", "nodes"}
    for name, frame in tables.items():
        info = pyogrio.read_info(tmp_path / "net.gpkg", layer=name)
        assert (info["crs"], info["features"]) == (CRS, len(frame))
        assert [*info["fields"]] == [column.name for column in TABLES[name].columns if column.name not in ("x", "y")]


def test_sqlite_finds_the_file_whole_and_the_points_indexed(tmp_path: Path) -> None:
    write_tables(valid_tables(), tmp_path / "net.gpkg")
    with sqlite3.connect(tmp_path / "net.gpkg") as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        indexed = database.execute("SELECT table_name FROM gpkg_extensions WHERE extension_name = 'gpkg_rtree_index'").fetchall()
    database.close()
    assert {name for (name,) in indexed} == set(TABLES)


def test_a_network_without_coordinates_is_written_too(tmp_path: Path) -> None:
    mandatory = {name: [column.name for column in table.columns if column.required] for name, table in TABLES.items()}
    frames = {name: frame[mandatory[name]] for name, frame in valid_frames().items() if name not in ("service_areas", "nodes")}
    tables = validate(RawTables(frames)).tables
    assert tables is not None
    write_tables(tables, tmp_path / "net.gpkg")
    assert_same(read_back(tmp_path / "net.gpkg"), tables)
    assert tables.customers[["x", "y"]].isna().all(axis=None)


def test_a_file_is_replaced_only_by_a_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "net.gpkg"
    write_tables(valid_tables(), path)
    before = path.read_bytes()
    broken = replace(valid_tables(), nodes=pd.DataFrame({"id": ["n"]}))
    with pytest.raises(KeyError):
        write_tables(broken, path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["net.gpkg"]


def test_a_new_file_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "net.gpkg"
    path.write_bytes(b"what was here before")
    write_tables(valid_tables(), path)
    assert_same(read_back(path), valid_tables())


def test_the_settings_of_gdal_are_put_back(tmp_path: Path) -> None:
    write_tables(valid_tables(), tmp_path / "net.gpkg")
    assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") is None
    assert pyogrio.get_gdal_config_option("OGR_SQLITE_SYNCHRONOUS") is None


@pytest.mark.parametrize(
    ("name", "said"), [("net.csv", r"Let the name end in \.gpkg"), ("absent/net.gpkg", "There is no folder .* Make it first")]
)
def test_a_target_that_cannot_be_is_refused(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=said):
        write_tables(valid_tables(), tmp_path / name)


def test_the_last_bit_of_a_number_and_an_empty_table_survive(tmp_path: Path) -> None:
    tables = replace(valid_tables(), places=conform("places", {}), service_areas=conform("service_areas", {}))
    customers = tables.customers.assign(load_kw=np.nextafter(0.1, np.arange(50.0)), place_id=np.nan)
    tables = replace(tables, customers=conform("customers", customers))
    write_tables(tables, tmp_path / "net.gpkg")
    assert_same(read_back(tmp_path / "net.gpkg"), tables)


def test_a_folder_of_parquet_holds_the_same_network(tmp_path: Path) -> None:
    tables = synthesize(200, 1)
    write_tables(tables, tmp_path / "town")
    assert_same(tables, read_back(tmp_path / "town"))


def test_a_folder_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "town").mkdir()
    with pytest.raises(SourceError, match="is there already"):
        write_tables(synthesize(10, 1), tmp_path / "town")
