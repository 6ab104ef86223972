"""The demo network: made anew it is the file that we ship, and that file is what its README says."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from functools import cache
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.read import read_tables
from geo.schema import GridTables
from geo.validate import Checked, validate
from notices.addresses import AddressBook
from notices.scope import Scope, write_scope
from outages.facts import Operation, Switching
from outages.impact import assess
from tests.published import urban_tables
from topology.check import check_supply
from topology.network import build_network

EXAMPLES = Path(__file__).parents[1] / "examples"
URBAN = EXAMPLES / "urban.gpkg"

SAME_PLACE = 2e-6
"""Degrees by which a coordinate may differ: rounding, and another version of the geometry libraries."""


@cache
def _checked() -> Checked:
    return validate(read_tables(URBAN))


def _shipped() -> GridTables:
    tables = _checked().tables
    assert tables is not None
    return tables


@pytest.fixture(scope="module")
def made_anew(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    target = tmp_path_factory.mktemp("examples") / "again.gpkg"
    command = [sys.executable, str(EXAMPLES / "make_urban.py"), "--out", str(target)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert str(target.name) in run.stdout.replace("\n", "")
    return dict(read_tables(target).frames)


@pytest.mark.parametrize(
    "table", ["sources", "lines", "switches", "transformers", "customers", "service_areas", "places", "nodes"]
)
def test_the_network_made_anew_is_the_one_that_we_ship(table: str, made_anew: dict[str, pd.DataFrame]) -> None:
    ours, again = read_tables(URBAN).frames[table], made_anew[table]
    assert list(ours.columns) == list(again.columns)
    assert len(ours) == len(again)
    for column in ours.columns:
        if column == "geometry":
            same = shapely.equals_exact(ours.geometry.to_numpy(), again.geometry.to_numpy(), tolerance=SAME_PLACE)
            assert (same | (ours.geometry.isna() & again.geometry.isna())).all()
        elif column in ("x", "y"):
            np.testing.assert_allclose(ours[column], again[column], rtol=0, atol=SAME_PLACE)
        else:
            pd.testing.assert_series_equal(pd.Series(ours[column]), pd.Series(again[column]))


def test_the_file_is_small_and_has_no_spatial_index() -> None:
    assert URBAN.stat().st_size < 8_000_000
    with closing(sqlite3.connect(URBAN)) as database:
        assert database.execute("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'rtree%'").fetchone() == (0,)
        assert database.execute("SELECT count(*) FROM gpkg_extensions").fetchone() == (0,)
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_nothing_is_wrong_with_it() -> None:
    assert [str(problem) for problem in _checked().problems] == []
    assert not _checked().refused
    assert [str(problem) for problem in check_supply(build_network(_shipped()))] == []


@pytest.mark.parametrize("table", ["sources", "lines", "switches", "transformers", "customers"])
def test_the_grid_is_simbenchs_in_all_but_place_and_priority_and_the_names_of_feeders(table: str) -> None:
    published = getattr(urban_tables(), table)
    ours = getattr(_shipped(), table).iloc[: len(published)]
    made_up = {"geometry", "x", "y", "priority", "name", "place_id", "street", "house_number", "building", "feeder"}
    columns = [column for column in published.columns if column not in made_up]
    if table == "customers":
        at_medium_voltage = ours["node"].str.endswith("(synthetic)")
        ours = ours.assign(node=ours["node"].where(~at_medium_voltage, published["node"]))
    pd.testing.assert_frame_equal(pd.DataFrame(ours[columns]), pd.DataFrame(published[columns]))
    if "feeder" in published.columns:
        names = published["feeder"].dropna().unique()
        short = {name: f"F{int(name.removeprefix('Feeder ')):02}" for name in names}
        assert set(short.values()) == {f"F{number:02}" for number in range(1, 15)}
        assert ours["feeder"].equals(published["feeder"].map(short).astype(ours["feeder"].dtype))


def test_six_transformers_are_added_for_the_six_customers_at_medium_voltage_and_nothing_else() -> None:
    tables, published = _shipped(), urban_tables()
    assert (len(published.transformers), len(tables.transformers)) == (135, 135 + 6)
    for table in ("sources", "lines", "switches", "customers"):
        assert len(getattr(tables, table)) == len(getattr(published, table))
    added = tables.transformers.iloc[135:]
    assert (added["ownership"] == "dedicated").all()
    assert (tables.transformers["ownership"].iloc[:135] == "public").all()
    own = tables.customers[tables.customers["node"].isin(added["to_node"])]
    before = published.customers.loc[own.index]
    assert (own["id"] + " Trafo (synthetic)").tolist() == added["id"].tolist()
    assert before["node"].tolist() == added["from_node"].tolist()
    assert before["node"].str.startswith("MV").all()
    assert not tables.customers["node"].str.startswith("MV3.101 B").any()
    assert (own["load_kw"].to_numpy() / 0.8 <= added["kva"].to_numpy()).all()


@cache
def _scopes() -> dict[str, dict[str, Scope]]:
    """Who is affected when one transformer opens, in words, by transformer and language; only where a customer hangs on it."""
    tables = _shipped()
    network = build_network(tables)
    book = AddressBook.of(tables, fed_by=network.transformer_of_customer)
    units = tables.transformers["id"].iloc[np.unique(network.transformer_of_customer)]
    affected = {unit: assess(network, Switching(open=(Operation(unit),))).affected for unit in units}
    return {
        unit: {language: write_scope(book, rows, language=language) for language in ("zh", "en")}
        for unit, rows in affected.items()
    }


def _words(scope: Scope) -> int:
    """How many streets, estates, buildings, and numbers or runs of them a text names."""
    return sum(max(1, len(entry.spots)) for entry in scope.entries)


def test_what_one_transformer_supplies_can_be_said_in_as_few_words_as_the_readme_says() -> None:
    scopes = _scopes()
    readme = re.search(r"the\s+(\d+)\s+transformers.*?needs ([\d.]+) of.*?never more than (\d+)", _readme(), re.DOTALL)
    assert readme, _readme()
    for language in ("zh", "en"):
        words = [_words(scope[language]) for scope in scopes.values()]
        measured = (str(len(words)), f"{np.mean(words):.1f}", str(max(words)))
        assert measured == readme.groups(), language
    assert np.mean([len(scope["zh"].text) for scope in scopes.values()]) < 25
    assert np.mean([len(scope["en"].text) for scope in scopes.values()]) < 80
    assert not any(scope["zh"].over_named for scope in scopes.values())


def test_most_people_live_where_one_transformer_supplies_all_of_the_street_or_estate() -> None:
    scopes = [scope["zh"] for scope in _scopes().values()]
    whole = sum(entry.customers for scope in scopes for entry in scope.entries if entry.how == "whole")
    customers = sum(scope.customers for scope in scopes)
    assert customers == len(_shipped().customers)
    assert 0.5 < whole / customers < 0.8


def test_low_voltage_is_drawn_to_scale_and_medium_voltage_stands_where_it_stood() -> None:
    lines, published = _shipped().lines, urban_tables().lines
    low = (lines["voltage_kv"] < 1).to_numpy()
    drawn_m = lines[low].to_crs("EPSG:25832").geometry.length.sum()
    assert drawn_m == pytest.approx(lines.loc[low, "length_m"].sum(), rel=0.002)
    assert lines[~low].geometry.geom_equals_exact(published[~low].geometry, tolerance=1e-9).all()


def test_service_areas_are_a_coverage_and_hold_their_customers() -> None:
    tables = _shipped()
    areas = tables.service_areas.set_index("transformer_id").geometry
    assert len(areas) == 133
    assert shapely.coverage_is_valid(areas.to_numpy())
    owner = build_network(tables).transformer_of_customer
    public = (tables.transformers["ownership"].iloc[owner] == "public").to_numpy()
    own_area = areas.loc[tables.transformers["id"].iloc[owner[public]]].to_numpy()
    inside = shapely.intersects_xy(own_area, tables.customers["x"][public], tables.customers["y"][public])
    assert inside.mean() > 0.999


def test_every_customer_has_an_address_in_the_tree_of_places() -> None:
    tables = _shipped()
    assert tables.customers[["place_id", "street", "house_number"]].notna().all(axis=None)
    assert tables.customers["place_id"].isin(tables.places["id"]).all()
    top = tables.places[tables.places["parent_id"].isna()]
    assert top["kind"].tolist() == ["county"]
    assert "合成数据" in top["name"].iloc[0]
    assert "synthetic" in top["name_en"].iloc[0]


def test_only_institutions_have_a_name_and_nobody_can_be_reached() -> None:
    customers = _shipped().customers
    named = customers["name"].notna()
    assert (customers["priority"][named] == "important").all()
    assert named.sum() == (customers["priority"] == "important").sum() == 20
    assert (customers["category"][named] != "residential").all()
    assert customers["building"][named].isna().all()
    assert customers[["phone", "email"]].isna().all(axis=None)
    at_home = customers[customers["priority"] == "life_support"]
    assert len(at_home) == 20
    assert (at_home["category"] == "residential").all()


def test_a_gis_reads_every_layer() -> None:
    for table, frame in _shipped().items():
        assert len(gpd.read_file(URBAN, layer=table)) == len(frame)


def _readme() -> str:
    return (EXAMPLES / "README.md").read_text(encoding="utf-8")


def test_the_readme_names_source_licence_and_what_is_made_up() -> None:
    for words in ("https://simbench.de", "10.3390/en13123290", "Open Database License 1.0", "made up", "make_urban.py --out"):
        assert words in _readme()
    for example in ("MV3.101 MV Load 3 Trafo (synthetic)", "F07"):
        assert example in _readme()
        assert example in {*_shipped().transformers["id"], *_shipped().lines["feeder"]}
