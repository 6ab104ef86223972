"""What control sees of an outage, as GeoJSON: right counts, valid shapes that GDAL reads, and words for what is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyogrio
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from maps.affected import count_places
from maps.geojson import feature, written
from maps.layers import affected_geojson, impact_layers
from outages.facts import Operation, Switching
from outages.impact import Impact, assess
from tests.maps.town import make_town
from topology.network import Network

LAYERS = ("areas", "outline", "customers", "transferred", "devices", "lines", "places")


def opened(network: Network, *devices: str, phases: str = "", **more: Any) -> Impact:
    return assess(network, Switching(tuple(Operation(device, phases) for device in devices), **more))


def table(layer: dict[str, Any], *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(item["properties"][column] for column in columns) for item in layer["features"]]


@pytest.mark.parametrize(
    ("devices", "phases", "expected"),
    [
        (("LN-0",), "", [("TR-1", 12, 12, 12, 0, "out", "whole"), ("TR-2", 6, 6, 6, 0, "out", "whole")]),
        (("TR-3",), "B", [("TR-3", 3, 3, 0, 3, "partial", "whole")]),
        (("LN-1",), "", [("TR-2", 6, 6, 6, 0, "out", "whole")]),
    ],
    ids=["a section", "one phase of a transformer", "the last section"],
)
def test_the_areas_say_how_many_are_affected_behind_each_transformer(town: Network, devices, phases, expected):
    columns = ("transformer", "customers", "affected", "out", "partial", "state", "extent")
    assert table(impact_layers(opened(town, *devices, phases=phases)).areas, *columns) == expected


def test_an_area_is_affected_in_part_where_some_customers_stay_supplied():
    # The other customers of the transformer hang on the phases that stay.
    network = make_town((10,), extra={"phases": ["B" if j < 4 else "AC" for j in range(10)]})
    assert table(impact_layers(opened(network, "TR-0", phases="B")).areas, "affected", "out", "extent") == [(4, 4, "part")]


def test_each_affected_customer_says_by_what_it_was_cut(town: Network):
    customers = impact_layers(opened(town, "LN-1", "TR-3")).customers
    assert {(row[0].split("-")[1], *row[1:]) for row in table(customers, "id", "state", "cut_by")} == {
        ("2", "out", "LN-1"),
        ("3", "out", "TR-3"),
    }


def test_a_customer_that_a_tie_keeps_supplied_is_in_the_layer_of_the_transferred(town: Network):
    layers = impact_layers(opened(town, "LN-0", close=(Operation("TIE-1"),)))
    assert layers.customers["features"] == []
    assert set(table(layers.transferred, "state", "cut_by")) == {("transferred", None)}
    assert len(layers.transferred["features"]) == 12 + 6


def test_devices_carry_their_role_and_stand_where_their_nodes_are(town: Network):
    impact = opened(town, "LN-0", close=(Operation("TIE-1"),), fault=("a5",))
    devices = impact_layers(impact).devices
    assert table(devices, "id", "role", "kind", "feeder") == [
        ("LN-0", "opened", "line", "F1"),
        ("BRK-2", "cleared", "breaker", "F2"),
        ("TIE-1", "closed", "load_break", None),
        ("a5", "fault", "node", None),
    ]
    assert [item["geometry"]["type"] for item in devices["features"]] == ["LineString", "LineString", "LineString", "Point"]


def test_the_outline_is_the_union_of_the_areas(town: Network):
    layers = impact_layers(opened(town, "BRK-1"))
    union = shapely.union_all([shapely.geometry.shape(item["geometry"]) for item in layers.areas["features"]])
    (outline,) = layers.outline["features"]
    assert shapely.geometry.shape(outline["geometry"]).equals(union)
    assert outline["properties"] == {"customers": 58, "out": 58, "partial": 0}


def test_map_layers_hold_no_name_and_no_telephone_number_but_the_affected_list_does(town: Network):
    impact = opened(town, "LN-0")
    on_the_map = json.dumps(vars(impact_layers(impact)), default=str, ensure_ascii=False)
    assert "0755-" not in on_the_map
    assert "House" not in on_the_map
    listed = table(affected_geojson(impact), "id", "phone", "name", "state", "cut_by", "transformer", "feeder")
    assert listed[0] == ("CUST-1-0", "0755-00100000", "House 1/0", "out", "LN-0", "TR-1", "F1")
    assert len(listed) == 18


def test_places_are_counted_by_community_the_most_affected_first(town: Network):
    found = [(place.path_en, place.affected, place.customers) for place in count_places(opened(town, "LN-0"))]
    top = ("Yunxi County", "Qingshi")
    assert found == [((*top, "Community 0"), 12, 52), ((*top, "Community 1"), 6, 9)]


def test_customers_in_no_named_place_are_counted_too():
    impact = opened(make_town((7, 5), extra={"place_id": ["K0-street"] * 3 + [None] * 9}), "TR-0")
    assert [(place.path_en[-1:], place.affected, place.customers) for place in count_places(impact)] == [
        (("Community 0",), 3, 3),
        ((), 4, 9),
    ]


def test_places_and_feeders_near_the_outage_are_the_background(town: Network):
    layers = impact_layers(opened(town, "LN-1"))
    assert {row[0] for row in table(layers.places, "kind")} == {"county", "town", "community", "street"}
    assert table(layers.lines, "feeder") == [("F1",)]


# What there is without coordinates.


def test_without_any_geometry_the_lists_are_whole_and_the_layers_say_what_is_missing():
    impact = opened(make_town((10, 4), geometry=False), "BRK-1")
    layers = impact_layers(impact)
    assert len(layers.customers["features"]) == 10
    assert not any(item["geometry"] for name in LAYERS for item in getattr(layers, name)["features"])
    assert [gap.says("en") for gap in layers.missing] == [
        "1 of 1 affected public transformers have no service area: add the table service_areas.",
        "10 of 10 affected customers have no coordinates: add x and y to customers, or to nodes.",
        "1 of 1 devices concerned have no coordinates: add their geometry, or x and y of their nodes.",
        "No place has a shape, so there is no background: add geometry to places.",
    ]
    assert layers.missing[1].says("zh") == "受影响的 10 个用户中，10 个没有坐标：请在 customers 或 nodes 表中补充 x、y。"


def test_a_customer_without_coordinates_stands_at_its_node():
    network = make_town((2,), extra={"x": [None, None], "y": [None, None], "node": ["a0", "a0"]})
    points = [item["geometry"] for item in impact_layers(opened(network, "BRK-1")).customers["features"]]
    assert points == [{"type": "Point", "coordinates": [113.0, 23.0]}] * 2


def test_an_outage_that_affects_nobody_gives_empty_layers(town: Network):
    layers = impact_layers(opened(town, "TIE-1"))
    assert [len(getattr(layers, name)["features"]) for name in ("areas", "outline", "customers", "transferred")] == [0] * 4
    assert layers.missing == ()


# GeoJSON as the standard and GDAL want it.


def read_by_gdal(layer: dict[str, Any], path: Path) -> Any:
    path.write_text(json.dumps(layer, ensure_ascii=False), encoding="utf-8")
    return pyogrio.read_dataframe(path)


@pytest.mark.parametrize("name", LAYERS)
def test_gdal_reads_every_layer_back_whole_and_valid(town: Network, name: str, tmp_path: Path):
    impact = opened(town, "LN-0", "TR-3", phases="B", close=(Operation("TIE-1", "B"),))
    layer = getattr(impact_layers(impact), name)
    frame = read_by_gdal(layer, tmp_path / f"{name}.geojson")
    assert len(frame) == len(layer["features"])
    if len(frame):
        assert frame.crs == "EPSG:4326"
        assert frame.geometry.is_valid.all()
        assert frame.total_bounds[0] > 100 > frame.total_bounds[3]


def test_gdal_reads_the_affected_list_back_with_its_columns(town: Network, tmp_path: Path):
    impact = opened(town, "LN-0")
    frame = read_by_gdal(affected_geojson(impact), tmp_path / "affected.geojson")
    assert list(frame["id"]) == list(town.tables.customers["id"].iloc[impact.affected])
    assert list(frame["load_kw"]) == [1.5] * 18
    assert frame["email"].isna().all()


def test_gdal_reads_the_affected_list_of_a_network_without_coordinates(tmp_path: Path):
    frame = read_by_gdal(affected_geojson(opened(make_town((7,), geometry=False), "BRK-1")), tmp_path / "affected.geojson")
    assert len(frame) == 7


shapes_drawn = st.lists(
    st.tuples(st.floats(-179, 179), st.floats(-85, 85), st.floats(1e-7, 0.5), st.integers(1, 5)), min_size=1, max_size=4
).map(lambda rounds: shapely.union_all([shapely.Point(x, y).buffer(r, quad_segs=n) for x, y, r, n in rounds]))


@given(shapes_drawn, st.integers(3, 7))
def test_what_is_written_is_valid_and_counter_clockwise_with_few_digits(shape: Any, digits: int):
    geometry = written(shape, digits=digits)
    if geometry is None:
        assert shape.area < 10.0 ** (2 - 2 * digits)
        return
    read = shapely.geometry.shape(geometry)
    assert read.is_valid
    for polygon in getattr(read, "geoms", [read]):
        assert polygon.exterior.is_ccw
        assert not any(hole.is_ccw for hole in polygon.interiors)
    assert all(round(number, digits) == number for number in shapely.get_coordinates(read).ravel().tolist())


def test_absent_values_and_shapes_become_null():
    made = feature(shapely.Polygon(), {"a": float("nan"), "b": None, "c": 0, "d": ""})
    assert made == {"type": "Feature", "properties": {"a": None, "b": None, "c": 0, "d": ""}, "geometry": None}
