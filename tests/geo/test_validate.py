"""What the check makes of tables: defaults, what is set aside with what, what is kept against all odds, and when it refuses."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.raw import RawTables
from geo.schema import CRS, TABLES, GridTables, Problem
from geo.validate import Checked, validate
from tests.geo.valid import assert_every_row_is_accounted_for, assert_sound, drawn, valid_frames, with_cell

Frames = dict[str, pd.DataFrame]


def check(frames: Frames, **options: Any) -> Checked:
    raw = RawTables(drawn(frames))
    checked = validate(raw, **options)
    assert_every_row_is_accounted_for(raw, checked)
    return checked


def tables_of(frames: Frames, **options: Any) -> GridTables:
    tables = check(frames, **options).tables
    assert tables is not None
    return tables


def find(checked: Checked, table: str, rule: str) -> Problem:
    (problem,) = [p for p in checked.problems if p.table == table and rule in p.rule]
    return problem


def mandatory_only(frames: Frames) -> Frames:
    return {
        name: frame[[c.name for c in TABLES[name].columns if c.required]]
        for name, frame in frames.items()
        if name != "service_areas"
    }


def test_only_the_mandatory_columns_make_a_network_without_a_map() -> None:
    checked = check(
        mandatory_only({name: valid_frames()[name] for name in ("sources", "lines", "switches", "transformers", "customers")})
    )
    assert_sound(checked)
    assert [str(p) for p in checked.problems] == [
        "nodes: is absent, and nothing else has coordinates: there is nothing to draw. "
        "Add x, y or a geometry to have maps; lists and notices need none."
    ]
    assert checked.tables is not None
    customer = checked.tables.customers.iloc[0]
    assert (customer["priority"], customer["load_kw"], customer["phases"]) == ("none", 0.0, customer["phases"])
    assert checked.tables.lines.loc[0, "phases"] == "ABC"
    assert checked.tables.service_areas.empty
    assert checked.tables.service_areas.crs == CRS


def test_rows_and_ids_keep_the_order_of_the_input() -> None:
    frames = valid_frames()
    frames["customers"] = frames["customers"].sample(frac=1.0, random_state=3)
    assert tables_of(frames).customers["id"].tolist() == frames["customers"]["id"].tolist()


def test_words_are_taken_whatever_their_capitals_and_spaces() -> None:
    frames = with_cell("switches", "Q1", "kind", " Load-Break ")
    frames["switches"].loc[2, "normal_state"] = "CLOSED"
    frames["customers"].loc[3, ["phases", "priority"]] = ["b", "Life support"]
    tables = tables_of(frames)
    assert tables.switches.loc[1, "kind"] == "load_break"
    assert tables.switches.loc[2, "normal_state"] == "closed"
    assert tables.customers.loc[3, ["phases", "priority"]].tolist() == ["B", "life_support"]


@pytest.mark.parametrize("phases", ["A", "BC", "CAB", "12", "2"])
def test_any_letters_once_each_are_phases(phases: str) -> None:
    assert tables_of(with_cell("customers", "C1", "phases", phases)).customers.loc[1, "phases"] == phases


@pytest.mark.parametrize("connection", ["delta_wye", "wye_delta", "delta_delta", "centre_tapped"])
def test_windings_of_other_connections_may_have_other_numbers_of_phases(connection: str) -> None:
    frames = with_cell("transformers", "T1", "connection", connection)
    frames["transformers"].loc[1, ["from_phases", "to_phases"]] = ["AB", "1"]
    checked = check(frames)
    assert checked.problems == ()
    assert checked.tables is not None
    assert checked.tables.transformers.loc[1, "to_phases"] == "1"


def test_fewer_phases_than_the_three_of_an_absent_cell_are_said() -> None:
    frames = valid_frames()
    frames["lines"]["phases"] = ""
    frames["lines"].loc[1, "to_phases"] = "AB"
    assert find(check(frames), "lines", "another number of phases").ids == ("L1",)


def test_a_transformer_set_aside_takes_its_customers_and_its_area_along_and_says_so() -> None:
    checked = check(with_cell("transformers", "T5", "from_node", ""))
    aside = checked.quarantined
    assert sorted(aside) == ["customers", "service_areas", "transformers"]
    assert aside["customers"]["id"].tolist() == ["C10", "C11"]
    assert aside["customers"]["why"].unique().tolist() == ["node is a node that only rows set aside name (transformers T5)"]
    assert aside["service_areas"]["transformer_id"].tolist() == ["T5"]
    assert find(checked, "customers", "only rows set aside").ids == ("C10", "C11")
    assert_sound(checked)


def test_a_node_exists_as_soon_as_a_device_a_source_or_the_table_of_nodes_names_it() -> None:
    frames = valid_frames()
    frames["customers"].loc[0:2, "node"] = ["n0", "m3", "n25"]
    frames["nodes"].loc[4, "id"] = "spare"
    frames["customers"].loc[3, "node"] = "spare"
    assert check(frames).quarantined == {}


def test_quarantined_rows_keep_their_own_cells_and_say_every_reason() -> None:
    frames = with_cell("customers", "C7", "node", " ")
    frames["customers"].loc[7, ["id", "load_kw"]] = [None, "much"]
    aside = check(frames).quarantined["customers"]
    assert aside.index.tolist() == [7]
    assert aside.loc[7, ["node", "load_kw"]].tolist() == [" ", "much"]
    assert aside.loc[7, "why"] == "id is empty; node is empty"


def test_a_second_row_of_an_id_is_only_set_aside_while_the_first_one_is_kept() -> None:
    frames = with_cell("lines", "L3", "from_node", "")
    frames["lines"].loc[4, "id"] = "L3"
    checked = check(frames, limit=1.0)
    assert checked.quarantined["lines"].index.tolist() == [3]
    assert checked.tables is not None
    assert "L3" in set(checked.tables.lines["id"])


@pytest.mark.parametrize(("broken", "refused"), [(1, False), (2, True)])
def test_more_broken_rows_than_the_limit_refuse_the_network(broken: int, refused: bool) -> None:
    frames = valid_frames()
    frames["lines"].loc[: broken - 1, "from_node"] = ""
    checked = check(frames)
    assert checked.refused is refused
    assert (checked.tables is None) is refused
    assert len(checked.quarantined["lines"]) == broken


def test_the_limit_is_an_argument() -> None:
    frames = valid_frames()
    frames["lines"].loc[:4, "from_node"] = ""
    assert check(frames, limit=0.2).refused is False
    assert check(with_cell("lines", "L1", "id", ""), limit=0.0).refused is True
    assert check(valid_frames(), limit=0.0).refused is False


def test_bad_optional_cells_never_refuse_a_network() -> None:
    frames = valid_frames()
    frames["customers"] = frames["customers"].assign(place_id="?", phases="?", load_kw="?", x="?")
    checked = check(frames)
    assert len(tables_of(frames).customers) == 50
    assert {p.column for p in checked.problems} == {"place_id", "phases", "load_kw", "x"}


def test_a_place_set_aside_hands_its_customers_to_the_place_above() -> None:
    frames = with_cell("places", "P3", "kind", "?")
    frames["places"].loc[4, "parent_id"] = "P3"
    checked = check(frames)
    assert checked.tables is not None
    assert checked.tables.customers.loc[[2, 7], "place_id"].tolist() == ["P0", "P0"]
    assert checked.tables.places.set_index("id").loc["P4", "parent_id"] == "P0"
    assert find(checked, "customers", "is a place that was set aside").ids[:2] == ("C2", "C7")


def test_a_chain_of_places_set_aside_is_climbed_and_a_circle_of_them_ends() -> None:
    frames = valid_frames()
    frames["places"].loc[1:4, "name"] = ""
    frames["places"].loc[1:4, "parent_id"] = ["P2", "P0", "P4", "P3"]
    customers = tables_of(frames).customers
    assert customers.loc[0, "place_id"] == "P0"
    assert customers.loc[2:3, "place_id"].isna().all()


def test_only_places_on_a_circle_lose_their_parent() -> None:
    frames = valid_frames()
    frames["places"].loc[1:4, "parent_id"] = ["P2", "P3", "P2", "P1"]
    places = tables_of(frames).places.set_index("id")
    assert places["parent_id"].dropna().to_dict() == {"P1": "P2", "P4": "P1", "P5": "P0"}


def test_coordinates_of_any_crs_come_out_in_wgs84() -> None:
    frames = valid_frames()
    frames["customers"] = frames["customers"].assign(x="2600000", y="1200000")
    raw = RawTables(drawn(frames), crs={"customers": "EPSG:2056"})
    tables = validate(raw).tables
    assert tables is not None
    np.testing.assert_allclose(tables.customers.loc[0, ["x", "y"]].to_numpy(dtype=float), [7.43863, 46.95108], atol=1e-4)


def test_geometry_under_another_name_and_of_another_crs_is_found() -> None:
    frames = valid_frames()
    lines = frames["lines"].drop(columns="geometry")
    shape = gpd.GeoSeries(shapely.from_wkt(frames["lines"]["geometry"]), crs=4326).to_crs(3857)
    frames["lines"] = gpd.GeoDataFrame(lines.assign(shape=shape), geometry="shape", crs=3857)
    tables = tables_of(frames)
    assert tables.lines.geometry.iloc[0].equals_exact(shapely.from_wkt(valid_frames()["lines"].loc[0, "geometry"]), 1e-9)


def test_a_wrapped_single_geometry_is_unwrapped_where_only_that_is_taken() -> None:
    frames = valid_frames()
    shapes = np.array([shapely.MultiPoint([(120, 30)])] * 25, dtype=object)
    frames["switches"] = gpd.GeoDataFrame(frames["switches"].drop(columns="geometry"), geometry=shapes, crs=4326)
    tables = tables_of(frames)
    assert set(tables.switches.geom_type) == {"Point"}


def test_a_column_that_is_there_twice_is_refused() -> None:
    frames = valid_frames()
    frames["lines"] = pd.concat([frames["lines"], frames["lines"][["id"]]], axis=1)
    checked = check(frames)
    assert checked.refused
    assert find(checked, "lines", "is there twice").column == "id"


def test_columns_of_nobody_are_named_and_left_out() -> None:
    checked = check(with_cell("lines", "L1", "colour", "red"))
    assert "colour" in find(checked, "lines", "not in the data model").rule
    assert checked.tables is not None
    assert "colour" not in checked.tables.lines


def test_what_reading_said_is_passed_on() -> None:
    remark = Problem("lines", "", "was odd", (), "Look at it.", "warning")
    assert validate(RawTables(drawn(valid_frames()), (remark,))).problems == (remark,)


def test_lines_that_had_no_place_in_their_table_count_and_are_kept_last() -> None:
    damaged = pd.DataFrame({"id": ["C50"], "node": [""], "why": ["row 52 has 2 cells and the header 3"]})
    raw = RawTables(with_cell("customers", "C7", "node", "?"), damaged={"customers": damaged})
    checked = validate(raw)
    assert_every_row_is_accounted_for(raw, checked)
    assert checked.rows_read["customers"] == 51
    assert checked.quarantined["customers"]["id"].tolist() == ["C7", "C50"]
    assert validate(raw, limit=0.03).refused


def test_the_input_is_not_changed() -> None:
    frames = with_cell("customers", "C7", "load_kw", "?")
    before = {name: frame.copy(deep=True) for name, frame in frames.items()}
    check(frames)
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(frame, before[name])


def test_a_checked_network_is_checked_again_without_a_word() -> None:
    first = tables_of(with_cell("customers", "C7", "place_id", "?"))
    again = check(dict(first.items()))
    assert again.problems == ()
    assert again.tables is not None
    for (name, mine), (_, theirs) in zip(first.items(), again.tables.items(), strict=True):
        pd.testing.assert_frame_equal(pd.DataFrame(mine), pd.DataFrame(theirs), obj=name)
