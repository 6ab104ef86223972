"""A network out of a database: the same network as out of a file, one moment of it, and no password in any message."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import psycopg
import pytest
import shapely
from hypothesis import given, settings
from psycopg import sql

from api.intake import load_network, take_in
from geo.crs import project_geometries
from geo.files import postgis
from geo.raw import RawTables
from geo.read import SourceError, read_tables
from geo.schema import CRS, TABLES, GridTables
from geo.synth import synthesize
from geo.validate import validate
from geo.write import write_tables
from tests.geo.test_write import assert_same, valid_tables
from tests.geo.valid import drawn, spoiled_frames
from tests.postgres import GUARDED, Cluster

LV95 = 2056  # Swiss, in metres


def publish(url: str, tables: GridTables, *, schema: str = "public", srid: int = 4326) -> str:
    """Write ``tables`` as a GIS keeps them (a running number as key, one geometry column); returns the address to read."""
    with psycopg.connect(url) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
        for name, frame in tables.items():
            _publish_table(connection, sql.Identifier(schema, name), name, frame, srid)
    return f"{url}?schema={schema}"


def _publish_table(connection: Any, table: sql.Identifier, name: str, frame: pd.DataFrame, srid: int) -> None:
    columns = [column for column in TABLES[name].columns if column.name not in ("x", "y")]
    kinds = ["double precision" if column.kind == "number" else "text" for column in columns]
    declared = ", ".join(f'"{column.name}" {kind}' for column, kind in zip(columns, kinds, strict=True))
    connection.execute(
        sql.SQL("CREATE TABLE {} (fid serial PRIMARY KEY, ").format(table) + sql.SQL(f"{declared}, geom geometry)")
    )
    cells = [[None if pd.isna(cell) else cell for cell in frame[column.name]] for column in columns]
    drawn_cells = shapely.to_wkb(project_geometries(_geometries(frame), source=CRS, target=srid))
    names = ", ".join(f'"{column.name}"' for column in columns)
    marks = "%s, " * len(columns) + f"ST_GeomFromWKB(%s, {srid})"
    insert = sql.SQL("INSERT INTO {} ").format(table) + sql.SQL(f"({names}, geom) VALUES ({marks})")
    connection.cursor().executemany(insert, [list(row) for row in zip(*cells, drawn_cells, strict=True)])


def _geometries(frame: pd.DataFrame) -> Any:
    if isinstance(frame, gpd.GeoDataFrame):
        return np.asarray(frame.geometry.array, dtype=object)
    points = shapely.points(frame["x"].to_numpy(), frame["y"].to_numpy())
    return np.where(frame["x"].isna(), None, points)


def do(url: str, *commands: str) -> None:
    with psycopg.connect(url) as connection:
        for command in commands:
            connection.execute(command)


@pytest.fixture(scope="module")
def town(cluster: Cluster) -> tuple[str, GridTables]:
    """A town in a database, to be read only."""
    tables = synthesize(600, 1)
    return publish(cluster.new_database(postgis=True), tables, schema="gis"), tables


@pytest.fixture
def database(cluster: Cluster) -> str:
    """An empty database with PostGIS, of the test's own."""
    return cluster.new_database(postgis=True)


@pytest.fixture
def guarded(database: str) -> Iterator[str]:
    """The same database with the valid network in it, as seen by a role that needs its password."""
    publish(database, valid_tables())
    do(database, f"CREATE ROLE {GUARDED} LOGIN PASSWORD 'r1ght-S3cret'", f"GRANT SELECT ON lines TO {GUARDED}")
    yield database.replace("postgres@", f"{GUARDED}:r1ght-S3cret@")
    do(database, f"DROP OWNED BY {GUARDED}", f"DROP ROLE {GUARDED}")


def test_the_database_and_the_geopackage_are_the_same_network(town: tuple[str, GridTables], tmp_path: Path) -> None:
    url, tables = town
    write_tables(tables, tmp_path / "net.gpkg")
    assert load_network(url).version == load_network(str(tmp_path / "net.gpkg")).version


def test_every_cell_and_geometry_comes_back_to_the_last_bit(town: tuple[str, GridTables]) -> None:
    url, tables = town
    raw = read_tables(url)
    assert raw.problems == ()
    assert set(raw.crs.values()) == {CRS}
    again = validate(raw).tables
    assert again is not None
    assert_same(again, tables)


@settings(max_examples=15, deadline=None)
@given(frames=spoiled_frames())
def test_whatever_passes_the_check_comes_back_as_it_was(frames: dict[str, pd.DataFrame], cluster: Cluster) -> None:
    tables = validate(RawTables(drawn(frames)), limit=1.0).tables
    if tables is None:
        return
    again = validate(read_tables(publish(cluster.new_database(postgis=True), tables)))
    assert [problem for problem in again.problems if problem.severity != "warning"] == []
    assert again.tables is not None
    assert_same(again.tables, tables)


def test_batches_of_any_size_give_the_same_tables(town: tuple[str, GridTables], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = validate(read_tables(town[0])).tables
    monkeypatch.setattr(postgis, "_BATCH_BYTES", 1)
    pieces = validate(read_tables(town[0])).tables
    assert whole is not None
    assert pieces is not None
    assert_same(pieces, whole)


def test_another_srid_is_changed_to_longitude_and_latitude(database: str) -> None:
    tables = valid_tables()
    raw = read_tables(publish(database, tables, srid=3857))
    assert (raw.crs["lines"], raw.crs["customers"]) == ("EPSG:3857", "EPSG:3857")
    again = validate(raw).tables
    assert again is not None
    for name in ("lines", "service_areas"):
        assert shapely.equals_exact(getattr(again, name).geometry.array, getattr(tables, name).geometry.array, 1e-9).all()
    np.testing.assert_allclose(again.customers[["x", "y"]], tables.customers[["x", "y"]], atol=1e-9)


def test_an_srid_of_the_utility_s_own_is_taken_from_the_database(database: str) -> None:
    local = "+proj=tmerc +lat_0=0 +lon_0=120 +k=1 +x_0=500000 +y_0=0 +ellps=GRS80 +units=m +no_defs"
    wkt = "ST_GeomFromText('LINESTRING(500000 3300000, 500100 3300000)', 990001)"
    do(
        database,
        "INSERT INTO spatial_ref_sys VALUES (990001, 'utility', 990001, "
        f"'{postgis.parse_crs(local).to_wkt('WKT1_GDAL')}', '{local}')",
        f"CREATE TABLE lines AS SELECT 'L1' AS id, 'a' AS from_node, 'b' AS to_node, {wkt} AS geom",
    )
    raw = read_tables(database)
    assert not [problem for problem in raw.problems if "CRS" in problem.rule]
    x, y = raw.frames["lines"].to_crs(CRS).geometry[0].coords[0]
    assert (x, round(y)) == (pytest.approx(120), 30)


def test_a_geometry_without_an_srid_is_in_the_crs_that_was_given(database: str) -> None:
    do(database, "CREATE TABLE nodes AS SELECT 'n1' AS id, ST_MakePoint(2600000, 1200000) AS geom")
    raw = read_tables(database, crs=f"EPSG:{LV95}")
    assert raw.crs["nodes"] == f"EPSG:{LV95}"
    assert [str(problem) for problem in raw.problems] == [
        f"nodes: does not say its CRS: EPSG:{LV95} was taken. Set the CRS of the layer, or name it when reading."
    ]


def test_a_column_of_two_coordinate_systems_is_refused(database: str) -> None:
    do(
        database,
        "CREATE TABLE nodes AS SELECT n::text AS id, ST_SetSRID(ST_MakePoint(8, 47), 4326) AS geom FROM generate_series(1, 3) n",
        "INSERT INTO nodes VALUES ('4', ST_SetSRID(ST_MakePoint(2600000, 1200000), 2056)), ('5', NULL)",
    )
    with pytest.raises(SourceError, match=r"nodes\.geom mixes coordinate systems: 1 rows in SRID 2056, 3 rows in SRID 4326\."):
        read_tables(database)


# How a column is declared and filled, and what is read.
CELLS = [
    ("text", "'杨柳镇“一”号\n,\"x\"'", '杨柳镇“一”号\n,"x"'),
    ("text", "''", ""),
    ("text", "NULL", None),
    ("text", r"'\N'", r"\N"),
    ("text", "'NULL'", "NULL"),
    ("varchar(9)", "'007'", "007"),
    ("char(4)", "'ab'", "ab"),
    ("bigint", "9007199254740993", 9007199254740993),
    ("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("boolean", "true", "true"),
    ("date", "'2026-03-01'", "2026-03-01"),
    ("double precision", "0.1::float8 + 0.2", 0.1 + 0.2),
    ("real", "0.1", 0.1),
    ("numeric(10, 3)", "0.125", 0.125),
    ("double precision", "'Infinity'", np.inf),
    ("numeric", "1e400", np.inf),
    ("label", "'居民'", "居民"),
    ("metres", "12.5", 12.5),
]


@pytest.mark.parametrize(("kind", "cell", "read"), CELLS, ids=[f"{kind} {cell}"[:24] for kind, cell, _ in CELLS])
def test_a_cell_is_read_as_it_is(kind: str, cell: str, read: object, database: str) -> None:
    do(
        database,
        "CREATE TYPE label AS ENUM ('居民', 'other')",
        "CREATE DOMAIN metres AS numeric CHECK (VALUE >= 0)",
        f"CREATE TABLE nodes (id {kind})",
        f"INSERT INTO nodes VALUES ({cell})",
    )
    found = read_tables(database).frames["nodes"]["id"].tolist()
    assert found == [read] or (read is None and pd.isna(found).tolist() == [True])


def test_without_postgis_geometries_are_wkt_and_points_are_x_and_y(cluster: Cluster) -> None:
    url = cluster.new_database()
    do(
        url,
        "CREATE TABLE nodes AS SELECT 'n1' AS id, 120.5 AS x, 30.25 AS y",
        "CREATE TABLE lines AS SELECT 'L1' AS id, 'LINESTRING (1 2, 3 4)' AS geometry",
    )
    raw = read_tables(url)
    assert raw.frames["nodes"].to_dict("records") == [{"id": "n1", "x": 120.5, "y": 30.25}]
    assert raw.frames["lines"].geometry[0] == shapely.LineString([(1, 2), (3, 4)])


def test_postgis_in_a_schema_of_its_own_and_geography_are_read(cluster: Cluster) -> None:
    url = cluster.new_database()
    do(
        url,
        "CREATE SCHEMA extensions",
        "CREATE EXTENSION postgis SCHEMA extensions",
        "CREATE TABLE nodes AS SELECT 'n1' AS id, extensions.ST_GeogFromText('POINT(120 30)') AS place",
    )
    raw = read_tables(url)
    assert raw.frames["nodes"].to_dict("records") == [{"id": "n1", "x": 120.0, "y": 30.0}]
    assert raw.problems == ()


def test_views_are_tables_whatever_their_columns_were_called(database: str) -> None:
    do(
        database,
        'CREATE TABLE "线路" (编号 text, 起点 text, 终点 text)',
        "INSERT INTO \"线路\" VALUES ('2', 'a', 'b'), ('10', 'b', 'c')",
        'CREATE VIEW lines AS SELECT 编号 AS id, 起点 AS "FROM_NODE", 终点 AS to_node, 0 AS colour FROM "线路"',
    )
    raw = read_tables(database)
    # A view has no key: its rows come by id, as bytes are ordered.
    assert raw.frames["lines"].to_dict("records") == [
        {"id": "10", "from_node": "b", "to_node": "c"},
        {"id": "2", "from_node": "a", "to_node": "b"},
    ]
    assert [str(problem) for problem in raw.problems] == [
        "lines: has columns that are not in the data model and were not read: colour. Rename them if they hold something that is "
        "needed.",
        "线路: is no table of a network and was not read. " + raw.problems[1].fix,
    ]


def test_rows_keep_their_order_when_one_of_them_is_edited(database: str) -> None:
    url = publish(database, valid_tables())
    before = load_network(url).version
    do(database, "UPDATE customers SET load_kw = load_kw WHERE id = 'C3'", "CLUSTER customers USING customers_pkey")
    do(database, "UPDATE lines SET name = name WHERE id = 'L0'")
    assert load_network(url).version == before


def test_all_tables_are_of_one_moment_while_others_write(database: str) -> None:
    url = publish(database, valid_tables())
    with postgis.opened(url) as snapshot:
        before = snapshot.read("customers", "customers")
        do(database, "DELETE FROM customers", "DELETE FROM lines")
        assert len(snapshot.read("lines", "lines").layer.cells) == 25
        assert snapshot.read("customers", "customers").layer.cells == before.layer.cells


def test_nothing_can_be_written_while_reading(database: str) -> None:
    do(
        database,
        "CREATE TABLE seen (at timestamptz)",
        "CREATE FUNCTION note() RETURNS text LANGUAGE sql VOLATILE AS 'INSERT INTO seen VALUES (now()) RETURNING ''n1'''",
        "CREATE VIEW nodes AS SELECT note() AS id",
    )
    with pytest.raises(SourceError, match="cannot execute INSERT in a read-only transaction"):
        read_tables(database)


def test_a_table_that_must_be_there_and_is_not_is_named(database: str) -> None:
    url = publish(database, valid_tables())
    do(database, "DROP TABLE customers")
    intake = take_in(url)
    assert intake.network is None
    assert [problem.table for problem in intake.problems if problem.severity == "fatal"] == ["customers"]


def test_a_schema_without_a_network_says_what_it_has(database: str) -> None:
    do(database, "CREATE TABLE parcels (id text)")
    with pytest.raises(
        SourceError, match=r"\?schema=public has no table of a network\. It has parcels\. Tables are called sources"
    ):
        read_tables(database)


def test_a_schema_that_is_not_there_is_told_those_that_are(database: str) -> None:
    with pytest.raises(SourceError, match=r"has no schema gis\. It has public\. Name one with \?schema=NAME\."):
        read_tables(f"{database}?schema=gis")


def test_two_tables_of_one_name_are_refused(database: str) -> None:
    do(database, "CREATE TABLE nodes (id text)", 'CREATE TABLE "Nodes" (id text)')
    with pytest.raises(SourceError, match=r"has two tables nodes: Nodes and nodes\. Remove one of them\."):
        read_tables(database)


def test_bytes_that_are_no_utf8_are_refused(cluster: Cluster) -> None:
    url = cluster.new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE old_ascii ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    old = cluster.url("old_ascii")
    with psycopg.connect(old, client_encoding="SQL_ASCII") as connection:
        connection.execute(b"CREATE TABLE nodes AS SELECT '\xd1\xee\xc1\xf8' AS id")
    with pytest.raises(
        SourceError, match=r"nodes, cannot be read: .*UTF8.*Keep the tables in a database with the encoding UTF8\."
    ):
        read_tables(old)


def test_the_password_is_asked_for_and_never_shown(guarded: str) -> None:
    intake_error = refusal(guarded)
    assert "cannot be read: permission denied for table" in intake_error
    assert "Give the role USAGE of the schema and SELECT on its tables." in intake_error
    wrong = refusal(guarded.replace("r1ght", "wr0ng"))
    assert f'password authentication failed for user "{GUARDED}"' in wrong
    assert "S3cret" not in intake_error + wrong


def test_what_came_of_a_source_is_told_without_its_password(guarded: str, database: str) -> None:
    do(database, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {GUARDED}")
    intake = take_in(guarded)
    assert intake.network is not None
    assert re.fullmatch(r"postgresql://127\.0\.0\.1:\d+/test_\d+\?schema=public", intake.source)


def refusal(source: str) -> str:
    """Return all that is said, causes included, when ``source`` cannot be read."""
    with pytest.raises(SourceError) as caught:
        take_in(source)
    return "".join(traceback.format_exception_only(caught.value)) + repr(caught.value.__cause__)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("postgresql://u:S3cret@127.0.0.1:1/gis", r"postgresql://127\.0\.0\.1:1/gis cannot be read: .*refused.*Check host, port"),
        ("postgresql://u:S3cret@nowhere.invalid/gis", r"nowhere\.invalid/gis cannot be read: .*Check host"),
        ("postgresql://u:p@S3cret@127.0.0.1/gis", r"not understood\. Write postgresql://USER:PASSWORD@HOST.*%40 for @"),
        ("postgresql://u:p/S3cret@127.0.0.1/gis", "not understood"),
        ("postgresql://u:p?S3cret@127.0.0.1/gis", "not understood"),
        ("postgresql://u:S3cret%zz@127.0.0.1/gis", "not understood"),
        ("postgresql://u:S3cret@127.0.0.1/gis?pasword=S3cret", "not understood"),
        ("postgresql://u:S3cret/gis", "port in the address of the database is no number"),
        ("postgresql:gis", "not understood"),
        ("postgres://u:S3cret@127.0.0.1:1/gis", "cannot be read"),
        ("postgresql+psycopg://127.0.0.1:1/gis?password=S3cret", "cannot be read"),
    ],
)
def test_an_address_that_leads_nowhere_is_told_without_its_password(source: str, says: str) -> None:
    said = refusal(source)
    assert re.search(says, said)
    assert "S3cret" not in said


def test_a_database_that_goes_away_while_it_is_read_is_said(cluster: Cluster) -> None:
    url = publish(cluster.new_database(postgis=True), valid_tables())

    def read_while_it_goes() -> None:
        with postgis.opened(url) as snapshot:
            cluster.stop()
            snapshot.read("lines", "lines")

    try:
        with pytest.raises(SourceError, match="cannot be read:"):
            read_while_it_goes()
    finally:
        cluster.start()
    assert load_network(url).version
